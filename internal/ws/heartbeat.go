package ws

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"
)

// A ping waits for the pong that carries its id.
type ping struct {
	id   uint64
	pong func()
}

var pingIDs atomic.Uint64

// maxPings bounds the pings without a pong. The peer is then busy or gone, and
// one more question brings no other answer.
const maxPings = 16

// Ping asks for a sign of life; pong is called by the reading goroutine when it
// comes.
func (c *Conn) Ping(pong func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing || len(c.pings) == maxPings {
		return
	}
	id := pingIDs.Add(1)
	c.pings = append(c.pings, ping{id, pong})
	c.enqueueLocked(controlFrame(ws.OpPing, binary.BigEndian.AppendUint64(nil, id)))
}

// ponged calls whoever waits for this pong or an earlier one (RFC 6455, 5.5.3:
// a peer may answer only the latest ping).
func (c *Conn) ponged(payload []byte) {
	if len(payload) != 8 {
		return // of the heartbeat, or unasked for: reading it is all it is for
	}
	id := binary.BigEndian.Uint64(payload)
	c.mu.Lock()
	n := 0
	for n < len(c.pings) && c.pings[n].id <= id {
		n++
	}
	answered := c.pings[:n:n]
	c.pings = c.pings[n:]
	c.mu.Unlock()
	for _, p := range answered {
		p.pong()
	}
}

// heartbeat finds peers that are dead, send too slowly or take too slowly, and
// keeps live ones content; it runs by the timer, a connection's only clock. So
// neither a read nor a write sets a deadline.
func (c *Conn) heartbeat() {
	if err := c.beatOnce(); err != nil {
		c.fail(err)
	}
}

// beatOnce does what is due and sets the timer anew. Its error says why the
// socket must be closed.
func (c *Conn) beatOnce() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return nil // Finish bounds the end
	}
	t := now()
	heard := time.Duration(c.reader.heard.Load())
	due := time.Duration(c.reader.due.Load())
	switch {
	case t-heard >= c.cfg.PingAfter+c.cfg.PongWithin:
		return ErrSilent
	case c.writing && t >= c.writeDue:
		return ErrStuck
	case due > 0 && t >= due && c.failure == nil:
		c.failure = &Error{CodeTryLater, fmt.Sprintf("a message began and didn't come whole in %v", c.cfg.MessageTimeout)}
		// The reading goroutine wakes, and may still close with this code. An error
		// means that it has woken.
		_ = c.nc.SetReadDeadline(time.Now())
		return nil
	}
	if t-heard >= c.cfg.PingAfter && c.lastPing < heard {
		c.enqueueLocked(controlFrame(ws.OpPing, nil))
		c.lastPing = t
	}
	if c.aliveIn > 0 && t-c.lastSent >= c.aliveIn {
		c.enqueueLocked(c.alive)
		c.lastSent = t
	}
	c.beat.Reset(c.untilBeat(t))
	return nil
}

// untilBeat is how long after t nothing can be due. The caller holds mu.
func (c *Conn) untilBeat(t time.Duration) time.Duration {
	// What begins from now on isn't due before that.
	next := t + min(c.cfg.PingAfter, c.cfg.MessageTimeout, c.cfg.WriteTimeout)
	heard := time.Duration(c.reader.heard.Load())
	if c.lastPing < heard {
		heard = min(heard, t) // if the peer isn't read from
		next = min(next, heard+c.cfg.PingAfter)
	} else {
		next = min(next, heard+c.cfg.PingAfter+c.cfg.PongWithin)
	}
	if due := time.Duration(c.reader.due.Load()); due > 0 {
		next = min(next, due)
	}
	if c.writing {
		next = min(next, c.writeDue)
	}
	if c.aliveIn > 0 {
		next = min(next, c.lastSent+c.aliveIn)
	}
	return max(next-t, time.Millisecond)
}
