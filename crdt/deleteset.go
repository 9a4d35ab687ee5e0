package crdt

import (
	"cmp"
	"iter"
	"slices"
	"sort"

	"github.com/inkwire/inkwire/lib0"
)

// A DeleteRange is a run of deleted units of one client.
type DeleteRange struct {
	Client uint64
	Clock  uint32 // of the first unit
	Len    uint32
}

// End is the clock after the range.
func (r DeleteRange) End() uint32 { return r.Clock + r.Len }

// A DeleteSet is a set of deleted units. All that this package returns is in
// order: clients descending, the ranges of each ascending, apart and not
// touching.
type DeleteSet struct {
	ranges []DeleteRange
	loose  bool // ranges may be out of order
}

// Add adds n units from a clock on. Those from clock 2^31-1 on are left out, as
// no document can have them. Many calls are best followed by one use: ranges out
// of order are sorted when the set is next written or compared.
func (s *DeleteSet) Add(client uint64, clock, n uint32) {
	if n == 0 || clock >= maxClock {
		return
	}
	n = min(n, maxClock-clock)
	if last := len(s.ranges) - 1; last >= 0 && !s.loose {
		r := &s.ranges[last]
		switch {
		case r.Client == client && r.End() == clock:
			r.Len += n
			return
		case r.Client < client || r.Client == client && r.End() > clock:
			s.loose = true
		}
	}
	s.ranges = append(s.ranges, DeleteRange{client, clock, n})
}

// grow makes room for n more ranges.
func (s *DeleteSet) grow(n int) { s.ranges = growLarge(s.ranges, n) }

// normalise brings the ranges in order and joins those that touch or overlap.
func (s *DeleteSet) normalise() {
	if !s.loose {
		return
	}
	s.loose = false
	slices.SortFunc(s.ranges, func(a, b DeleteRange) int {
		return cmp.Or(cmp.Compare(b.Client, a.Client), cmp.Compare(a.Clock, b.Clock))
	})
	kept := s.ranges[:0]
	for _, r := range s.ranges {
		if n := len(kept) - 1; n >= 0 && kept[n].Client == r.Client && kept[n].End() >= r.Clock {
			kept[n].Len = max(kept[n].End(), r.End()) - kept[n].Clock
			continue
		}
		kept = append(kept, r)
	}
	s.ranges = kept
}

// inOrder returns the set itself, or a copy of it in order: what reads a set
// must not change it.
func (s DeleteSet) inOrder() DeleteSet {
	if s.loose {
		s.ranges = slices.Clone(s.ranges)
		s.normalise()
	}
	return s
}

// Empty reports whether nothing is in the set.
func (s DeleteSet) Empty() bool { return len(s.ranges) == 0 }

// All ranges over the set in its order.
func (s DeleteSet) All() iter.Seq[DeleteRange] { return slices.Values(s.inOrder().ranges) }

// Contains reports whether a unit is in the set.
func (s DeleteSet) Contains(id ID) bool {
	r := s.inOrder().ranges
	i := sort.Search(len(r), func(i int) bool {
		return r[i].Client < id.Client || r[i].Client == id.Client && r[i].End() > id.Clock
	})
	return i < len(r) && r[i].Client == id.Client && r[i].Clock <= id.Clock
}

// Len is the number of ranges.
func (s DeleteSet) Len() int { return len(s.inOrder().ranges) }

// Without returns what of a set isn't in another.
func (s DeleteSet) Without(other DeleteSet) DeleteSet {
	var rest DeleteSet
	s.without(other, func(r DeleteRange) bool {
		rest.Add(r.Client, r.Clock, r.Len)
		return true
	})
	return rest
}

// Within reports whether all of a set is in another.
func (s DeleteSet) Within(other DeleteSet) bool {
	within := true
	s.without(other, func(DeleteRange) bool {
		within = false
		return false
	})
	return within
}

// without calls f for what of the set isn't in another, in order, until it
// returns false. Of the other's ranges those that are needed cost a few steps
// each.
func (s DeleteSet) without(other DeleteSet, f func(DeleteRange) bool) {
	mine, theirs := s.inOrder().ranges, other.inOrder().ranges
	for _, r := range mine {
		// The first of theirs that doesn't end before r, mostly the next one.
		ends := func(i int) bool {
			t := theirs[i]
			return t.Client < r.Client || t.Client == r.Client && t.End() > r.Clock
		}
		skip := 1
		for skip <= len(theirs) && !ends(skip-1) {
			skip *= 2
		}
		skip /= 2 // so many end before, and at most as many again
		theirs = theirs[skip:]
		theirs = theirs[sort.Search(min(skip+1, len(theirs)), ends):]
		at := r.Clock
		for i := 0; i < len(theirs) && theirs[i].Client == r.Client && theirs[i].Clock < r.End(); i++ {
			if t := theirs[i]; t.Clock > at && !f(DeleteRange{r.Client, at, t.Clock - at}) {
				return
			}
			at = theirs[i].End()
		}
		if at < r.End() && !f(DeleteRange{r.Client, at, r.End() - at}) {
			return
		}
	}
}

// WithoutDeletes takes the deletes out of an update in V1 that are in a set, and
// writes the others in order. The info is what Validate found in the update, and
// becomes that of the result.
func (info Info) WithoutDeletes(update []byte, known DeleteSet) ([]byte, Info) {
	info.DeleteSet = info.DeleteSet.Without(known)
	info.Deletes = info.DeleteSet.Len()
	return appendDeleteSet(slices.Clip(update[:info.deletesAt]), info.DeleteSet, formatV1), info
}

// Equal reports whether two sets hold the same units.
func (s DeleteSet) Equal(t DeleteSet) bool {
	return slices.Equal(s.inOrder().ranges, t.inOrder().ranges)
}

// Clone returns a copy.
func (s DeleteSet) Clone() DeleteSet {
	s.ranges = slices.Clone(s.ranges)
	return s
}

// readDeleteSet reads a delete set in V1's layout or V2's and adds its ranges,
// in the order of the bytes, to s, which may be nil. It returns how many ranges
// there are.
func readDeleteSet(d *lib0.Decoder, f format, s *DeleteSet) (int, error) {
	clients, err := d.Count(2)
	if err != nil {
		return 0, err
	}
	total := 0
	for range clients {
		client, err := d.Uvarint()
		if err != nil {
			return 0, err
		}
		n, err := d.Count(2)
		if err != nil {
			return 0, err
		}
		total += n
		if s != nil {
			s.grow(n) // which fits the bytes left
		}
		for end := uint32(0); n > 0; n-- {
			r, err := readDeleteRange(d, f, client, end)
			if err != nil {
				return 0, err
			}
			end = r.End()
			if s != nil {
				s.ranges = append(s.ranges, r)
				s.loose = true
			}
		}
	}
	return total, nil
}

// readDeleteRange reads one range. In V2 the clock counts from the end of the
// range before, and the length is one less.
func readDeleteRange(d *lib0.Decoder, f format, client uint64, end uint32) (DeleteRange, error) {
	at := d.Offset()
	clock, err := d.Uvarint()
	if err != nil {
		return DeleteRange{}, err
	}
	n, err := d.Uvarint()
	if err != nil {
		return DeleteRange{}, err
	}
	if f == formatV2 {
		clock += uint64(end)
		n++
	}
	if n == 0 {
		return DeleteRange{}, malformed(at, "expected a range of deleted clocks, found an empty one")
	}
	if clock > maxClock || clock+n > maxClock {
		return DeleteRange{}, malformed(at, "expected deleted clocks below 2^31, found %d up to %d", clock, clock+n)
	}
	return DeleteRange{client, uint32(clock), uint32(n)}, nil
}

// byClient sorts the ranges by descending client alone: what yjs does with a
// delete set that it only passes on. V2 can't express ranges of one client out
// of order; those are normalised.
func (s *DeleteSet) byClient(f format) {
	slices.SortStableFunc(s.ranges, func(a, b DeleteRange) int { return cmp.Compare(b.Client, a.Client) })
	if f != formatV2 {
		return
	}
	for i := 1; i < len(s.ranges); i++ {
		if a, b := s.ranges[i-1], s.ranges[i]; a.Client == b.Client && a.End() > b.Clock {
			s.normalise()
			return
		}
	}
}

// appendRanges appends ranges, grouped by client, as they are.
func appendRanges(dst []byte, ranges []DeleteRange, f format) []byte {
	clients := 0
	for i := range ranges {
		if i == 0 || ranges[i-1].Client != ranges[i].Client {
			clients++
		}
	}
	dst = lib0.AppendUvarint(dst, uint64(clients))
	for len(ranges) > 0 {
		client, n := ranges[0].Client, 1
		for n < len(ranges) && ranges[n].Client == client {
			n++
		}
		dst = lib0.AppendUvarint(dst, client)
		dst = lib0.AppendUvarint(dst, uint64(n))
		end := uint32(0)
		for _, r := range ranges[:n] {
			if f == formatV2 {
				dst = lib0.AppendUvarint(dst, uint64(r.Clock-end))
				dst = lib0.AppendUvarint(dst, uint64(r.Len-1))
				end = r.End()
				continue
			}
			dst = lib0.AppendUvarint(dst, uint64(r.Clock))
			dst = lib0.AppendUvarint(dst, uint64(r.Len))
		}
		ranges = ranges[n:]
	}
	return dst
}

// appendDeleteSet appends the set in order.
func appendDeleteSet(dst []byte, s DeleteSet, f format) []byte {
	return appendRanges(dst, s.inOrder().ranges, f)
}
