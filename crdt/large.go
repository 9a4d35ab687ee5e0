package crdt

import "runtime"

// What is large is cleared and copied by pieces. A goroutine can't be stopped while
// append, slices.Grow or copy are at it, however much that is, and when the collector
// wants to stop it, everyone waits. A page fault for each page of memory that is new
// to the process makes that long: for 50 MB some tenths of a second on some machines.

// copyPiece is how many bytes are copied at once.
const copyPiece = 64 << 10

// appendLarge appends to what has the capacity for it.
func appendLarge(dst, b []byte) []byte {
	for len(b) > copyPiece {
		dst, b = append(dst, b[:copyPiece]...), b[copyPiece:]
		runtime.Gosched()
	}
	return append(dst, b...)
}

// growLarge makes room for n more elements: make can be stopped while it clears.
func growLarge[T any](s []T, n int) []T {
	if have := len(s); have+n > cap(s) {
		s = append(make([]T, 0, max(have+n, 2*have)), s...)
	}
	return s
}
