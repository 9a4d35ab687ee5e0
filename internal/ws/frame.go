package ws

import (
	"encoding/binary"

	"github.com/gobwas/ws"
)

// A Frame is one encoded WebSocket message, unmasked and unfragmented. It is
// immutable: the bytes it was made of must not change any more.
type Frame struct {
	head []byte // the header and the prefix, and for a short message all of it
	body []byte // shared, not copied
}

// joinBelow is the length in bytes up to which a body is copied behind its
// header: one small allocation is cheaper than a second vector in the write.
const joinBelow = 256

// Binary returns the frame of a binary message, which is a prefix and a body. A
// long body is kept, not copied, so that all its receivers share it.
func Binary(prefix, body []byte) Frame { return newFrame(ws.OpBinary, prefix, body) }

// Text returns the frame of a text message, which the caller knows to be UTF-8.
func Text(body []byte) Frame { return newFrame(ws.OpText, nil, body) }

// Len is the number of bytes that the frame takes on the wire.
func (f Frame) Len() int { return len(f.head) + len(f.body) }

func newFrame(op ws.OpCode, prefix, body []byte) Frame {
	kept := len(body) > joinBelow
	n := maxServerHeader + len(prefix)
	if !kept {
		n += len(body)
	}
	head := appendHeader(make([]byte, 0, n), op, len(prefix)+len(body))
	head = append(head, prefix...)
	if kept {
		return Frame{head: head, body: body}
	}
	return Frame{head: append(head, body...)}
}

// maxServerHeader is the longest header of an unmasked frame (RFC 6455, 5.2).
const maxServerHeader = 10

func appendHeader(dst []byte, op ws.OpCode, n int) []byte {
	dst = append(dst, 0x80|byte(op)) // FIN
	switch {
	case n < 126:
		return append(dst, byte(n))
	case n <= 0xffff:
		return binary.BigEndian.AppendUint16(append(dst, 126), uint16(n))
	default:
		return binary.BigEndian.AppendUint64(append(dst, 127), uint64(n))
	}
}
