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
// Incoming, Deflate, Subprotocol and Queued must be set; Defaults gives useful
// values.
type Config struct {
	MaxMessage int // bytes of one incoming message
	// MaxRestricted is that of a connection under Restrict; 0 is MaxMessage.
	MaxRestricted int
	MaxQueue      int // bytes that may wait to be written

	Incoming *Budget // of all incoming messages; nil for none

	// A peer that sends more for longer than a moment is read from more slowly. One
	// that had to wait for most of OverRate is refused. Bytes are counted as they
	// come or, if that is more, as they are inflated.
	MaxMessagesPerSecond int
	MaxBytesPerSecond    int
	OverRate             time.Duration

	// Deflate accepts permessage-deflate; bodies go out deflated at DeflateLevel,
	// 1 (fast) to 9.
	Deflate      bool
	DeflateLevel int

	// A peer that sent nothing for PingAfter is pinged; one that sent nothing
	// for PongWithin more is dead.
	PingAfter, PongWithin time.Duration
	// A message that has begun has MessageTimeout to arrive, and a second more for
	// each minRate bytes. A write has WriteTimeout to go on by partSize bytes or to
	// end, and must not fall behind minRate by more than that.
	MessageTimeout, WriteTimeout time.Duration
	// CloseTimeout bounds all of Finish.
	CloseTimeout time.Duration

	// Subprotocol chooses among those the client offers, in its order; nil
	// chooses none.
	Subprotocol func(offered string) bool

	// Queued, if it isn't nil, is told by how many bytes the outgoing queues
	// grew or shrank; what a write is busy with counts. It is called under the
	// connection's lock, so it must be quick and call nothing of it.
	Queued func(delta int)
}

// Defaults are limits and times that suit a document server. Its level of
// deflate is the knee of the curve for Yjs updates: see BenchmarkDeflate.
var Defaults = Config{
	MaxMessage: 32 << 20,
	MaxQueue:   8 << 20,

	MaxMessagesPerSecond: 5000,
	MaxBytesPerSecond:    32 << 20,
	OverRate:             30 * time.Second,

	Deflate:        true,
	DeflateLevel:   3,
	PingAfter:      30 * time.Second,
	PongWithin:     20 * time.Second,
	MessageTimeout: 60 * time.Second,
	WriteTimeout:   20 * time.Second,
	CloseTimeout:   3 * time.Second,
}

// minRate is the slowest peer, in bytes a second, that a long message or write
// waits for.
const minRate = 16 << 10

// allowance is the time that n bytes may take on their way.
func allowance(n int) time.Duration { return time.Duration(n) * time.Second / minRate }

// ErrOverflow refuses a frame that doesn't fit into the queue.
var ErrOverflow = errors.New("websocket: the receiver is too slow, its queue is full")

// ErrClosed refuses a frame after Close, or when the connection is gone.
var ErrClosed = errors.New("websocket: closed")

// ErrInterrupted ends the reading of a connection after Interrupt.
var ErrInterrupted = errors.New("websocket: interrupted")

// ErrSilent ends the reading of a peer that answered no ping.
var ErrSilent = errors.New("websocket: the peer answered no ping")

// ErrStuck ends the reading of a peer that didn't take what was written to it.
var ErrStuck = errors.New("websocket: the receiver is too slow, a write didn't end in time")

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
	// CodeTryLater says that a message didn't arrive in time, which may be the
	// network's fault, or that there is no room for what the peer sends. It passes.
	CodeTryLater = 1013
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
	nc      net.Conn
	cfg     *Config
	writeFn func() // the method write: naming it anew would allocate
	waitFn  func() // likewise wait, once there is a handler
	handler Handler
	level   int8 // of deflate; 0 if the peer didn't agree to it

	limited bool // limitUnsent was called; owned by the writing goroutine

	restricted atomic.Bool // see Restrict

	// Owned by the reading goroutine, but for the reader's atomics.
	reader          reader
	message         partial
	pace            pace
	messages, bytes int // that came

	// Guarded by mu. Moments are durations since epoch.
	mu       sync.Mutex
	queue    []Frame  // not empty only while writing
	first    [1]Frame // queue's memory for a frame that goes out alone
	queued   int      // bytes of queue
	writing  bool     // a writing goroutine runs
	closing  bool     // a close frame is queued, written, or pointless: nothing follows
	writeDue time.Duration
	lastSent time.Duration
	lastPing time.Duration
	alive    Frame         // goes out when no message went out for aliveIn
	aliveIn  time.Duration // 0 for never
	pings    []ping        // those without a pong, oldest first
	drained  []func()      // see Drained
	failure  error         // why the socket was closed from within
	woken    chan struct{} // closed to end sleep; nil if the reading goroutine doesn't sleep
	beat     *time.Timer

	messagesOut, bytesOut int // that were written

	writers sync.WaitGroup
}

// epoch is what moments are counted from, on the clock that doesn't jump.
var epoch = time.Now()

func now() time.Duration { return time.Since(epoch) }

func newConn(nc net.Conn, early []byte, deflate bool, cfg *Config) *Conn {
	c := &Conn{nc: nc, cfg: cfg, lastSent: now()}
	c.writeFn = c.write
	c.queue = c.first[:0]
	if deflate {
		c.level = int8(min(max(cfg.DeflateLevel, 1), 9))
	}
	c.reader = reader{src: nc, early: early, deflate: deflate, cfg: cfg}
	c.reader.heard.Store(int64(now()))
	c.mu.Lock()
	c.beat = time.AfterFunc(c.untilBeat(now()), c.heartbeat)
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
		c.beat.Reset(c.untilBeat(now()))
	}
}

// Restrict lets a peer send no message longer than Config.MaxRestricted from now
// on, or takes that back: who hasn't shown who it is needs no long ones.
func (c *Conn) Restrict(on bool) { c.restricted.Store(on) }

// maxMessage bounds the bytes of an incoming message.
func (c *Conn) maxMessage() int {
	if most := c.cfg.MaxRestricted; most > 0 && c.restricted.Load() {
		return min(most, c.cfg.MaxMessage)
	}
	return c.cfg.MaxMessage
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
	c.drained = nil
	c.dropLocked()
	c.wakeLocked()
	c.mu.Unlock()
	c.nc.Close()
}

// dropLocked empties the queue.
func (c *Conn) dropLocked() {
	c.countLocked(-c.queued)
	c.queue, c.queued = nil, 0
}

func (c *Conn) countLocked(delta int) {
	if c.cfg.Queued != nil && delta != 0 {
		c.cfg.Queued(delta)
	}
}
