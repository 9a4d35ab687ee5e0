package ws_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/inkwire/inkwire/internal/ws"
)

// Drained tells when a receiver that was too slow has got everything.
func TestDrained(t *testing.T) {
	cfg := config()
	var queued, most atomic.Int64
	cfg.Queued = func(delta int) {
		if n := queued.Add(int64(delta)); n > most.Load() {
			most.Store(n)
		}
	}
	overflown, drained := make(chan int), make(chan struct{}, 2)
	r := dial(t, serve(t, cfg, func(c *ws.Conn) {
		f := ws.Binary(nil, ws.NewBody(make([]byte, 16<<20))) // more than the system's buffers take
		for n := 0; ; n++ {
			if err := c.Send(f); err != nil {
				if err != ws.ErrOverflow {
					t.Error(err)
				}
				c.Drained(func() { drained <- struct{}{} })
				overflown <- n
				break
			}
		}
		echo(c)
	}))
	n := <-overflown
	select {
	case <-drained:
		t.Fatal("drained before anything was read")
	default:
	}
	if most.Load() < int64(cfg.MaxQueue) {
		t.Errorf("an overflowing queue had %d bytes at most", most.Load())
	}
	for range n {
		r.next()
	}
	await(t, drained, "drained")
	if left := queued.Load(); left != 0 {
		t.Errorf("%d bytes are said to be queued of none", left)
	}
	r.converse(text("x"), textReply("x"))
	if len(drained) != 0 {
		t.Error("drained twice")
	}
}

// With nothing queued Drained calls at once, though not itself; once the
// connection closes, never.
func TestDrainedIdle(t *testing.T) {
	called := make(chan struct{}, 10)
	over := make(chan struct{})
	r := dial(t, serve(t, config(), func(c *ws.Conn) {
		var held = make(chan struct{})
		c.Drained(func() { <-held; called <- struct{}{} })
		close(held) // it would never be if Drained waited for the call
		await(t, called, "drained")
		c.Close(1000, "")
		c.Drained(func() { t.Error("drained after Close") })
		echo(c)
		close(over)
	}))
	r.next()
	r.Close()
	await(t, over, "the end")
}

// A receiver that doesn't read is given up after the time that a write has.
// What is queued is then no longer said to be, and nobody told that it drained.
func TestStuckReceiver(t *testing.T) {
	cfg := config()
	cfg.WriteTimeout = 50 * time.Millisecond
	var queued atomic.Int64
	cfg.Queued = func(delta int) { queued.Add(int64(delta)) }
	ended, drained := make(chan error, 1), make(chan struct{}, 1)
	dial(t, serve(t, cfg, func(c *ws.Conn) {
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			f := ws.Binary(nil, ws.NewBody(make([]byte, 16<<10)))
			for c.Send(f) == nil {
				c.Drained(func() { drained <- struct{}{} })
				select {
				case <-drained: // the system's buffers took it
				case <-stop:
					return
				}
			}
		}()
		_, err := c.Read()
		c.Finish(1000, "")
		close(stop)
		<-stopped
		ended <- err
	}))
	select {
	case err := <-ended:
		if err != ws.ErrStuck {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Fatal("a write that doesn't end is waited for")
	}
	if left := queued.Load(); left != 0 || len(drained) != 0 {
		t.Errorf("%d bytes are said to be queued of none; drained: %d", left, len(drained))
	}
}

// A message that begins and doesn't go on is refused; nobody who is idle is.
func TestSlowMessage(t *testing.T) {
	for name, begin := range map[string][]byte{
		"half a header":              {0x82},
		"a header":                   announce(0x82, 500),
		"half a payload":             cut(binaryMsg(strings.Repeat("x", 900)), 450),
		"one of two frames":          binaryPart("x"),
		"a frame, then half a ping":  cat(binaryPart("x"), cut(ping("p"), 1)),
		"half of a deflated message": frame(0x42, deflated("x")),
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config()
			cfg.MessageTimeout = 50 * time.Millisecond
			r, _ := dialOffering(t, serve(t, cfg, echo), "permessage-deflate")
			r.converse(cat(text("x"), begin), textReply("x"), closeReply(1013))
		})
	}
	t.Run("pings don't prolong it", func(t *testing.T) {
		cfg := config()
		cfg.MessageTimeout = 50 * time.Millisecond
		r := dial(t, serve(t, cfg, echo))
		r.Write(binaryPart("x"))
		for {
			r.Write(ping("p"))
			if b0, got := r.next(); b0 == 0x88 {
				if string(got[:2]) != code2(1013) {
					t.Fatalf("closed with %x", got)
				}
				return
			}
		}
	})
	t.Run("an idle one", func(t *testing.T) {
		cfg := config()
		cfg.MessageTimeout, cfg.PingAfter = 20*time.Millisecond, 100*time.Millisecond
		r := dial(t, serve(t, cfg, echo))
		if b0, _ := r.next(); b0 != 0x89 { // five times as long
			t.Fatalf("got %#x, want a ping", b0)
		}
		r.converse(text("x"), textReply("x"))
	})
}

// A peer isn't silent while nobody reads what it sends.
func TestBusyReader(t *testing.T) {
	cfg := config()
	cfg.PingAfter, cfg.PongWithin = 20*time.Millisecond, 20*time.Millisecond
	got := make(chan struct{})
	r := dial(t, serve(t, cfg, func(c *ws.Conn) {
		c.KeepAlive(ws.Binary([]byte("k"), nil), 100*time.Millisecond)
		if _, err := c.Read(); err != nil {
			t.Error(err)
		}
		<-got
		echo(c)
	}))
	r.Write(text("x"))
	for {
		if b0, _ := r.next(); b0 == 0x82 { // longer than a silent peer lives
			break
		}
	}
	close(got)
	r.Write(text("y"))
	for {
		if b0, got := r.next(); b0 == 0x81 && string(got) == "y" {
			return
		}
	}
}

// A peer that sends all and then its end, without a close frame, still gets
// what is sent to it, with a close frame.
func TestHalfClosed(t *testing.T) {
	r := dial(t, serve(t, config(), echo))
	r.Write(text("x"))
	r.Conn.(*net.TCPConn).CloseWrite()
	for _, want := range []reply{textReply("x"), closeReply(1000)} {
		if b0, got := r.next(); b0 != want.first || string(got) != want.payload {
			t.Fatalf("got %#x %q", b0, got)
		}
	}
	if _, err := r.r.ReadByte(); err != io.EOF {
		t.Fatal(err)
	}
}

// A peer that ends within a frame is gone, and the reader told so.
func TestCutOff(t *testing.T) {
	ended := make(chan error, 1)
	r := dial(t, serve(t, config(), func(c *ws.Conn) {
		_, err := c.Read()
		ended <- err
		c.Finish(1000, "")
	}))
	r.Write(cut(text("Hello"), 2))
	r.Close()
	if err := <-ended; !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatal(err)
	}
}

func await(t *testing.T, event <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-event:
	case <-time.After(patience):
		t.Fatal("not in time: ", what)
	}
}

// A large write is given up as soon as the receiver takes nothing more, and not
// only when all of it should have gone.
func TestStuckInLargeWrite(t *testing.T) {
	cfg := config()
	cfg.WriteTimeout = 200 * time.Millisecond
	ended := make(chan error, 1)
	r := dial(t, serve(t, cfg, func(c *ws.Conn) {
		if err := c.Send(ws.Binary(nil, ws.NewBody(make([]byte, 64<<20)))); err != nil {
			t.Error(err)
		}
		_, err := c.Read()
		c.Finish(1000, "")
		ended <- err
	}))
	if _, err := io.CopyN(io.Discard, r, 8<<20); err != nil { // for a while it reads
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err != ws.ErrStuck {
			t.Fatal(err)
		}
	case <-time.After(patience):
		t.Fatal("it is still waited for")
	}
}

// A large write whose receiver is slow goes on as long as bytes do.
func TestSlowLargeWrite(t *testing.T) {
	const size, step = 12 << 20, 256 << 10
	cfg := config()
	cfg.WriteTimeout = 400 * time.Millisecond
	begun := time.Now()
	r := dial(t, serve(t, cfg, func(c *ws.Conn) {
		if err := c.Send(ws.Binary(nil, ws.NewBody(make([]byte, size)))); err != nil {
			t.Error(err)
		}
		_, err := c.Read()
		var closed *ws.Closed
		if !errors.As(err, &closed) {
			t.Error(err)
		}
		c.Finish(1000, "")
	}))
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for left := size + 10; left > 0; left -= min(step, left) {
		<-tick.C
		if _, err := io.CopyN(io.Discard, r.r, int64(min(step, left))); err != nil {
			t.Fatal(err)
		}
	}
	if time.Since(begun) < 2*cfg.WriteTimeout {
		t.Fatal("the receiver wasn't slow")
	}
	r.converse(nil)
}
