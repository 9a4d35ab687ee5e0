package ws_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/inkwire/inkwire/internal/ws"
)

// A gauge follows what is taken of a budget.
type gauge struct{ now, most atomic.Int64 }

func (g *gauge) add(delta int) {
	n := g.now.Add(int64(delta))
	for most := g.most.Load(); n > most && !g.most.CompareAndSwap(most, n); most = g.most.Load() {
	}
}

// largest is a message as long as the tests' budgets have room for one of.
const largest = 100_000

func budgeted(limit int) (ws.Config, *gauge) {
	cfg, g := config(), new(gauge)
	cfg.MaxMessage, cfg.MaxQueue = largest, 1<<20
	cfg.Incoming = ws.NewBudget(limit, g.add)
	return cfg, g
}

// refusal reads the close frame that refuses for want of a budget or a rate.
func (r *raw) refusal(names string) {
	r.t.Helper()
	b0, got := r.next()
	for b0 != 0x88 {
		b0, got = r.next()
	}
	if code := binary.BigEndian.Uint16(got); code != 1013 || !strings.Contains(string(got[2:]), "("+names+")") {
		r.t.Errorf("closed with %d %q, want 1013 because of %s", code, got[2:], names)
	}
}

// While one connection's message uses the budget up, another's is refused, and
// short ones go on. Once the first is handled, there is room again.
func TestBudget(t *testing.T) {
	long := strings.Repeat("a", largest)
	for name, in := range map[string][]byte{
		"plain":        binaryMsg(long),
		"in fragments": cat(binaryPart(long[:60_000]), more(""), last(long[60_000:])),
		"deflated":     frame(0xc2, deflated(long)),
	} {
		t.Run(name, func(t *testing.T) {
			cfg, taken := budgeted(largest * 3 / 2)
			handling, goOn := make(chan struct{}, 2), make(chan struct{})
			addr := serve(t, cfg, func(c *ws.Conn) {
				for {
					m, err := c.Read()
					if err != nil {
						var code = 1000
						var reason string
						if e, ok := err.(*ws.Error); ok {
							code, reason = e.Code, e.Msg
						}
						c.Finish(code, reason)
						return
					}
					if len(m.Data) == largest {
						handling <- struct{}{}
						<-goOn
					}
					if err := c.Send(ws.Text(fmt.Append(nil, len(m.Data)), nil)); err != nil {
						t.Error(err)
					}
				}
			})
			release := sync.OnceFunc(func() { close(goOn) })
			t.Cleanup(release)
			first, _ := dialOffering(t, addr, "permessage-deflate")
			first.Write(in)
			<-handling
			if n := taken.now.Load(); n < largest-4<<10 {
				t.Errorf("a message of %d bytes takes %d of the budget", largest, n)
			}
			second, _ := dialOffering(t, addr, "permessage-deflate")
			second.Write(in)
			second.refusal("--max-incoming")
			short, _ := dialOffering(t, addr, "permessage-deflate")
			short.says(cat(text(long[:4<<10]), frame(0xc2, deflated("y"))), textReply("4096"), textReply("1"))
			if n := taken.most.Load(); n > largest*3/2 {
				t.Errorf("%d bytes were taken of a budget of %d", n, largest*3/2)
			}

			release()
			first.says(ping("p"), textReply(fmt.Sprint(largest)), pongReply("p"))
			if n := taken.now.Load(); n != 0 {
				t.Errorf("%d bytes aren't given back after the message was handled", n)
			}
			short.says(in, textReply(fmt.Sprint(largest)))
			first.converse(nil)
			short.converse(nil)
		})
	}
}

// A ping between a message's frames gives nothing of it back.
func TestBudgetOfFragments(t *testing.T) {
	cfg, taken := budgeted(largest)
	r := dial(t, serve(t, cfg, echo))
	r.says(cat(binaryPart(strings.Repeat("a", 50_000)), ping("p")), pongReply("p"))
	before := taken.now.Load()
	r.says(ping("q"), pongReply("q"))
	if n := taken.now.Load(); n < 50_000-4<<10 || n != before {
		t.Errorf("half a message takes %d bytes, and after a ping %d", before, n)
	}
	r.says(last("b"), binaryReply(strings.Repeat("a", 50_000)+"b"))
	r.converse(nil)
}

// Whatever a message fails with, its bytes are given back.
func TestBudgetAfterFailures(t *testing.T) {
	long := strings.Repeat("a", largest/2)
	for name, in := range map[string][]byte{
		"cut off":            cut(binaryMsg(long), 1),
		"no end":             binaryPart(long),
		"bad UTF-8":          text(long + "\xff"),
		"too long":           cat(binaryPart(long), last(long+"x")),
		"bad deflated data":  frame(0xc2, cat(deflated(long), []byte{0, 0, 0xff, 0xff, 0x07, 1, 2, 3})),
		"bad deflated UTF-8": frame(0xc1, deflated(long+"\xff")),
		"a bomb":             frame(0xc2, deflated(long+long+long)),
		"beyond the budget":  frame(0xc2, deflatedAt(0, noise(largest))),
		"after the end":      cat(closing(1000, ""), binaryMsg(long)),
	} {
		t.Run(name, func(t *testing.T) {
			cfg, taken := budgeted(largest)
			ended := make(chan struct{})
			addr := serve(t, cfg, func(c *ws.Conn) {
				defer close(ended)
				if !c.Keep(1) { // so that none is alone
					t.Error("a budget has not one byte")
				}
				for err := error(nil); err == nil; {
					_, err = c.Read()
				}
				if n := taken.now.Load(); n != 1 {
					t.Errorf("%d bytes are taken of the budget when the reading has failed", n-1)
				}
				c.Release(1)
				c.Finish(1000, "")
			})
			r, _ := dialOffering(t, addr, "permessage-deflate")
			r.Write(in)
			r.Close()
			<-ended
			if n := taken.now.Load(); n != 0 {
				t.Errorf("%d bytes are taken of the budget when nothing is under way", n)
			}
			if n := taken.most.Load(); n < 10_000 && name != "after the end" {
				t.Errorf("only %d bytes were ever taken", n)
			}
		})
	}
}

func noise(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return string(b)
}

// The longest message goes, deflated too, when none other is there, even if the
// budget has room for one alone.
func TestBudgetOfOne(t *testing.T) {
	cfg, taken := budgeted(largest)
	want := noise(largest)
	r, _ := dialOffering(t, serve(t, cfg, func(c *ws.Conn) {
		if m, err := c.Read(); err != nil || string(m.Data) != want {
			t.Errorf("got %d bytes, %v", len(m.Data), err)
		}
		if n := taken.most.Load(); n < 2*largest-4<<10 {
			t.Errorf("a deflated message and what it is inflated to took %d bytes", n)
		}
		if n := taken.now.Load(); n > largest*3/2 {
			t.Errorf("a message of %d bytes takes %d once it is inflated", largest, n)
		}
		c.Finish(1000, "")
		if n := taken.now.Load(); n != 0 {
			t.Errorf("%d bytes are taken of the budget after the end", n)
		}
	}), "permessage-deflate")
	r.converse(frame(0xc2, deflatedAt(0, want)), closeReply(1000))
}

// A handler's message is given back when it returns.
func TestBudgetOfHandlers(t *testing.T) {
	cfg, taken := budgeted(largest)
	r := dial(t, serve(t, cfg, func(c *ws.Conn) {
		h := &handler{c, 0, make(chan error, 1)}
		c.Serve(h)
		<-h.ended
	}))
	long := strings.Repeat("a", largest)
	r.says(cat(text(long), ping("p")), textReply(long), pongReply("p"))
	if n := taken.now.Load(); n != 0 || taken.most.Load() == 0 {
		t.Errorf("%d bytes aren't given back after the message was handled", n)
	}
	r.converse(nil)
}

// What a handler keeps counts until it is released.
func TestKeep(t *testing.T) {
	cfg, taken := budgeted(2 * largest)
	kept := make(chan *ws.Conn)
	r := dial(t, serve(t, cfg, func(c *ws.Conn) {
		if _, err := c.Read(); err != nil || !c.Keep(largest) {
			t.Error("the message isn't kept: ", err)
		}
		if c.Keep(largest + 1) {
			t.Error("more is kept than there is")
		}
		kept <- c
		echo(c)
	}))
	r.Write(binaryMsg(strings.Repeat("a", largest)))
	c := <-kept
	r.says(text("x"), textReply("x"))
	if n := taken.now.Load(); n != largest {
		t.Errorf("%d bytes are kept, want %d", n, largest)
	}
	c.Release(largest)
	if n := taken.now.Load(); n != 0 {
		t.Errorf("%d bytes are kept after all were released", n)
	}
	r.converse(nil)
}

// Typing leaves the budget alone.
func TestBudgetOfTyping(t *testing.T) {
	cfg, taken := budgeted(largest)
	r, _ := dialOffering(t, serve(t, cfg, echo), "permessage-deflate")
	for _, n := range []int{0, 1, 100, 1000} {
		want := strings.Repeat("a", n)
		r.Write(cat(binaryMsg(want), frame(0xc2, deflated(want))))
		for range 2 {
			if got, _ := r.nextMessage(); got != want {
				t.Errorf("got %q", got)
			}
		}
	}
	if n := taken.most.Load(); n != 0 {
		t.Errorf("short messages took %d bytes of the budget", n)
	}
	r.converse(nil)
}
