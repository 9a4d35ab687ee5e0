package crdt

import (
	"cmp"
	"math"
)

// Limits bound what updates from others may cost. A zero field stands for its
// default.
type Limits struct {
	// Structs is how many structs one update may hold beyond one for each of
	// its bytes. Runs in the columns of format V2 can describe millions in a
	// few bytes, and honest updates do so by the ten thousands. Default
	// 1,000,000.
	Structs int
	// Work is how many steps through items one update may cause while it is
	// integrated and its formatting cleaned up. Default 50,000,000, about a
	// second.
	Work int
	// Depth is how deep types may nest. Default 500. Values have lib0.MaxDepth.
	Depth int
	// Roots is how many root types a document may get from updates. Default
	// 10,000.
	Roots int
	// PendingBytes is how many bytes of updates may wait for others that they
	// need. Default 32 MiB.
	PendingBytes int
}

const defaultStructs = 1_000_000

// withDefaults returns the limits with no field zero.
func (l Limits) withDefaults() Limits {
	return Limits{
		Structs:      cmp.Or(l.Structs, defaultStructs),
		Work:         cmp.Or(l.Work, 50_000_000),
		Depth:        cmp.Or(l.Depth, 500),
		Roots:        cmp.Or(l.Roots, 10_000),
		PendingBytes: cmp.Or(l.PendingBytes, 32<<20),
	}
}

// structs is how many structs an update of n bytes may hold.
func (l *Limits) structs(n int) int {
	most := defaultStructs
	if l != nil {
		most = cmp.Or(l.Structs, most)
	}
	return n + min(most, math.MaxInt-n)
}
