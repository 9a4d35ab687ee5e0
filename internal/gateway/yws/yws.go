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
//	auth denied     02 00 reason:str           server  y-protocols auth.js
//	scope           02 02 scope:str            server  as Hocuspocus's, see below
//	keepalive       01 01 00                   server  an awareness message about nobody
//
// Numbers are lib0 varuints; bytes are their length and themselves. A client
// begins with step 1, and gets step 2 and then the server's step 1; from then on
// it gets the updates and the presence of others. There is no acknowledgement:
// its edits are stored as any, but it isn't told when.
//
// A client that got no message for 30 s connects anew, so the keepalive goes out
// before that.
//
// A client that is denied, or no longer allowed, gets the auth-denied message and
// is held for holdFor, in which what it sends is dropped, before the socket closes
// with 4401 or 4403: version 3.1 then stops, and older ones, which come back at
// once whatever the code is, come every five seconds. So is one that would only be
// refused again at once, because nobody can tell who it is at present, or it has
// begun too many documents; it is closed with 1013. An update that is refused
// because of its writer's role never closes the socket: clients make clean-up
// deletes by themselves.
//
// So that an editor needn't take what isn't kept, a client that asks for it in its
// address (?scope) is told the scope before all else, "readonly" or "read-write",
// and again when it changes. y-protocols skips an auth message that isn't of denial.
package yws

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/gateway"
	"github.com/inkwire/inkwire/internal/ws"
)

// Messages and, behind messageSync, sync messages.
const (
	messageSync           = 0
	messageAwareness      = 1
	messageAuth           = 2
	messageQueryAwareness = 3

	syncStep1  = 0
	syncStep2  = 1
	syncUpdate = 2

	authDenied        = 0
	authAuthenticated = 2
)

// nothing is an awareness message about nobody.
var nothing = ws.Binary([]byte{messageAwareness, 1, 0}, nil)

// holdFor is how long a denied client is kept from coming back.
const holdFor = 5 * time.Second

// times are those that tests shorten.
type times struct{ keepaliveAfter, holdFor time.Duration }

// Open makes a socket of a document's, whose client is told its scope or isn't.
// When ctx ends before the document is loaded, Begin doesn't wait for that.
func Open(ctx context.Context, conn *ws.Conn, door gateway.Door, shown access.Credentials, name string, scope bool) gateway.Socket {
	return open(ctx, conn, door, shown, name, scope, times{gateway.KeepaliveAfter, holdFor})
}

func open(ctx context.Context, conn *ws.Conn, door gateway.Door, shown access.Credentials, name string, scope bool, t times) *connection {
	conn.KeepAlive(nothing, t.keepaliveAfter)
	return &connection{ctx: ctx, conn: conn, door: door, shown: shown, name: name, scope: scope, seat: gateway.NewSeat(), holdFor: t.holdFor}
}

// connection is one socket, which is one session.
type connection struct {
	ctx     context.Context
	conn    *ws.Conn
	door    gateway.Door
	shown   access.Credentials
	name    string
	scope   bool // the client is told it
	seat    *gateway.Seat
	holdFor time.Duration

	// Guarded by mu.
	mu    sync.Mutex
	ended error       // why this side ended the connection
	held  *time.Timer // closes the socket of a denied client
}

// Begin implements gateway.Socket.
func (c *connection) Begin() error {
	s, err := c.door.Enter(c.ctx, c.shown, c.name, c)
	if err == nil {
		c.conn.Restrict(false)
		c.seat.Take(s)
		c.tellScope(s)
	} else if r := gateway.Refusal(err); holds(r) {
		c.End(r)
	} else {
		return err
	}
	return nil
}

// Message implements gateway.Socket.
func (c *connection) Message(m ws.Message) error {
	if m.Text {
		return access.TextFrame.Because("")
	}
	err := c.dispatch(m.Data)
	if err == nil && m.Data[0] == messageAwareness { // of which sessions keep nothing
		ws.Recycle(m.Data)
	}
	return err
}

// Finish implements gateway.Socket.
func (c *connection) Finish(err error) error {
	if errors.Is(err, ws.ErrInterrupted) {
		c.flush()
	}
	c.seat.Leave()
	if ended := c.stop(); ended != nil {
		err = ended
	}
	r := gateway.Refusal(err)
	c.conn.Finish(r.Yjs, r.Error())
	return err
}

// flush waits until the session's updates are durable.
func (c *connection) flush() {
	ctx, cancel := context.WithTimeout(c.ctx, gateway.FlushWithin)
	defer cancel()
	_ = c.seat.Flush(ctx) // if the time is over, the client brings them again
}

// stop ends the hold of a denied client, and returns why this side ended the
// connection, or nil.
func (c *connection) stop() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held != nil {
		c.held.Stop()
	}
	return c.ended
}
