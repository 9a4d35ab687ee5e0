// Package hocuspocus is the gateway for @hocuspocus/provider, versions 2 to 4.
// One socket carries several documents; each key is a session of its own. One
// frame is one message: clients read only the first of a frame, and this gateway
// refuses a frame with more.
//
//	message         bytes                          from    source
//	sync step 1     key 00 00 stateVector:bytes    both    y-protocols sync.js
//	sync step 2     key 00 01 update:bytes         both    y-protocols sync.js
//	update          key 00 02 update:bytes         both    y-protocols sync.js
//	awareness       key 01 awarenessUpdate:bytes   both    y-protocols awareness.js
//	token           key 02 00 token:str [version:str]  client  provider AuthenticationMessage.ts
//	denied          key 02 01 reason:str           server  common auth.ts
//	authenticated   key 02 02 scope:str            server  common auth.ts
//	ask for a token key 02 00                      server  common auth.ts
//	query awareness key 03                         client  provider QueryAwarenessMessage.ts
//	stateless       key 05 payload:str             both    provider StatelessMessage.ts
//	close           key 07                         client  provider CloseMessage.ts
//	SyncStatus      key 08 01 saved, 00 refused    server  server OutgoingMessage.ts
//	ping, pong      09, 0a: the whole frame        both    provider HocuspocusProviderWebsocket.ts
//	keepalive       00: the whole frame            server  an empty key, which all versions ignore
//
// Numbers are lib0 varuints; str and bytes are their length and themselves. A key
// is a str: the document's name, or name NUL session id (version 4 with
// sessionAwareness), and answers carry it byte for byte. Messages 4 and 6 are
// between servers, and refused. Only version 4 gives its version. Versions 2 and 3
// throw on what they don't know, so nothing is sent that one of them doesn't.
//
// # A session
//
// A token or, from version 2 without one, step 1 opens a session; anything else
// for an unknown key is dropped quietly, such as the edits of an offline client
// that come before the token, for step 2 brings them again. What comes while it is
// found out who that is, and the document is loaded, waits; beyond maxWaiting the
// socket isn't read. A session that is denied, or that the room ends, gets the
// denied message and stays out until a token comes for it anew; the socket's
// other documents go on. What passes (a shutdown, overload) closes the socket, and
// so do strangers who show no valid token for long.
//
// A session whose token expires is asked for another before that. The scope is
// "read-write" or "readonly", and told again when it changes. Of a client's
// stateless messages one is understood, which asks for what happens in the document
// from now on, or for no more of it (activity.go); others are accepted quietly:
//
//	{"type":"activity","on":true}
//
// The server sends these, the first two once an outage, the last to who has asked:
//
//	{"inkwire":"unsaved"}  edits can't be saved at present, and get no SyncStatus
//	{"inkwire":"saved"}    they can again
//	{"type":"activity","entries":[{"revision":"3.17","at":"2026-01-02T15:04:05.678Z",
//	  "type":"joined","person":"u1","name":"Ada","color":"#0b6bcb"}]}
//
// saved.go tells which messages get a SyncStatus, and when.
package hocuspocus

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/gateway"
	"github.com/inkwire/inkwire/internal/ws"
)

// Messages and, behind messageSync and messageAuth, theirs.
const (
	messageSync           = 0
	messageAwareness      = 1
	messageAuth           = 2
	messageQueryAwareness = 3
	messageStateless      = 5
	messageClose          = 7
	messageSyncStatus     = 8
	messagePing           = 9
	messagePong           = 10

	syncStep1  = 0
	syncStep2  = 1
	syncUpdate = 2

	authToken         = 0
	authDenied        = 1
	authAuthenticated = 2
)

const (
	// maxWaiting bounds the bytes of a socket's messages that wait for documents
	// to be loaded, or for their logs.
	maxWaiting = 1 << 20
	// maxBacklog bounds the bytes of short answers that wait for a full queue.
	maxBacklog = 256 << 10
	// maxKey is the longest key: a name, NUL, and a session id of 100 bytes.
	maxKey = maxName + 1 + 100
	// maxName is the longest name of a document.
	maxName = 512
	// maxToken is the longest token that is looked at.
	maxToken = 64 << 10
	// maxVersion is the longest version that a client gives.
	maxVersion = 64
)

// nothing is a message of no document: it keeps a socket alive, and tells
// version 3 that it is connected. When a socket closes before any message,
// version 3 starts a second loop of attempts.
var nothing = ws.Binary([]byte{0}, nil)

// Limits bound a socket.
type Limits struct {
	Documents int // its sessions, those denied included
	// Until the first session is let in, where a token is required.
	Unauthenticated gateway.Unauthenticated
}

// DefaultLimits are useful ones: a client may open all its documents at once.
var DefaultLimits = Limits{
	Documents:       100,
	Unauthenticated: gateway.Unauthenticated{Time: 10 * time.Second, Messages: 1000, Bytes: 1 << 20, Documents: 100},
}

// An Observer is told of a socket's sessions.
type Observer interface {
	// Opens is told the document of each session, by whoever brings the messages.
	Opens(document string)
	// Denied is told of each session that is refused, or ended so, from anywhere.
	Denied(document string, r *access.Refused)
}

// Open makes a socket of whoever shows these credentials, but for the token, which
// comes in its messages. Calls that wait for a room end with ctx.
func Open(ctx context.Context, conn *ws.Conn, door gateway.Door, shown access.Credentials, limits Limits, o Observer) gateway.Socket {
	return open(ctx, conn, door, shown, limits, o, gateway.KeepaliveAfter)
}

func open(ctx context.Context, conn *ws.Conn, door gateway.Door, shown access.Credentials, limits Limits, o Observer, keepaliveAfter time.Duration) *connection {
	conn.KeepAlive(nothing, keepaliveAfter)
	c := &connection{ctx: ctx, conn: conn, door: door, shown: shown, limits: limits, observer: o, sessions: make(map[string]*session)}
	if door.Guard.RequiresToken() {
		c.stranger = gateway.NewStranger(limits.Unauthenticated, func(r *access.Refused) { c.end(r) })
	}
	return c
}

// connection is one socket.
type connection struct {
	ctx   context.Context
	conn  *ws.Conn
	door  gateway.Door
	shown access.Credentials

	limits   Limits
	observer Observer
	stranger *gateway.Stranger // nil where no token is required

	sessions map[string]*session // by key; owned by the reading goroutine
	workers  sync.WaitGroup      // goroutines that join rooms, or wait for their logs
	waiting  atomic.Int64        // bytes of messages behind them, which conn keeps

	// Guarded by mu.
	mu      sync.Mutex
	backlog []ws.Frame // what didn't fit into the queue, in order
	size    int        // bytes of backlog
	ended   error      // why this side ended the connection
}

// Begin implements gateway.Socket.
func (c *connection) Begin() error { return nil }

// Message implements gateway.Socket.
func (c *connection) Message(m ws.Message) error {
	if m.Text {
		return access.TextFrame.Because("")
	}
	if err := c.stranger.Message(len(m.Data)); err != nil {
		return err
	}
	return c.dispatch(m.Data)
}

// Finish implements gateway.Socket.
func (c *connection) Finish(err error) error {
	if errors.Is(err, ws.ErrInterrupted) {
		c.flush()
	}
	c.stranger.Known()
	c.leave()
	if c.ended != nil { // nothing of the connection runs any more
		err = c.ended
	}
	r := gateway.Refusal(err)
	_ = c.conn.Send(nothing) // pointless if it is closing already
	c.conn.Finish(r.Close, r.Error())
	return err
}

// flush waits until all sessions' updates are settled, so that their
// acknowledgements go out before the close frame.
func (c *connection) flush() {
	ctx, cancel := context.WithTimeout(c.ctx, gateway.FlushWithin)
	defer cancel()
	for _, s := range c.sessions {
		if s.untilOpen(ctx) != nil || s.seat.Flush(ctx) != nil {
			return // the time is over; the clients bring it again
		}
	}
}

// leave ends all sessions and returns when none of their goroutines run.
func (c *connection) leave() {
	for _, s := range c.sessions {
		s.seat.Vacate()
		s.cancel()
	}
	for _, s := range c.sessions {
		s.seat.Leave()
	}
	c.workers.Wait()
	c.conn.Release(int(c.waiting.Swap(0))) // of one that failed
}

// end closes the socket, and with it all sessions. It may be called from
// anywhere; only the first counts.
func (c *connection) end(err error) {
	c.mu.Lock()
	if c.ended == nil {
		c.ended = err
	}
	c.mu.Unlock()
	r := gateway.Refusal(err)
	_ = c.conn.Send(nothing)
	c.conn.Close(r.Close, r.Error())
}

// say sends a short answer. One that doesn't fit into the queue waits; a client
// that makes too many wait is cut off.
func (c *connection) say(f ws.Frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.backlog) == 0 && !errors.Is(c.conn.Send(f), ws.ErrOverflow) {
		return
	}
	if c.size += f.Len(); c.size > maxBacklog {
		r := access.Overload.Because("the connection is too slow")
		if c.ended == nil {
			c.ended = r
		}
		c.conn.Abort(r.Close, r.Error())
		return
	}
	c.backlog = append(c.backlog, f)
	if len(c.backlog) == 1 {
		c.conn.Drained(c.catchUp)
	}
}

// catchUp sends what waited for the queue.
func (c *connection) catchUp() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.backlog) > 0 {
		f := c.backlog[0]
		if errors.Is(c.conn.Send(f), ws.ErrOverflow) {
			c.conn.Drained(c.catchUp)
			return
		}
		c.backlog, c.size = c.backlog[1:], c.size-f.Len()
	}
	c.backlog = nil
}
