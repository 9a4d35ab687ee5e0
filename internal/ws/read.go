package ws

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// A Message is one incoming message; its Data belongs to whoever read it.
type Message struct {
	Text bool
	Data []byte
}

// Read returns the next message. It answers pings and the peer's close on the
// way. Its error is an *Error for a peer that broke the protocol or a limit, a
// *Closed for one that closed; after any error, only Finish remains. Once the
// connection is closing, messages that still come are dropped.
func (c *Conn) Read() (Message, error) {
	if m := c.peeked; m != nil {
		c.peeked = nil
		return *m, nil
	}
	for {
		m, err := c.read()
		if err != nil {
			_, breach := err.(*Error)
			c.reader.ended = !breach
			c.mu.Lock()
			if c.failure != nil {
				err = c.failure
			}
			c.mu.Unlock()
			return Message{}, err
		}
		if !c.isClosing() {
			return m, nil
		}
	}
}

// Peek reads the next message and leaves it to be read again by the next Read.
// It is called by the reading goroutine, before its first Read.
func (c *Conn) Peek() (Message, error) {
	m, err := c.Read()
	if err == nil {
		c.peeked = &m
	}
	return m, err
}

// Interrupt makes the reading goroutine read no more: Read returns
// ErrInterrupted, at once or after the messages that have come. Frames still go
// out.
func (c *Conn) Interrupt() {
	c.mu.Lock()
	if c.failure == nil {
		c.failure = ErrInterrupted
	}
	c.mu.Unlock()
	// An error means that the socket is closed already.
	_ = c.nc.SetReadDeadline(time.Now())
}

func (c *Conn) read() (Message, error) {
	r := &c.reader
	var msg []byte
	for {
		h, err := r.header()
		c.lastRead.Store(time.Now().UnixNano())
		if err != nil {
			return Message{}, err
		}
		if h.OpCode.IsControl() {
			if err := c.control(h); err != nil {
				return Message{}, err
			}
			continue
		}
		if h.OpCode != ws.OpContinuation {
			r.op = h.OpCode
		}
		if h.Length > int64(c.cfg.MaxMessage-len(msg)) {
			r.skip = h.Length
			return Message{}, &Error{CodeTooLarge,
				fmt.Sprintf("a message is longer than the %d bytes allowed", c.cfg.MaxMessage)}
		}
		if msg, err = r.payload(msg, h); err != nil {
			return Message{}, err
		}
		r.fragmented = !h.Fin
		if !h.Fin {
			continue
		}
		c.lastRead.Store(time.Now().UnixNano())
		if r.op == ws.OpText && !utf8.Valid(msg) {
			return Message{}, &Error{CodeUTF8, "a text message isn't valid UTF-8"}
		}
		return Message{Text: r.op == ws.OpText, Data: msg}, nil
	}
}

// control takes a control frame; its error ends the reading.
func (c *Conn) control(h ws.Header) error {
	p, err := c.reader.payload(nil, h)
	if err != nil {
		return err
	}
	switch h.OpCode {
	case ws.OpPing:
		c.pong(p)
	case ws.OpPong:
		c.ponged(p)
	case ws.OpClose:
		closed := &Closed{Code: int(ws.StatusNoStatusRcvd)}
		switch {
		case len(p) == 1:
			return &Error{CodeProtocol, "a close frame's payload is one byte long"}
		case len(p) >= 2:
			closed.Code, closed.Reason = int(binary.BigEndian.Uint16(p)), string(p[2:])
			if err := ws.CheckCloseFrameData(ws.StatusCode(closed.Code), closed.Reason); err != nil {
				return &Error{CodeProtocol, "a close frame: " + err.Error()}
			}
			p = p[:2]
		}
		c.enqueueLast(newFrame(ws.OpClose, nil, p)) // the same code, without the reason
		return closed
	}
	return nil
}

// A reader cuts a byte stream into frames. Its buffer is small, so that an
// idle connection is; long payloads are read past it.
type reader struct {
	src   io.Reader
	early []byte // what came with the handshake, before anything of src
	buf   [512]byte
	r, w  int // buf[r:w] is read and not yet used

	op         ws.OpCode // of the message that is being read
	fragmented bool      // the message goes on in the next data frame
	skip       int64     // bytes of a refused payload that are still to come
	broken     bool      // the stream can't be cut into frames any more
	ended      bool      // nothing more will come: closed by the peer, failed, or late
}

// fill reads at least n bytes into the buffer, n being at most its length.
func (r *reader) fill(n int) error {
	if r.r > 0 && r.r+n > len(r.buf) {
		r.w = copy(r.buf[:], r.buf[r.r:r.w])
		r.r = 0
	}
	for r.w-r.r < n {
		m, err := r.readSrc(r.buf[r.w:])
		r.w += m
		if m == 0 && err != nil {
			if err == io.EOF && r.w > r.r {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

func (r *reader) readSrc(p []byte) (int, error) {
	if len(r.early) > 0 {
		n := copy(p, r.early)
		r.early = r.early[n:]
		return n, nil
	}
	r.early = nil
	return r.src.Read(p)
}

// header reads the next frame's header and checks it (RFC 6455, 5.2).
func (r *reader) header() (ws.Header, error) {
	if err := r.fill(2); err != nil {
		return ws.Header{}, err
	}
	b := r.buf[r.r : r.r+2]
	h := ws.Header{
		Fin:    b[0]&0x80 != 0,
		Rsv:    b[0] & 0x70 >> 4,
		OpCode: ws.OpCode(b[0] & 0x0f),
		Masked: b[1]&0x80 != 0,
		Length: int64(b[1] & 0x7f),
	}
	long := 0
	switch h.Length {
	case 126:
		long = 2
	case 127:
		long = 8
	}
	n := 2 + long
	if h.Masked {
		n += len(h.Mask)
	}
	if err := r.fill(n); err != nil {
		return h, err
	}
	b = r.buf[r.r+2 : r.r+n]
	switch long {
	case 2:
		h.Length = int64(binary.BigEndian.Uint16(b))
	case 8:
		h.Length = int64(binary.BigEndian.Uint64(b))
	}
	copy(h.Mask[:], b[long:])
	r.r += n

	state := ws.StateServerSide
	if r.fragmented {
		state = state.Set(ws.StateFragmented)
	}
	err := ws.CheckHeader(h, state)
	if err == nil && h.Length < 0 {
		err = fmt.Errorf("a frame's length has its highest bit set")
	}
	if err != nil {
		r.broken = true
		return h, &Error{CodeProtocol, err.Error()}
	}
	return h, nil
}

// firstGrab is how many bytes of a payload are allocated for on the word of
// its header alone; beyond, memory doubles as bytes arrive.
const firstGrab = 4 << 10

// payload appends a frame's payload, unmasked, to dst.
func (r *reader) payload(dst []byte, h ws.Header) ([]byte, error) {
	start, left := len(dst), int(h.Length)
	for left > 0 {
		if len(dst) == cap(dst) {
			grown := make([]byte, len(dst), len(dst)+min(left, max(firstGrab, len(dst))))
			copy(grown, dst)
			dst = grown
		}
		room := dst[len(dst):min(cap(dst), len(dst)+left)]
		var n int
		if r.r < r.w {
			n = copy(room, r.buf[r.r:r.w])
			r.r += n
		} else {
			var err error
			if n, err = r.readSrc(room); n == 0 && err != nil {
				if err == io.EOF {
					err = io.ErrUnexpectedEOF
				}
				return dst, err
			}
		}
		dst = dst[:len(dst)+n]
		left -= n
	}
	ws.Cipher(dst[start:], h.Mask, 0)
	return dst, nil
}

// drain reads until the peer's close frame or an error, and keeps nothing. It
// is for a connection that is closing: closing a socket with bytes unread
// resets it, and the peer would not see our close frame.
func (r *reader) drain() {
	for !r.broken {
		for r.skip > 0 {
			if r.r == r.w {
				if r.fill(1) != nil {
					return
				}
			}
			n := min(int64(r.w-r.r), r.skip)
			r.r += int(n)
			r.skip -= n
		}
		h, err := r.header()
		if err != nil {
			if r.broken {
				break
			}
			return
		}
		if h.OpCode == ws.OpClose {
			return
		}
		if h.OpCode.IsData() {
			r.fragmented = !h.Fin
		}
		r.skip = h.Length
	}
	for {
		if _, err := r.readSrc(r.buf[:]); err != nil {
			return
		}
	}
}
