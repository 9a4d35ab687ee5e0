package yws

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/gateway"
	"github.com/inkwire/inkwire/internal/room"
	"github.com/inkwire/inkwire/internal/ws"
	"github.com/inkwire/inkwire/lib0"
)

// A frame is the same for all sockets that get it, and made once for them.
var (
	stateFrame    = room.Encoding[ws.Frame]{Make: framer(messageSync, syncStep2)}
	queryFrame    = room.Encoding[ws.Frame]{Make: framer(messageSync, syncStep1)}
	updateFrame   = room.Encoding[ws.Frame]{Make: framer(messageSync, syncUpdate)}
	presenceFrame = room.Encoding[ws.Frame]{Make: framer(messageAwareness)}
)

// framer makes messages of these first bytes and a body.
func framer(head ...byte) func(string, *room.Shared) ws.Frame {
	return func(_ string, body *room.Shared) ws.Frame {
		return ws.Binary(lengthAfter(len(body.Bytes), head...), gateway.Body(body))
	}
}

// lengthAfter is a message's first bytes and the length of what follows.
func lengthAfter(n int, head ...byte) []byte {
	return lib0.AppendUvarint(append(make([]byte, 0, len(head)+binary.MaxVarintLen64), head...), uint64(n))
}

var _ gateway.Client = (*connection)(nil)

func (c *connection) State(u *room.Shared) bool    { return c.send(stateFrame.Of("", u)) }
func (c *connection) Query(v *room.Shared) bool    { return c.send(queryFrame.Of("", v)) }
func (c *connection) Update(u *room.Shared) bool   { return c.send(updateFrame.Of("", u)) }
func (c *connection) Presence(u *room.Shared) bool { return c.send(presenceFrame.Of("", u)) }
func (c *connection) Drained(f func())             { c.conn.Drained(f) }
func (c *connection) Ping(pong func())             { c.conn.Ping(pong) }

// Unsaved cuts a writer off: this protocol can't tell it that its edits aren't
// saved.
func (c *connection) Unsaved(unsaved bool) {
	if unsaved {
		c.End(access.Unsaved.Because(""))
	}
}

// holds tells of a refusal after which a client is kept from coming back for a
// while: it comes back at once whatever the code is.
func holds(r *access.Refused) bool {
	return gateway.Denied(r) || r.Label == access.Unverified.Label || r.Label == access.TooManyDocuments.Label
}

// End closes the socket, that of a client that is held after a while. Only the
// first counts.
func (c *connection) End(r *access.Refused) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended != nil {
		return
	}
	c.ended = r
	c.seat.Vacate()
	if !holds(r) {
		c.conn.Close(r.Yjs, r.Error())
		return
	}
	_ = c.conn.Send(authFrame(authDenied, gateway.Reason(r))) // a client whose queue is full isn't told why
	c.held = time.AfterFunc(c.holdFor, func() { c.conn.Close(r.Yjs, r.Error()) })
}

func authFrame(kind byte, text string) ws.Frame {
	return ws.Binary(append(lengthAfter(len(text), messageAuth, kind), text...), nil)
}

// Renew implements access.Watcher. The protocol has no way to ask for a token.
func (c *connection) Renew() {}

// Changed implements access.Watcher.
func (c *connection) Changed(access.Role) {
	c.seat.Tell(func(s *room.Session) {
		s.Changed()
		c.tellScope(s)
	})
}

// tellScope tells a client that has asked for it whether it may write.
func (c *connection) tellScope(s *room.Session) {
	if !c.scope {
		return
	}
	scope := "read-write"
	if s.ReadOnly() {
		scope = "readonly"
	}
	c.send(authFrame(authAuthenticated, scope))
}

// Ended implements access.Watcher.
func (c *connection) Ended(r *access.Refused) { c.End(r) }

// settled closes the socket of a client whose update was refused, since this
// protocol has no other way to tell it; but not if it is the client's role that
// the update is refused for.
func (c *connection) settled(r *access.Refused) {
	if r != nil && !gateway.Denied(r) {
		c.End(r)
	}
}

// send queues a frame, and reports false if it doesn't fit.
func (c *connection) send(f ws.Frame) bool {
	return !errors.Is(c.conn.Send(f), ws.ErrOverflow)
}
