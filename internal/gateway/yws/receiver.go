package yws

import (
	"encoding/binary"
	"errors"

	"github.com/inkwire/inkwire/internal/access"
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
func framer(head ...byte) func(_ string, body []byte) ws.Frame {
	return func(_ string, body []byte) ws.Frame {
		prefix := make([]byte, 0, len(head)+binary.MaxVarintLen64)
		prefix = lib0.AppendUvarint(append(prefix, head...), uint64(len(body)))
		return ws.Binary(prefix, ws.NewBody(body))
	}
}

var _ room.Receiver = (*gateway)(nil)

func (g *gateway) State(u *room.Shared) bool    { return g.send(stateFrame.Of("", u)) }
func (g *gateway) Query(v *room.Shared) bool    { return g.send(queryFrame.Of("", v)) }
func (g *gateway) Update(u *room.Shared) bool   { return g.send(updateFrame.Of("", u)) }
func (g *gateway) Presence(u *room.Shared) bool { return g.send(presenceFrame.Of("", u)) }
func (g *gateway) Drained(func())               {}
func (g *gateway) Ping(pong func())             { g.conn.Ping(pong) }

func (g *gateway) Unsaved(unsaved bool) {
	if unsaved {
		g.End(access.Overload.Because("edits can't be saved at present"))
	}
}

func (g *gateway) End(r *access.Refused) { g.conn.Close(r.Yjs, r.Error()) }

// settled closes the socket of a client whose update was refused: this protocol
// has no other way to tell it.
func (g *gateway) settled(r *access.Refused) {
	if r != nil {
		g.End(r)
	}
}

// send queues a frame. A client that doesn't read is cut off: what it missed it
// gets as a difference when it comes back.
func (g *gateway) send(f ws.Frame) bool {
	if err := g.conn.Send(f); errors.Is(err, ws.ErrOverflow) {
		r := access.Overload.Because("the connection is too slow")
		g.conn.Abort(r.Yjs, r.Error())
	}
	return true
}
