package crdt

import (
	"math"
	"slices"
)

// rollback takes back all that an update's transaction did so far. That costs
// as much as loading the document, and only an update pays for it that runs
// into a limit while it is integrated: nothing is kept for it beforehand.
//
// It works because a transaction destroys nothing before its clean-up: new
// items lie above the clocks at its start, deleted ones still have their
// content. So the state before is encoded from what is there, and loaded anew.
// Types stay the same to those who hold them.
func (d *Doc) rollback(tx *Transaction) {
	for _, name := range d.rootNames[tx.roots:] {
		delete(d.roots, name)
	}
	d.rootNames = d.rootNames[:tx.roots]
	if len(tx.before)+len(tx.deletes)+len(tx.mergeStructs) == 0 {
		d.forget() // it did nothing yet
		return
	}
	d.takeBack(tx)
	state := d.stateBefore(tx)

	types, docs := map[ID]*ytype{}, map[ID]*subdoc{}
	for ci, c := range d.clients {
		for _, b := range c.blocks {
			for _, e := range b {
				it := d.item(e.item)
				if it.clock >= tx.beforeClock(int32(ci)) {
					break
				}
				switch id := (ID{c.id, it.clock}); it.kind() {
				case kindType:
					types[id] = d.typeOf(it)
				case kindDoc:
					docs[id] = d.subdocOf(it)
				}
			}
		}
	}
	d.forget()
	d.arena, d.weight = arena{}, 0
	d.clients, d.clientIndexes = nil, map[uint64]int32{}
	clear(d.clientCache[:])
	d.chains, d.freeChains = make([]chain, 1, 4), nil
	d.contents, d.freeContents = nil, nil
	d.passed = passing{}
	formatted := map[*ytype]bool{}
	for _, t := range d.roots {
		formatted[t] = t.formatted
		t.reset()
		t.attach(d)
	}
	for _, t := range types {
		t.reset()
	}

	d.reuseTypes, d.reuseDocs = types, docs
	id, subdocs := d.clientID, d.subdocs
	clean := d.noClean
	d.noClean = true
	quiet := d.hookSet
	d.hookSet = hookSet{}
	pending := d.pending
	d.pending = pendingUpdates{}
	limits := d.limits
	d.limits = unlimited
	err := d.applyFormat(state, formatAny, nil)
	d.pending = pending
	d.hookSet = quiet
	d.limits, d.noClean = limits, clean
	d.reuseTypes, d.reuseDocs = nil, nil
	d.clientID, d.subdocs = id, subdocs // loading took both for news
	if err != nil {
		panic("crdt: own encoding: " + err.Error())
	}
	for t, f := range formatted {
		t.formatted = f
	}
}

// forget drops the transaction under way.
func (d *Doc) forget() {
	d.tx = nil
	clear(d.queue)
	d.queue = d.queue[:0]
}

// takeBack brings the items that were there before a transaction back to what
// they were. Its new items stay in their clients' indexes, in no list.
func (d *Doc) takeBack(tx *Transaction) {
	for _, b := range tx.before {
		c := d.clients[b.client]
		if b.clock == c.state {
			continue
		}
		for p, ok := c.find(b.clock), true; ok; p, ok = c.next(p) {
			it := d.item(c.at(p))
			if it.clock < b.clock {
				it.length = b.clock - it.clock // it was extended
			} else {
				d.unlink(it)
			}
		}
	}
	for _, r := range tx.deletes {
		c := d.clients[r.client]
		for p, ok := c.find(r.clock), true; ok; p, ok = c.next(p) {
			it := d.item(c.at(p))
			if it.clock >= r.clock+r.len || tx.isNew(it) {
				break
			}
			it.meta &^= metaDeleted
		}
	}
	for _, u := range d.cuts {
		d.clients[u.client].chars.restore(u.clock, u.high, u.low)
	}
	tx.mergeStructs = slices.DeleteFunc(tx.mergeStructs, func(m clientClock) bool {
		return m.clock >= tx.beforeClock(m.client)
	})
	d.joinHalves(tx) // the halves of a surrogate pair can't be encoded apart
}

// unlink takes an item out of its list.
func (d *Doc) unlink(it *item) {
	if it.chain == 0 {
		return
	}
	ch := &d.chains[it.chain]
	if it.left != 0 {
		d.item(it.left).right = it.right
	} else {
		ch.head = it.right
	}
	if it.right != 0 {
		d.item(it.right).left = it.left
	} else {
		ch.tail = it.left
	}
}

// stateBefore encodes the state at the start of a transaction that was taken
// back, in formatAny.
func (d *Doc) stateBefore(tx *Transaction) []byte {
	var sections []clockSpan
	var ranges []deleted
	for ci, c := range d.clients {
		end := tx.beforeClock(int32(ci))
		if end == 0 {
			continue
		}
		sections = append(sections, clockSpan{int32(ci), 0, end})
		for _, b := range c.blocks {
			for _, e := range b {
				if it := d.item(e.item); it.clock < end && it.deleted() {
					ranges = append(ranges, deleted{int32(ci), it.clock, it.length})
				}
			}
		}
	}
	return d.appendRanges(d.appendStructs(nil, sections, true), ranges)
}

// unlimited is for what the document itself has encoded.
var unlimited = Limits{
	Structs: math.MaxInt32, StructsInAll: math.MaxInt, Work: math.MaxInt / 2, Items: math.MaxInt / 2, Depth: math.MaxInt32, Clients: math.MaxInt32, Roots: math.MaxInt32,
	PendingBytes: math.MaxInt32,
}

// reset empties a type that is about to be loaded anew.
func (t *ytype) reset() {
	*t = ytype{kind: t.kind, name: t.name, handle: t.handle, formatted: t.formatted}
}
