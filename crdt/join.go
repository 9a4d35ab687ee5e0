package crdt

// Items that stand side by side are joined at the end of a transaction, so that
// what was typed letter by letter becomes one item. Which pairs are looked at
// decides where items end, and so the bytes of an encoded state: the three
// passes are yjs's (cleanupTransactions), in its order.

// joinLefts joins the item at p with as many as possible to its left. It
// returns the place of the joined item and how many it took in
// (Yjs: tryToMergeWithLefts).
func (d *Doc) joinLefts(c *client, p place) (place, int) {
	n := 0
	for {
		q, ok := c.prev(p)
		if !ok || !d.join(c.at(q), c.at(p)) {
			return p, n
		}
		ri := c.at(p)
		c.remove(p)
		d.release(ri)
		p = q
		n++
	}
}

// join adds item ri to item li, the one before it in their client's index, if
// together they are what one item would have been (Yjs: Item.mergeWith).
func (d *Doc) join(li, ri int32) bool {
	l, r := d.item(li), d.item(ri)
	const class = metaKind | metaDeleted
	if l.meta&class != r.meta&class {
		return false
	}
	if l.kind() == kindGC {
		l.length += r.length
		return true
	}
	if r.originClock != l.end()-1 || r.origin != l.client() || l.right != ri ||
		l.rightOrigin != r.rightOrigin || l.rightOriginClock != r.rightOriginClock ||
		!d.joinContent(l, r) {
		return false
	}
	ch := &d.chains[l.chain]
	ch.t.moveMarkers(ri, li, l)
	l.right = r.right
	if l.right != 0 {
		d.item(l.right).left = li
	} else {
		ch.tail = li
	}
	l.length += r.length
	return true
}

// joinDeleted joins what the transaction deleted, from right to left
// (Yjs: tryMergeDeleteSet).
func (d *Doc) joinDeleted(tx *Transaction) {
	for i := len(tx.deletes) - 1; i >= 0; i-- {
		r := tx.deletes[i]
		if r.clock >= tx.beforeClock(r.client) {
			continue // new altogether: joinNew looks at all of it
		}
		c := d.clients[r.client]
		p := c.find(r.clock + r.len - 1)
		if q, ok := c.next(p); ok {
			p = q
		}
		d.joinDownTo(c, p, r.clock)
	}
}

// joinDownTo joins from p leftwards, as long as items begin at clock or above.
func (d *Doc) joinDownTo(c *client, p place, clock uint32) {
	for c.blocks[p.block][p.slot].clock >= clock {
		q, _ := d.joinLefts(c, p)
		var ok bool
		if p, ok = c.prev(q); !ok {
			return
		}
	}
}

// joinNew joins what the transaction added.
func (d *Doc) joinNew(tx *Transaction) {
	for i, after := range tx.after {
		b := tx.before[i]
		if after == b.clock {
			continue
		}
		c := d.clients[b.client]
		first := c.find(b.clock) // the first new item, or one that was extended
		d.joinDownTo(c, c.last(), c.blocks[first.block][first.slot].clock)
	}
}

// joinHalves tries the halves of what was split, and what was deleted before
// its type was, with both neighbours.
func (d *Doc) joinHalves(tx *Transaction) {
	for i := len(tx.mergeStructs) - 1; i >= 0; i-- {
		m := tx.mergeStructs[i]
		c := d.clients[m.client]
		p := c.find(m.clock)
		if q, ok := c.next(p); ok {
			if _, n := d.joinLefts(c, q); n > 1 {
				continue
			}
		}
		d.joinLefts(c, p)
	}
}
