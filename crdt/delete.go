package crdt

// delete marks an item as deleted, and with it all that is in it
// (Yjs: Item.delete). Its content stays until it is collected.
func (d *Doc) delete(tx *Transaction, i int32) {
	it := d.item(i)
	if it.deleted() {
		return
	}
	ch := &d.chains[it.chain]
	if !ch.keyed && it.countable() {
		ch.length -= it.length
	}
	it.meta |= metaDeleted
	tx.addDelete(it.client(), it.clock, it.length)
	tx.uncollected = true
	tx.noteChange(it.chain)
	switch it.kind() {
	case kindType:
		d.deleteChildren(tx, d.typeOf(it))
	case kindDoc:
		d.removeSubdoc(tx, d.subdocOf(it))
	}
}

// HasDeleted reports whether all of a set is deleted in the document.
func (d *Doc) HasDeleted(s DeleteSet) bool {
	for r := range s.All() {
		ci := d.clientIndex(r.Client)
		if ci == noClient || d.clients[ci].state < r.End() {
			return false
		}
		c := d.clients[ci]
		for p, more := c.find(r.Clock), true; more; p, more = c.next(p) {
			it := d.item(c.at(p))
			if it.clock >= r.End() {
				break
			}
			if !it.deleted() {
				return false
			}
		}
	}
	return true
}

// deleteChildren deletes all items of a type: its list from the start, then the
// current value of each key. Types nest as deep as their makers like, so it
// keeps its own stack instead of recursing. An item that was deleted earlier is
// noted, to be joined with its neighbours: it is about to be collected too.
func (d *Doc) deleteChildren(tx *Transaction, t *ytype) {
	type level struct {
		t    *ytype
		next int32 // next item of the list
		key  int   // keys visited, once the list is at its end
	}
	stack := []level{{t: t, next: t.start()}}
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		var i int32
		switch {
		case top.next != 0:
			i = top.next
			top.next = d.item(i).right
		case top.key < len(top.t.keys):
			i = d.chains[top.t.keys[top.key]].tail
			top.key++
			if i == 0 {
				continue
			}
		default:
			tx.forgetChange(top.t)
			stack = stack[:len(stack)-1]
			continue
		}
		it := d.item(i)
		if it.deleted() {
			if !tx.isNew(it) {
				tx.mergeStructs = append(tx.mergeStructs, clientClock{it.client(), it.clock})
			}
			continue
		}
		ch := &d.chains[it.chain]
		if !ch.keyed && it.countable() {
			ch.length -= it.length
		}
		it.meta |= metaDeleted
		tx.addDelete(it.client(), it.clock, it.length)
		tx.uncollected = true
		switch it.kind() {
		case kindType:
			child := d.typeOf(it)
			stack = append(stack, level{t: child, next: child.start()})
		case kindDoc:
			d.removeSubdoc(tx, d.subdocOf(it))
		}
	}
}

// collect replaces what the transaction deleted by what takes no room: an item
// by one of kind kindDeleted, all that a deleted type held by GC structs
// (Yjs: tryGcDeleteSet).
func (d *Doc) collect(tx *Transaction) {
	for _, r := range tx.deletes {
		c := d.clients[r.client]
		end := r.clock + r.len
		for p, ok := c.find(r.clock), true; ok; p, ok = c.next(p) {
			it := d.item(c.at(p))
			if it.clock >= end {
				break
			}
			if it.kind() != kindGC && it.deleted() {
				d.collectItem(it)
			}
		}
	}
}

func (d *Doc) collectItem(it *item) {
	if it.kind() == kindType {
		d.collectChildren(d.typeOf(it))
	}
	d.dropContent(it)
	it.setKind(kindDeleted)
}

// collectChildren turns every item in a type, older values of keys included,
// into a GC struct.
func (d *Doc) collectChildren(t *ytype) {
	stack := []*ytype{t}
	for len(stack) > 0 {
		t := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for _, ci := range append(t.keys, t.list) {
			for i := d.chains[ci].head; i != 0; {
				it := d.item(i)
				if it.kind() == kindType {
					stack = append(stack, d.typeOf(it))
				}
				d.dropContent(it)
				i = it.right
				*it = item{
					clock: it.clock, length: it.length, origin: noClient, rightOrigin: noClient,
					meta: it.meta&^(metaKind|metaMarked) | metaDeleted | kindGC,
				}
			}
		}
		t.drop()
	}
}

// dropContent frees what an item holds.
func (d *Doc) dropContent(it *item) {
	switch it.kind() {
	case kindString:
		d.clients[it.client()].chars.release(it.clock, it.length)
		return
	case kindType:
		d.weight -= typeWeighs
	case kindDoc:
		d.weight -= subdocWeighs
	}
	d.freeContent(it)
}
