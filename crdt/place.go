package crdt

import "github.com/inkwire/inkwire/lib0"

// A missing names a clock that has to come before a struct can be integrated.
type missing ID

// nobody is the client of no missing clock: ids stay below 2^53.
const nobody = ^uint64(0)

func (m missing) none() bool { return m.Client == nobody }

// place integrates a struct of an update, or its part that is new, or tells
// what is missing for that (Yjs: Item.getMissing and Item.integrate). The
// struct has been validated by itself: its own client's clocks that it names are
// below its own.
func (d *Doc) place(tx *Transaction, e *encoded) (_ missing, err error) {
	done := missing{Client: nobody}
	kind := e.kind()
	if kind == kindSkip {
		return done, nil
	}
	d.work += stepsPerStruct
	if err := d.overWork(e.offset); err != nil {
		return done, err
	}
	ci := d.clientIndex(e.id.Client)
	state := uint32(0)
	if ci != noClient {
		state = d.clients[ci].state
	}
	if e.id.Clock > state {
		return missing{e.id.Client, e.id.Clock - 1}, nil
	}
	known := state - e.id.Clock // clocks of the struct that are there already
	if kind == kindGC {
		if known >= e.length {
			return done, nil
		}
		if err := d.overItems(e.offset, d.limits.Items); err != nil {
			return done, err
		}
		if ci, err = d.newClient(ci, e); err == nil {
			d.addGC(tx, ci, state, e.length-known)
		}
		return done, err
	}

	// Everything that it refers to must be there.
	hasOrigin, hasRight := e.info&infoOrigin != 0, e.info&infoRight != 0
	hasParentID := e.orphan() && !e.hasRoot
	origin, right, parent := int32(noClient), int32(noClient), int32(noClient)
	if hasOrigin {
		if origin = d.clientIndex(e.origin.Client); !d.has(origin, e.origin.Clock) {
			return missing{e.origin.Client, d.stateOf(e.origin.Client)}, nil
		}
	}
	if hasRight {
		if right = d.clientIndex(e.right.Client); !d.has(right, e.right.Clock) {
			return missing{e.right.Client, d.stateOf(e.right.Client)}, nil
		}
	}
	if hasParentID {
		if parent = d.clientIndex(e.parentID.Client); !d.has(parent, e.parentID.Clock) {
			return missing{e.parentID.Client, d.stateOf(e.parentID.Client)}, nil
		}
	}

	// Its neighbours, and through them or by name its list. Without one (they
	// are collected) it becomes a GC struct.
	var li, ri, chain int32
	if hasOrigin {
		li = d.cleanEnd(tx, origin, e.origin.Clock)
	}
	if hasRight {
		// Unless somebody wrote there meanwhile, they are still neighbours.
		// (Without a left one, this reads the reserved item 0.)
		ri = d.item(li).right
		if r := d.item(ri); ri == 0 || r.clock != e.right.Clock || r.client() != right {
			ri = d.cleanStart(tx, right, e.right.Clock)
		}
	}
	switch {
	case hasOrigin || hasRight:
		if li != 0 {
			chain = d.item(li).chain
		}
		if ri != 0 && (li == 0 || d.item(ri).chain == 0) {
			chain = d.item(ri).chain
		}
	case e.hasRoot:
		t, err := d.updateRoot(e)
		if err != nil {
			return done, err
		}
		chain = t.chainOf(e.sub, e.info&infoSub != 0)
	default:
		if p := d.item(d.itemAt(parent, e.parentID.Clock)); p.kind() == kindType {
			chain = d.typeOf(p).chainOf(e.sub, e.info&infoSub != 0)
		}
	}
	if known >= e.length {
		return done, nil
	}
	if err := d.overItems(e.offset, d.limits.Items); err != nil {
		return done, err
	}
	if ci, err = d.newClient(ci, e); err != nil {
		return done, err
	}
	if known > 0 {
		li = d.cleanEnd(tx, ci, state-1)
		origin, hasOrigin, e.origin.Clock = ci, true, state-1
		switch known := d.item(li).chain; {
		case known == 0:
			chain = 0
		case chain != 0 && chain != known:
			// Yjs would link the two lists with each other.
			return done, refuse("update", malformed(e.offset, "the struct %d:%d continues an item that is elsewhere", e.id.Client, e.id.Clock))
		}
	}
	if chain == 0 {
		d.addGC(tx, ci, state, e.length-known)
		return done, nil
	}
	if kind == kindType && int(d.chains[chain].t.depth) >= d.limits.Depth {
		return done, overLimit("update", e.offset, "a type nested more than %d deep", d.limits.Depth)
	}
	if kind == kindString && origin == ci && known == 0 && d.extend(tx, e, li, ri, right) {
		return done, nil
	}

	i, it := d.alloc()
	it.clock, it.length = state, e.length-known
	it.left, it.right = li, ri
	it.origin, it.rightOrigin = origin, right
	if hasOrigin {
		it.originClock = e.origin.Clock
	}
	if hasRight {
		it.rightOriginClock = e.right.Clock
	}
	it.chain = chain
	it.meta = uint32(ci)<<clientShift | uint32(kind)
	d.readContent(e, it, known)
	d.integrate(tx, i)
	return done, nil
}

// newClient makes the client of a struct, unless ci is its index already.
func (d *Doc) newClient(ci int32, e *encoded) (int32, error) {
	if ci != noClient {
		return ci, nil
	}
	if limit := min(d.limits.Clients, maxClients); len(d.clients) >= limit {
		return noClient, overLimit("update", e.offset, "more than %d clients", limit)
	}
	d.work += stepsPerClient
	return d.ensureClient(e.id.Client), nil
}

// extend adds text to the item before it, if it is what its client typed next,
// and reports whether it did. The new item would be joined with that one at the
// end of the transaction: this only spares it the way there, which is that of
// most keystrokes. Observers would see the difference, so there must be none.
func (d *Doc) extend(tx *Transaction, e *encoded, li, ri, right int32) bool {
	l := d.item(li)
	ci := l.client()
	c := d.clients[ci]
	if l.meta&(metaKind|metaDeleted) != kindString || l.end() != c.state || c.state != e.id.Clock || c.id != e.id.Client ||
		l.right != ri || l.rightOrigin != right || right != noClient && l.rightOriginClock != e.right.Clock ||
		!d.onTransaction.empty() {
		return false
	}
	ch := &d.chains[l.chain]
	if ch.keyed || ch.t.dead() {
		return false
	}
	tx.touch(ci, c)
	text := lib0.NewDecoder(e.content)
	s, _ := text.Bytes()
	c.chars.add(c.state, s, e.length, 0)
	c.state += e.length
	l.length += e.length
	ch.length += e.length
	tx.noteChange(l.chain)
	return true
}

// has tells whether the clock of a client, by index, is there.
func (d *Doc) has(ci int32, clock uint32) bool {
	return ci != noClient && clock < d.clients[ci].state
}

// updateRoot returns the root type that a struct names.
func (d *Doc) updateRoot(e *encoded) (*ytype, error) {
	if t, ok := d.roots[string(e.root)]; ok {
		return t, nil
	}
	if len(d.roots) >= d.limits.Roots {
		return nil, overLimit("update", e.offset, "more than %d root types", d.limits.Roots)
	}
	return d.root(string(e.root), KindUnknown)
}

// overWork returns an error once the update under way has cost too much.
func (d *Doc) overWork(offset int) error {
	if d.work <= d.budget {
		return nil
	}
	return overLimit("update", offset, "more than %d steps to integrate it", d.budget)
}
