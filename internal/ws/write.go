package ws

import (
	"encoding/binary"
	"fmt"
	"net"
	"time"

	"github.com/gobwas/ws"
)

// Send queues a frame. It never blocks.
func (c *Conn) Send(f Frame) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return ErrClosed
	}
	// The first that waits isn't counted: it may be a large state, and what comes
	// behind it before the writing goroutine runs isn't too much.
	n := f.Len()
	if len(c.queue) == 0 {
		n = 0
	}
	if c.queued+n > c.cfg.MaxQueue {
		return ErrOverflow
	}
	c.queued += n
	c.enqueueLocked(f)
	c.lastSent = time.Now()
	return nil
}

// Drained has f called once, when nothing is queued and the last write has
// ended: soon, if that is so now. A writing goroutine calls it, and never once
// the connection is closing.
func (c *Conn) Drained(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return
	}
	c.drained = append(c.drained, f)
	if !c.writing {
		c.writing = true
		c.writers.Add(1)
		go c.write()
	}
}

// enqueueLocked queues a frame and sees to it that it's written.
func (c *Conn) enqueueLocked(f Frame) {
	c.queue = append(c.queue, f)
	if !c.writing {
		c.writing = true
		c.writers.Add(1)
		go c.write()
	}
}

// write writes what is queued, and ends when nothing is.
func (c *Conn) write() {
	defer c.writers.Done()
	for {
		c.mu.Lock()
		batch := c.queue
		c.queue, c.queued = nil, 0
		c.writing = len(batch) > 0
		var drained []func()
		if !c.writing && !c.closing {
			drained, c.drained = c.drained, nil
		}
		c.mu.Unlock()
		for _, f := range drained {
			f()
		}
		if len(batch) == 0 {
			return
		}
		if err := c.writeBatch(batch); err != nil {
			c.fail(fmt.Errorf("websocket: write: %w", err))
		}
	}
}

// copyBelow is the size in bytes up to which a batch is copied into one buffer.
const copyBelow = 16 << 10

// writeBatch writes all frames at once: one Write, or one vectored write where
// the connection has it.
func (c *Conn) writeBatch(batch []Frame) error {
	n := 0
	for _, f := range batch {
		n += f.Len()
	}
	wait := c.cfg.WriteTimeout + time.Duration(n)*time.Second/minRate
	if err := c.nc.SetWriteDeadline(time.Now().Add(wait)); err != nil {
		return err
	}
	if len(batch) == 1 && len(batch[0].body) == 0 {
		_, err := c.nc.Write(batch[0].head)
		return err
	}
	if _, vectored := c.nc.(*net.TCPConn); vectored && n > copyBelow {
		bufs := make(net.Buffers, 0, 2*len(batch))
		for _, f := range batch {
			bufs = append(bufs, f.head)
			if len(f.body) > 0 {
				bufs = append(bufs, f.body)
			}
		}
		_, err := bufs.WriteTo(c.nc)
		return err
	}
	buf := make([]byte, 0, n)
	for _, f := range batch {
		buf = append(append(buf, f.head...), f.body...)
	}
	_, err := c.nc.Write(buf)
	return err
}

// A ping waits for the pong that carries its id.
type ping struct {
	id   uint64
	pong func()
}

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
	c.pingID++
	c.pings = append(c.pings, ping{c.pingID, pong})
	f := newFrame(ws.OpPing, nil, binary.BigEndian.AppendUint64(nil, c.pingID))
	c.enqueueLocked(f)
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

// maxPongQueue is the number of waiting frames beyond which pings aren't
// answered: a peer that sends pings and reads nothing must not fill the queue.
const maxPongQueue = 64

func (c *Conn) pong(payload []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing || len(c.queue) > maxPongQueue {
		return
	}
	f := newFrame(ws.OpPong, nil, payload)
	c.enqueueLocked(f)
}

// heartbeat finds dead peers and keeps live ones content; it runs by the timer.
func (c *Conn) heartbeat() {
	c.mu.Lock()
	if c.closing {
		c.mu.Unlock()
		return
	}
	now := time.Now()
	read := time.Unix(0, c.lastRead.Load())
	silence := now.Sub(read)
	if silence >= c.cfg.PingAfter+c.cfg.PongWithin {
		c.mu.Unlock()
		c.fail(ErrSilent)
		return
	}
	if silence >= c.cfg.PingAfter && c.lastPing.Before(read) {
		f := newFrame(ws.OpPing, nil, nil)
		c.enqueueLocked(f)
		c.lastPing = now
	}
	if c.aliveIn > 0 && now.Sub(c.lastSent) >= c.aliveIn {
		c.enqueueLocked(c.alive)
		c.lastSent = now
	}
	c.beat.Reset(c.untilBeat())
	c.mu.Unlock()
}

// untilBeat is how long nothing can be due. The caller holds mu.
func (c *Conn) untilBeat() time.Duration {
	read := time.Unix(0, c.lastRead.Load())
	due := read.Add(c.cfg.PingAfter)
	if !c.lastPing.Before(read) {
		due = due.Add(c.cfg.PongWithin)
	}
	if c.aliveIn > 0 {
		if k := c.lastSent.Add(c.aliveIn); k.Before(due) {
			due = k
		}
	}
	return max(time.Until(due), time.Millisecond)
}
