package hocuspocus_test

import (
	"bytes"
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/inkwire/inkwire/awareness"
	"github.com/inkwire/inkwire/crdt"
	"github.com/inkwire/inkwire/internal/gateway/hocuspocus"
	"github.com/inkwire/inkwire/internal/store"
	"github.com/inkwire/inkwire/internal/ws"
	"github.com/inkwire/inkwire/lib0"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSession(t *testing.T) {
	s := serve(t, nil, nil)
	for _, key := range []string{"doc", "doc\x00session"} {
		t.Run(key, func(t *testing.T) {
			a, b := dial(t, s), dial(t, s)
			a.open(key)
			b.send(str(key), []byte{2, 0}, str("a token"), str("4.8.0"))
			b.gets(str(key), []byte{2, 2}, str("read-write"))
			b.sync(key)
			// No SyncStatus before the client's step 2.
			a.send(str(key), sync2(empty))
			a.gets(str(key), saved)
			a.send(str(key), []byte{2, 0, 0}) // a token again
			a.gets(str(key), []byte{2, 2}, str("read-write"))
			a.send(str(key), []byte{5}, str("anything"))
			a.lives()
			// After the close message the key is unknown.
			a.send(str(key), []byte{7})
			a.send(str(key), []byte{1, 6, 1, 5, 1, 2, '{', '}'})
			a.send(str(key), updating(text(0, "x")))
			a.lives()
			a.open(key)
			b.lives() // it got nothing
		})
	}
}

// Version 2 sends no token if it has none.
func TestStepOneOpens(t *testing.T) {
	c := dial(t, serve(t, nil, nil))
	for _, unknown := range [][]byte{{1, 6, 1, 5, 1, 2, '{', '}'}, {3}, {7}, {5, 0}, {99}, {}, {2}, {0}, sync2(empty), updating(text(0, "x"))} {
		if len(unknown) == 1 && unknown[0] == 2 {
			continue
		}
		c.send(str("doc"), unknown)
	}
	c.lives()
	c.send(str("doc"), sync1(0))
	c.gets(str("doc"), []byte{2, 2}, str("read-write"))
	c.gets(str("doc"), []byte{0, 1, 2, 0, 0})
	c.gets(str("doc"), []byte{0, 0, 1, 0})
}

func TestDocumentsShareASocket(t *testing.T) {
	s := serve(t, nil, nil)
	a, b := dial(t, s), dial(t, s)
	for _, key := range []string{"one", "one\x00s", "two"} {
		a.open(key)
	}
	b.open("one")
	b.send(str("one"), updating(text(0, "x")))
	got := map[string]bool{}
	for range 2 {
		m := a.next()
		got[string(m)] = true
	}
	for _, key := range []string{"one", "one\x00s"} {
		if !got[string(cat(str(key), updating(text(0, "x"))))] {
			t.Errorf("%q got nothing: %v", key, got)
		}
	}
	a.lives() // the other document got nothing
}

func TestSaved(t *testing.T) {
	s := serve(t, nil, nil)
	c, key := dial(t, s), str("doc")
	c.send(key, []byte{2, 0, 0})
	c.gets(key, []byte{2, 2}, str("read-write"))
	// It has two letters, made offline, and sends them again.
	c.send(key, sync1(1, 7, 2))
	c.send(key, updating(text(0, "a")))
	c.send(key, updating(text(1, "b")))
	c.send(key, updating([]byte{0, 1, 7, 1, 0, 1})) // and a delete
	for n := 0; n < 2; {
		switch m := c.next(); {
		case bytes.HasPrefix(m, cat(key, []byte{0, 1})), bytes.HasPrefix(m, cat(key, []byte{0, 0})):
			n++ // step 2 and step 1
		default:
			t.Fatalf("%q", m)
		}
	}
	c.lives()                                    // no SyncStatus yet
	c.send(key, updating(text(2, "c")))          // counted,
	c.lives()                                    // and held
	c.send(key, sync2([]byte{0, 1, 7, 1, 0, 1})) // all that the server lacks
	c.gets(key, saved)
	c.gets(key, saved)
	c.send(key, updating(text(3, "d")))
	c.gets(key, saved)
	c.send(key, updating(text(3, "d"))) // a duplicate is as good
	c.gets(key, saved)
	c.send(key, updating([]byte{0, 1, 7, 1, 2, 1})) // a delete
	c.gets(key, saved)
	c.send(key, sync2(empty)) // which the client doesn't count
	c.lives()
	// What needs others waits for them, and the server asks. Its answer isn't
	// counted.
	c.send(key, updating(text(5, "f")))
	c.gets(key, []byte{0, 0, 3, 1, 7, 4})
	c.lives()
	c.send(key, sync2(text(4, "e")))
	c.gets(key, saved)
	c.lives()
	// A forced sync.
	c.send(key, sync1(1, 7, 6))
	if m := c.next(); !bytes.HasPrefix(m, cat(key, []byte{0, 1})) {
		t.Fatalf("%q", m)
	}
	c.gets(key, []byte{0, 0, 3, 1, 7, 6})
	c.send(key, sync2(empty))
	c.gets(key, saved)
	c.lives()
}

func TestPresence(t *testing.T) {
	s := serve(t, nil, nil)
	a, b := dial(t, s), dial(t, s)
	a.open("doc")
	b.open("doc")
	presence := func(c *client) awareness.Entry {
		t.Helper()
		m := c.next()
		if !bytes.HasPrefix(m, cat(str("doc"), []byte{1})) {
			t.Fatalf("%q is no awareness message", m)
		}
		entries, err := awareness.Decode(m[6:], awareness.Limits{})
		if err != nil || len(entries) != 1 {
			t.Fatal(entries, err)
		}
		return entries[0]
	}
	a.send(str("doc"), []byte{1, 6, 1, 5, 1, 2, '{', '}'})
	first := presence(b)
	if first.Client != 5 || string(first.State) != "{}" {
		t.Fatal(first)
	}
	b.send(str("doc"), []byte{3})
	if again := presence(b); again.Client != 5 || again.Clock <= first.Clock {
		t.Fatal(again)
	}
	a.send(str("doc"), []byte{7})
	if gone := presence(b); gone.Client != 5 || gone.State != nil {
		t.Fatal(gone)
	}
}

// Presence that comes after the token and before step 1 is taken, also while the
// document is loaded.
func TestEarlyPresence(t *testing.T) {
	s := serve(t, nil, nil)
	a, b := dial(t, s), dial(t, s)
	b.open("doc")
	a.send(str("doc"), []byte{2, 0, 0})
	a.send(str("doc"), []byte{1, 6, 1, 5, 1, 2, '{', '}'})
	m := b.next()
	entries, err := awareness.Decode(m[6:], awareness.Limits{})
	if err != nil || len(entries) != 1 || entries[0].Client != 5 || string(entries[0].State) != "{}" {
		t.Fatalf("%q: %v, %v", m, entries, err)
	}
	a.gets(str("doc"), []byte{2, 2}, str("read-write"))
	a.sync("doc")
	a.lives()
}

func TestRefusals(t *testing.T) {
	s := serve(t, nil, func(s *server) { s.ws.MaxMessage, s.ws.CloseTimeout = 10_000, time.Second })
	long := strings.Repeat("k", 613)
	for _, tt := range []struct {
		name    string
		message []byte
		reason  string
	}{
		{"no type", nil, "unsigned integer"},
		{"unknown", []byte{99}, "unknown message 99"},
		{"sync reply", cat([]byte{4}, sync1(0)[1:]), "unknown message 4"},
		{"broadcast", cat([]byte{6}, str("x")), "unknown message 6"},
		{"SyncStatus", []byte{8, 1}, "unknown message 8"},
		{"unknown sync", []byte{0, 3, 0}, "unknown sync message 3"},
		{"unknown auth", []byte{2, 7}, "unknown auth message 7"},
		{"a long version", cat([]byte{2, 0, 0}, str(long)), "a version of 613 bytes"},
		{"no body", []byte{0, 0}, "malformed"},
		{"a cut body", []byte{0, 0, 5, 0}, "malformed"},
		{"more than one message", []byte{0, 0, 1, 0, 3}, "1 bytes after the message"},
		{"query and more", []byte{3, 3}, "1 bytes after the message"},
		{"a bad state vector", []byte{0, 0, 2, 5, 1}, "state vector"},
		{"bad awareness", []byte{1, 1, 9}, "malformed"},
		{"awareness that isn't JSON", []byte{1, 5, 1, 5, 1, 1, '{'}, "awareness"},
		{"a payload that isn't UTF-8", []byte{5, 1, 0xff}, "UTF-8"},
	} {
		t.Run("denied/"+tt.name, func(t *testing.T) {
			c := dial(t, s)
			c.open("other")
			c.open("doc")
			c.send(str("doc"), tt.message)
			c.isDenied("doc", tt.reason)
			// It stays out, and the other document goes on.
			c.send(str("doc"), sync1(0))
			c.send(str("doc"), updating(text(0, "x")))
			c.sync("other")
			// With a token it may come again.
			c.open("doc")
		})
	}
	for name, message := range map[string][]byte{
		"a bad update": {0, 2, 3, 1, 1, 1},
		"a bad step 2": {0, 1, 1, 9},
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, s)
			c.open("doc")
			c.send(str("doc"), message)
			c.gets(str("doc"), refused)
			c.send(str("doc"), sync2(empty))
			c.gets(str("doc"), saved)
		})
	}
	for _, tt := range []struct {
		name   string
		frame  []byte
		code   int
		reason string
	}{
		{"nothing", nil, 1002, "unsigned integer"},
		{"a cut key", []byte{200, 1, 'a'}, 1002, "length 200"},
		{"a key that isn't UTF-8", []byte{1, 0xff, 0}, 1002, "UTF-8"},
		{"a long key", cat(str(long+"k"), []byte{2, 0, 0}), 1002, "a key of 614 bytes"},
		{"too large", make([]byte, 10_001), 1009, "10000 bytes allowed"},
	} {
		t.Run("closed/"+tt.name, func(t *testing.T) {
			c := dial(t, s)
			c.send(tt.frame)
			c.isClosed(tt.code, tt.reason)
		})
	}
	t.Run("closed/text", func(t *testing.T) {
		c := dial(t, s)
		c.conn.Write(c.ctx, websocket.MessageText, []byte("{}"))
		c.isClosed(1003, "text where binary is due")
	})
	t.Run("a bad name", func(t *testing.T) {
		c := dial(t, s)
		c.send(str(".."), []byte{2, 0, 0})
		c.isDenied("..", "segment")
	})
	t.Run("a bad token", func(t *testing.T) {
		c := dial(t, s)
		c.send(str("doc"), []byte{2, 0, 9})
		c.isDenied("doc", "malformed")
	})
	t.Run("too many", func(t *testing.T) {
		c := dial(t, s)
		key := func(i int) string { return "d" + strings.Repeat("x", i) }
		for i := range hocuspocus.DefaultLimits.Documents {
			c.send(str(key(i)), []byte{2, 0, 0})
			c.gets(str(key(i)), []byte{2, 2}, str("read-write"))
		}
		c.send(str(key(hocuspocus.DefaultLimits.Documents)), []byte{2, 0, 0})
		c.isDenied(key(hocuspocus.DefaultLimits.Documents), "100 documents")
		c.send(str(key(0)), []byte{7})
		c.open(key(hocuspocus.DefaultLimits.Documents))
	})
}

// A session that the room ends is denied, and so is who comes; the socket goes on.
func TestDenied(t *testing.T) {
	s := serve(t, nil, nil)
	if err := s.rooms.Create(t.Context(), "doc"); err != nil {
		t.Fatal(err)
	}
	c := dial(t, s)
	c.open("doc")
	c.open("other")
	if err := s.rooms.Delete(t.Context(), "doc"); err != nil {
		t.Fatal(err)
	}
	c.isDenied("doc", "the document was deleted")
	c.send(str("doc"), sync1(0))
	c.send(str("doc"), updating(text(0, "x")))
	c.sync("other")
	c.send(str("doc"), []byte{2, 0, 0})
	c.isDenied("doc", "the document was deleted")
	if err := s.rooms.Restore(t.Context(), "doc"); err != nil {
		t.Fatal(err)
	}
	c.open("doc")
}

// A reader's edits are refused one by one; what brings nothing new isn't.
func TestReadOnly(t *testing.T) {
	s := serve(t, func(st store.Store) store.Store { return &damaged{st} }, nil)
	c, key := dial(t, s), str("doc")
	c.send(key, []byte{2, 0, 0})
	c.gets(key, []byte{2, 2}, str("readonly"))
	c.sync("doc")
	c.send(key, updating(text(0, "x")))
	c.gets(key, refused)
	c.send(key, sync2(text(0, "x")))
	c.gets(key, refused)
	c.sync("doc")
	c.send(key, sync2(empty))
	c.gets(key, saved)
	c.lives()
}

// A client whose queue is full gets all of its acknowledgements later.
func TestSlowClient(t *testing.T) {
	s := serve(t, nil, func(s *server) { s.ws.MaxQueue = 64 << 10 })
	slow, writer, key := dial(t, s), dial(t, s), str("doc")
	slow.open("doc")
	writer.open("doc")
	slow.send(key, sync2(empty))
	slow.gets(key, saved)
	writer.send(key, sync2(empty))
	writer.gets(key, saved)
	const updates = 150
	content := make([]byte, 100_000)
	for clock := range uint64(updates) {
		u := lib0.AppendUvarint([]byte{1, 1, 9}, clock)
		u = cat(u, []byte{3, 1, 4}, []byte("text"), lib0.AppendBytes(nil, content), []byte{0})
		writer.send(key, updating(u))
		writer.gets(key, saved)
	}
	// What its answer has was broadcast before it.
	writer.send(key, sync1(1, 9, 0x80|updates&0x7f, updates>>7))
	writer.gets(key, sync2(empty))
	writer.gets(key, sync1(1, 9, 0x80|updates&0x7f, updates>>7))
	for clock := range uint64(updates) {
		slow.send(key, updating(text(clock, "x")))
		writer.gets(key, updating(text(clock, "x")))
	}
	// It gets what it missed, and perhaps its own with it.
	got, acknowledged := map[uint64]uint32{}, 0
	for got[9] < updates || got[7] < updates || acknowledged < updates {
		m := slow.next()
		if bytes.Equal(m, cat(key, saved)) {
			acknowledged++
			continue
		}
		d := lib0.NewDecoder(m[len(key)+2:])
		body, err := d.Bytes()
		if err != nil || !bytes.HasPrefix(m, cat(key, []byte{0, 2})) {
			t.Fatalf("%.20q: %v", m, err)
		}
		info, err := crdt.Validate(body, crdt.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range info.Clients {
			got[c.Client] = c.To
		}
	}
	slow.lives()
}

func TestKeepalive(t *testing.T) {
	c := dial(t, serve(t, nil, func(s *server) { s.keepalive = 30 * time.Millisecond }))
	c.gets([]byte{0})
	c.gets([]byte{0}) // with no document, too
	c.send([]byte{0})
	c.send([]byte{10})
	c.gets([]byte{0})
}

// At a shutdown the acknowledgements go out first.
func TestShutdown(t *testing.T) {
	held := make(chan struct{})
	var append sync.Once
	s := serve(t, func(st store.Store) store.Store {
		return &stalled{Store: st, append: func() { append.Do(func() { <-held }) }}
	}, nil)
	c := dial(t, s)
	c.open("doc")
	c.send(str("doc"), sync2(empty))
	c.gets(str("doc"), saved)
	c.send(str("doc"), updating(text(0, "x")))
	c.lives() // it has been read, and can't be saved yet
	s.mu.Lock()
	for conn := range s.conns {
		conn.Interrupt()
	}
	s.mu.Unlock()
	time.AfterFunc(50*time.Millisecond, func() { close(held) })
	c.gets(str("doc"), saved)
	c.isClosed(1001, "shutting down")
}

// While the disk fails there is no SyncStatus, but a notice, once; and once it
// works again all is paid.
func TestDiskFails(t *testing.T) {
	disk := &failing{}
	s := serve(t, func(st store.Store) store.Store { disk.Store = st; return disk }, nil)
	c, key := dial(t, s), str("doc")
	c.open("doc")
	c.send(key, sync2(empty))
	c.gets(key, saved)
	disk.set(errors.New("the disk is full"))
	c.send(key, updating(text(0, "x")))
	c.gets(key, []byte{5}, str(`{"inkwire":"unsaved"}`))
	c.send(key, updating(text(1, "y")))
	c.lives()
	disk.set(nil)
	got := map[string]int{}
	for got[string(cat(key, saved))] < 2 || got[string(cat(key, []byte{5}, str(`{"inkwire":"saved"}`)))] == 0 {
		m := c.next()
		got[string(m)]++
		if bytes.HasPrefix(m, cat(key, []byte{0, 0})) {
			c.send(key, sync2(text(1, "y")))
		}
	}
	c.lives()
}

// What comes before the document is loaded waits, in order.
func TestWaitsForTheLoad(t *testing.T) {
	loading := make(chan struct{})
	s := serve(t, func(st store.Store) store.Store { return &stalled{Store: st, load: func() { <-loading }} }, nil)
	c, key := dial(t, s), str("doc")
	c.send(key, []byte{2, 0, 0})
	c.send(key, sync1(0))
	c.send(key, sync2(empty))
	c.send(key, updating(text(0, "x")))
	c.lives() // other documents go on
	// Beyond the limit the socket isn't read, and nothing is lost.
	big := lib0.AppendBytes([]byte{1, 1, 7, 1, 3, 1, 4, 't', 'e', 'x', 't'}, make([]byte, hocuspocus.MaxWaiting))
	c.send(key, updating(append(big, 0)))
	c.send(key, updating(text(0, "x")))
	close(loading)
	c.gets(key, []byte{2, 2}, str("read-write"))
	got := 0
	for got < 4 {
		if m := c.next(); bytes.Equal(m, cat(key, saved)) {
			got++
		}
	}
	c.lives()
}

// A socket that goes while its documents are loaded leaves nothing behind.
func TestGoesWhileLoading(t *testing.T) {
	loading := make(chan struct{})
	s := serve(t, func(st store.Store) store.Store { return &stalled{Store: st, load: func() { <-loading }} }, nil)
	c := dial(t, s)
	for _, key := range []string{"a", "b", "c"} {
		c.send(str(key), []byte{2, 0, 0})
	}
	c.send(str("a"), []byte{7})
	c.send(str("a"), []byte{2, 0, 0})
	c.lives()
	c.conn.Close(1000, "")
	for {
		s.mu.Lock()
		n := len(s.ended)
		s.mu.Unlock()
		if n == 1 {
			break
		}
		select {
		case <-time.After(time.Millisecond):
		case <-c.ctx.Done():
			t.Fatal("it isn't over")
		}
	}
	close(loading)
}

// Messages that wait for a document's log beside their socket's reading count in
// the budget of all sockets' messages until they are handled. When that is used up,
// large messages are refused, and short ones go on.
func TestWaitingCounts(t *testing.T) {
	disk := make(chan struct{})
	var taken atomic.Int64
	s := serve(t, func(st store.Store) store.Store { return &stalled{Store: st, append: func() { <-disk }} },
		func(s *server) {
			s.ws.Incoming = ws.NewBudget(16<<20, func(delta int) { taken.Add(int64(delta)) })
		})
	release := sync.OnceFunc(func() { close(disk) })
	t.Cleanup(release)
	c, other := dial(t, s), dial(t, s)
	c.open("a")
	c.open("b")
	const size = 9 << 20 // more than may wait for a log, alone
	c.send(str("a"), updating(text(0, strings.Repeat("x", size))))
	c.send(str("a"), updating(text(size, strings.Repeat("y", size/2))))
	other.open("b")
	c.send(str("b"), updating(text(0, "z")))
	other.gets(str("b"), updating(text(0, "z"))) // so the other two were read
	if n := taken.Load(); n < size/2 {
		t.Errorf("%d bytes are taken while messages of %d wait", n, size/2)
	}
	large := dial(t, s)
	large.open("c")
	large.send(str("c"), updating(text(0, strings.Repeat("w", 15<<20))))
	large.isClosed(1013, "(--max-incoming)")
	release()
	c.send(str("a"), sync2(empty))
	c.send(str("b"), sync2(empty))
	for range 3 + 2 {
		if m := c.next(); !bytes.HasSuffix(m, saved) {
			t.Errorf("got %q", m)
		}
	}
	for ; taken.Load() != 0; runtime.Gosched() {
		if c.ctx.Err() != nil {
			t.Fatalf("%d bytes are taken when nothing waits", taken.Load())
		}
	}
}

// A document whose log is slow, and has as much waiting as may, stops none of the
// socket's other documents; what it was sent meanwhile is taken in order.
func TestWaitsForTheLog(t *testing.T) {
	disk := make(chan struct{})
	s := serve(t, func(st store.Store) store.Store { return &stalled{Store: st, append: func() { <-disk }} }, nil)
	c, other := dial(t, s), dial(t, s)
	c.open("a")
	c.open("b")
	other.open("b")
	const large, more = 9 << 20, 3
	c.send(str("a"), updating(text(0, strings.Repeat("x", large)))) // more than may wait, alone
	for i := range more {
		c.send(str("a"), updating(text(uint64(large+i), "y")))
	}
	c.send(str("b"), updating(text(0, "z")))
	other.gets(str("b"), updating(text(0, "z")))
	close(disk)
	c.send(str("a"), sync2(empty))
	for range 1 + more + 1 {
		c.gets(str("a"), saved)
	}
	other.send(str("a"), []byte{2, 0, 0})
	other.gets(str("a"), []byte{2, 2}, str("read-write"))
	other.send(str("a"), sync1(0))
	if m := other.next(); bytes.Count(m, []byte("x")) < large || bytes.Count(m, []byte("y")) != more {
		t.Errorf("the document has %d bytes, and ends with %q", len(m), m[len(m)-100:])
	}
}
