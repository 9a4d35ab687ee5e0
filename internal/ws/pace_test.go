package ws_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/inkwire/inkwire/internal/ws"
)

// slow is a configuration by which whoever is beyond the rate rests for minutes:
// a byte a second, after the burst of one longest message.
func slow() ws.Config {
	cfg := config()
	cfg.MaxBytesPerSecond, cfg.OverRate = 1, time.Hour
	return cfg
}

var nearly = strings.Repeat("a", 990)

// A burst isn't slowed down: so many bytes as the longest message may have, and
// messages for two seconds.
func TestBurst(t *testing.T) {
	few := config()
	few.MaxMessagesPerSecond = 3
	for name, tt := range map[string]struct {
		cfg   ws.Config
		burst []string
	}{
		"bytes":    {slow(), []string{nearly[:500], nearly[:490], "a"}},
		"messages": {few, strings.Split("abcdef", "")},
	} {
		t.Run(name, func(t *testing.T) {
			var in []byte
			for _, m := range tt.burst {
				in = append(in, binaryMsg(m)...)
			}
			r := dial(t, serve(t, tt.cfg, func(c *ws.Conn) {
				for range tt.burst {
					if _, err := c.Read(); err != nil {
						t.Error(err)
					}
				}
				if d, counted := ws.Rested(c); d > 0 || !counted {
					t.Errorf("it rested for %v; beyond a second's worth: %v", d, counted)
				}
				c.Finish(1000, "")
			}))
			r.converse(in, closeReply(1000))
		})
	}
}

// resting is a connection that rests: it has sent beyond its rate, and more. after
// does the rest of its server's work.
func resting(t *testing.T, after func(c *ws.Conn) (code int)) (*raw, *ws.Conn) {
	t.Helper()
	conns := make(chan *ws.Conn, 1)
	r := dial(t, serve(t, slow(), func(c *ws.Conn) {
		for range 2 {
			m, err := c.Read()
			if err != nil {
				t.Error(err)
			}
			if err := c.Send(ws.Binary(nil, ws.NewBody(m.Data))); err != nil {
				t.Error(err)
			}
		}
		conns <- c
		c.Finish(after(c), "")
	}))
	r.says(cat(binaryMsg(nearly), binaryMsg(nearly)), binaryReply(nearly), binaryReply(nearly))
	r.Write(cat(binaryMsg("more"), binaryMsg("still more")))
	c := <-conns
	untilResting(t, c)
	return r, c
}

func untilResting(t *testing.T, c *ws.Conn) {
	t.Helper()
	for begun := time.Now(); !ws.Resting(c); runtime.Gosched() {
		if time.Since(begun) > patience {
			t.Fatal("a connection beyond its rate doesn't rest")
		}
	}
}

// A shutdown ends the rest at once, and nothing more is read.
func TestInterruptedRest(t *testing.T) {
	r, c := resting(t, func(c *ws.Conn) int {
		if m, err := c.Read(); err != ws.ErrInterrupted {
			t.Errorf("got %q, %v", m.Data, err)
		}
		return 1001
	})
	c.Interrupt()
	r.converse(nil, closeReply(1001))
}

// So does a close, after which the peer's close frame is still awaited.
func TestClosedRest(t *testing.T) {
	r, c := resting(t, func(c *ws.Conn) int {
		m, err := c.Read()
		if closed, ok := err.(*ws.Closed); !ok || closed.Code != 1000 {
			t.Errorf("got %q, %v", m.Data, err)
		}
		return 1000
	})
	c.Close(4000, "")
	r.converse(nil, closeReply(4000))
}

// A peer that is gone isn't waited for when the server notices.
func TestLostRest(t *testing.T) {
	r, c := resting(t, func(c *ws.Conn) int {
		if m, err := c.Read(); err == nil {
			t.Errorf("got %q", m.Data)
		}
		return 1000
	})
	r.Close()
	for c.Send(ws.Binary(nil, ws.NewBody([]byte("news")))) == nil {
		runtime.Gosched()
	}
}

// A peer that rests is neither silent nor slow, though it is kept from sending
// for longer than either may be, also within a message.
func TestRestIsntSilence(t *testing.T) {
	cfg := config()
	cfg.MaxQueue, cfg.MaxBytesPerSecond = 1<<20, 3000 // in the end it rests for half a second
	cfg.PingAfter, cfg.PongWithin, cfg.MessageTimeout = 20*time.Millisecond, 20*time.Millisecond, 50*time.Millisecond
	r := dial(t, serve(t, cfg, echo))
	var in []byte
	for range 7 {
		in = append(in, binaryMsg(nearly)...)
	}
	r.Write(cat(in, binaryPart(nearly[:900]), last("end")))
	for n := 0; n < 8; {
		b0, got := r.next()
		switch {
		case b0 == 0x88:
			t.Fatalf("closed with %q", got)
		case b0 == 0x82:
			n++
		}
	}
}

// Who is beyond the rate without a break is refused; until then all is answered.
func TestOverRate(t *testing.T) {
	messages, octets := config(), config()
	messages.MaxMessagesPerSecond = 100
	octets.MaxBytesPerSecond = 10_000
	for names, cfg := range map[string]ws.Config{"--max-messages-per-second": messages, "--max-bytes-per-second": octets} {
		t.Run(names, func(t *testing.T) {
			cfg.MaxQueue, cfg.OverRate = 1<<20, 100*time.Millisecond
			m := text("x")
			if cfg.MaxBytesPerSecond < 100_000 {
				m = text(nearly)
			}
			r := dial(t, serve(t, cfg, echo))
			go func() {
				for {
					if _, err := r.Write(m); err != nil {
						return
					}
				}
			}()
			r.refusal(names)
		})
	}
}

// Deflated messages count by what they are inflated to.
func TestInflatedBytesCount(t *testing.T) {
	conns := make(chan *ws.Conn, 1)
	r, _ := dialOffering(t, serve(t, slow(), func(c *ws.Conn) {
		conns <- c
		echo(c)
	}), "permessage-deflate")
	z := frame(0xc2, deflated(nearly))
	r.Write(cat(z, z, z))
	for range 2 {
		if got, _ := r.nextMessage(); got != nearly {
			t.Errorf("got %q", got)
		}
	}
	c := <-conns
	untilResting(t, c)
	c.Close(1000, "")
}
