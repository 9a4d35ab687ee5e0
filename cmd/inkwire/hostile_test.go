package main

import (
	"bytes"
	"compress/flate"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/inkwire/inkwire/crdt"
	"github.com/inkwire/inkwire/lib0"
)

// A protocol is a gateway as hostile clients see it.
type protocol struct {
	name, path string
	key        []byte   // before each message
	hello      [][]byte // the messages of a client that comes in order
	// The codes for a malformed message, one too large, and text.
	malformed, large, text int
	// Whether an update that can't be taken is answered by a message.
	answers bool
}

func protocols(document string) []protocol {
	key := lib0.AppendString(nil, document)
	return []protocol{
		{"y-websocket", "/yjs/" + document, nil, [][]byte{{0, 0, 1, 0}}, 4400, 4413, 1003, false},
		{"hocuspocus", "/hocuspocus", key, [][]byte{{2, 0, 0}, {0, 0, 1, 0}}, 1002, 1009, 1003, true},
	}
}

// A mishap is what may come of a hostile input.
type mishap int

const (
	malformed mishap = iota // closed as malformed, or one document's session ended where the protocol can
	large                   // closed as too large
	text                    // closed as text
	badUTF8                 // closed as bad UTF-8
	refused                 // an update or presence that isn't taken: closed, or answered where the protocol can
	any_                    // whatever is told clearly, or nothing wrong with it
)

// hostile is an input and what must come of it.
type hostile struct {
	name  string
	want  []mishap
	bytes []byte // frames
}

// hostileInputs are those made by hand.
func hostileInputs(p protocol) []hostile {
	m := func(b ...byte) []byte { return message(append(slices.Clone(p.key), b...)) }
	body := func(first []byte, b []byte) []byte { return m(lib0.AppendBytes(slices.Clone(first), b)...) }
	step1 := func(b ...byte) []byte { return body([]byte{0, 0}, b) }
	update := func(b ...byte) []byte { return body([]byte{0, 2}, b) }
	presence := func(b ...byte) []byte { return body([]byte{1}, b) }
	state := func(json string) []byte {
		return presence(lib0.AppendString([]byte{1, 77, 1}, json)...)
	}
	endless := bytes.Repeat([]byte{0xff}, 12)
	huge := lib0.AppendUvarint(nil, 1<<40)
	one := func(w mishap) []mishap { return []mishap{w} }
	all := []hostile{
		{"nothing", one(malformed), message(nil)},
		{"text", one(text), frame(bitFin|opText, []byte("hello"))},
		{"text that isn't UTF-8", []mishap{badUTF8, text}, frame(bitFin|opText, []byte{0xc3, 0x28})},
		{"an unknown message", one(malformed), m(77)},
		{"an endless message type", one(malformed), m(endless...)},
		{"a sync message without a kind", one(malformed), m(0)},
		{"an unknown sync message", one(malformed), m(0, 7)},
		{"step 1 without a vector", one(malformed), m(0, 0)},
		{"a vector longer than its message", one(malformed), m(0, 0, 200, 1, 0)},
		{"a vector cut off", one(malformed), step1(2, 1, 1)},
		{"a vector that claims a million clients", one(malformed), step1(lib0.AppendUvarint(nil, 1_000_000)...)},
		{"a vector that claims 2^40 clients", one(malformed), step1(huge...)},
		{"a vector of a million clients", []mishap{malformed, large, any_}, step1(vectorOf(1_000_000)...)},
		{"bytes after step 1", one(malformed), m(0, 0, 1, 0, 1, 2, 3)},
		{"an update longer than its message", one(malformed), m(0, 2, 200, 1, 0)},
		{"an update of 2^40 bytes", one(malformed), m(append([]byte{0, 2}, huge...)...)},
		{"an empty update", one(refused), update()},
		{"an update of 2^40 clients", one(refused), update(huge...)},
		{"an update of 2^40 structs", one(refused), update(append([]byte{1}, huge...)...)},
		{"an update of endless numbers", one(refused), update(endless...)},
		{"an unknown content", one(refused), update(1, 1, 5, 0, 31, 0)},
		{"a string longer than its update", one(refused), update(1, 1, 5, 0, 4, 1, 1, 't', 200, 'x', 0)},
		{"a string that isn't UTF-8", one(refused), update(1, 1, 5, 0, 4, 1, 1, 't', 2, 0xc3, 0x28, 0)},
		{"a struct of no length", one(refused), update(1, 1, 5, 0, 0, 0, 0)},
		{"a struct beyond the clock", one(refused), update(append([]byte{1, 1, 5, 0, 0}, append(huge, 0)...)...)},
		{"deletes of 2^40 clients", one(refused), update(append([]byte{0}, huge...)...)},
		{"deletes of 2^40 ranges", one(refused), update(append([]byte{0, 1, 5}, huge...)...)},
		{"bytes after an update's end", []mishap{refused, any_}, update(0, 0, 9, 9, 9)},
		{"a million structs", []mishap{refused, any_}, update(structs(1_000_000)...)},
		{"a million deletes", []mishap{refused, any_}, update(deletes(1_000_000)...)},
		{"values a hundred thousand deep", one(refused), update(deep(100_000)...)},
		{"awareness without a body", one(malformed), m(1)},
		{"awareness of 2^40 clients", []mishap{malformed, refused}, presence(huge...)},
		{"awareness cut off", []mishap{malformed, refused}, presence(1, 77)},
		{"awareness that isn't JSON", []mishap{malformed, refused, any_}, state("{")},
		{"awareness a hundred thousand deep", []mishap{malformed, refused}, state(strings.Repeat("[", 100_000))},
		{"awareness closed a hundred thousand deep", []mishap{malformed, refused},
			state(strings.Repeat("[", 30_000) + strings.Repeat("]", 30_000))},
		{"awareness of a megabyte", []mishap{malformed, refused, large}, state(`"` + strings.Repeat("x", 1<<20) + `"`)},
		{"awareness that isn't UTF-8", []mishap{malformed, refused}, state("\"\xc3\x28\"")},
		// RFC 6455, sections 5.1 to 5.5.
		{"an unmasked frame", one(malformed), []byte{bitFin | opBinary, 1, 0}},
		{"a reserved bit", one(malformed), frame(bitFin|0x20|opBinary, []byte{0})},
		{"a reserved opcode", one(malformed), frame(bitFin|3, []byte{0})},
		{"a reserved control opcode", one(malformed), frame(bitFin|11, nil)},
		{"a control frame in fragments", one(malformed), frame(opPing, nil)},
		{"a control frame of 126 bytes", one(malformed), frame(bitFin|opPing, make([]byte, 126))},
		{"a continuation of nothing", one(malformed), frame(bitFin|opContinue, []byte{0})},
		{"a message within a message", one(malformed), append(frame(opBinary, []byte{0}), message([]byte{0})...)},
		{"a close of one byte", one(malformed), frame(bitFin|opClose, []byte{3})},
		{"a close of code 1005", one(malformed), frame(bitFin|opClose, []byte{3, 0xed})},
		{"a close that isn't UTF-8", []mishap{badUTF8, malformed}, frame(bitFin|opClose, []byte{3, 0xe8, 0xc3, 0x28})},
		{"a frame of 2^63 bytes", []mishap{malformed, large}, head(bitFin|opBinary, 1<<63)},
		{"a frame of 2^40 bytes", one(large), append(head(bitFin|opBinary, 1<<40), 0, 0, 0, 0)},
		{"fragments beyond the largest message", one(large), fragments(40, 1<<20)},
		{"a hundred thousand empty fragments", []mishap{malformed, large, any_}, fragments(100_000, 0)},
	}
	return all
}

// mutants are a well-formed client's messages with something wrong about each.
func mutants(p protocol, count int) []hostile {
	random := rand.New(rand.NewPCG(20261124, uint64(len(p.key))))
	doc := crdt.New(crdt.Options{ClientID: 900})
	t, _ := doc.Text("hostile")
	t.Insert(0, "some text that a client wrote, für 文書", nil)
	t.Format(3, 8, lib0.NewObject("bold", true))
	t.Delete(12, 4)
	state := doc.EncodeStateAsUpdate(nil)
	good := [][]byte{
		lib0.AppendBytes([]byte{0, 0}, doc.EncodeStateVector()),
		lib0.AppendBytes([]byte{0, 1}, state),
		lib0.AppendBytes([]byte{0, 2}, state),
		lib0.AppendBytes([]byte{1}, lib0.AppendString([]byte{1, 78, 1}, `{"user":{"name":"x"}}`)),
		{3},
	}
	var all []hostile
	for i := range count {
		b := append(slices.Clone(p.key), good[random.IntN(len(good))]...)
		at := random.IntN(len(b))
		var how string
		switch random.IntN(5) {
		case 0:
			how, b = "cut off", b[:at]
		case 1:
			how = "changed"
			for range 1 + random.IntN(4) {
				b[random.IntN(len(b))] = byte(random.Uint32())
			}
		case 2:
			how, b = "with a hole", append(b[:at:at], b[min(len(b), at+1+random.IntN(9)):]...)
		case 3:
			how, b = "with a number too large", slices.Insert(b, at, 0xff, 0xff, 0xff, 0xff, 0x0f)
		case 4:
			how, b = "said twice", append(b, b...)
		}
		all = append(all, hostile{fmt.Sprintf("mutant %d, %s at %d", i, how, at), []mishap{malformed, refused, any_}, message(b)})
	}
	return all
}

func vectorOf(clients uint64) []byte {
	b := lib0.AppendUvarint(nil, clients)
	for i := range clients {
		b = lib0.AppendUvarint(lib0.AppendUvarint(b, i+1<<20), 1)
	}
	return b
}

// structs is an update of many garbage structs.
func structs(n uint64) []byte {
	b := append(lib0.AppendUvarint([]byte{1}, n), 5, 0)
	return append(append(b, bytes.Repeat([]byte{0, 1}, int(n))...), 0)
}

func deletes(n uint64) []byte {
	b := lib0.AppendUvarint([]byte{0, 1, 5}, n)
	for i := range n {
		b = append(lib0.AppendUvarint(b, 2*i), 1)
	}
	return b
}

// deep is an update of one value, an array in an array and so on.
func deep(n int) []byte {
	b := []byte{1, 1, 5, 0, 8, 1, 1, 't', 1}
	b = append(b, bytes.Repeat([]byte{117, 1}, n)...)
	return append(b, 126, 0)
}

func fragments(n, size int) []byte {
	b := frame(opBinary, make([]byte, size))
	return append(b, bytes.Repeat(frame(opContinue, make([]byte, size)), n)...)
}

// bomb is a deflated message of so many megabytes, a thousandth as long.
func bomb(megabytes int) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestCompression)
	w.Write(make([]byte, 1<<20))
	w.Flush() // such a block can be said again and again
	all := bytes.Repeat(b.Bytes(), megabytes)
	return frame(bitFin|bitRsv1|opBinary, bytes.TrimSuffix(all, []byte{0, 0, 0xff, 0xff}))
}

// residentMB is how much memory a process has, in MB.
func (p *process) residentMB() int {
	p.t.Helper()
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), "status"))
	if err != nil {
		p.t.Skip("this needs Linux's /proc: ", err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kb, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		p.t.Fatal(err)
	}
	return kb >> 10
}

// What a server had to bear is forgotten when it has at most so many MB more than
// before. The collector runs every two minutes when there is little to do, and
// gives memory back at its leisure.
const (
	memoryMargin   = 48
	memoryPatience = 200 * time.Second
)

// forgets waits until the program has given back the memory it took.
func (p *process) forgets(before int) {
	p.t.Helper()
	begun, now := time.Now(), p.residentMB()
	first := now
	for tick := time.NewTicker(time.Second); now > before+memoryMargin; now = p.residentMB() {
		if <-tick.C; time.Since(begun) > memoryPatience {
			p.t.Errorf("the server has %d MB, %d MB before", now, before)
			break
		}
	}
	p.t.Logf("RSS %d MB before, %d MB after, %d MB %v later", before, first, now, time.Since(begun).Round(time.Second))
}

// Each hostile input ends with a clear word, the server's memory is what it was,
// and a writer and a reader in the same document lose nothing.
func TestHostileInput(t *testing.T) {
	t.Parallel()
	program := build(t)
	for _, p := range protocols("hostile") {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			srv := start(t, program, "127.0.0.1:0", t.TempDir())
			pair := newPair(t, srv, "hostile")
			before, rss := pair.rest(), srv.residentMB()
			inputs := append(hostileInputs(p), mutants(p, 60)...)
			for _, in := range inputs {
				attack(t, srv.addr, p, in)
				if slowest := pair.slowest(); slowest > slowEdit {
					t.Logf("an edit took %.0f ms beside %s", slowest, in.name)
				}
			}
			attackDeflated(t, srv.addr, p)
			during := pair.rest()
			t.Logf("%d inputs; before: %v; during: %v", len(inputs)+1, before, during)
			rest := pair.rest()
			rounds := flood(t, srv.addr, p, inputs)
			t.Logf("%d inputs from %d sockets at once; before: %v; during: %v", rounds, floodSockets, rest, pair.rest())
			t.Logf("after: %v", pair.rest())
			pair.end()
			// What came to be in the document goes with its room; somebody else writes on.
			pair = newPair(t, srv, "another")
			srv.forgets(rss)
			pair.end()
			srv.stop()
		})
	}
}

// attack sends one input and checks what comes of it.
func attack(t *testing.T, addr string, p protocol, in hostile) {
	t.Helper()
	s, err := dialRaw(addr, p.path, "")
	if err != nil {
		t.Fatalf("%s: %v", in.name, err)
	}
	defer s.Close()
	for _, m := range p.hello {
		s.Write(message(append(slices.Clone(p.key), m...)))
	}
	s.Write(in.bytes)
	judge(t, p, s, in)
}

func judge(t *testing.T, p protocol, s *rawSocket, in hostile) {
	t.Helper()
	e, err := p.settle(s)
	if err != nil {
		t.Errorf("%s: %v", in.name, err)
		return
	}
	if e.code != 0 && e.reason == "" {
		t.Errorf("%s: closed with %d, without a reason", in.name, e.code)
	}
	for _, w := range in.want {
		switch w {
		case malformed:
			if e.code == p.malformed || e.code == 1002 || p.answers && e.code == 0 && saysNo(p, e.got) {
				return
			}
		case large:
			if e.code == p.large || e.code == 1009 {
				return
			}
		case text:
			if e.code == p.text {
				return
			}
		case badUTF8:
			if e.code == 1007 {
				return
			}
		case refused:
			if !p.answers && (e.code == p.malformed || e.code == p.large) || p.answers && e.code == 0 && saysNo(p, e.got) {
				return
			}
		case any_:
			if e.code == 0 || e.code == p.malformed || e.code == p.large {
				return
			}
		}
	}
	t.Errorf("%s: it came to code %d %q and %d messages", in.name, e.code, e.reason, len(e.got))
}

// settle waits for what comes of all that the socket sent. y-websocket's messages
// are taken before a ping that follows them; Hocuspocus's when a step 1 that
// follows them is answered.
func (p protocol) settle(s *rawSocket) (ending, error) {
	if !p.answers {
		return s.settle(frame(bitFin|opPing, []byte("alive?")), nil)
	}
	state := append(slices.Clone(p.key), 0, 1)
	return s.settle(message(append(slices.Clone(p.key), 0, 0, 1, 0)), func(messages [][]byte) bool {
		states := 0
		for _, m := range messages {
			if bytes.HasPrefix(m, state) {
				states++
			}
		}
		return states == 2 || saysNo(p, messages)
	})
}

// saysNo reports whether one of Hocuspocus's messages refuses: SyncStatus 0 or
// permission denied.
func saysNo(p protocol, messages [][]byte) bool {
	for _, m := range messages {
		rest, ok := bytes.CutPrefix(m, p.key)
		if ok && len(rest) > 1 && (rest[0] == 8 && rest[1] == 0 || rest[0] == 2 && rest[1] == 1) {
			return true
		}
	}
	return false
}

// attackDeflated sends a message of a gigabyte as a megabyte, if the server
// takes deflated ones.
func attackDeflated(t *testing.T, addr string, p protocol) {
	t.Helper()
	s, err := dialRaw(addr, p.path, deflate)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	want := []mishap{large}
	if !s.deflates {
		want = []mishap{malformed} // a reserved bit then
	}
	for _, m := range p.hello {
		s.Write(message(append(slices.Clone(p.key), m...)))
	}
	s.Write(bomb(1 << 10))
	judge(t, p, s, hostile{name: "a deflated gigabyte", want: want})
}
