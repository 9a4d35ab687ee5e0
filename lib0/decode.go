package lib0

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"unicode/utf8"
)

// MaxDepth is how deep arrays and objects may nest in a value.
const MaxDepth = 500

// MaxUint is the largest integer that the format carries: JavaScript's
// Number.MAX_SAFE_INTEGER.
const MaxUint = 1<<53 - 1

// ErrDepth is the cause of errors about values nested deeper than MaxDepth.
var ErrDepth = errors.New("nested too deep")

// An Error tells where the input departs from the format and what was expected
// there.
type Error struct {
	Offset int    // in bytes from the start of the input
	Msg    string // what was expected or is wrong
	Err    error  // ErrDepth, or nil
}

func (e *Error) Error() string { return fmt.Sprintf("byte %d: %s", e.Offset, e.Msg) }

// Unwrap returns the cause, if it has one.
func (e *Error) Unwrap() error { return e.Err }

// A Decoder reads one slice from front to back. The zero Decoder has nothing to
// read. After an error its offset is unspecified.
type Decoder struct {
	buf  []byte
	off  int
	base int // offset of buf in the whole input, for errors
}

// NewDecoder returns a Decoder at the start of buf.
func NewDecoder(buf []byte) Decoder { return Decoder{buf: buf} }

// Reset moves to the start of another buffer.
func (d *Decoder) Reset(buf []byte) { d.buf, d.off, d.base = buf, 0, 0 }

// NewDecoderAt returns a Decoder at the start of buf, which stands at an offset
// of the whole input: errors count from there.
func NewDecoderAt(buf []byte, offset int) Decoder { return Decoder{buf: buf, base: offset} }

// Offset is the position in the whole input.
func (d *Decoder) Offset() int { return d.base + d.off }

// Seek moves to an offset that Offset returned before.
func (d *Decoder) Seek(offset int) { d.off = offset - d.base }

// Skip passes over n bytes, which Rest has shown to be there.
func (d *Decoder) Skip(n int) { d.off += n }

// Remaining is the number of bytes left.
func (d *Decoder) Remaining() int { return len(d.buf) - d.off }

// Rest returns the bytes left without moving.
func (d *Decoder) Rest() []byte { return d.buf[d.off:] }

// Since returns the bytes from an offset that Offset returned before up to the
// present one.
func (d *Decoder) Since(offset int) []byte { return d.buf[offset-d.base : d.off] }

// Errorf returns an error about the present offset.
func (d *Decoder) Errorf(format string, args ...any) error {
	return d.errorAt(d.off, format, args...)
}

func (d *Decoder) errorAt(off int, format string, args ...any) error {
	return &Error{Offset: d.base + off, Msg: fmt.Sprintf(format, args...)}
}

// Byte reads one byte.
func (d *Decoder) Byte() (byte, error) {
	if d.off < len(d.buf) {
		d.off++
		return d.buf[d.off-1], nil
	}
	return 0, d.errorAt(d.off, "expected a byte, found the end")
}

// Take reads n bytes. The result is part of the input.
func (d *Decoder) Take(n int) ([]byte, error) {
	if uint(n) > uint(len(d.buf)-d.off) {
		return nil, d.errorAt(d.off, "expected %d bytes, %d are left", n, d.Remaining())
	}
	d.off += n
	return d.buf[d.off-n : d.off : d.off], nil
}

// UvarintAt reads an unsigned integer of at most MaxUint at b[i] and returns it
// with the index after it, or a negative index if there is none.
func UvarintAt(b []byte, i int) (uint64, int) {
	if uint(i) >= uint(len(b)) {
		return 0, -1
	}
	c := b[i]
	if c < 0x80 {
		return uint64(c), i + 1
	}
	if i+8 <= len(b) { // without a branch for each byte
		w := binary.LittleEndian.Uint64(b[i:])
		if ends := ^w & topBits; ends != 0 {
			w &= (ends ^ (ends - 1)) &^ topBits // up to the first byte that ends an integer
			w = w&0x007f007f007f007f | w>>1&0x3f803f803f803f80
			w = w&0x00003fff00003fff | w>>2&0x0fffc0000fffc000
			w = w&0x000000000fffffff | w>>4&0x00fffffff0000000
			if w > MaxUint {
				return 0, -1
			}
			return w, i + bits.TrailingZeros64(ends)>>3 + 1
		}
	}
	x := uint64(c & 0x7f)
	for shift := uint(7); ; shift += 7 {
		if i++; i >= len(b) {
			return 0, -1
		}
		c := b[i]
		// Nine groups hold 63 bits; a tenth can only pad.
		if shift > 56 && (c&0x7f != 0 || shift > 63) {
			return 0, -1
		}
		x |= uint64(c&0x7f) << (shift & 63)
		if c < 0x80 {
			if x > MaxUint {
				return 0, -1
			}
			return x, i + 1
		}
	}
}

// Uvarint reads an unsigned integer of at most MaxUint.
func (d *Decoder) Uvarint() (uint64, error) {
	x, i := UvarintAt(d.buf, d.off)
	if i < 0 {
		return 0, d.uvarintError()
	}
	d.off = i
	return x, nil
}

func (d *Decoder) uvarintError() error {
	for _, b := range d.Rest()[:min(10, d.Remaining())] {
		if b < 0x80 {
			return d.Errorf("integer above 2^53-1")
		}
	}
	if d.Remaining() >= 10 {
		return d.Errorf("integer of more than ten bytes")
	}
	return d.Errorf("expected an unsigned integer, found the end")
}

// Varint reads a signed integer; a negative zero comes as 0 and true. As in
// lib0 the last group may carry the magnitude beyond 2^53.
func (d *Decoder) Varint() (magnitude uint64, negative bool, err error) {
	start := d.off
	b, err := d.Byte()
	if err != nil {
		return 0, false, d.errorAt(start, "expected a signed integer, found the end")
	}
	x, negative := uint64(b&0x3f), b&0x40 != 0
	if b < 0x80 {
		return x, negative, nil
	}
	for shift := uint(6); d.off < len(d.buf); shift += 7 {
		b := d.buf[d.off]
		d.off++
		if shift > 55 && b&0x7f != 0 || shift > 63 {
			return 0, false, d.errorAt(start, "signed integer above 2^53-1")
		}
		x |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return x, negative, nil
		}
		if x > MaxUint {
			return 0, false, d.errorAt(start, "signed integer above 2^53-1")
		}
	}
	return 0, false, d.errorAt(start, "expected a signed integer, found the end")
}

// Bytes reads a length and as many bytes. The result is part of the input.
func (d *Decoder) Bytes() ([]byte, error) {
	n, err := d.Uvarint()
	if err != nil {
		return nil, err
	}
	if n > uint64(len(d.buf)-d.off) {
		return nil, d.errorAt(d.off, "length %d exceeds the %d bytes left", n, d.Remaining())
	}
	d.off += int(n)
	return d.buf[d.off-int(n) : d.off : d.off], nil
}

// Text reads a string, checks that it is UTF-8 and returns its bytes, which are
// part of the input. A byte order mark is text like any other.
func (d *Decoder) Text() ([]byte, error) {
	b, err := d.Bytes()
	if err == nil && !utf8.Valid(b) {
		return nil, d.errorAt(d.off-len(b)+invalidAt(b), "expected UTF-8, found %#02x", b[invalidAt(b)])
	}
	return b, err
}

// String reads a string into memory of its own.
func (d *Decoder) String() (string, error) {
	b, err := d.Text()
	return string(b), err
}

// Count reads a number of things, each of which takes at least size bytes of
// what is left.
func (d *Decoder) Count(size int) (int, error) {
	start := d.off
	n, err := d.Uvarint()
	if err != nil {
		return 0, err
	}
	if n*uint64(size) > uint64(d.Remaining()) { // n is below 2^53, size small
		return 0, d.errorAt(start, "count %d exceeds what %d bytes can hold", n, d.Remaining())
	}
	return int(n), nil
}

// Sub reads a length and returns a Decoder for as many bytes, whose errors
// count from the start of the whole input.
func (d *Decoder) Sub() (Decoder, error) {
	b, err := d.Bytes()
	return Decoder{buf: b, base: d.base + d.off - len(b)}, err
}

// invalidAt is the offset of the first byte of b that isn't UTF-8.
func invalidAt(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return 0
}
