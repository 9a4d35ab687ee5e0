package crdt

import (
	"cmp"
	"slices"

	"github.com/inkwire/inkwire/lib0"
)

// EncodeStateAsUpdate encodes in format V1 what a peer with the given state
// vector lacks (nil: everything), and all deletes. What is pending is included.
func (d *Doc) EncodeStateAsUpdate(sv StateVector) []byte {
	if d.pending.empty() {
		return d.appendState(nil, sv, false)
	}
	out, _ := transcode(d.stateWithPending(sv), formatAny, formatV1, true)
	return out
}

// EncodeStateAsUpdateV2 is EncodeStateAsUpdate in format V2.
func (d *Doc) EncodeStateAsUpdateV2(sv StateVector) []byte {
	if d.pending.empty() {
		return d.toV2(d.appendState(nil, sv, true))
	}
	return d.toV2(d.stateWithPending(sv))
}

// toV2 converts an update of the document's own making from formatAny.
func (d *Doc) toV2(update []byte) []byte {
	out, err := transcode(update, formatAny, formatV2, true)
	if err != nil {
		panic("crdt: own encoding: " + err.Error())
	}
	return out
}

// A clockSpan says which clocks of a client are encoded: from clock up to end, where
// an item begins.
type clockSpan struct {
	client     int32
	clock, end uint32
}

// appendState appends the state above sv in format V1 or, with asAny, formatAny.
func (d *Doc) appendState(dst []byte, sv StateVector, asAny bool) []byte {
	list := make([]clockSpan, 0, len(d.clients))
	structs := 0
	for ci, c := range d.clients {
		if clock := sv[c.id]; c.state > clock {
			list = append(list, clockSpan{int32(ci), clock, c.state})
			for _, b := range c.blocks {
				structs += len(b)
			}
		}
	}
	if dst == nil && sv == nil {
		dst = make([]byte, 0, structs*20+64)
	}
	dst = d.appendStructs(dst, list, asAny)
	return d.appendDeletes(dst)
}

// appendTransaction appends what a transaction added and deleted.
func (d *Doc) appendTransaction(dst []byte, tx *Transaction, asAny bool) []byte {
	list := make([]clockSpan, 0, len(tx.before))
	for _, b := range tx.before {
		if state := d.clients[b.client].state; state > b.clock {
			list = append(list, clockSpan{b.client, b.clock, state})
		}
	}
	dst = d.appendStructs(dst, list, asAny)
	return d.appendRanges(dst, tx.deletes)
}

// appendStructs appends a section for each client of list, by descending id.
func (d *Doc) appendStructs(dst []byte, list []clockSpan, asAny bool) []byte {
	slices.SortFunc(list, func(a, b clockSpan) int {
		return cmp.Compare(d.clients[b.client].id, d.clients[a.client].id)
	})
	dst = lib0.AppendUvarint(dst, uint64(len(list)))
	for _, f := range list {
		c := d.clients[f.client]
		p, q := c.find(f.clock), c.find(f.end-1)
		n := int(q.slot) - int(p.slot) + 1
		for _, b := range c.blocks[p.block:q.block] {
			n += len(b)
		}
		dst = lib0.AppendUvarint(dst, uint64(n))
		dst = lib0.AppendUvarint(dst, c.id)
		dst = lib0.AppendUvarint(dst, uint64(f.clock))
		offset := f.clock - d.item(c.at(p)).clock
		for range n {
			dst = d.appendItem(dst, d.item(c.at(p)), offset, asAny)
			offset = 0
			p, _ = c.next(p)
		}
	}
	return dst
}

// appendItem appends an item from offset on (Yjs: Item.write).
func (d *Doc) appendItem(dst []byte, it *item, offset uint32, asAny bool) []byte {
	kind := it.kind()
	if kind == kindGC {
		return lib0.AppendUvarint(append(dst, kindGC), uint64(it.length-offset))
	}
	ch := &d.chains[it.chain]
	origin, originClock := it.origin, it.originClock
	if offset > 0 {
		origin, originClock = it.client(), it.clock+offset-1
	}
	info := byte(kind)
	if origin != noClient {
		info |= infoOrigin
	}
	if it.rightOrigin != noClient {
		info |= infoRight
	}
	if ch.keyed {
		info |= infoSub
	}
	dst = append(dst, info)
	if origin != noClient {
		dst = d.appendID(dst, origin, originClock)
	}
	if it.rightOrigin != noClient {
		dst = d.appendID(dst, it.rightOrigin, it.rightOriginClock)
	}
	if info&(infoOrigin|infoRight) == 0 {
		if p := ch.t.item; p != 0 {
			parent := d.item(p)
			dst = d.appendID(append(dst, 0), parent.client(), parent.clock)
		} else {
			dst = lib0.AppendString(append(dst, 1), ch.t.name)
		}
		if ch.keyed {
			dst = lib0.AppendString(dst, ch.key)
		}
	}
	return d.appendContent(dst, it, offset, asAny)
}

func (d *Doc) appendID(dst []byte, ci int32, clock uint32) []byte {
	dst = lib0.AppendUvarint(dst, d.clients[ci].id)
	return lib0.AppendUvarint(dst, uint64(clock))
}

// appendDeletes appends the set of all that is deleted.
func (d *Doc) appendDeletes(dst []byte) []byte {
	return d.appendRanges(dst, d.allDeletes())
}

// allDeletes returns the ranges of all that is deleted, by client, merged.
func (d *Doc) allDeletes() []deleted {
	var ranges []deleted
	for ci, c := range d.clients {
		open := false // the last range may go on
		for _, b := range c.blocks {
			for _, e := range b {
				it := d.item(e.item)
				switch {
				case !it.deleted():
					open = false
				case open:
					ranges[len(ranges)-1].len += it.length
				default:
					ranges = append(ranges, deleted{int32(ci), it.clock, it.length})
					open = true
				}
			}
		}
	}
	return ranges
}

// appendRanges appends ranges, grouped by client, as a delete set in format V1.
func (d *Doc) appendRanges(dst []byte, ranges []deleted) []byte {
	type group struct {
		client     int32
		start, end int
	}
	var space [4]group
	groups := space[:0]
	for i, r := range ranges {
		if n := len(groups); n > 0 && groups[n-1].client == r.client {
			groups[n-1].end = i + 1
		} else {
			groups = append(groups, group{r.client, i, i + 1})
		}
	}
	slices.SortFunc(groups, func(a, b group) int {
		return cmp.Compare(d.clients[b.client].id, d.clients[a.client].id)
	})
	dst = lib0.AppendUvarint(dst, uint64(len(groups)))
	for _, g := range groups {
		dst = lib0.AppendUvarint(dst, d.clients[g.client].id)
		dst = lib0.AppendUvarint(dst, uint64(g.end-g.start))
		for _, r := range ranges[g.start:g.end] {
			dst = lib0.AppendUvarint(dst, uint64(r.clock))
			dst = lib0.AppendUvarint(dst, uint64(r.len))
		}
	}
	return dst
}
