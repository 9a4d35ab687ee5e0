// Package yws is the gateway for y-websocket's clients, versions 1 to 3. One
// socket is one session in one document. One frame is one message: clients read
// only the first of a frame, and this gateway refuses a frame with more.
//
//	message         bytes                      from    source
//	sync step 1     00 00 stateVector:bytes    both    y-protocols sync.js
//	sync step 2     00 01 update:bytes         both    y-protocols sync.js
//	update          00 02 update:bytes         both    y-protocols sync.js
//	awareness       01 awarenessUpdate:bytes   both    y-protocols awareness.js
//	query awareness 03                         client  y-websocket y-websocket.js
//
// Numbers are lib0 varuints; bytes are their length and themselves. A client
// begins with step 1, and gets step 2 and then the server's step 1; from then on
// it gets the updates and the presence of others. There is no acknowledgement:
// its edits are stored as any, but it isn't told when.
//
// A client that got no message for 30 s connects anew, so an empty awareness
// message (01 01 00) goes out before that.
package yws

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/inkwire/inkwire/crdt"
	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/room"
	"github.com/inkwire/inkwire/internal/ws"
	"github.com/inkwire/inkwire/lib0"
)

// Messages and, behind messageSync, sync messages.
const (
	messageSync           = 0
	messageAwareness      = 1
	messageQueryAwareness = 3

	syncStep1  = 0
	syncStep2  = 1
	syncUpdate = 2
)

// maxVector is the size in bytes of the largest state vector taken: more clients
// than a document may have.
const maxVector = 4 << 20

// keepaliveAfter is less than the 25 s of silence that no client may see.
const keepaliveAfter = 20 * time.Second

// keepalive is an empty awareness message.
var keepalive = ws.Binary([]byte{messageAwareness, 1, 0}, nil)

// Serve serves a socket until it is closed, and returns why it ended. When ctx
// ends before the document is loaded, it doesn't wait for that.
func Serve(ctx context.Context, conn *ws.Conn, rooms *room.Rooms, name string) error {
	conn.KeepAlive(keepalive, keepaliveAfter)
	g := &gateway{conn: conn}
	s, err := rooms.Join(ctx, name, g)
	if err != nil {
		finish(conn, err)
		return err
	}
	err = func() error {
		defer s.Leave() // whatever happens
		return g.read(s)
	}()
	finish(conn, err)
	return err
}

// finish closes the socket with the code that the error stands for.
func finish(conn *ws.Conn, err error) {
	r := refusal(err)
	conn.Finish(r.Yjs, r.Error())
}

// refusal is the row of the table that an error of the connection or the
// protocol is answered with. For a peer that is gone it makes no difference.
func refusal(err error) *access.Refused {
	var refused *access.Refused
	var breach *ws.Error
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.Is(err, context.Canceled), errors.Is(err, ws.ErrInterrupted):
		return access.ShuttingDown.Because("")
	case !errors.As(err, &breach):
		return access.ServerFault.Because("")
	}
	switch breach.Code {
	case ws.CodeTooLarge:
		return access.TooLarge.Because(breach.Msg)
	case ws.CodeUTF8:
		return access.BadUTF8.Because("")
	default:
		return access.Malformed.Because(breach.Msg)
	}
}

// gateway is one socket's side of its session.
type gateway struct{ conn *ws.Conn }

// read hands the session what comes, until something is wrong or the socket is
// closed; its error is the reason.
func (g *gateway) read(s *room.Session) error {
	for {
		m, err := g.conn.Read()
		if err != nil {
			return err
		}
		if m.Text {
			return access.TextFrame.Because("")
		}
		if err := g.dispatch(s, m.Data); err != nil {
			return err
		}
	}
}

// dispatch reads one message (see the package's table) and hands it on.
func (g *gateway) dispatch(s *room.Session, message []byte) error {
	d := lib0.NewDecoder(message)
	kind, err := d.Uvarint()
	if err != nil {
		return malformed(err)
	}
	if kind == messageQueryAwareness {
		if err := end(&d); err != nil {
			return err
		}
		s.QueryPresence()
		return nil
	}
	var sync uint64
	switch kind {
	case messageSync:
		if sync, err = d.Uvarint(); err != nil {
			return malformed(err)
		}
		if sync > syncUpdate {
			return access.Malformed.Because(fmt.Sprintf("byte 1: unknown sync message %d", sync))
		}
	case messageAwareness:
	default:
		return access.Malformed.Because(fmt.Sprintf("byte 0: unknown message %d", kind))
	}
	body, err := d.Bytes()
	if err != nil {
		return malformed(err)
	}
	if err := end(&d); err != nil {
		return err
	}
	switch {
	case kind == messageAwareness:
		return s.Presence(body)
	case sync == syncStep1:
		if len(body) > maxVector {
			return access.Malformed.Because(fmt.Sprintf("byte 2: a state vector of %d bytes, more than %d", len(body), maxVector))
		}
		have, err := crdt.DecodeStateVector(body)
		if err != nil {
			return malformed(err)
		}
		s.Sync(have)
		return nil
	default:
		u, err := room.ReadUpdate(body)
		if err != nil {
			return err
		}
		s.Update(u, g.settled)
		return nil
	}
}

func end(d *lib0.Decoder) error {
	if n := d.Remaining(); n > 0 {
		return access.Malformed.Because(fmt.Sprintf("byte %d: %d bytes after the message", d.Offset(), n))
	}
	return nil
}

func malformed(err error) error { return access.Malformed.Because(err.Error()) }
