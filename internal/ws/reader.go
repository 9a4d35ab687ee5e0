package ws

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"sync/atomic"

	"github.com/gobwas/ws"
)

// A reader cuts a byte stream into frames. Its buffer is small, so that an
// idle connection is; long payloads are read past it.
type reader struct {
	src   io.Reader
	early []byte // what came with the handshake, before anything of src
	cfg   *Config

	buf  [256]byte
	r, w int // buf[r:w] is read and not yet used

	skip int64 // bytes of a refused payload that are still to come
	held int   // bytes of the budget

	fragmented bool // the message goes on in the next data frame
	deflate    bool // permessage-deflate was agreed to
	data       bool // the last frame wasn't a control frame
	broken     bool // the stream can't be cut into frames any more
	ended      bool // nothing more will come: closed by the peer, failed, or late

	// Moments, as durations since epoch. The heartbeat looks at them.
	heard atomic.Int64 // when bytes came last; busy while nobody reads
	due   atomic.Int64 // when the message under way must have come; 0 if none is
}

// busy is when a peer was heard whom nobody reads from: it can't be silent.
const busy = math.MaxInt64

// begin says that the peer is read from, pause that it isn't.
func (r *reader) begin() { r.heard.Store(int64(now())) }
func (r *reader) pause() { r.heard.Store(busy); r.due.Store(0) }

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
	n, err := r.src.Read(p)
	if n > 0 {
		r.heard.Store(int64(now()))
	}
	return n, err
}

// await waits for the first byte of a frame.
func (r *reader) await() error {
	if !r.fragmented {
		r.due.Store(0)
	}
	if r.r == r.w {
		if len(r.early) > 0 {
			return r.fill(1)
		}
		r.r, r.w, r.early = 0, 0, nil
		for r.w == 0 {
			n, err := r.src.Read(r.buf[:])
			if r.w = n; n == 0 && err != nil {
				return err
			}
		}
		r.heard.Store(int64(now()))
	}
	return nil
}

// idle reports whether nothing has been read that isn't used: no message is
// under way, as far as is known.
func (r *reader) idle() bool { return r.r == r.w && len(r.early) == 0 && !r.fragmented }

// whole reports whether the last frame ended a message.
func (r *reader) whole() bool { return r.data && !r.fragmented }

// header reads the next frame's header and checks it (RFC 6455, 5.2).
func (r *reader) header() (ws.Header, error) {
	if r.due.Load() == 0 {
		r.due.Store(int64(now() + r.cfg.MessageTimeout))
	}
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
	if err := r.check(h); err != nil {
		r.broken = true
		return h, &Error{CodeProtocol, err.Error()}
	}
	if r.data = h.OpCode.IsData(); r.data {
		r.fragmented = !h.Fin
	}
	return h, nil
}

func (r *reader) check(h ws.Header) error {
	state := ws.StateServerSide
	if r.fragmented {
		state = state.Set(ws.StateFragmented)
	}
	if r.deflate && (h.OpCode == ws.OpText || h.OpCode == ws.OpBinary) {
		h.Rsv &^= compressed >> 4 // which begins such messages alone (RFC 7692, 6)
	}
	if err := ws.CheckHeader(h, state); err != nil {
		return err
	}
	if h.Length < 0 {
		return fmt.Errorf("a frame's length has its highest bit set")
	}
	return nil
}

// firstGrab is how many bytes of a payload are allocated for on the word of
// its header alone; beyond, memory doubles as bytes arrive.
const firstGrab = 4 << 10

// unchecked says of a payload that it needn't be UTF-8.
const unchecked = -1

// payload appends a frame's payload, unmasked, to dst. It checks text as its
// bytes arrive: whole bytes of dst are whole characters, and then so many
// of the result.
func (r *reader) payload(dst []byte, h ws.Header, whole int) ([]byte, int, error) {
	start, left := len(dst), int(h.Length)
	for left > 0 {
		if len(dst) == cap(dst) {
			n := min(left+len(dst), max(firstGrab, 2*len(dst)))
			if err := r.hold(grabs(n)); err != nil {
				r.skip = int64(left)
				return dst, whole, err
			}
			dst = grow(dst, n)
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
				return dst, whole, err
			}
		}
		ws.Cipher(room[:n], h.Mask, len(dst)-start)
		dst = dst[:len(dst)+n]
		left -= n
		if h.OpCode.IsData() {
			r.due.Add(int64(allowance(n)))
		}
		if whole != unchecked {
			more, ok := checkText(dst[whole:])
			if !ok {
				r.skip = int64(left)
				return dst, whole, badUTF8()
			}
			whole += more
		}
	}
	return dst, whole, nil
}

// drainAtOnce is how many bytes that nobody wants are read at once.
const drainAtOnce = 32 << 10

// drain reads until the peer's close frame or an error, and keeps nothing. It
// is for a connection that is closing: closing a socket with bytes unread
// resets it, and the peer would not see our close frame.
func (r *reader) drain() {
	unwanted := grab(drainAtOnce)
	defer Recycle(unwanted)
	unwanted = unwanted[:cap(unwanted)]
	for !r.broken {
		n := min(int64(r.w-r.r), r.skip)
		r.r += int(n)
		r.skip -= n
		for r.skip > 0 {
			n, err := r.readSrc(unwanted[:min(int64(len(unwanted)), r.skip)])
			if r.skip -= int64(n); n == 0 && err != nil {
				return
			}
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
		r.skip = h.Length
	}
	for {
		if _, err := r.readSrc(unwanted); err != nil {
			return
		}
	}
}
