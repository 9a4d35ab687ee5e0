package ws_test

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
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/inkwire/inkwire/internal/ws"
)

func TestMain(m *testing.M) {
	if os.Getenv(peerServer) != "" {
		if err := peer(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// patience bounds what a test waits for; nothing should take that long.
const patience = 10 * time.Second

func config() ws.Config {
	c := ws.Defaults
	c.MaxMessage, c.MaxQueue, c.CloseTimeout = 1000, 4096, 500*time.Millisecond
	return c
}

// serve starts a server whose connections are handed to use, and returns its
// address. At the test's end every use has returned.
func serve(t *testing.T, cfg ws.Config, use func(*ws.Conn)) string {
	t.Helper()
	done := make(chan struct{}, 100)
	var started atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { done <- struct{}{} }()
		c, err := ws.Accept(w, r, &cfg)
		if err != nil {
			return
		}
		use(c)
	}))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			started.Add(1)
		}
	}
	srv.Start()
	t.Cleanup(func() {
		srv.Close()
		for range started.Load() {
			select {
			case <-done:
			case <-time.After(patience):
				t.Error("a connection's goroutine goes on")
			}
		}
	})
	return strings.TrimPrefix(srv.URL, "http://")
}

// echo sends every message back, and closes with the code that its error tells.
func echo(c *ws.Conn) {
	for {
		m, err := c.Read()
		var breach *ws.Error
		switch {
		case errors.As(err, &breach):
			c.Finish(breach.Code, breach.Msg)
			return
		case err != nil:
			c.Finish(1000, "")
			return
		}
		f := ws.Binary(nil, ws.NewBody(m.Data))
		if m.Text {
			f = ws.Text(nil, ws.NewBody(m.Data))
		}
		if err := c.Send(f); err != nil {
			c.Abort(1013, err.Error())
		}
	}
}

// A raw client writes the bytes it likes.
type raw struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

// dial opens a socket that may have anything but deflate.
func dial(t *testing.T, addr string) *raw {
	t.Helper()
	r, answered := dialOffering(t, addr, "")
	if answered != "" {
		t.Fatalf("the server chose %q, which nobody offered", answered)
	}
	return r
}

// dialOffering offers extensions and returns what the server chose.
func dialOffering(t *testing.T, addr, extensions string) (*raw, string) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	request := handshake
	if extensions != "" {
		request = strings.Replace(request, "\r\n\r\n", "\r\nSec-WebSocket-Extensions: "+extensions+"\r\n\r\n", 1)
	}
	fmt.Fprint(c, request)
	r := bufio.NewReader(c)
	resp, err := http.ReadResponse(r, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(resp, err)
	}
	return &raw{t, c, r}, resp.Header.Get("Sec-WebSocket-Extensions")
}

// frame makes a masked frame; b0 is its first byte.
func frame(b0 byte, payload []byte) []byte {
	f := []byte{b0}
	switch n := len(payload); {
	case n < 126:
		f = append(f, 0x80|byte(n))
	case n < 1<<16:
		f = binary.BigEndian.AppendUint16(append(f, 0x80|126), uint16(n))
	default:
		f = binary.BigEndian.AppendUint64(append(f, 0x80|127), uint64(n))
	}
	mask := []byte{1, 2, 3, 4}
	f = append(f, mask...)
	for i, b := range payload {
		f = append(f, b^mask[i%4])
	}
	return f
}

// next reads one frame of the server's.
func (r *raw) next() (b0 byte, payload []byte) {
	r.t.Helper()
	h := make([]byte, 2)
	if _, err := io.ReadFull(r.r, h); err != nil {
		r.t.Fatal("no frame: ", err)
	}
	n := int(h[1])
	switch n {
	case 126:
		l := make([]byte, 2)
		io.ReadFull(r.r, l)
		n = int(binary.BigEndian.Uint16(l))
	case 127:
		l := make([]byte, 8)
		io.ReadFull(r.r, l)
		n = int(binary.BigEndian.Uint64(l))
	}
	payload = make([]byte, n)
	if _, err := io.ReadFull(r.r, payload); err != nil {
		r.t.Fatal("half a frame: ", err)
	}
	return h[0], payload
}

// Bytes that come one at a time, and a client that sends before the answer to
// its handshake, make no difference.
func TestSlowBytes(t *testing.T) {
	r := dial(t, serve(t, config(), echo))
	in := append(frame(0x02, []byte(strings.Repeat("a", 600))), frame(0x80, []byte("end"))...)
	for _, b := range in {
		r.Write([]byte{b})
	}
	if _, got := r.next(); string(got) != strings.Repeat("a", 600)+"end" {
		t.Fatalf("got %q", got)
	}
}

// What a header announces costs nothing before it arrives.
func TestAnnouncedLengthCostsNothing(t *testing.T) {
	cfg := config()
	cfg.MaxMessage = 1 << 30
	addr := serve(t, cfg, echo)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 8 {
		r := dial(t, addr)
		r.Write([]byte{0x82, 0x80 | 127, 0, 0, 0, 0, 0x3f, 0xff, 0xff, 0xff, 1, 2, 3, 4, 'x'})
		r.Write([]byte{'y'})
		r.Close()
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 8<<20 {
		t.Fatalf("8 headers that announce 1 GiB each made the server allocate %d bytes", n)
	}
}

// A receiver that doesn't read: its queue stays bounded, the sender learns of
// it at once, and no goroutine is left.
func TestSlowReceiver(t *testing.T) {
	cfg := config()
	overflow := make(chan error, 1)
	addr := serve(t, cfg, func(c *ws.Conn) {
		f := ws.Binary(nil, ws.NewBody(make([]byte, 1<<20)))
		for {
			if err := c.Send(f); err != nil {
				overflow <- err
				c.Abort(1013, "too slow")
				c.Read()
				c.Finish(1013, "too slow")
				return
			}
		}
	})
	dial(t, addr)
	select {
	case err := <-overflow:
		if !errors.Is(err, ws.ErrOverflow) {
			t.Fatal(err)
		}
	case <-time.After(patience):
		t.Fatal("no overflow")
	}
}

func TestDeadPeer(t *testing.T) {
	cfg := config()
	cfg.PingAfter, cfg.PongWithin = 50*time.Millisecond, 100*time.Millisecond
	ended := make(chan error, 1)
	r := dial(t, serve(t, cfg, func(c *ws.Conn) {
		_, err := c.Read()
		ended <- err
		c.Finish(1000, "")
	}))
	if b0, _ := r.next(); b0 != 0x89 {
		t.Fatalf("got %#x, want a ping", b0)
	}
	r.Write(frame(0x8a, nil))
	if b0, _ := r.next(); b0 != 0x89 {
		t.Fatalf("got %#x, want a second ping", b0)
	}
	select {
	case err := <-ended:
		if err != ws.ErrSilent {
			t.Fatal(err)
		}
	case <-time.After(patience):
		t.Fatal("the dead peer is kept")
	}
}

func TestPingAndPong(t *testing.T) {
	pong := make(chan int, 3)
	r := dial(t, serve(t, config(), func(c *ws.Conn) {
		for i := range 3 {
			c.Ping(func() { pong <- i })
		}
		echo(c)
	}))
	r.next()
	_, second := r.next()
	r.Write(frame(0x8a, second)) // it answers for the first too
	for want := range 2 {
		select {
		case got := <-pong:
			if got != want {
				t.Fatalf("pong of ping %d, want %d", got, want)
			}
		case <-time.After(patience):
			t.Fatal("no pong")
		}
	}
	if len(pong) != 0 {
		t.Fatal("the third ping was answered")
	}
}

func TestKeepalive(t *testing.T) {
	r := dial(t, serve(t, config(), func(c *ws.Conn) {
		c.KeepAlive(ws.Binary([]byte{1, 1, 0}, nil), 30*time.Millisecond)
		echo(c)
	}))
	for range 3 {
		if b0, got := r.next(); b0 != 0x82 || !bytes.Equal(got, []byte{1, 1, 0}) {
			t.Fatalf("got %#x %v", b0, got)
		}
	}
}

// What was queued before Close goes out before the close frame, in order, and
// reasons are cut between characters.
func TestCloseFlushes(t *testing.T) {
	const n = 50
	r := dial(t, serve(t, config(), func(c *ws.Conn) {
		for i := range n {
			if err := c.Send(ws.Binary([]byte{byte(i)}, nil)); err != nil {
				t.Error(err)
			}
		}
		c.Close(4403, strings.Repeat("ü", 100))
		if err := c.Send(ws.Binary(nil, nil)); err != ws.ErrClosed {
			t.Error("after Close: ", err)
		}
		echo(c)
	}))
	for i := range n {
		if _, got := r.next(); !bytes.Equal(got, []byte{byte(i)}) {
			t.Fatalf("got %v, want %d", got, i)
		}
	}
	b0, got := r.next()
	if b0 != 0x88 || binary.BigEndian.Uint16(got) != 4403 || string(got[2:]) != strings.Repeat("ü", 61) {
		t.Fatalf("got %#x %q", b0, got)
	}
	if _, err := r.r.ReadByte(); err != io.EOF { // the client answers nothing, and the server doesn't wait for long
		t.Fatal(err)
	}
}

// A client library agrees with us about long messages in both directions.
func TestAgainstClient(t *testing.T) {
	cfg := config()
	cfg.MaxMessage, cfg.MaxQueue = 1<<20, 1<<20
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, _, err := websocket.Dial(ctx, "ws://"+serve(t, cfg, echo), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	c.SetReadLimit(1 << 20)
	for _, n := range []int{0, 125, 126, 255, 256, 257, 65535, 65536, 1 << 20} {
		p := bytes.Repeat([]byte{'a', 'b', 'c'}, n/3+1)[:n]
		if err := c.Write(ctx, websocket.MessageBinary, p); err != nil {
			t.Fatal(n, err)
		}
		if _, got, err := c.Read(ctx); err != nil || !bytes.Equal(got, p) {
			t.Fatal(n, len(got), err)
		}
	}
	if err := c.Close(1000, "done"); err != nil {
		t.Fatal(err)
	}
}

// A connection that is interrupted reads no more, but what is sent then still
// goes out before the close frame.
func TestInterrupt(t *testing.T) {
	interrupted := make(chan struct{})
	r := dial(t, serve(t, config(), func(c *ws.Conn) {
		if m, err := c.Read(); err != nil || string(m.Data) != "x" {
			t.Errorf("read %q, %v", m.Data, err)
		}
		c.Interrupt()
		if _, err := c.Read(); err != ws.ErrInterrupted {
			t.Error(err)
		}
		close(interrupted)
		if err := c.Send(ws.Text([]byte("saved"), nil)); err != nil {
			t.Error(err)
		}
		c.Finish(1001, "")
	}))
	r.Write(text("x"))
	<-interrupted
	r.Write(text("too late"))
	for _, want := range []reply{textReply("saved"), closeReply(1001)} {
		if b0, got := r.next(); b0 != want.first || string(got) != want.payload {
			t.Fatalf("got %#x %q, want %#x %q", b0, got, want.first, want.payload)
		}
	}
}
