package crdt

import "fmt"

// Check walks the whole document and returns an error that names the first
// broken invariant. It is for tests: a document never breaks one, whatever it
// is given.
//
//   - A client's items cover its clocks from 0 to state without gaps, and its
//     index finds each.
//   - An item is in the list of its chain exactly once, linked both ways; a GC
//     struct is in none.
//   - Of a key's values only the last may be undeleted; what is in a deleted
//     type is deleted; the length of a list is that of its visible items.
//   - Text lies in its client's chunks at the item's clocks.
func (d *Doc) Check() error {
	owner := map[int32]int32{} // item to chain
	for ci := range d.chains {
		ch := &d.chains[ci]
		if ch.t == nil {
			continue
		}
		if err := d.checkChain(int32(ci), ch, owner); err != nil {
			return fmt.Errorf("crdt: chain %d: %w", ci, err)
		}
	}
	for ci, c := range d.clients {
		if err := d.checkClient(int32(ci), c, owner); err != nil {
			return fmt.Errorf("crdt: client %d: %w", c.id, err)
		}
	}
	if len(owner) > 0 {
		return fmt.Errorf("crdt: %d items in lists belong to no client", len(owner))
	}
	return nil
}

func (d *Doc) checkChain(ci int32, ch *chain, owner map[int32]int32) error {
	prev, length := int32(0), uint32(0)
	for i := ch.head; i != 0; i = d.item(i).right {
		it := d.item(i)
		if _, twice := owner[i]; twice {
			return fmt.Errorf("item %d is in a list twice", i)
		}
		owner[i] = ci
		switch {
		case it.left != prev:
			return fmt.Errorf("item %d: left is %d, not %d", i, it.left, prev)
		case it.chain != ci:
			return fmt.Errorf("item %d: belongs to chain %d", i, it.chain)
		case it.kind() == kindGC:
			return fmt.Errorf("item %d: a GC struct in a list", i)
		case ch.keyed && it.right != 0 && !it.deleted():
			return fmt.Errorf("item %d: an older value that isn't deleted", i)
		case ch.t.dead() && !it.deleted():
			return fmt.Errorf("item %d: undeleted in a deleted type", i)
		}
		if it.visible() && !ch.keyed {
			length += it.length
		}
		prev = i
	}
	if ch.tail != prev {
		return fmt.Errorf("tail is %d, not %d", ch.tail, prev)
	}
	if ch.length != length {
		return fmt.Errorf("length is %d, not %d", ch.length, length)
	}
	return nil
}

func (d *Doc) checkClient(ci int32, c *client, owner map[int32]int32) error {
	clock := uint32(0)
	for bi, b := range c.blocks {
		if len(b) == 0 {
			return fmt.Errorf("block %d is empty", bi)
		}
		for _, e := range b {
			i, it := e.item, d.item(e.item)
			_, listed := owner[i]
			delete(owner, i)
			switch {
			case it.client() != ci:
				return fmt.Errorf("item %d: belongs to client index %d", i, it.client())
			case it.clock != clock || e.clock != clock || it.length == 0:
				return fmt.Errorf("item %d: clock %d and length %d after %d", i, it.clock, it.length, clock)
			case listed == (it.kind() == kindGC):
				return fmt.Errorf("item %d of kind %d: in a list: %v", i, it.kind(), listed)
			case it.kind() == kindString && !c.chars.has(it.clock, it.length):
				return fmt.Errorf("item %d: text is missing", i)
			case c.at(c.find(it.clock)) != i || c.at(c.find(it.end()-1)) != i:
				return fmt.Errorf("item %d: the index doesn't find it", i)
			}
			clock += it.length
		}
	}
	if clock != c.state {
		return fmt.Errorf("state is %d, items end at %d", c.state, clock)
	}
	return nil
}

// has tells whether text of n units lies at clock.
func (cs *chars) has(clock, n uint32) bool {
	if len(cs.chunks) == 0 {
		return false
	}
	for i := cs.chunkAt(clock); n > 0 && i < len(cs.chunks); i++ {
		k := &cs.chunks[i]
		if clock < k.first || clock >= k.end() {
			return false
		}
		part := min(n, k.end()-clock)
		n -= part
		clock += part
	}
	return n == 0
}
