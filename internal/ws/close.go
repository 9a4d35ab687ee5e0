package ws

import (
	"net"
	"time"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// MaxReason is the longest reason of a close frame in bytes (RFC 6455, 5.5).
const MaxReason = ws.MaxControlFramePayloadSize - 2

// Close begins the closing handshake: what is queued goes out, then a close
// frame with this code and reason, which is cut to MaxReason bytes. It doesn't
// block. The reading goroutine gets an error within Config.CloseTimeout. Only
// the first close counts.
func (c *Conn) Close(code int, reason string) {
	c.enqueueLast(closeFrame(code, reason))
	// An error means that the socket is closed already.
	_ = c.nc.SetReadDeadline(time.Now().Add(c.cfg.CloseTimeout))
}

// Abort is Close for a receiver that doesn't read: what is queued is dropped.
func (c *Conn) Abort(code int, reason string) {
	c.mu.Lock()
	if !c.closing {
		c.dropLocked()
	}
	c.mu.Unlock()
	c.Close(code, reason)
}

// Finish ends the connection and returns when nothing of it runs any more,
// within about Config.CloseTimeout. It is called by the reading goroutine once
// Read has failed, or when it wants to read no more: then the peer is told the
// code and reason, unless a close frame went out before.
func (c *Conn) Finish(code int, reason string) {
	c.reader.holdOnly(0)
	c.enqueueLast(closeFrame(code, reason))
	// The peer may neither read nor answer.
	late := time.AfterFunc(c.cfg.CloseTimeout, func() { bottom(c.nc).Close() })
	defer late.Stop()
	_ = c.nc.SetReadDeadline(time.Now().Add(c.cfg.CloseTimeout))
	if !c.reader.ended {
		c.reader.drain()
	}
	c.writers.Wait()
	c.nc.Close()
	c.mu.Lock()
	c.beat.Stop()
	c.mu.Unlock()
}

// bottom is the connection beneath TLS, whose own Close may wait for the peer.
func bottom(nc net.Conn) net.Conn {
	if over, ok := nc.(interface{ NetConn() net.Conn }); ok {
		return over.NetConn()
	}
	return nc
}

// enqueueLast queues a close frame, after which nothing is queued any more.
func (c *Conn) enqueueLast(f Frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return
	}
	c.closing = true
	c.pings, c.drained = nil, nil
	c.wakeLocked()
	c.enqueueLocked(f)
}

func (c *Conn) isClosing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closing
}

func closeFrame(code int, reason string) Frame {
	if len(reason) > MaxReason {
		n := MaxReason
		for !utf8.RuneStart(reason[n]) {
			n--
		}
		reason = reason[:n]
	}
	return controlFrame(ws.OpClose, ws.NewCloseFrameBody(ws.StatusCode(code), reason))
}
