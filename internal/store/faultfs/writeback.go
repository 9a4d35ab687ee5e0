package faultfs

import (
	"bytes"
	"math/rand/v2"
)

// How much of the changes since the last sync gets to the disk.
const (
	nothing    = iota // none of it
	everything        // all of it
	inOrder           // all up to some change, of which some sectors
	changes           // each change or not
	sectors           // each sector of each change or not
	kinds
)

// writeBack returns what the disk has of a file when the changes since its last
// sync have been written to it in part. Sectors are copied as they were at the
// time of some change, so that each ends with one of the contents it has had. It
// takes disk over.
func writeBack(disk []byte, dirty []change, rng *rand.Rand) []byte {
	view, out := disk, bytes.Clone(disk) // view is the file after each change
	size := int64(len(disk))
	kind := rng.IntN(kinds)
	last := 0 // the change that was under way
	if len(dirty) > 0 {
		last = rng.IntN(len(dirty))
	}
	for i, c := range dirty {
		whole := rng.IntN(2) == 0
		reaches := func() bool {
			switch kind {
			case everything:
				return true
			case inOrder:
				return i < last || i == last && rng.IntN(2) == 0
			case changes:
				return whole
			case sectors:
				return rng.IntN(2) == 0
			}
			return false
		}
		before := int64(len(view))
		from, to := c.touched(before)
		view = c.apply(view)
		for at := from - from%sectorSize; at < to; at += sectorSize {
			if reaches() {
				out = copySector(out, view, at)
			}
		}
		if after := int64(len(view)); after != before && reaches() {
			size = after
		}
		if i == last && kind != nothing && kind != everything && c.data != nil {
			out = tear(out, c, rng)
		}
	}
	return resize(out, size)
}

// copySector copies one sector, which may end or lie beyond the view's end.
func copySector(out, view []byte, at int64) []byte {
	if at+sectorSize > int64(len(out)) {
		out = resize(out, at+sectorSize)
	}
	sector := out[at : at+sectorSize]
	clear(sector)
	if at < int64(len(view)) {
		copy(sector, view[at:])
	}
	return out
}

// tear damages one sector of a write that was under way: it holds the beginning
// of what was written, and then what was there before, or garbage.
func tear(out []byte, c change, rng *rand.Rand) []byte {
	start, end := c.written[0], c.written[1]
	at := (start/sectorSize + rng.Int64N((end+sectorSize-1)/sectorSize-start/sectorSize)) * sectorSize
	from, to := max(at, start), min(at+sectorSize, end)
	out = resize(out, max(int64(len(out)), to))
	tornAt := from + rng.Int64N(to-from)
	copy(out[from:tornAt], c.data[from-c.off:])
	if rng.IntN(2) == 0 {
		for i := tornAt; i < to; i++ {
			out[i] = byte(rng.Uint32())
		}
	}
	return out
}
