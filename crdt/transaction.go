package crdt

import (
	"cmp"
	"slices"
)

// A clientClock names a clock of a client by the client's index.
type clientClock struct {
	client int32
	clock  uint32
}

// A deleted is a range of clocks that a transaction deleted.
type deleted struct {
	client     int32
	clock, len uint32
}

// A change is what a transaction changed in one type: its list, keys, or both.
type change struct {
	t      *ytype // nil: the type was itself deleted later on
	chains []int32
}

// A Transaction groups changes: observers see them together, and they are
// encoded as one update. It is valid only within the function or callback that
// it is given to.
type Transaction struct {
	doc    *Doc
	origin any
	local  bool
	gen    uint32 // unlike any other transaction's of the document
	roots  int    // root types at its start

	// The clocks at the start of the transaction of the clients that have got
	// new items since. From the clean-up on, after has the clocks at its start
	// of the first len(after) of them.
	before []clientClock
	after  []uint32
	slots  map[int32]int // client to index in before, once a newer transaction began

	deletes      []deleted // by client and clock, merged, from the clean-up on
	deletedFirst []int32   // their clients, in the order of their first deletes
	uncollected  bool      // some of what is deleted has content still
	changed      []change

	// Items to be joined with their neighbours at the end if possible: halves
	// of splits, and items deleted before their type was.
	mergeStructs []clientClock

	needsCleanup bool // of formatting

	subdocsAdded, subdocsRemoved, subdocsLoaded []*Doc
}

// Origin is what the caller of Transact or ApplyUpdate gave.
func (tx *Transaction) Origin() any { return tx.origin }

// Local tells whether the transaction came from Transact or a method of a type,
// and not from an update.
func (tx *Transaction) Local() bool { return tx.local }

// Doc is the transaction's document.
func (tx *Transaction) Doc() *Doc { return tx.doc }

// touch notes the clock of a client before the first of its items is added.
func (tx *Transaction) touch(ci int32, c *client) {
	if c.touch == tx.gen {
		return
	}
	c.touch = tx.gen
	c.touchSlot = int32(len(tx.before))
	tx.before = append(tx.before, clientClock{ci, c.state})
	// Transactions that wait for their clean-up are older: this client's clock
	// is for them too what it was at their start.
	for _, older := range tx.doc.queue {
		if older != tx && older.slot(ci) < 0 {
			older.before = append(older.before, clientClock{ci, c.state})
		}
	}
}

// slot returns the index of a client in tx.before, or -1.
func (tx *Transaction) slot(ci int32) int {
	c := tx.doc.clients[ci]
	if c.touch == tx.gen {
		return int(c.touchSlot)
	}
	if tx.doc.gen == tx.gen {
		return -1 // the newest transaction: it would have been noted
	}
	if tx.slots == nil {
		tx.slots = make(map[int32]int, len(tx.before))
	}
	for i := len(tx.slots); i < len(tx.before); i++ {
		tx.slots[tx.before[i].client] = i
	}
	if s, ok := tx.slots[ci]; ok {
		return s
	}
	return -1
}

// addDelete records that n clocks of a client were deleted.
func (tx *Transaction) addDelete(ci int32, clock, n uint32) {
	if c := tx.doc.clients[ci]; c.deleteTouch != tx.gen {
		c.deleteTouch = tx.gen
		tx.deletedFirst = append(tx.deletedFirst, ci)
	}
	tx.deletes = append(tx.deletes, deleted{ci, clock, n})
}

// deletesOf returns the ranges of one client, once they are sorted.
func (tx *Transaction) deletesOf(ci int32) []deleted {
	from, _ := slices.BinarySearchFunc(tx.deletes, ci, func(d deleted, ci int32) int {
		return cmp.Compare(d.client, ci)
	})
	to := from
	for to < len(tx.deletes) && tx.deletes[to].client == ci {
		to++
	}
	return tx.deletes[from:to]
}

// beforeClock is the clock of a client when the transaction began.
func (tx *Transaction) beforeClock(ci int32) uint32 {
	if s := tx.slot(ci); s >= 0 {
		return tx.before[s].clock
	}
	return tx.doc.clients[ci].state
}

// isNew tells whether the transaction added the item.
func (tx *Transaction) isNew(it *item) bool {
	ci := it.client()
	return it.clock >= tx.beforeClock(ci)
}

// deletedIn tells whether the transaction deleted the item, once its deletes
// are sorted.
func (tx *Transaction) deletedIn(it *item) bool {
	ci, clock := it.client(), it.clock
	i, found := slices.BinarySearchFunc(tx.deletes, clientClock{ci, clock}, func(d deleted, k clientClock) int {
		if c := cmp.Compare(d.client, k.client); c != 0 {
			return c
		}
		return cmp.Compare(d.clock, k.clock)
	})
	if found {
		return true
	}
	if i == 0 {
		return false
	}
	d := &tx.deletes[i-1]
	return d.client == ci && clock-d.clock < d.len
}

// Before is the state vector at the start of the transaction.
func (tx *Transaction) Before() StateVector {
	sv := tx.doc.StateVector()
	for _, b := range tx.before {
		sv.set(tx.doc.clients[b.client].id, b.clock)
	}
	return sv
}

// After is the state vector at the end of the transaction.
func (tx *Transaction) After() StateVector {
	sv := tx.doc.StateVector()
	for i, b := range tx.before {
		clock := b.clock
		if i < len(tx.after) {
			clock = tx.after[i]
		}
		sv.set(tx.doc.clients[b.client].id, clock)
	}
	return sv
}

func (sv StateVector) set(client uint64, clock uint32) {
	if clock == 0 {
		delete(sv, client)
		return
	}
	sv[client] = clock
}

// DeleteSet is what the transaction deleted.
func (tx *Transaction) DeleteSet() DeleteSet {
	var ds DeleteSet
	for _, x := range tx.deletes {
		ds.Add(tx.doc.clients[x.client].id, x.clock, x.len)
	}
	ds.normalise()
	return ds
}

// noteChange records that a chain of a type changed. A type that is new, or
// deleted, isn't recorded: its parent is (Yjs: addChangedTypeToTransaction).
func (tx *Transaction) noteChange(ci int32) {
	ch := &tx.doc.chains[ci]
	if ch.changed == tx.gen {
		return
	}
	t := ch.t
	if t.item != 0 {
		it := tx.doc.item(t.item)
		if it.deleted() || tx.isNew(it) {
			return
		}
	}
	ch.changed = tx.gen
	if t.changed != tx.gen {
		t.changed = tx.gen
		t.changedSlot = int32(len(tx.changed))
		if n := len(tx.changed); n < cap(tx.changed) {
			tx.changed = tx.changed[:n+1] // reuse the slot's chains
			tx.changed[n].t, tx.changed[n].chains = t, tx.changed[n].chains[:0]
		} else {
			tx.changed = append(tx.changed, change{t: t})
		}
	}
	c := &tx.changed[t.changedSlot]
	c.chains = append(c.chains, ci)
}

// forgetChange drops the record of a type that is deleted.
func (tx *Transaction) forgetChange(t *ytype) {
	if t.changed != tx.gen {
		return
	}
	c := &tx.changed[t.changedSlot]
	for _, ci := range c.chains {
		tx.doc.chains[ci].changed = 0
	}
	c.t = nil
	t.changed = 0
}

// sortDeletes sorts and merges the ranges (Yjs: sortAndMergeDeleteSet).
func (tx *Transaction) sortDeletes() {
	if len(tx.deletes) < 2 {
		return
	}
	slices.SortFunc(tx.deletes, func(a, b deleted) int {
		if c := cmp.Compare(a.client, b.client); c != 0 {
			return c
		}
		return cmp.Compare(a.clock, b.clock)
	})
	n := 1
	for _, r := range tx.deletes[1:] {
		l := &tx.deletes[n-1]
		if l.client == r.client && l.clock+l.len >= r.clock {
			l.len = max(l.len, r.clock+r.len-l.clock)
			continue
		}
		tx.deletes[n] = r
		n++
	}
	tx.deletes = tx.deletes[:n]
}

// Transact runs fn in a transaction and returns its error. What fn changed
// before an error stays: a transaction groups changes, it can't undo them.
// Within another transaction of the document, fn joins it. Observers are called
// when the outermost transaction ends.
func (d *Doc) Transact(origin any, fn func(*Transaction) error) error {
	if d.tx != nil {
		return fn(d.tx)
	}
	tx := d.begin(origin, true)
	defer d.end(tx)
	return fn(tx)
}

// begin opens a transaction and makes it current.
func (d *Doc) begin(origin any, local bool) *Transaction {
	tx := d.spare
	if tx == nil {
		tx = new(Transaction)
	}
	d.spare = nil
	d.gen++
	d.cuts = d.cuts[:0]
	tx.doc, tx.origin, tx.local, tx.gen, tx.roots = d, origin, local, d.gen, len(d.rootNames)
	tx.needsCleanup, tx.uncollected, tx.slots = false, false, nil
	tx.before, tx.after, tx.deletes = tx.before[:0], tx.after[:0], tx.deletes[:0]
	tx.deletedFirst = tx.deletedFirst[:0]
	tx.changed, tx.mergeStructs = tx.changed[:0], tx.mergeStructs[:0]
	d.tx = tx
	d.queue = append(d.queue, tx)
	return tx
}

// end closes a transaction. If no clean-up is under way it cleans up after it
// and after those that observers add meanwhile, one after another.
func (d *Doc) end(tx *Transaction) {
	d.tx = nil
	if d.queue[0] != tx {
		return
	}
	defer d.endQueue(tx) // also when an observer panics
	for i := 0; i < len(d.queue); i++ {
		d.cleanUp(d.queue[i])
	}
}

func (d *Doc) endQueue(tx *Transaction) {
	if len(d.queue) == 1 && len(tx.subdocsAdded)+len(tx.subdocsRemoved)+len(tx.subdocsLoaded) == 0 {
		tx.origin = nil
		d.spare = tx
	}
	clear(d.queue)
	d.queue = d.queue[:0]
}

// cleanUp ends a transaction: observers, clean-up of formatting, collection,
// joining of items, and the update, in yjs's order (cleanupTransactions).
func (d *Doc) cleanUp(tx *Transaction) {
	tx.sortDeletes()
	ownMoved := false
	for _, b := range tx.before {
		c := d.clients[b.client]
		tx.after = append(tx.after, c.state)
		ownMoved = ownMoved || c.id == d.clientID && c.state != b.clock
	}
	if !tx.local && ownMoved {
		// Somebody else uses it. Yjs changes it after the observers, whose edits
		// would then go on at a clock of the other's choice.
		d.clientID = randomClientID()
	}
	if !tx.local {
		for _, c := range tx.changed {
			if c.t != nil && !c.t.dead() {
				c.t.dropMarkers()
			}
		}
	}
	d.onTransaction.call(tx)
	if !tx.local {
		for _, c := range tx.changed {
			if c.t != nil && c.t.kind.isText() && c.t.formatted && !c.t.dead() {
				tx.needsCleanup = true
			}
		}
	}
	if tx.needsCleanup && !d.noClean {
		d.cleanUpFormatting(tx)
	}
	if !d.noGC && tx.uncollected {
		d.collect(tx)
	}
	d.joinDeleted(tx)
	d.joinNew(tx)
	d.joinHalves(tx)
	d.emitUpdates(tx)
	d.emitSubdocs(tx)
}

// emitUpdates gives what the transaction changed to those who asked for
// updates.
func (d *Doc) emitUpdates(tx *Transaction) {
	if d.onUpdate.empty() && d.onUpdateV2.empty() {
		return
	}
	changed := len(tx.deletes) > 0
	for i, after := range tx.after {
		changed = changed || after != tx.before[i].clock
	}
	if !changed {
		return
	}
	tx.sortDeletes()
	if !d.onUpdate.empty() {
		update := d.appendTransaction(nil, tx, false)
		d.onUpdate.call(updateEvent{update, tx})
	}
	if !d.onUpdateV2.empty() {
		d.onUpdateV2.call(updateEvent{d.toV2(d.appendTransaction(nil, tx, true)), tx})
	}
}
