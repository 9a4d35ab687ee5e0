package crdt

import "slices"

// A client is what the document holds of one client id: its items in the order
// of their clocks, without gaps from 0 to state, and the text it wrote.
type client struct {
	id     uint64
	state  uint32 // the next clock expected
	blocks []block
	hit    place // where the last search ended
	chars  chars

	// The client's slot in the before list of the transaction touch names.
	touch     uint32
	touchSlot int32
	// The newest transaction that deleted some of the client's items.
	deleteTouch uint32

	// The first of blocks and of chars.chunks, for the many clients that never
	// have more.
	block0 [1]block
	chunk0 [1]chunk
}

// A block is a piece of a client's index, by ascending clock. It is short, so
// that a split moves few bytes however large the document is.
type block []entry

// An entry is an item and, so that a search needn't look there, its clock.
type entry struct {
	clock uint32
	item  int32
}

const (
	blockFull  = 256 // appending starts a new block here
	blockSplit = 512 // inserting halves a block here
)

// A place is a position in a client's index.
type place struct{ block, slot int32 }

// clientIndex returns the index of the client with the given id, or noClient.
func (d *Doc) clientIndex(id uint64) int32 {
	c := &d.clientCache[id%uint64(len(d.clientCache))]
	if c.ok && c.id == id {
		return c.index
	}
	i, ok := d.clientIndexes[id]
	if !ok {
		return noClient
	}
	c.id, c.index, c.ok = id, i, true
	return i
}

// ensureClient returns the index of the client with the given id, making it.
func (d *Doc) ensureClient(id uint64) int32 {
	if i := d.clientIndex(id); i != noClient {
		return i
	}
	i := int32(len(d.clients))
	c := &client{id: id}
	c.blocks, c.chars.chunks = c.block0[:0], c.chunk0[:0]
	d.clients = append(d.clients, c)
	d.clientIndexes[id] = i
	return i
}

// stateOf returns the next clock expected of the client id.
func (d *Doc) stateOf(id uint64) uint32 {
	if i := d.clientIndex(id); i != noClient {
		return d.clients[i].state
	}
	return 0
}

// at returns the item index at p.
func (c *client) at(p place) int32 { return c.blocks[p.block][p.slot].item }

// prev returns the place before p; false at the first.
func (c *client) prev(p place) (place, bool) {
	if p.slot > 0 {
		return place{p.block, p.slot - 1}, true
	}
	if p.block == 0 {
		return p, false
	}
	return place{p.block - 1, int32(len(c.blocks[p.block-1])) - 1}, true
}

// next returns the place after p; false at the last.
func (c *client) next(p place) (place, bool) {
	if int(p.slot)+1 < len(c.blocks[p.block]) {
		return place{p.block, p.slot + 1}, true
	}
	if int(p.block)+1 < len(c.blocks) {
		return place{p.block + 1, 0}, true
	}
	return p, false
}

// last returns the place of the client's newest item. The client has one.
func (c *client) last() place {
	b := len(c.blocks) - 1
	return place{int32(b), int32(len(c.blocks[b])) - 1}
}

// push adds an item after all others.
func (c *client) push(i int32, clock uint32) {
	n := len(c.blocks)
	if n == 0 {
		c.blocks = append(c.blocks, nil)
		n++
	} else if len(c.blocks[n-1]) >= blockFull {
		c.blocks = append(c.blocks, make(block, 0, blockFull))
		n++
	}
	c.blocks[n-1] = append(c.blocks[n-1], entry{clock, i})
}

// insertAfter puts an item behind p. Places of the client may then be stale.
func (c *client) insertAfter(p place, e entry) {
	b := append(c.blocks[p.block], entry{})
	copy(b[p.slot+2:], b[p.slot+1:])
	b[p.slot+1] = e
	c.blocks[p.block] = b
	if len(b) < blockSplit {
		return
	}
	half := len(b) / 2
	c.blocks[p.block] = b[:half]
	right := append(make(block, 0, blockFull+blockFull/2), b[half:]...)
	c.blocks = slices.Insert(c.blocks, int(p.block)+1, right)
}

// remove takes the item at p out of the index.
func (c *client) remove(p place) {
	if b := c.blocks[p.block]; len(b) > 1 {
		c.blocks[p.block] = append(b[:p.slot], b[p.slot+1:]...)
		return
	}
	c.blocks = append(c.blocks[:p.block], c.blocks[p.block+1:]...)
}

// find returns the place of the item that holds clock, which is below c.state.
func (c *client) find(clock uint32) place {
	if h := c.hit; int(h.block) < len(c.blocks) && int(h.slot)+1 < len(c.blocks[h.block]) {
		b := c.blocks[h.block]
		if b[h.slot].clock <= clock && clock < b[h.slot+1].clock {
			return h
		}
	}
	bi := len(c.blocks) - 1
	if clock < c.blocks[bi][0].clock {
		lo := 0 // the last block that begins at clock or below; written to need no branch
		for n := bi; n > 1; {
			half := n >> 1
			if c.blocks[lo+half][0].clock <= clock {
				lo += half
			}
			n -= half
		}
		bi = lo
	}
	b := c.blocks[bi]
	if last := len(b) - 1; b[last].clock <= clock {
		return place{int32(bi), int32(last)}
	}
	lo := 0
	for n := len(b); n > 1; {
		half := n >> 1
		if b[lo+half].clock <= clock {
			lo += half
		}
		n -= half
	}
	c.hit = place{int32(bi), int32(lo)}
	return c.hit
}

// itemAt returns the item that holds the clock of a client.
func (d *Doc) itemAt(ci int32, clock uint32) int32 {
	c := d.clients[ci]
	return c.at(c.find(clock))
}

// cleanStart returns the item that begins at clock, splitting one if needed.
// GC structs are never split (Yjs: getItemCleanStart).
func (d *Doc) cleanStart(tx *Transaction, ci int32, clock uint32) int32 {
	c := d.clients[ci]
	p := c.find(clock)
	i := c.at(p)
	it := d.item(i)
	if it.clock < clock && it.kind() != kindGC {
		return d.split(tx, c, p, clock-it.clock)
	}
	return i
}

// cleanEnd returns the item that ends with clock, splitting one if needed
// (Yjs: getItemCleanEnd).
func (d *Doc) cleanEnd(tx *Transaction, ci int32, clock uint32) int32 {
	c := d.clients[ci]
	p := c.find(clock)
	i := c.at(p)
	it := d.item(i)
	if clock != it.end()-1 && it.kind() != kindGC {
		d.split(tx, c, p, clock-it.clock+1)
	}
	return i
}

// split cuts the item at p after diff clocks and returns the right half, which
// the transaction tries to join again when it ends (Yjs: splitItem).
func (d *Doc) split(tx *Transaction, c *client, p place, diff uint32) int32 {
	d.work += stepsPerSplit
	li := c.at(p)
	l := d.item(li)
	ri, r := d.alloc()
	*r = *l
	r.meta &^= metaMarked
	r.clock += diff
	r.length -= diff
	r.left = li
	r.origin = l.client()
	r.originClock = r.clock - 1
	l.length = diff
	l.right = ri
	if r.right != 0 {
		d.item(r.right).left = ri
	} else if ch := &d.chains[r.chain]; ch.tail == li {
		ch.tail = ri
	}
	d.splitContent(c, l, r)
	c.insertAfter(p, entry{r.clock, ri})
	tx.mergeStructs = append(tx.mergeStructs, clientClock{l.client(), r.clock})
	return ri
}
