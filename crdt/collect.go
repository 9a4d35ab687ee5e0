package crdt

import (
	"slices"
	"sort"

	"github.com/inkwire/inkwire/lib0"
)

// CollectUpdates merges updates as MergeUpdates does and leaves out what a
// document made of them wouldn't keep: the content of what is deleted. It needs
// no document, and little memory beside its result, but says no less: whoever
// integrates that has the same document as with all of the updates.
//
//   - A deleted part of a struct becomes an item of kind kindDeleted, as in a
//     document's collection (delete.go). One that only a deleted type held
//     becomes a GC struct where that can be told at this point: integrating it
//     would make it one.
//   - Structs side by side are joined if cutting them apart again gives what they
//     were: the second follows the first, and has the same right origin. That
//     needs no document either, for an item between them that names them as its
//     neighbours cuts them when it is integrated.
//   - Items of a map's key aren't joined unless they are deleted. That they are
//     of a key is in their info byte, or told by the one that they follow; where
//     neither is so, as after a merge, only the key's last is still there.
//
// Also a single update is collected. Unless pause is nil, it is called every now
// and then, at least each tenth of a millisecond as a rule: a large document takes
// a good part of a second, and others may have to go first.
func CollectUpdates(updates [][]byte, pause func()) ([]byte, error) {
	c := &collector{have: StateVector{}, pause: pause}
	m := new(merger)
	size, err := m.read(updates, formatV1, c.note, pause)
	if err != nil {
		return nil, err
	}
	m.deletes.normalise()
	c.deletes = m.deletes.ranges
	c.out = make([]byte, countHole, size+collectSlack)
	m.out = c
	if err := m.run(); err != nil {
		return nil, refuse("update", err)
	}
	return c.finish(m.deletes.ranges), nil
}

const (
	// countHole is left free before a count until it is known.
	countHole = 5
	// collectSlack is what a collected update may have more than its sources,
	// before it needs to be moved: cutting a struct adds to it.
	collectSlack = 4 << 10
	// kindNone is of no struct.
	kindNone = 0xff
)

// A collector writes structs in the order of a merger, joined and collected.
// What of the last one may grow is held back.
type collector struct {
	deletes []DeleteRange // in order
	at      int           // of deletes, the first range that may reach what comes
	gcs     []DeleteRange // GC structs written, in order
	pause   func()
	have    StateVector // what is there, beginning at clock 0 without a gap

	out      []byte // after a hole for the count of sections, with one for the last section's count
	sections int
	section  int // where the last one's hole is
	structs  int // in it
	client   uint64

	// The last struct. Its header is written, and its content, if it can't grow.
	kind   byte
	length uint32
	end    uint32 // clock after it
	keyed  bool   // known to be of a map's key
	hasR   bool
	right  ID
	body   []byte // text or elements: part of an update, or of own
	own    []byte
}

// note takes down what an update holds.
func (c *collector) note(s *scan) {
	for _, sec := range s.sections {
		if have := c.have[sec.client]; sec.clock <= have && sec.whole > have {
			c.have[sec.client] = sec.whole
		}
	}
}

// write writes a struct from its unit offset on, in parts that are deleted as a
// whole or not at all.
func (c *collector) write(e *encoded, offset uint32) error {
	clock := e.id.Clock + offset
	if c.sections == 0 || c.client != e.id.Client {
		c.begin(e.id.Client, clock)
	} else if clock < c.end {
		c.seek(clock)
	}
	if k := e.kind(); k == kindGC || k == kindSkip {
		c.plain(k, clock, e.length-offset)
		return nil
	}
	for offset < e.length {
		clock = e.id.Clock + offset
		for c.at < len(c.deletes) && c.deletes[c.at].Client == c.client && c.deletes[c.at].End() <= clock {
			c.at++
		}
		to, gone := e.length, false
		if c.at < len(c.deletes) && c.deletes[c.at].Client == c.client {
			if r := c.deletes[c.at]; r.Clock <= clock {
				to, gone = min(to, r.End()-e.id.Clock), true
			} else {
				to = min(to, r.Clock-e.id.Clock)
			}
		}
		if err := c.part(e, offset, to, gone); err != nil {
			return err
		}
		offset = to
	}
	return nil
}

// seek finds the first range of deletes that ends behind a clock.
func (c *collector) seek(clock uint32) {
	c.at = sort.Search(len(c.deletes), func(i int) bool {
		r := &c.deletes[i]
		return r.Client < c.client || r.Client == c.client && r.End() > clock
	})
}

// begin begins a section.
func (c *collector) begin(client uint64, clock uint32) {
	c.endSection()
	c.client, c.section, c.structs = client, len(c.out), 0
	c.sections++
	c.out = append(c.out, make([]byte, countHole)...)
	c.out = appendID(c.out, ID{client, clock})
	c.kind, c.end = kindNone, clock
	c.seek(clock)
}

// endSection writes the count of the last section, and closes the hole.
func (c *collector) endSection() {
	if c.sections == 0 {
		return
	}
	c.flush()
	n := lib0.UvarintLen(uint64(c.structs))
	lib0.AppendUvarint(c.out[c.section:c.section], uint64(c.structs))
	c.out = append(c.out[:c.section+n], c.out[c.section+countHole:]...)
}

// part writes the units of a struct from one on up to another.
func (c *collector) part(e *encoded, from, to uint32, gone bool) error {
	clock := e.id.Clock + from
	h := e.headerFrom(from, true)
	hasO, hasR := h.info&infoOrigin != 0, h.info&infoRight != 0
	kind := e.kind()
	if gone {
		if kind = kindDeleted; c.placeless(e, from, h) {
			c.plain(kindGC, clock, to-from)
			return nil
		}
	}
	follows := c.kind != kindNone && hasO && h.origin.Client == c.client && h.origin.Clock == c.end-1
	keyed := h.info&infoSub != 0 || follows && c.keyed
	joins := follows && kind == c.kind && hasR == c.hasR && (!hasR || e.right == c.right)
	switch kind {
	case kindDeleted:
		if joins {
			break
		}
		c.open(e, h, kind, keyed)
	case kindString:
		text, before, after := textBetween(e.text(), from, to, e.length)
		if joins = joins && !keyed; !joins {
			c.open(e, h, kind, keyed)
			if !before && !after {
				c.body = text
				break
			}
		}
		c.ownBody()
		if before {
			c.own = append(c.own, replacement...)
		}
		c.own = append(c.own, text...)
		if after {
			c.own = append(c.own, replacement...)
		}
		c.body = c.own
	case kindJSON, kindAny:
		if joins = joins && !keyed; !joins {
			c.open(e, h, kind, keyed)
		}
		c.ownBody()
		var err error
		if c.own, err = appendElementsBetween(c.own, e, from, to); err != nil {
			return err
		}
		c.body = c.own
	default: // of one unit
		joins = false
		c.open(e, h, kind, keyed)
		var err error
		if c.out, err = appendContent(c.out, e, 0, formatV1); err != nil {
			return err
		}
	}
	if joins {
		c.length += to - from
	} else {
		c.length = to - from
	}
	c.end = clock + to - from
	return nil
}

// placeless reports whether a deleted part of a struct has no place any more,
// because the type is collected that it is in, or a neighbour that was.
func (c *collector) placeless(e *encoded, from uint32, h header) bool {
	switch {
	case h.info&infoOrigin != 0 && c.collected(h.origin):
		return true
	case h.info&infoRight != 0 && c.collected(e.right):
		return true
	case h.info&(infoOrigin|infoRight) != 0 || e.hasRoot:
		return false
	}
	p := e.parentID
	return c.collected(p) || p.Clock < c.have[p.Client] && contains(c.deletes, p)
}

// collected reports whether a unit is known to be of a GC struct.
func (c *collector) collected(id ID) bool {
	if id.Client == c.client && id.Clock < c.end && c.kind != kindNone && id.Clock >= c.end-c.length {
		return c.kind == kindGC
	}
	return len(c.gcs) > 0 && contains(c.gcs, id)
}

// plain writes, or makes longer, a struct that has but a length.
func (c *collector) plain(kind byte, clock, n uint32) {
	if kind == kindGC {
		if last := len(c.gcs) - 1; last >= 0 && c.gcs[last].Client == c.client && c.gcs[last].End() == clock {
			c.gcs[last].Len += n
		} else {
			c.gcs = append(c.gcs, DeleteRange{c.client, clock, n})
		}
	}
	if kind == kindGC && c.kind == kindGC {
		c.length += n
	} else {
		c.flush()
		c.out = append(c.out, kind)
		c.structs++
		c.kind, c.length, c.keyed, c.hasR = kind, n, false, false
	}
	c.end = clock + n
}

// open writes the header of a new struct.
func (c *collector) open(e *encoded, h header, kind byte, keyed bool) {
	c.flush()
	if c.structs++; c.pause != nil && c.structs%pauseEvery == 0 {
		c.pause()
	}
	c.kind, c.keyed, c.hasR, c.right = kind, keyed, h.info&infoRight != 0, e.right
	h.info = h.info&^infoKind | kind
	c.out = appendHeader(c.out, e, h)
}

// ownBody makes the last struct's body a copy that may grow.
func (c *collector) ownBody() {
	if len(c.body) == 0 || len(c.own) == 0 {
		c.own = append(c.own[:0], c.body...)
	}
}

// flush writes what is held back of the last struct.
func (c *collector) flush() {
	switch c.kind {
	case kindGC, kindSkip, kindDeleted:
		c.out = lib0.AppendUvarint(c.out, uint64(c.length))
	case kindString:
		c.out = lib0.AppendBytes(c.out, c.body)
	case kindJSON, kindAny:
		c.out = append(lib0.AppendUvarint(c.out, uint64(c.length)), c.body...)
	}
	c.kind, c.body, c.own = kindNone, nil, c.own[:0]
}

// finish writes the delete set and returns the update.
func (c *collector) finish(ranges []DeleteRange) []byte {
	c.endSection()
	out := appendRanges(c.out, ranges, formatV1)
	n := lib0.UvarintLen(uint64(c.sections))
	out = out[countHole-n:]
	lib0.AppendUvarint(out[:0], uint64(c.sections))
	if len(out) < cap(out)/4*3 {
		out = slices.Clone(out) // don't keep what isn't needed
	}
	return out
}

// contains reports whether a unit is in ranges that are in order.
func contains(ranges []DeleteRange, id ID) bool {
	return DeleteSet{ranges: ranges}.Contains(id)
}

// text is the text of a struct of kind kindString.
func (e *encoded) text() []byte {
	i := 0
	for e.content[i] >= 0x80 { // its length
		i++
	}
	return e.content[i+1:]
}

// textBetween returns the units of a text of n from one on up to another.
// Where that cuts a surrogate pair, a U+FFFD belongs before it or after it.
func textBetween(text []byte, from, to, n uint32) (part []byte, before, after bool) {
	if int(n) == len(text) { // ASCII
		return text[from:to], false, false
	}
	end := len(text)
	if to < n {
		end, after = lib0.UTF16Index(text, int(to))
	}
	if from == 0 {
		return text[:end], false, after
	}
	rest, before := textFrom(text, from)
	start := len(text) - len(rest)
	return text[start:end], before, after
}
