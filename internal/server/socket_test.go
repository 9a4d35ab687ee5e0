package server_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gobwas "github.com/gobwas/ws"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/api"
	"github.com/inkwire/inkwire/internal/gateway/hocuspocus"
	"github.com/inkwire/inkwire/internal/room"
	"github.com/inkwire/inkwire/internal/server"
)

// Where a token is required, a socket at such an address may say nothing for a
// while only, as one at a protocol's own.
func TestDropInStrangers(t *testing.T) {
	h := prepare(t, func(c *server.Config) {
		c.Hocuspocus = hocuspocus.DefaultLimits
		c.Hocuspocus.Unauthenticated.Time = 50 * time.Millisecond
	})
	door := h.door()
	door.Guard = access.NewGuard(access.Config{Tokens: nobody{}})
	h.server.Start(door, api.Contents{})
	for _, path := range []string{"/", "/a", "/hocuspocus"} {
		s := h.dial(path)
		for f := s.next(); f.Header.OpCode != gobwas.OpClose; f = s.next() {
			if !bytes.Equal(f.Payload, []byte{0}) { // Hocuspocus's message of no document
				t.Fatalf("%s: %q", path, f.Payload)
			}
		}
		s.Close()
		if e := h.ended(); e.Reason != "unauthenticated" || e.Sent != 4408 {
			t.Errorf("%s: %+v", path, e)
		}
	}
	held := h.dial("/a")
	held.send(0, 0, 1, 0)
	if f := held.next(); !bytes.HasPrefix(f.Payload, []byte{2, 0}) {
		t.Errorf("y-websocket's client got %q", f.Payload)
	}
}

// nobody has a token.
type nobody struct{}

func (nobody) Identify(context.Context, string) (access.Identity, error) {
	return access.Identity{}, access.ErrForeign
}

// At an address that is no protocol's own, the first message tells.
func TestDropIn(t *testing.T) {
	h := open(t, nil)
	step1 := []byte{0, 0, 1, 0}
	yjs := h.dial("/a")
	yjs.send(step1...)
	if f := yjs.next(); !bytes.HasPrefix(f.Payload, []byte{0, 1}) {
		t.Errorf("y-websocket's client got %q", f.Payload)
	}
	yjs.Close()
	if e := h.ended(); e.Protocol != "y-websocket" || !slices.Equal(e.Documents, []string{"a"}) || e.Reason != "lost" || e.Sent != 0 {
		t.Errorf("%+v", e)
	}
	for name, tt := range map[string]struct {
		path     string
		frame    gobwas.Frame
		code     int
		protocol string
		reason   string
	}{
		"no name":       {"/", gobwas.NewBinaryFrame(step1), 4400, "y-websocket", "malformed"},
		"text":          {"/a", gobwas.NewTextFrame([]byte(`{"type":"join"}`)), 1003, "undecided", "text"},
		"text, no name": {"/", gobwas.NewTextFrame([]byte(`{}`)), 1003, "undecided", "text"},
		"empty":         {"/a", gobwas.NewBinaryFrame(nil), 1002, "undecided", "malformed"},
		"too large":     {"/a", gobwas.NewBinaryFrame(make([]byte, 1001)), 1009, "undecided", "too_large"},
		"bad UTF-8":     {"/a", gobwas.NewTextFrame([]byte{0xff}), 1007, "undecided", "bad_utf8"},
	} {
		t.Run(name, func(t *testing.T) {
			s := h.dial(tt.path)
			if err := gobwas.WriteFrame(s.Conn, gobwas.MaskFrame(tt.frame)); err != nil {
				t.Fatal(err)
			}
			s.isClosed(tt.code)
			s.Close()
			if e := h.ended(); e.Protocol != tt.protocol || e.Reason != tt.reason || e.Sent != tt.code || e.Remote == nil {
				t.Errorf("%+v", e)
			}
		})
	}
	for _, path := range []string{"/", "/a", "/hocuspocus", "/hocuspocus/"} {
		s := h.dial(path)
		s.send(1, 'a')
		s.send(gobwas.NewCloseFrameBody(1000, "")...) // garbage to either
		s.Close()
		if e := h.ended(); e.Protocol != "hocuspocus" || e.Documents != nil {
			t.Errorf("%s: %+v", path, e)
		}
	}
	silent := h.dial("/a")
	pong := gobwas.MaskFrame(gobwas.NewPingFrame(nil))
	if err := gobwas.WriteFrame(silent.Conn, pong); err != nil {
		t.Fatal(err)
	}
	if f := silent.next(); f.Header.OpCode != gobwas.OpPong {
		t.Errorf("%+v", f.Header)
	}
	if err := gobwas.WriteFrame(silent.Conn, gobwas.MaskFrame(gobwas.NewCloseFrame(gobwas.NewCloseFrameBody(1000, "")))); err != nil {
		t.Fatal(err)
	}
	silent.isClosed(1000)
	if e := h.ended(); e.Protocol != "undecided" || e.Reason != "closed" || e.Received != 1000 || e.Err != nil {
		t.Errorf("%+v", e)
	}
}

// A socket's end tells what went over it, and which documents it had open: the
// first few of many.
func TestEndTells(t *testing.T) {
	h := open(t, nil)
	s := h.dial("/hocuspocus")
	in := 0
	say := func(key string, message ...byte) {
		m := append([]byte{byte(len(key))}, key...)
		m = append(m, message...)
		in += len(m)
		s.send(m...)
	}
	for i := range 8 {
		key := fmt.Sprintf("doc %d", i/2*2) // each twice
		say(key, 2, 0, 0)                   // the empty token
		s.next()                            // the answer
	}
	say("doc 0\x00a", 2, 0, 0)
	s.next()
	for i := range 3 {
		say(fmt.Sprintf("more %d", i), 2, 0, 0)
		s.next()
	}
	if err := gobwas.WriteFrame(s.Conn, gobwas.MaskFrame(gobwas.NewPingFrame(nil))); err != nil {
		t.Fatal(err)
	}
	s.next() // isn't counted
	s.Close()
	e := h.ended()
	if want := []string{"doc 0", "doc 2", "doc 4", "doc 6", "more 0"}; !slices.Equal(e.Documents, want) || e.MoreDocuments != 2 {
		t.Errorf("it had %q and %d more", e.Documents, e.MoreDocuments)
	}
	if n := e.Traffic; n.MessagesIn != 12 || n.BytesIn != in || n.MessagesOut < 12 || n.BytesOut < 12*8 {
		t.Errorf("%+v, want 12 messages of %d bytes in, and as many out", n, in)
	}
}

// A socket that was cut off is refused for a while when it comes again, by HTTP,
// and nobody else is.
func TestBackoff(t *testing.T) {
	h := open(t, nil)
	from := nextAddr()
	s := h.dialFrom(from, "/yjs/a")
	s.send(make([]byte, 1001)...)
	s.isClosed(4413)
	s.Close()
	h.ended()
	again := h.dialFrom(from, "/yjs/a")
	if body := again.refused(429); !strings.Contains(body, "a moment ago") {
		t.Error(body)
	}
	if after, err := strconv.Atoi(again.resp.Header.Get("Retry-After")); err != nil || after < 1 || after > 2 {
		t.Error("Retry-After: ", again.resp.Header)
	}
	h.dial("/yjs/a").refused(101)
}

func TestMaxConnections(t *testing.T) {
	h := open(t, func(c *server.Config) { c.MaxConnections = 2 })
	first := h.dial("/yjs/a")
	h.dial("/").refused(101)
	third := h.dial("/yjs/b")
	if body := third.refused(503); !strings.Contains(body, "max-connections is 2") || third.resp.Header.Get("Retry-After") == "" {
		t.Error(body, third.resp.Header)
	}
	first.Close()
	h.ended()
	// The end is told a moment before the place is free.
	deadline := time.Now().Add(patience)
	for h.server.Sockets() > 1 && time.Now().Before(deadline) {
	}
	again := h.dial("/yjs/b")
	again.send(0, 0, 1, 0)
	again.next() // it is served, and so counted
	_, text := h.get("/metrics")
	for _, want := range []string{
		`inkwire_connections{protocol="undecided"} 1`, `inkwire_connections{protocol="y-websocket"} 1`,
		`inkwire_refusals_total{reason="too_many"} 1`, `inkwire_connections_ended_total{protocol="y-websocket",reason="lost"} 1`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s", want)
		}
	}
}

// Health says that the process lives, readiness whether it should get requests.
func TestReady(t *testing.T) {
	h := prepare(t, nil)
	is := func(path string, status int, says string) {
		t.Helper()
		resp, body := h.get(path)
		if resp.StatusCode != status || !strings.Contains(body, says) {
			t.Errorf("%s: %s %.200s, want %d %s", path, resp.Status, body, status, says)
		}
	}
	is("/healthz", 200, "ok")
	is("/readyz", 503, "starting")
	is("/metrics", 200, "inkwire_connections")
	is("/api/v1/docs", 503, `"reason":"starting"`)
	h.dial("/yjs/a").refused(503)
	h.server.Start(h.door(), api.Contents{})
	is("/readyz", 200, "ready")
	h.dial("/yjs/a").refused(101)
}

type noDocuments struct{}

func (noDocuments) Create(context.Context, string) error   { return nil }
func (noDocuments) Delete(context.Context, string) error   { return nil }
func (noDocuments) Restore(context.Context, string) error  { return nil }
func (noDocuments) Here([]string) map[string][]room.Person { return nil }
func (noDocuments) Rename(context.Context, string, string, access.Identity) error {
	return nil
}

// The API is behind the same checks as the sockets.
func TestAPI(t *testing.T) {
	h := prepare(t, nil)
	h.server.Start(h.door(), api.Contents{Documents: noDocuments{}})
	del := func(header, value string) *http.Response {
		req, err := http.NewRequest("DELETE", "http://"+h.addr+"/api/v1/docs/a", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(header, value)
		if header == "Host" {
			req.Host = value
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp
	}
	for _, foreign := range [][2]string{{"Origin", "https://evil.example"}, {"Origin", "null"}, {"Host", "evil.example"}} {
		if resp := del(foreign[0], foreign[1]); resp.StatusCode != 403 || resp.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%v: %s %v", foreign, resp.Status, resp.Header)
		}
	}
	if resp := del("Origin", "http://"+h.addr); resp.StatusCode != 204 {
		t.Error(resp.Status)
	}
}

// A lone "%" typed by hand is a character, also on a connection that has had a
// request before.
func TestLonePercent(t *testing.T) {
	h := open(t, nil)
	c, err := net.Dial("tcp", h.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	r := bufio.NewReader(c)
	for range 3 {
		fmt.Fprintf(c, "GET /d/100%% HTTP/1.1\r\nHost: localhost\r\n\r\n")
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != 200 {
			t.Fatal(resp.Status, err)
		}
	}
}
