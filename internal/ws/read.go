package ws

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/gobwas/ws"
)

// A Message is one incoming message; its Data belongs to whoever read it, and may
// have up to twice the capacity.
type Message struct {
	Text bool
	Data []byte
}

// A partial is a message that is being read.
type partial struct {
	text, deflated bool
	frames         int32
	data           []byte // as it came, and in the end inflated
	whole          int    // bytes of data that are whole characters; or unchecked
}

// A Handler takes what comes on a connection. Its methods are called one at a
// time, but not all by the same goroutine.
type Handler interface {
	// Message takes a message. An error ends the reading.
	Message(m Message) error
	// End is called once, when Message or Read has failed with this error. It
	// calls Finish. After it, nothing of the connection runs any more.
	End(err error)
}

// Serve reads from now on and hands each message to h. It returns at once, and is
// called instead of Read.
//
// Who waits for a message is a goroutine whose stack never was more than its
// first 2 kB. A stack grows with the calls that handle a message, and the
// collector never shrinks it back to that; so when a message has been handled,
// and no other is under way, another goroutine waits for the next.
func (c *Conn) Serve(h Handler) {
	c.handler = h
	c.waitFn = c.wait
	c.reader.begin()
	go c.waitFn()
}

// wait waits for a message's first byte. Nothing large may be called before that,
// or be inlined.
func (c *Conn) wait() {
	_ = c.reader.await() // Read meets the error again
	c.handle()
}

// handle handles what comes as long as more of it is there.
//
//go:noinline
func (c *Conn) handle() {
	for {
		m, whole, err := c.next()
		if whole {
			err = c.handler.Message(m)
			c.reader.holdOnly(0)
		}
		if err != nil {
			c.handler.End(err)
			return
		}
		c.reader.begin()
		if c.reader.idle() {
			go c.waitFn()
			return
		}
	}
}

// Read returns the next message. It answers pings and the peer's close on the
// way. Its error is an *Error for a peer that broke the protocol or a limit, a
// *Closed for one that closed; after any error, only Finish remains. Once the
// connection is closing, messages that still come are dropped.
//
// A peer is silent or slow only while it is read from: a busy caller's isn't. A
// message counts in the budget until the next call.
func (c *Conn) Read() (Message, error) {
	c.reader.holdOnly(0)
	c.reader.begin()
	for {
		if m, whole, err := c.next(); whole || err != nil {
			return m, err
		}
	}
}

// next reads a frame, and returns the message that is whole with it, if one is.
func (c *Conn) next() (m Message, whole bool, err error) {
	if err = c.reader.await(); err == nil {
		err = c.rest()
	}
	if err == nil {
		err = c.frame()
	}
	if err != nil {
		return Message{}, false, c.readFailed(err)
	}
	if !c.reader.whole() {
		return Message{}, false, nil
	}
	m = Message{Text: c.message.text, Data: c.message.data}
	c.message = partial{}
	if c.isClosing() {
		return Message{}, false, nil
	}
	c.reader.pause()
	return m, true, nil
}

// Interrupt lets the reading goroutine read no more: Read returns
// ErrInterrupted. Frames still go out, until Finish.
func (c *Conn) Interrupt() {
	c.mu.Lock()
	if c.failure == nil {
		c.failure = ErrInterrupted
	}
	c.wakeLocked()
	c.mu.Unlock()
	// An error means that the socket is closed already.
	_ = c.nc.SetReadDeadline(time.Now())
}

// readFailed returns the reason of a failed read.
func (c *Conn) readFailed(err error) error {
	c.reader.pause()
	c.reader.holdOnly(0)
	c.message = partial{}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failure != nil {
		err = c.failure
		c.reader.broken = true // it stopped anywhere
	}
	_, breach := err.(*Error)
	c.reader.ended = !breach && err != ErrInterrupted
	return err
}

// A message that is being read may have framesFree frames, and one more for
// each framesEvery bytes of it: empty ones would go on for ever.
const (
	framesFree  = 1024
	framesEvery = 16
)

// frame reads a frame of the message, or a control frame.
func (c *Conn) frame() error {
	r, m := &c.reader, &c.message
	h, err := r.header()
	if err != nil {
		return err
	}
	if h.OpCode.IsControl() {
		return c.control(h)
	}
	if h.OpCode != ws.OpContinuation {
		m.text, m.deflated = h.OpCode == ws.OpText, h.Rsv != 0
		if !m.text || m.deflated {
			m.whole = unchecked
		}
	}
	most := c.maxMessage()
	limit := most
	if m.deflated {
		limit += limit/1024 + 64 // what can't be deflated is a bit longer for it
	}
	if h.Length > int64(limit-len(m.data)) {
		r.skip = h.Length
		return tooLarge(most)
	}
	if m.frames++; int(m.frames) > framesFree+len(m.data)/framesEvery {
		r.skip = h.Length
		return &Error{CodeTooLarge, fmt.Sprintf("a message of %d bytes has %d frames", len(m.data), m.frames)}
	}
	if m.data, m.whole, err = r.payload(m.data, h, m.whole); err != nil {
		return err
	}
	c.spend(1, int(h.Length))
	if !h.Fin {
		return nil
	}
	if m.deflated {
		if err := c.inflate(); err != nil {
			return err
		}
	} else if m.text && m.whole < len(m.data) {
		return badUTF8()
	}
	c.messages++
	c.bytes += len(m.data)
	return nil
}

// inflate inflates the message that has come whole.
func (c *Conn) inflate() error {
	m := &c.message
	blocks := len(m.data)
	most := c.maxMessage()
	inflated, err := inflate(m.data, most, c.reader.hold)
	Recycle(m.data)
	m.data = inflated
	if err == errTooLong {
		return tooLarge(most)
	}
	if _, refused := err.(*Error); err != nil && !refused {
		err = &Error{CodeProtocol, err.Error()}
	}
	if err != nil {
		return err
	}
	c.reader.holdOnly(cap(m.data))
	c.spend(0, max(0, len(m.data)-blocks))
	if m.text {
		if whole, ok := checkText(m.data); !ok || whole < len(m.data) {
			return badUTF8()
		}
	}
	return nil
}

func tooLarge(limit int) error {
	return &Error{CodeTooLarge, fmt.Sprintf("a message is longer than the %d bytes allowed", limit)}
}

func badUTF8() error { return &Error{CodeUTF8, "a text message isn't valid UTF-8"} }

// control takes a control frame; its error ends the reading.
func (c *Conn) control(h ws.Header) error {
	p, _, err := c.reader.payload(nil, h, unchecked)
	if err != nil {
		return err
	}
	c.spend(1, int(h.Length))
	switch h.OpCode {
	case ws.OpPing:
		c.pong(p)
	case ws.OpPong:
		c.ponged(p)
	case ws.OpClose:
		return c.closedBy(p)
	}
	return nil
}

// closedBy answers the peer's close frame and says why it closed.
func (c *Conn) closedBy(p []byte) error {
	closed := &Closed{Code: int(ws.StatusNoStatusRcvd)}
	if len(p) == 1 {
		return &Error{CodeProtocol, "a close frame's payload is one byte long"}
	}
	if len(p) >= 2 {
		closed.Code, closed.Reason = int(binary.BigEndian.Uint16(p)), string(p[2:])
		if !mayClose(closed.Code) {
			return &Error{CodeProtocol, fmt.Sprintf("a close frame has the code %d", closed.Code)}
		}
		if whole, ok := checkText(p[2:]); !ok || whole < len(p)-2 {
			return &Error{CodeUTF8, "a close frame's reason isn't valid UTF-8"}
		}
		p = p[:2]
	}
	c.enqueueLast(controlFrame(ws.OpClose, p)) // the same code, without the reason
	return closed
}

// mayClose reports whether a close frame may have this code: one that a
// standard has given a meaning, or one of those left to others (RFC 6455, 7.4;
// 1012 to 1014 were registered later).
func mayClose(code int) bool {
	switch code {
	case 1004, 1005, 1006: // reserved, or not for the wire
		return false
	}
	return 1000 <= code && code <= 1014 || 3000 <= code && code <= 4999
}
