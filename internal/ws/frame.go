package ws

import (
	"encoding/binary"
	"sync"

	"github.com/gobwas/ws"
)

// A Body is what frames share: the bytes of a message behind each one's prefix.
// It is immutable: the bytes it was made of must not change any more.
type Body struct {
	bytes []byte

	once   sync.Once
	blocks []byte // bytes as deflate blocks; nil if those aren't shorter
}

// NewBody returns the body of these bytes, which are kept, not copied.
func NewBody(b []byte) *Body { return &Body{bytes: b} }

// A Frame is one WebSocket message, unmasked and unfragmented: a prefix and a
// body. It is immutable, and what it was made of must not change any more.
type Frame struct {
	head []byte // the header and the prefix, and for a short message all of it
	body *Body  // of a long message
}

// joinBelow is the length in bytes below which a body is copied behind its
// header and never deflated: one small allocation is cheaper than a second
// vector in the write, and deflating saves too little.
const joinBelow = 256

// Binary returns the frame of a binary message. A nil body is an empty one.
func Binary(prefix []byte, body *Body) Frame { return newFrame(ws.OpBinary, prefix, body) }

// Text returns the frame of a text message, which the caller knows to be UTF-8.
func Text(prefix []byte, body *Body) Frame { return newFrame(ws.OpText, prefix, body) }

// Len is the number of bytes that the frame takes on the wire; deflated, fewer.
func (f Frame) Len() int {
	if f.body == nil {
		return len(f.head)
	}
	return len(f.head) + len(f.body.bytes)
}

// isControl reports whether the frame isn't a message (RFC 6455, 5.5).
func (f Frame) isControl() bool { return f.head[0]&0x08 != 0 }

func newFrame(op ws.OpCode, prefix []byte, body *Body) Frame {
	var b []byte
	if body != nil {
		b = body.bytes
	}
	if len(b) < joinBelow {
		return Frame{head: appendMessage(op, prefix, b)}
	}
	head := make([]byte, 0, maxServerHeader+len(prefix))
	head = appendHeader(head, final|byte(op), len(prefix)+len(b))
	return Frame{head: append(head, prefix...), body: body}
}

// controlFrame returns a control frame.
func controlFrame(op ws.OpCode, payload []byte) Frame {
	return Frame{head: appendMessage(op, nil, payload)}
}

func appendMessage(op ws.OpCode, prefix, body []byte) []byte {
	n := len(prefix) + len(body)
	head := appendHeader(make([]byte, 0, maxServerHeader+n), final|byte(op), n)
	return append(append(head, prefix...), body...)
}

// Bits of a frame's first byte (RFC 6455, 5.2; RFC 7692, 6).
const (
	final      = 0x80
	compressed = 0x40
)

// maxServerHeader is the longest header of an unmasked frame (RFC 6455, 5.2).
const maxServerHeader = 10

func appendHeader(dst []byte, first byte, n int) []byte {
	switch {
	case n < 126:
		return append(dst, first, byte(n))
	case n <= 0xffff:
		return binary.BigEndian.AppendUint16(append(dst, first, 126), uint16(n))
	default:
		return binary.BigEndian.AppendUint64(append(dst, first, 127), uint64(n))
	}
}

// headerLen is the length of the header that a server's frame begins with.
func headerLen(frame []byte) int {
	switch frame[1] {
	case 126:
		return 4
	case 127:
		return 10
	}
	return 2
}

// A deflated frame's payload is one stored block (RFC 1951, 3.2.4), which holds
// the prefix, and then the blocks of the body: it begins at a byte's boundary,
// refers to nothing before it, and so is the same behind any prefix.
const (
	maxStored    = 0xffff // bytes in a stored block
	storedHeader = 5      // its length before them
)

// blocks returns the body's deflate blocks if the frame goes out deflated. At
// level 0 none does.
func (f Frame) blocks(level int) []byte {
	if level == 0 || f.body == nil || len(f.head) > maxStored {
		return nil
	}
	return f.body.deflated(level)
}

// appendTo appends what goes before the frame's rest: its head, deflated or not.
func (f Frame) appendTo(dst, blocks []byte) []byte {
	if blocks == nil {
		return append(dst, f.head...)
	}
	prefix := f.head[headerLen(f.head):]
	n := len(blocks)
	if len(prefix) > 0 {
		n += storedHeader + len(prefix)
	}
	dst = appendHeader(dst, f.head[0]|compressed, n)
	if len(prefix) > 0 {
		l := uint16(len(prefix))
		dst = append(dst, 0) // not the last block, and stored
		dst = binary.LittleEndian.AppendUint16(dst, l)
		dst = binary.LittleEndian.AppendUint16(dst, ^l)
	}
	return append(dst, prefix...)
}

// rest returns what goes out behind the head.
func (f Frame) rest(blocks []byte) []byte {
	if blocks == nil && f.body != nil {
		return f.body.bytes
	}
	return blocks
}
