package crdt

import (
	"cmp"
	"fmt"
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
	// StructsInAll is how many structs one update may hold, whatever its size. It
	// is refused where it says how many there are, before they are read. Default:
	// no other limit than that of Structs.
	StructsInAll int
	// Work is how many steps through items one update may cause while it is
	// integrated and its formatting cleaned up, beyond 32 for each of its structs
	// and ranges of deletes. A step takes about 20 to 55 ns; what takes longer,
	// such as a new item, counts as several. Default 10,000,000, a fifth of a
	// second to half a second.
	Work int
	// Items bounds a document's memory: how many items an update with structs may
	// lead to, at about 60 to 120 bytes each. A nested type counts as 4 and a
	// subdocument as 32. Deletes split items too, and may lead to twice as many.
	// Default 8,000,000.
	Items int
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
		StructsInAll: cmp.Or(l.StructsInAll, math.MaxInt),
		Work:         min(cmp.Or(l.Work, 10_000_000), math.MaxInt/2), // budget adds to it
		Items:        min(cmp.Or(l.Items, 8_000_000), math.MaxInt/2), // it is doubled
		Depth:        cmp.Or(l.Depth, 500),
		Roots:        cmp.Or(l.Roots, 10_000),
		Clients:      cmp.Or(l.Clients, 250_000),
		PendingBytes: cmp.Or(l.PendingBytes, 1<<20),
	}
}

// SetLimits changes the document's limits, for the updates to come.
func (d *Doc) SetLimits(l Limits) { d.limits = l.withDefaults() }

// Steps of work that are more than one, each about 25 to 50 ns.
const (
	stepsPerStruct = 6
	stepsPerSplit  = 24
	stepsPerClient = 24
	stepsPerSubdoc = 64
)

// Items beside its own that the content of one weighs, in memory.
const (
	typeWeighs   = 3
	subdocWeighs = 31
)

// overItems returns an error if the document has become too heavy.
func (d *Doc) overItems(offset, limit int) error {
	if int(d.used-d.freed)+d.weight <= limit {
		return nil
	}
	return &Error{In: "update", Offset: offset, Msg: fmt.Sprintf("a document of more than %d items", limit), Err: ErrItems}
}

// structs is how many structs an update of n bytes may hold.
func (l *Limits) structs(n int) int {
	most, all := defaultStructs, math.MaxInt
	if l != nil {
		most, all = cmp.Or(l.Structs, most), cmp.Or(l.StructsInAll, all)
	}
	return min(n+min(most, math.MaxInt-n), all)
}
