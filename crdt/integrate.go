package crdt

import "slices"

// integrate puts item i, whose left, right, origins and chain are set and whose
// length is that of its content, into its list, and resolves conflicts with
// items that others put at the same place. This is the YATA algorithm as yjs
// has it (Item.integrate): the place depends on the two origins and the client
// ids alone, so that every peer finds the same.
//
// The item isn't yet in its client's index; integrate adds it.
func (d *Doc) integrate(tx *Transaction, i int32) {
	it := d.item(i)
	if it.left == 0 && (it.right == 0 || d.item(it.right).left != 0) ||
		it.left != 0 && d.item(it.left).right != it.right {
		it.left = d.resolve(it)
	}

	ch := &d.chains[it.chain]
	if it.left != 0 {
		l := d.item(it.left)
		it.right = l.right
		l.right = i
	} else {
		it.right = ch.head
		ch.head = i
	}
	if it.right != 0 {
		d.item(it.right).left = i
	} else {
		ch.tail = i
		if ch.keyed && it.left != 0 {
			d.delete(tx, it.left) // the key's value until now
		}
	}
	if !ch.keyed && it.countable() {
		ch.length += it.length
	}
	d.addStruct(tx, i, it)
	d.integrateContent(tx, i, it)
	tx.noteChange(it.chain)
	t := d.chains[it.chain].t
	if t.dead() || d.chains[it.chain].keyed && it.right != 0 {
		d.delete(tx, i)
	}
}

// resolve returns the item that the new one, it, must follow. It looks at the
// items between it.left and it.right, which others put there without knowing of
// the new one:
//
//   - one with the same origin goes first if its client id is lower; if not, and
//     if it also has the same right origin, the search ends before it;
//   - one whose origin lies among those passed goes along with that one;
//   - any other has an origin left of the gap, and the search ends before it.
func (d *Doc) resolve(it *item) int32 {
	left := it.left
	o := d.chains[it.chain].head
	if left != 0 {
		o = d.item(left).right
	}
	id := d.clients[it.client()].id
	seen := &d.passed
	seen.reset()
	conflict := 0 // the new one may still go before those of seen from here on
	for o != 0 && o != it.right {
		other := d.item(o)
		seen.items = append(seen.items, o)
		if other.origin == it.origin && other.originClock == it.originClock {
			if d.clients[other.client()].id < id { // the lower client id goes first
				left = o
				conflict = len(seen.items)
			} else if other.rightOrigin == it.rightOrigin && other.rightOriginClock == it.rightOriginClock {
				break
			}
		} else if other.origin == noClient {
			break
		} else {
			d.work += 2 // a search costs about three steps
			at := seen.index(d.itemAt(other.origin, other.originClock), int(d.used))
			if at < 0 {
				break
			}
			if at < conflict {
				left = o
				conflict = len(seen.items)
			}
		}
		o = other.right
	}
	d.work += len(seen.items)
	return left
}

// A passing is the items passed in a search, in order, with the position of
// each. Marks are generation numbers, so that nothing is cleared between
// searches.
type passing struct {
	items  []int32
	marks  []int32 // by item: base plus its position in items plus one
	marked int     // the first so many of items have their marks
	base   int32
}

// scanLimit is the number of items up to which a look through them is quicker
// than marks.
const scanLimit = 16

func (p *passing) reset() {
	if p.marked > 0 {
		p.base += int32(p.marked)
		if p.base > 1<<30 {
			clear(p.marks)
			p.base = 0
		}
	}
	p.items, p.marked = p.items[:0], 0
}

// index returns the position of item i, or -1. Items are numbered below used.
func (p *passing) index(i int32, used int) int {
	if len(p.items) <= scanLimit {
		return slices.Index(p.items, i)
	}
	if len(p.marks) < used {
		p.marks = append(p.marks, make([]int32, used+used/4-len(p.marks))...)
	}
	for ; p.marked < len(p.items); p.marked++ {
		p.marks[p.items[p.marked]] = p.base + int32(p.marked) + 1
	}
	if m := p.marks[i]; m > p.base {
		return int(m-p.base) - 1
	}
	return -1
}

// addStruct appends an item to its client's index.
func (d *Doc) addStruct(tx *Transaction, i int32, it *item) {
	ci := it.client()
	c := d.clients[ci]
	tx.touch(ci, c)
	c.push(i, it.clock)
	c.state = it.clock + it.length
}

// integrateContent does what a content does to its document.
func (d *Doc) integrateContent(tx *Transaction, i int32, it *item) {
	switch it.kind() {
	case kindDeleted:
		tx.addDelete(it.client(), it.clock, it.length)
		it.meta |= metaDeleted
	case kindFormat:
		t := d.chains[it.chain].t
		t.dropMarkers()
		t.noMarkers = true
		t.formatted = true
	case kindType:
		d.weight += typeWeighs
		t := d.typeOf(it)
		t.attach(d)
		t.item = i
		t.depth = d.chains[it.chain].t.depth + 1
		if t.prelim != nil {
			t.integratePrelim(tx)
		}
	case kindDoc:
		d.work += stepsPerSubdoc
		d.weight += subdocWeighs
		d.addSubdoc(tx, d.subdocOf(it))
	}
}

// addGC adds a struct that stands for length clocks whose content is gone.
func (d *Doc) addGC(tx *Transaction, ci int32, clock, length uint32) {
	i, it := d.alloc()
	it.clock, it.length = clock, length
	it.origin, it.rightOrigin = noClient, noClient
	it.meta = uint32(ci)<<clientShift | metaDeleted | kindGC
	d.addStruct(tx, i, it)
}
