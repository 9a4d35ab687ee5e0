package ws

import (
	"fmt"
	"math"
	"net"
	"sync"
	"time"

	"github.com/gobwas/ws"
)

// maxFrames bounds a queue in frames, for one takes memory however short it is.
const maxFrames = 1024

// Send queues a frame. It never blocks.
func (c *Conn) Send(f Frame) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return ErrClosed
	}
	// The first that waits isn't counted: it may be a large state, and what comes
	// behind it before the writing goroutine runs isn't too much.
	if n := len(c.queue); n >= maxFrames || n > 0 && c.queued-c.queue[0].Len()+f.Len() > c.cfg.MaxQueue {
		return ErrOverflow
	}
	c.enqueueLocked(f)
	c.lastSent = now()
	return nil
}

// Drained has f called once, when nothing is queued and the last write has
// ended: soon, if that is so now. It is called by a writing goroutine, never by
// Drained, and never once the connection is closing or has failed.
func (c *Conn) Drained(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closing {
		c.drained = append(c.drained, f)
		c.startLocked()
	}
}

// enqueueLocked queues a frame and sees to it that it's written.
func (c *Conn) enqueueLocked(f Frame) {
	c.queue = append(c.queue, f)
	c.queued += f.Len()
	c.countLocked(f.Len())
	c.startLocked()
}

// startLocked starts the writing goroutine. A write by the sender itself, which
// the socket's buffer mostly takes at once, would save it, about a tenth of a
// delivery's cost; but what is sent meanwhile would no longer gather for one
// write, which under load saves nine tenths. See docs/adr/0002.
func (c *Conn) startLocked() {
	if !c.writing {
		c.writing = true
		c.writeDue = math.MaxInt64 // until it has begun
		c.writers.Add(1)
		go c.writeFn()
	}
}

// write writes what is queued, and ends when nothing is.
func (c *Conn) write() {
	defer c.writers.Done()
	for {
		batch, n, drained := c.take()
		if len(batch) == 0 {
			for _, f := range drained {
				f()
			}
			return
		}
		err := c.writeBatch(batch, n)
		if err != nil {
			c.fail(fmt.Errorf("websocket: write: %w", err))
		}
		c.mu.Lock()
		if err == nil {
			c.wroteLocked(batch)
		}
		c.countLocked(-n)
		c.mu.Unlock()
	}
}

// take takes the queue, of n bytes. If it's empty the writing goroutine has to
// call those who waited for that, and end.
func (c *Conn) take() (batch []Frame, n int, drained []func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	batch, n = c.queue, c.queued
	c.queue, c.queued = nil, 0
	if len(batch) > 0 {
		c.begunLocked(now(), 0)
		return batch, n, nil
	}
	c.writing = false
	c.first[0] = Frame{}
	c.queue = c.first[:0]
	if !c.closing {
		drained, c.drained = c.drained, nil
	}
	return nil, 0, drained
}

// begunLocked notes that a write which began then, and has written so much, goes
// on: the next part of it has WriteTimeout to end, and less if the whole is too
// slow.
func (c *Conn) begunLocked(begun time.Duration, written int) {
	c.writeDue = min(now(), begun+allowance(written)) + c.cfg.WriteTimeout
}

// copyBelow is the size in bytes up to which a batch is copied into one buffer.
const copyBelow = 16 << 10

var copies = sync.Pool{New: func() any { return new([copyBelow]byte) }}

// writeBatch writes all frames, of n bytes or fewer, at once: one Write, or one
// vectored write where the connection has it. The heartbeat bounds its time.
func (c *Conn) writeBatch(batch []Frame, n int) error {
	if len(batch) == 1 && batch[0].body == nil {
		_, err := c.nc.Write(batch[0].head)
		return err
	}
	if n > copyBelow {
		bufs := make(net.Buffers, 0, 2*len(batch))
		for _, f := range batch {
			blocks := f.blocks(int(c.level))
			bufs = append(bufs, f.appendTo(nil, blocks))
			if rest := f.rest(blocks); len(rest) > 0 {
				bufs = append(bufs, rest)
			}
		}
		return c.writeParts(bufs, n)
	}
	whole := copies.Get().(*[copyBelow]byte)
	defer copies.Put(whole)
	buf := whole[:0]
	for _, f := range batch {
		blocks := f.blocks(int(c.level))
		buf = append(f.appendTo(buf, blocks), f.rest(blocks)...)
	}
	_, err := c.nc.Write(buf)
	return err
}

// partSize is how many bytes are written at once: the heartbeat sees after each
// part that the receiver takes them. A receiver as slow as minRate takes one in a
// part of WriteTimeout.
const partSize = 128 << 10

// writeParts writes buffers, in parts.
func (c *Conn) writeParts(bufs net.Buffers, n int) error {
	if n > partSize && !c.limited {
		limitUnsent(c.nc, partSize)
		c.limited = true
	}
	begun, written := now(), 0
	var part net.Buffers
	for len(bufs) > 0 {
		left := partSize
		for part = part[:0]; len(bufs) > 0 && left > 0; {
			b := bufs[0]
			if len(b) > left {
				b, bufs[0] = b[:left], b[left:]
			} else {
				bufs = bufs[1:]
			}
			part = append(part, b)
			left -= len(b)
		}
		going := part // which WriteTo cuts
		n, err := going.WriteTo(c.nc)
		if err != nil {
			return err
		}
		written += int(n)
		c.mu.Lock()
		c.begunLocked(begun, written)
		c.mu.Unlock()
	}
	return nil
}

// maxPongQueue is the number of waiting frames beyond which pings aren't
// answered: a peer that sends pings and reads nothing must not fill the queue.
const maxPongQueue = 64

func (c *Conn) pong(payload []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closing && len(c.queue) <= maxPongQueue {
		c.enqueueLocked(controlFrame(ws.OpPong, payload))
	}
}
