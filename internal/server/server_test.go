package server_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	gobwas "github.com/gobwas/ws"
	"go.uber.org/goleak"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/api"
	"github.com/inkwire/inkwire/internal/gateway"
	"github.com/inkwire/inkwire/internal/metrics"
	"github.com/inkwire/inkwire/internal/room"
	"github.com/inkwire/inkwire/internal/server"
	"github.com/inkwire/inkwire/internal/store/sqlite"
	"github.com/inkwire/inkwire/internal/ws"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 10 * time.Second

var page = fstest.MapFS{
	"index.html":       {Data: []byte("<title>Inkwire</title>")},
	"favicon.svg":      {Data: []byte("<svg/>")},
	"assets/x-1234.js": {Data: []byte("export {}")},
}

// A house is a server with all that it needs.
type house struct {
	*testing.T
	server  *server.Server
	rooms   *room.Rooms
	metrics *metrics.Metrics
	ends    chan server.End
	addr    string
}

// open starts a server; change may be nil, or changes its configuration.
func open(t *testing.T, change func(*server.Config)) *house {
	t.Helper()
	h := prepare(t, change)
	h.server.Start(h.door(), api.Contents{})
	return h
}

// door lets everybody in.
func (h *house) door() gateway.Door {
	return gateway.Door{Guard: access.NewGuard(access.Config{Open: access.Owner}), Rooms: h.rooms}
}

// prepare starts a server without its documents.
func prepare(t *testing.T, change func(*server.Config)) *house {
	t.Helper()
	log, err := sqlite.Open(t.TempDir(), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	rooms := room.New(room.Config{Store: log, Report: func(err error) { t.Error(err) }})
	sockets := ws.Defaults
	sockets.MaxMessage = 1000
	sockets.CloseTimeout = time.Second
	ends := make(chan server.End, 1000)
	m := metrics.New()
	cfg := server.Config{
		Page: page, WS: sockets, Metrics: m, Site: access.Site{Loopback: true},
		Ended:  func(e server.End) { ends <- e },
		Report: func(err error) { t.Error(err) },
	}
	if change != nil {
		change(&cfg)
	}
	s, err := server.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	h := &house{t, s, rooms, m, ends, l.Addr().String()}
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := errors.Join(s.Shutdown(ctx), <-served, rooms.Close(ctx), log.Close()); err != nil {
			t.Error(err)
		}
	})
	return h
}

// ended waits for the end of a socket.
func (h *house) ended() server.End {
	h.Helper()
	select {
	case e := <-h.ends:
		return e
	case <-time.After(patience):
		h.Fatal("no socket ends")
	}
	return server.End{}
}

// get asks for a path and returns the answer with its whole body.
func (h *house) get(path string) (*http.Response, string) {
	h.Helper()
	resp, err := http.Get("http://" + h.addr + path)
	if err != nil {
		h.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		h.Fatal(err)
	}
	return resp, string(body)
}

// A socket is a connection after its upgrade, or the answer that refused it.
type socket struct {
	*testing.T
	net.Conn
	r    *bufio.Reader
	resp *http.Response
}

// dial sends an upgrade request as it's written, without tidying its target.
func (h *house) dial(target string, headers ...string) *socket {
	h.Helper()
	return h.dialFrom(nextAddr(), target, headers...)
}

var dialed atomic.Uint32

// nextAddr is an address of the loopback that no socket has had, since who was
// cut off is refused for a while.
func nextAddr() net.IP {
	n := dialed.Add(1)
	return net.IPv4(127, 1, byte(n>>8), byte(n))
}

func (h *house) dialFrom(from net.IP, target string, headers ...string) *socket {
	h.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: from}}
	c, err := d.Dial("tcp", h.addr)
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	host := "Host: " + h.addr
	var more string
	for _, l := range headers {
		if strings.HasPrefix(l, "Host:") {
			host = l
		} else {
			more += l + "\r\n"
		}
	}
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\n%s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n", target, host, more)
	r := bufio.NewReader(c)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		h.Fatal(err)
	}
	return &socket{h.T, c, r, resp}
}

func (s *socket) send(b ...byte) {
	s.Helper()
	f := gobwas.MaskFrame(gobwas.NewBinaryFrame(b))
	if err := gobwas.WriteFrame(s.Conn, f); err != nil {
		s.Fatal(err)
	}
}

func (s *socket) next() gobwas.Frame {
	s.Helper()
	h, err := gobwas.ReadHeader(s.r)
	f := gobwas.Frame{Header: h, Payload: make([]byte, h.Length)}
	if err == nil {
		_, err = io.ReadFull(s.r, f.Payload)
	}
	if err != nil {
		s.Fatal(err)
	}
	return f
}

func (s *socket) isClosed(code int) {
	s.Helper()
	for {
		if f := s.next(); f.Header.OpCode == gobwas.OpClose {
			if got := int(binary.BigEndian.Uint16(f.Payload)); got != code {
				s.Fatalf("closed with %d %s, want %d", got, f.Payload[2:], code)
			}
			return
		}
	}
}

func (s *socket) refused(status int) string {
	s.Helper()
	body, _ := io.ReadAll(s.resp.Body)
	if s.resp.StatusCode != status {
		s.Fatalf("%s: %s, want %d", s.resp.Status, body, status)
	}
	return string(body)
}

// hi is an update: the text "hi" by client 7.
var hi = []byte("\x01\x01\x07\x00\x04\x01\x04text\x02hi\x00")

// Different ways to write an address lead to the same document or to another
// one, as they should, with nobody redirected.
func TestPaths(t *testing.T) {
	h := open(t, nil)
	for i, same := range [][]string{
		{"/yjs/plain", "/plain", "/yjs/plain?token=x", "/%70lain"},
		{"/yjs/a//b", "/a//b", "/yjs/a%2F/b"},
		{"/yjs/100%", "/100%", "/yjs/100%25"},
		{"/yjs/a%20b%zz", "/a%20b%25zz"},
		{"/yjs/ws"},
		{"/yjs/yjs/plain"},
	} {
		writer := h.dial(same[0])
		if writer.resp.StatusCode != 101 {
			t.Fatal(same[0], writer.resp.Status)
		}
		update := bytes.Replace(hi, []byte("hi"), []byte{'0', byte('0' + i)}, 1)
		writer.send(append([]byte{0, 2, byte(len(update))}, update...)...)
		writer.send(0, 0, 1, 0)
		for _, target := range same {
			s := h.dial(target)
			if s.resp.StatusCode != 101 {
				t.Fatal(target, s.resp.Status)
			}
			writer.next() // the room has the update
			s.send(0, 0, 1, 0)
			if got := s.next().Payload[3:]; !bytes.Equal(got, update) {
				t.Errorf("%s: %q, want the text of %s", target, got, same[0])
			}
			writer.send(0, 0, 1, 0)
		}
	}
	for _, target := range []string{"/ws", "/tutorial?doc=a", "/api/v1/docs", "/d/a", "/yjs", "/yjs/", "/yjs/a/../b", "/yjs/%00"} {
		h.dial(target).refused(404)
	}
}

// What a browser does for a page of another site is refused before the upgrade.
func TestForeignSites(t *testing.T) {
	h := open(t, nil)
	for _, header := range []string{"Origin: https://evil.example", "Origin: null", "Host: evil.example", "Host: evil.example:8000", "Host: 192.0.2.1"} {
		h.dial("/yjs/a", header).refused(403)
	}
	for _, header := range []string{"Origin: http://" + h.addr, "Origin: http://localhost:5173", "Host: localhost:8000", "Host: [::1]:8000"} {
		h.dial("/yjs/a", header).refused(101)
	}
	req, _ := http.NewRequest("GET", "http://"+h.addr+"/", nil)
	req.Host = "evil.example"
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 403 {
		t.Fatal(resp.Status)
	}
}

func TestHostileSockets(t *testing.T) {
	h := open(t, nil)
	for name, tt := range map[string]struct {
		bytes []byte
		code  int
	}{
		"rubbish for frames": {[]byte("GET / HTTP/1.1\r\n\r\n"), 4400},
		"unmasked":           {[]byte{0x82, 1, 0}, 4400},
		"rubbish message":    {gobwas.MustCompileFrame(gobwas.MaskFrame(gobwas.NewBinaryFrame([]byte("rubbish")))), 4400},
		"text":               {gobwas.MustCompileFrame(gobwas.MaskFrame(gobwas.NewTextFrame([]byte("{}")))), 1003},
		"bad UTF-8":          {gobwas.MustCompileFrame(gobwas.MaskFrame(gobwas.NewTextFrame([]byte{0xff}))), 1007},
		"too large":          {gobwas.MustCompileFrame(gobwas.MaskFrame(gobwas.NewBinaryFrame(make([]byte, 1001)))), 4413},
		"an absurd length":   {[]byte{0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}, 4413},
	} {
		t.Run(name, func(t *testing.T) {
			s := h.dial("/yjs/a")
			s.Write(tt.bytes)
			s.isClosed(tt.code)
		})
	}
	h.dial("/yjs/a", "Sec-WebSocket-Protocol: one, two").isSubprotocol("one")
	// Requests that are no upgrades at all.
	for _, raw := range []string{"\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\r\n"} {
		c, err := net.Dial("tcp", h.addr)
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(patience))
		go io.WriteString(c, raw)
		answer := make([]byte, len("HTTP/1.1 4"))
		if _, err := io.ReadFull(c, answer); err != nil || string(answer) != "HTTP/1.1 4" {
			t.Errorf("%.20q was answered %q, %v", raw, answer, err)
		}
		c.Close()
	}
}

func (s *socket) isSubprotocol(want string) {
	s.Helper()
	if got := s.resp.Header.Get("Sec-WebSocket-Protocol"); got != want {
		s.Fatalf("subprotocol %q", got)
	}
}

func TestPage(t *testing.T) {
	h := open(t, nil)
	get := func(method, path string, headers ...string) *http.Response {
		t.Helper()
		req, err := http.NewRequest(method, "http://"+h.addr+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(headers) == 2 {
			req.Header.Set(headers[0], headers[1])
		}
		resp, err := http.DefaultTransport.RoundTrip(req) // follows no redirect
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		resp.Body = io.NopCloser(bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	for _, path := range []string{"/", "/d/a", "/d/a/b", "/d/a//b", "/d/..%2Fx", "/d/index.html", "/d/100%25", "/?q"} {
		resp := get("GET", path)
		body, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != 200 || string(body) != "<title>Inkwire</title>" || resp.Header.Get("Content-Type") != "text/html; charset=utf-8" ||
			resp.Header.Get("Cache-Control") != "no-cache" || !strings.Contains(resp.Header.Get("Content-Security-Policy"), "script-src 'self'") {
			t.Errorf("%s: %s %s %v", path, resp.Status, body, resp.Header)
		}
	}
	js := get("GET", "/assets/x-1234.js")
	if js.StatusCode != 200 || !strings.Contains(js.Header.Get("Cache-Control"), "immutable") || !strings.HasPrefix(js.Header.Get("Content-Type"), "text/javascript") {
		t.Error(js.Status, js.Header)
	}
	if again := get("GET", "/", "If-None-Match", get("GET", "/").Header.Get("Etag")); again.StatusCode != 304 {
		t.Error(again.Status)
	}
	if head := get("HEAD", "/favicon.svg"); head.StatusCode != 200 || head.ContentLength != 6 || head.Header.Get("Content-Type") != "image/svg+xml" {
		t.Error(head.Status, head.Header)
	}
	for path, want := range map[string]int{"/assets/none.js": 404, "/none": 404, "/assets": 404, "/d/": 404, "/healthz": 200} {
		if resp := get("GET", path); resp.StatusCode != want {
			t.Errorf("%s: %s, want %d", path, resp.Status, want)
		}
	}
	if resp := get("POST", "/"); resp.StatusCode != 405 {
		t.Error(resp.Status)
	}
	if _, err := server.New(server.Config{Page: fstest.MapFS{}}); err == nil {
		t.Error("a page without index.html")
	}
}

// Shutting down tells the sockets, and what they wrote is saved.
func TestShutdown(t *testing.T) {
	h := open(t, nil)
	var sockets []*socket
	for i := range 5 {
		s := h.dial(fmt.Sprintf("/yjs/%d", i))
		s.send(append([]byte{0, 2, byte(len(hi))}, hi...)...)
		s.send(0, 0, 1, 0)
		s.next() // the update has been taken
		s.next()
		sockets = append(sockets, s)
	}
	if n := h.server.Sockets(); n != 5 {
		t.Fatalf("%d sockets", n)
	}
	done := make(chan error, 1)
	go func() { done <- h.server.Shutdown(context.Background()) }()
	for _, s := range sockets {
		s.isClosed(1001)
		s.Close()
	}
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(patience):
		t.Fatal("it doesn't end")
	}
	if n := h.server.Sockets(); n != 0 {
		t.Fatalf("%d sockets", n)
	}
}

// Sockets that come while the server goes are refused, or told and awaited.
func TestShutdownDuringUpgrades(t *testing.T) {
	h := open(t, nil)
	begun := make(chan struct{}, 40)
	var clients sync.WaitGroup
	for range cap(begun) {
		clients.Go(func() {
			c, err := net.Dial("tcp", h.addr)
			if err != nil {
				begun <- struct{}{} // it came too late
				return
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(patience))
			fmt.Fprintf(c, "GET /yjs/a HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
				"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", h.addr)
			begun <- struct{}{}
			io.Copy(io.Discard, c)
		})
	}
	<-begun
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := h.server.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	if n := h.server.Sockets(); n != 0 {
		t.Errorf("%d sockets go on after the shutdown", n)
	}
	clients.Wait()
}
