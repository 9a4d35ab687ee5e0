package ws

import (
	"math/bits"
	"runtime"
	"sync"
)

// Memory of messages that nobody kept is used for others: presence comes by the
// megabyte, and most of it is dropped unread. There is a pool for each power of
// two, from firstGrab up to 2^topClass bytes.
const (
	firstClass = 12 // of firstGrab
	topClass   = 17
)

var recycled [topClass - firstClass + 1]sync.Pool // of *[]byte

// class is that of the smallest memory for n bytes.
func class(n int) int { return bits.Len(uint(n-1)) - firstClass }

// grabs is how many bytes of memory grab returns for n.
func grabs(n int) int {
	if c := class(n); n >= firstGrab && c < len(recycled) {
		return 1 << (firstClass + c)
	}
	return n
}

// grab returns memory for n bytes, which may be used already.
func grab(n int) []byte {
	if c := class(n); n >= firstGrab && c < len(recycled) {
		if b, ok := recycled[c].Get().(*[]byte); ok {
			return *b
		}
	}
	return make([]byte, 0, grabs(n))
}

// copyPiece is how many bytes are copied at once. A goroutine can't be interrupted
// while it copies, and when the collector wants it to be, everyone waits; a page
// fault for each page of memory that is new to the process makes that long.
const copyPiece = 64 << 10

// grow returns memory for n bytes that begins with those of b, which it recycles.
func grow(b []byte, n int) []byte {
	grown := grab(n)
	for rest := b; len(rest) > 0; {
		piece := rest[:min(len(rest), copyPiece)]
		grown, rest = append(grown, piece...), rest[len(piece):]
		if len(rest) > 0 {
			runtime.Gosched()
		}
	}
	Recycle(b)
	return grown
}

// Recycle takes back the memory of a message's Data, of which nothing is used any
// more. It needn't be called.
func Recycle(b []byte) {
	if n := cap(b); n >= firstGrab && n&(n-1) == 0 && class(n) < len(recycled) {
		b = b[:0]
		recycled[class(n)].Put(&b)
	}
}
