package ws_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/inkwire/inkwire/internal/ws"
)

// Go's own deflate is the other side here: the server has another.

// deflated is a message as a client sends it (RFC 7692, 7.2.1).
func deflated(s string) []byte { return deflatedAt(flate.DefaultCompression, s) }

func deflatedAt(level int, s string) []byte {
	var b bytes.Buffer
	z, err := flate.NewWriter(&b, level)
	if err != nil {
		panic(err)
	}
	io.WriteString(z, s)
	z.Flush()
	return bytes.TrimSuffix(b.Bytes(), []byte{0, 0, 0xff, 0xff})
}

// inflated is what a client makes of a message of the server's (7.2.2).
func inflated(t *testing.T, payload []byte) string {
	t.Helper()
	z := flate.NewReader(io.MultiReader(bytes.NewReader(payload), strings.NewReader("\x00\x00\xff\xff\x01\x00\x00\xff\xff")))
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatalf("inflating %d bytes: %v", len(payload), err)
	}
	return string(b)
}

// nextMessage reads a message, deflated or not.
func (r *raw) nextMessage() (message string, compressed bool) {
	r.t.Helper()
	b0, payload := r.next()
	if b0&0x40 != 0 {
		return inflated(r.t, payload), true
	}
	return string(payload), false
}

func TestDeflate(t *testing.T) {
	const rsv1, fin = 0x40, 0x80
	hello := "Hello"
	stored := "\x00\x05\x00\xfa\xffHello\x00"
	z := deflated(hello)
	text, bin := byte(fin|rsv1|1), byte(fin|rsv1|2)
	long := strings.Repeat("*", limit)
	for _, c := range []specCase{
		// RFC 7692, 7.2.3: its examples.
		{"7.2.3.1", "one block", frame(text, []byte("\xf2\x48\xcd\xc9\xc9\x07\x00")), []reply{textReply(hello)}},
		{"7.2.3.1", "one block in two frames", cat(frame(rsv1|1, []byte("\xf2\x48\xcd")), last("\xc9\xc9\x07\x00")), []reply{textReply(hello)}},
		{"7.2.3.3", "a block without compression", frame(text, []byte(stored)), []reply{textReply(hello)}},
		{"7.2.3.4", "a last block", frame(text, []byte("\xf3\x48\xcd\xc9\xc9\x07\x00\x00")), []reply{textReply(hello)}},
		{"7.2.3.4", "a last block, and no other byte", frame(text, []byte("\xf3\x48\xcd\xc9\xc9\x07\x00")), []reply{textReply(hello)}},
		{"7.2.3.4", "a message after a last block", frame(text, []byte("\xf3\x48\xcd\xc9\xc9\x07\x00"+stored)), []reply{textReply(hello + hello)}},
		{"7.2.3.5", "two blocks", frame(text, []byte("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00")), []reply{textReply(hello)}},
		{"7.2.3.6", "an empty message", frame(bin, []byte{0}), []reply{binaryReply("")}},
		{"7.2.3.6", "an empty message of no block", frame(bin, nil), []reply{binaryReply("")}},

		{"12.1", "plain and deflated, in turn", cat(frame(bin, z), binaryMsg("plain"), frame(text, z)),
			[]reply{binaryReply(hello), binaryReply("plain"), textReply(hello)}},
		{"12.2", "each byte a frame, with pings", cat(frame(rsv1|2, z[:1]), ping("p"), more(string(z[1:3])), more(""), ping("q"), last(string(z[3:]))),
			[]reply{pongReply("p"), pongReply("q"), binaryReply(hello)}},
		{"12.3", "as long as allowed", frame(bin, deflated(long)), nil},

		{"13.1", "one byte longer", frame(bin, deflated(long+"*")), []reply{closeReply(1009)}},
		{"13.2", "a bomb", frame(bin, deflated(strings.Repeat("\x00", 700*limit))), []reply{closeReply(1009)}},
		{"13.3", "deflated bytes beyond the limit", frame(bin, []byte(strings.Repeat("*", limit+100))), []reply{closeReply(1009)}},
		{"13.4", "bad UTF-8", frame(text, deflated("a\xff")), []reply{closeReply(1007)}},
		{"13.4", "the end within a character", frame(text, deflated("a\xe2\x82")), []reply{closeReply(1007)}},
		{"13.5", "a reserved kind of block", frame(bin, []byte{0x07, 1, 2, 3}), []reply{closeReply(1002)}},
		{"13.5", "a stored block of two lengths", frame(bin, []byte("\x00\x05\x00\xff\xffHello")), []reply{closeReply(1002)}},
		{"13.5", "the end within a block", frame(bin, []byte(stored[:7])), []reply{closeReply(1002)}},
		{"13.5", "a reference before the beginning", frame(bin, []byte("\x02\x06\x00")), []reply{closeReply(1002)}},
		{"13.5", "last blocks without end", frame(bin, []byte(strings.Repeat("\x03\x00", 100))), []reply{closeReply(1002)}},
		{"13.6", "RSV1 in a continuation", cat(frame(rsv1|2, z), frame(fin|rsv1, nil)), []reply{closeReply(1002)}},
		{"13.6", "RSV1 in a continuation of a plain message", cat(binaryPart("a"), frame(fin|rsv1, z)), []reply{closeReply(1002)}},
		{"13.6", "RSV1 in a ping", frame(fin|rsv1|9, nil), []reply{closeReply(1002)}},
		{"13.6", "RSV2", frame(fin|0x20|2, nil), []reply{closeReply(1002)}},
	} {
		t.Run(c.section+" "+c.name, func(t *testing.T) {
			r, _ := dialOffering(t, serve(t, config(), echo), "permessage-deflate")
			if c.want == nil { // a reply that is itself deflated
				r.Write(c.in)
				if got, compressed := r.nextMessage(); got != long || !compressed {
					t.Fatalf("got %q, deflated: %v", got, compressed)
				}
				r.converse(nil)
				return
			}
			r.converse(c.in, c.want...)
		})
	}
}

// 9 with 12: what any level of a client's makes of any bytes comes back.
func TestDeflateLevels(t *testing.T) {
	cfg := config()
	cfg.MaxMessage, cfg.MaxQueue = 1<<20, 1<<20
	r, _ := dialOffering(t, serve(t, cfg, echo), "permessage-deflate; client_max_window_bits")
	rnd := rand.New(rand.NewPCG(1, 2))
	for level := flate.HuffmanOnly; level <= flate.BestCompression; level++ {
		for _, n := range []int{1, 255, 1000, 5000, 65535, 65536, 1 << 18} {
			r.SetDeadline(time.Now().Add(patience))
			words := make([]byte, n)
			for i := range words {
				words[i] = "aaaabcd\x00"[rnd.IntN(8)]
			}
			go r.Write(frame(0xc2, deflatedAt(level, string(words))))
			if got, compressed := r.nextMessage(); got != string(words) || compressed != (n >= 256) {
				t.Fatalf("level %d, %d bytes: got %d, deflated: %v", level, n, len(got), compressed)
			}
		}
	}
}

// A bomb costs about the limit, however much it would become.
func TestBombIsCheap(t *testing.T) {
	cfg := config()
	cfg.MaxMessage = 1 << 20
	r, _ := dialOffering(t, serve(t, cfg, echo), "permessage-deflate")
	part := append(deflated(strings.Repeat("\x00", 1<<20)), 0, 0, 0xff, 0xff)
	bomb := frame(0xc2, bytes.Repeat(part, 512))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r.converse(bomb, closeReply(1009))
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 6<<20 { // two sizes that were outgrown, and the bomb itself
		t.Fatalf("a bomb of %d bytes made the server allocate %d", len(bomb), n)
	}
}

// Frames of one body with different prefixes, to sockets with and without
// deflate. The body is deflated once.
func TestSharedBody(t *testing.T) {
	words := strings.Repeat("all work and no play ", 500)
	noise := make([]byte, 1000)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	long := strings.Repeat("a long name ", 6000)
	body, random, short := ws.NewBody([]byte(words)), ws.NewBody(noise), ws.NewBody([]byte(words[:255]))
	frames := []struct {
		frame    ws.Frame
		first    byte // of a socket with deflate
		want     string
		compress bool
	}{
		{ws.Binary(nil, body), 0xc2, words, true},
		{ws.Binary([]byte("doc"), body), 0xc2, "doc" + words, true},
		{ws.Text([]byte("grüße"), body), 0xc1, "grüße" + words, true},
		{ws.Binary([]byte(long[:60000]), body), 0xc2, long[:60000] + words, true},
		{ws.Binary([]byte(long), body), 0x82, long + words, false}, // more than a stored block holds
		{ws.Binary([]byte("x"), short), 0x82, "x" + words[:255], false},
		{ws.Binary([]byte("x"), random), 0x82, "x" + string(noise), false},
		{ws.Binary([]byte("only a prefix"), nil), 0x82, "only a prefix", false},
	}
	cfg := config()
	cfg.MaxQueue = 1 << 20
	addr := serve(t, cfg, func(c *ws.Conn) {
		for _, f := range frames {
			if err := c.Send(f.frame); err != nil {
				t.Error(err)
			}
		}
		echo(c)
	})
	for range 3 {
		plain := dial(t, addr)
		deflating, _ := dialOffering(t, addr, "permessage-deflate")
		for i, f := range frames {
			if got, compressed := plain.nextMessage(); got != f.want || compressed {
				t.Errorf("%d: without deflate: got %d bytes, want %d", i, len(got), len(f.want))
			}
			b0, payload := deflating.next()
			got := string(payload)
			if b0&0x40 != 0 {
				if len(payload) >= len(f.want) {
					t.Errorf("%d: deflated to %d bytes from %d", i, len(payload), len(f.want))
				}
				got = inflated(t, payload)
			}
			if b0 != f.first || got != f.want {
				t.Errorf("%d: got %#x and %d bytes, want %#x and %d", i, b0, len(got), f.first, len(f.want))
			}
		}
		plain.converse(nil)
		deflating.converse(nil)
	}
}

// Another library as the client, with deflate in both directions.
func TestAgainstDeflatingClient(t *testing.T) {
	cfg := config()
	cfg.MaxMessage, cfg.MaxQueue = 1<<20, 1<<20
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, mode := range []websocket.CompressionMode{websocket.CompressionNoContextTakeover, websocket.CompressionContextTakeover} {
		c, resp, err := websocket.Dial(ctx, "ws://"+serve(t, cfg, echo), &websocket.DialOptions{CompressionMode: mode, CompressionThreshold: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer c.CloseNow()
		if !strings.HasPrefix(resp.Header.Get("Sec-WebSocket-Extensions"), "permessage-deflate") {
			t.Fatal("deflate wasn't agreed to")
		}
		c.SetReadLimit(1 << 20)
		for _, n := range []int{0, 1, 255, 256, 257, 65535, 65536, 1 << 20} {
			p := bytes.Repeat([]byte("abc"), n/3+1)[:n]
			if err := c.Write(ctx, websocket.MessageText, p); err != nil {
				t.Fatal(n, err)
			}
			if kind, got, err := c.Read(ctx); err != nil || kind != websocket.MessageText || !bytes.Equal(got, p) {
				t.Fatal(n, len(got), err)
			}
		}
		if err := c.Close(1000, "done"); err != nil {
			t.Fatal(err)
		}
	}
}

// yjsUpdates is about a megabyte of Yjs updates, or of generated text.
func yjsUpdates(tb testing.TB) []byte {
	tb.Helper()
	var b bytes.Buffer
	if folder := os.Getenv("TRACES"); folder != "" {
		f, err := os.Open(filepath.Join(folder, "yjs-sessions", "sessions.jsonl.gz"))
		if err != nil {
			tb.Fatal(err)
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			tb.Fatal(err)
		}
		for d := json.NewDecoder(z); b.Len() < 1<<20; {
			var session struct{ Want struct{ V1 []byte } }
			if err := d.Decode(&session); err == io.EOF {
				break
			} else if err != nil {
				tb.Fatal(err)
			}
			b.Write(session.Want.V1)
		}
		return b.Bytes()
	}
	tb.Log("TRACES isn't set: a generated text takes the place of Yjs updates")
	rnd := rand.New(rand.NewPCG(3, 4))
	for b.Len() < 1<<20 {
		fmt.Fprintf(&b, "%d %c", rnd.IntN(5000), 'a'+rnd.IntN(26))
	}
	return b.Bytes()
}

// BenchmarkDeflate makes a body's blocks at each level.
func BenchmarkDeflate(b *testing.B) {
	state := yjsUpdates(b)
	for _, level := range []int{1, 3, 4, 6} {
		b.Run(fmt.Sprint("level=", level), func(b *testing.B) {
			b.SetBytes(int64(len(state)))
			n := 0
			for b.Loop() {
				n = ws.Deflated(ws.NewBody(state), level)
			}
			b.ReportMetric(float64(len(state))/float64(n), "ratio")
		})
	}
}
