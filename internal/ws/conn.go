package ws

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"
)

// Config is what connections of one kind have in common. All fields but
// Subprotocol must be set; Defaults gives useful values.
type Config struct {
	MaxMessage int // bytes of one incoming message
	MaxQueue   int // bytes that may wait to be written

	// A peer that sent nothing for PingAfter is pinged; one that sent nothing
	// for PongWithin more is dead.
	PingAfter, PongWithin time.Duration
	// A write has WriteTimeout, and a second more for each minRate bytes.
	WriteTimeout time.Duration
	// CloseTimeout bounds all of Finish.
	CloseTimeout time.Duration

	// Subprotocol chooses among those the client offers, in its order; nil
	// chooses none.
	Subprotocol func(offered string) bool
}

// Defaults are limits and times that suit a document server.
var Defaults = Config{
	MaxMessage:   32 << 20,
	MaxQueue:     8 << 20,
	PingAfter:    30 * time.Second,
	PongWithin:   20 * time.Second,
	WriteTimeout: 20 * time.Second,
	CloseTimeout: 3 * time.Second,
}

// minRate is the slowest receiver, in bytes a second, that a long write waits for.
const minRate = 16 << 10

// ErrOverflow refuses a frame that doesn't fit into the queue.
var ErrOverflow = errors.New("websocket: the receiver is too slow, its queue is full")

// ErrClosed refuses a frame after Close, or when the connection is gone.
var ErrClosed = errors.New("websocket: closed")

// ErrInterrupted ends the reading of a connection after Interrupt.
var ErrInterrupted = errors.New("websocket: interrupted")

// ErrSilent ends the reading of a peer that answered no ping.
var ErrSilent = errors.New("websocket: the peer answered no ping")

// An Error is a peer's breach of the protocol or of a limit; Code is the close
// code (RFC 6455, 7.4.1) that tells the peer so.
type Error struct {
	Code int
	Msg  string
}

func (e *Error) Error() string { return "websocket: " + e.Msg }

// The codes of an Error.
const (
	CodeProtocol = int(ws.StatusProtocolError)
	CodeUTF8     = int(ws.StatusInvalidFramePayloadData)
	CodeTooLarge = int(ws.StatusMessageTooBig)
)

// A Closed ends the reading of a peer that closed the connection; Code is 1005
// if it gave none.
type Closed struct {
	Code   int
	Reason string
}

func (e *Closed) Error() string {
	return fmt.Sprintf("websocket: closed by the peer: %d %s", e.Code, e.Reason)
}

// A Conn is one WebSocket connection.
type Conn struct {
	// Static after construction.
	nc  net.Conn
	cfg Config

	// Owned by the reading goroutine.
	reader reader
	peeked *Message // read already, and to be read again

	lastRead atomic.Int64 // Unix nanoseconds

	// Guarded by mu.
	mu       sync.Mutex
	queue    []Frame
	queued   int      // bytes of queue that count, see Send
	writing  bool     // a writing goroutine runs
	drained  []func() // see Drained
	closing  bool     // a close frame is queued, written, or pointless: nothing follows
	lastSent time.Time
	lastPing time.Time
	alive    Frame         // goes out when no message went out for aliveIn
	aliveIn  time.Duration // 0 for never
	pings    []ping        // those without a pong, oldest first
	pingID   uint64
	failure  error // why the socket was closed from within
	beat     *time.Timer

	writers sync.WaitGroup
}

func newConn(nc net.Conn, early []byte, cfg Config) *Conn {
	c := &Conn{nc: nc, cfg: cfg, lastSent: time.Now()}
	c.reader.src, c.reader.early = nc, early
	c.lastRead.Store(time.Now().UnixNano())
	c.mu.Lock()
	c.beat = time.AfterFunc(c.untilBeat(), c.heartbeat)
	c.mu.Unlock()
	return c
}

// KeepAlive lets a frame go out whenever no message went out for so long: some
// clients count messages, not pings.
func (c *Conn) KeepAlive(f Frame, after time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.alive, c.aliveIn = f, after
	if !c.closing {
		c.beat.Reset(c.untilBeat())
	}
}

// RemoteAddr is the peer's address.
func (c *Conn) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }

// fail closes the socket under whoever reads and writes it.
func (c *Conn) fail(err error) {
	c.mu.Lock()
	if c.failure == nil {
		c.failure = err
	}
	c.closing = true
	c.queue, c.queued = nil, 0
	c.mu.Unlock()
	c.nc.Close()
}
