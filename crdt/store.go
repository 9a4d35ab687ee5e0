package crdt

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
}

// A block is a piece of a client's index: item indexes by ascending clock. It
// is short, so that a split moves few bytes however large the document is.
type block struct {
	first uint32 // clock of items[0]
	items []int32
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
	d.clients = append(d.clients, &client{id: id})
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
func (c *client) at(p place) int32 { return c.blocks[p.block].items[p.slot] }

// prev returns the place before p; false at the first.
func (c *client) prev(p place) (place, bool) {
	if p.slot > 0 {
		return place{p.block, p.slot - 1}, true
	}
	if p.block == 0 {
		return p, false
	}
	return place{p.block - 1, int32(len(c.blocks[p.block-1].items)) - 1}, true
}

// next returns the place after p; false at the last.
func (c *client) next(p place) (place, bool) {
	if int(p.slot)+1 < len(c.blocks[p.block].items) {
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
	return place{int32(b), int32(len(c.blocks[b].items)) - 1}
}

// push adds an item after all others.
func (c *client) push(i int32, clock uint32) {
	n := len(c.blocks)
	if n == 0 || len(c.blocks[n-1].items) >= blockFull {
		c.blocks = append(c.blocks, block{first: clock})
		n++
	}
	b := &c.blocks[n-1]
	b.items = append(b.items, i)
}

// insertAfter puts item i behind p and returns its place.
func (c *client) insertAfter(p place, i int32) place {
	b := &c.blocks[p.block]
	b.items = append(b.items, 0)
	copy(b.items[p.slot+2:], b.items[p.slot+1:])
	b.items[p.slot+1] = i
	return place{p.block, p.slot + 1}
}

// rebalance halves the block at p when it has grown too long; p may then be
// stale.
func (d *Doc) rebalance(c *client, bi int32) {
	b := &c.blocks[bi]
	if len(b.items) < blockSplit {
		return
	}
	half := len(b.items) / 2
	right := append(make([]int32, 0, blockFull+half/2), b.items[half:]...)
	b.items = b.items[:half]
	c.blocks = append(c.blocks, block{})
	copy(c.blocks[bi+2:], c.blocks[bi+1:])
	c.blocks[bi+1] = block{first: d.item(right[0]).clock, items: right}
}

// remove takes the item at p out of the index. It isn't the client's first.
func (d *Doc) remove(c *client, p place) {
	b := &c.blocks[p.block]
	if len(b.items) == 1 {
		c.blocks = append(c.blocks[:p.block], c.blocks[p.block+1:]...)
		return
	}
	b.items = append(b.items[:p.slot], b.items[p.slot+1:]...)
	if p.slot == 0 {
		b.first = d.item(b.items[0]).clock
	}
}

// find returns the place of the item that holds clock, which is below c.state.
func (d *Doc) find(c *client, clock uint32) place {
	if h := c.hit; int(h.block) < len(c.blocks) && int(h.slot) < len(c.blocks[h.block].items) {
		it := d.item(c.blocks[h.block].items[h.slot])
		if it.clock <= clock && clock-it.clock < it.length {
			return h
		}
	}
	bi := len(c.blocks) - 1
	if clock < c.blocks[bi].first {
		lo, hi := 0, bi // the last block with first <= clock is in [lo, hi)
		for lo < hi-1 {
			mid := int(uint(lo+hi) >> 1)
			if c.blocks[mid].first <= clock {
				lo = mid
			} else {
				hi = mid
			}
		}
		bi = lo
	}
	items := c.blocks[bi].items
	lo, hi := 0, len(items)-1
	if d.item(items[hi]).clock > clock {
		for lo < hi-1 {
			mid := int(uint(lo+hi) >> 1)
			if d.item(items[mid]).clock <= clock {
				lo = mid
			} else {
				hi = mid
			}
		}
	} else {
		lo = hi
	}
	c.hit = place{int32(bi), int32(lo)}
	return c.hit
}

// itemAt returns the item that holds the clock of a client.
func (d *Doc) itemAt(ci int32, clock uint32) int32 {
	c := d.clients[ci]
	return c.at(d.find(c, clock))
}

// cleanStart returns the item that begins at clock, splitting one if needed.
// GC structs are never split (Yjs: getItemCleanStart).
func (d *Doc) cleanStart(tx *Transaction, ci int32, clock uint32) int32 {
	c := d.clients[ci]
	p := d.find(c, clock)
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
	p := d.find(c, clock)
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
	c.insertAfter(p, ri)
	d.rebalance(c, p.block)
	tx.mergeStructs = append(tx.mergeStructs, clientClock{l.client(), r.clock})
	return ri
}
