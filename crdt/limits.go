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
	// integrated and its formatting cleaned up, plus eight for each of its
	// bytes. A step takes about 20 to 55 ns. Default 5,000,000, a tenth to a
	// third of a second.
	Work int
	// Depth is how deep types may nest. Default 500. Values have lib0.MaxDepth.
	Depth int
	// Roots is how many root types a document may get from updates. Default
	// 10,000.
	Roots int
	// Clients is how many clients' ids a document may hold. Default 250,000.
	Clients int
	// PendingBytes is how many bytes of updates may wait for others that they
	// need. Default 1 MiB.
	PendingBytes int
}

const defaultStructs = 1_000_000

// withDefaults returns the limits with no field zero.
func (l Limits) withDefaults() Limits {
	return Limits{
		Structs:      cmp.Or(l.Structs, defaultStructs),
		Work:         min(cmp.Or(l.Work, 5_000_000), math.MaxInt/2), // budget adds to it
		Depth:        cmp.Or(l.Depth, 500),
		Roots:        cmp.Or(l.Roots, 10_000),
		Clients:      cmp.Or(l.Clients, 250_000),
		PendingBytes: cmp.Or(l.PendingBytes, 1<<20),
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
