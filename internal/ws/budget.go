package ws

import (
	"fmt"
	"sync/atomic"
)

// A Budget bounds the memory of incoming messages, of all connections that share
// it: of what has arrived of those under way, of what they are inflated to, and of
// those that are handled. Memory that was outgrown, and what a handler copies, isn't
// counted; nor are the first firstGrab bytes of each connection's message, so that
// typing takes nothing of the budget and goes on when nothing is left.
type Budget struct {
	limit   int64
	changed func(delta int)
	taken   atomic.Int64
}

// NewBudget returns a budget of limit bytes. Unless changed is nil, it is told by
// how many the bytes taken grew or shrank, from many goroutines.
func NewBudget(limit int, changed func(delta int)) *Budget {
	if changed == nil {
		changed = func(int) {}
	}
	return &Budget{limit: int64(limit), changed: changed}
}

// take takes n bytes for who has taken mine before, if there are as many. Who has
// all that is taken may go beyond: a deflated message takes more than the longest
// that is allowed, and must go at least when it is alone.
func (b *Budget) take(n, mine int) bool {
	for {
		taken := b.taken.Load()
		if taken+int64(n) > b.limit && taken != int64(mine) {
			return false
		}
		if b.taken.CompareAndSwap(taken, taken+int64(n)) {
			b.changed(n)
			return true
		}
	}
}

func (b *Budget) giveBack(n int) {
	b.taken.Add(int64(-n))
	b.changed(-n)
}

// hold takes what a message of n bytes of memory needs beyond what is held for it.
func (r *reader) hold(n int) error {
	b := r.cfg.Incoming
	if n -= firstGrab; b == nil || n <= r.held {
		return nil
	}
	if !b.take(n-r.held, r.held) {
		return &Error{CodeTryLater, fmt.Sprintf("messages under way would take more than %d bytes (--max-incoming)", b.limit)}
	}
	r.held = n
	return nil
}

// holdOnly gives back what a message of n bytes doesn't need.
func (r *reader) holdOnly(n int) {
	if n = max(n-firstGrab, 0); n < r.held {
		r.cfg.Incoming.giveBack(r.held - n)
		r.held = n
	}
}

// Keep lets the message that is being handled, of n bytes of memory, count in the
// budget until Release(n). If it reports false, there are no such bytes, and the
// message must not be kept. It is called by the reading goroutine.
func (c *Conn) Keep(n int) bool {
	r, b := &c.reader, c.cfg.Incoming
	if b == nil {
		return true
	}
	if n > r.held {
		if !b.take(n-r.held, r.held) {
			return false
		}
		r.held = n
	}
	r.held -= n
	return true
}

// Release gives n bytes back that were kept. It may be called from anywhere.
func (c *Conn) Release(n int) {
	if b := c.cfg.Incoming; b != nil {
		b.giveBack(n)
	}
}
