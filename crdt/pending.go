package crdt

import (
	"cmp"
	"fmt"
	"sort"
)

// pendingUpdates is what has come before what it depends on. It is part of no
// transaction; an encoded state includes it, as yjs's does.
type pendingUpdates struct {
	structs []byte      // an update in formatAny without deletes
	missing StateVector // clocks of which any makes a retry worth while
	deletes DeleteSet
}

func (p *pendingUpdates) empty() bool { return p.structs == nil && p.deletes.Empty() }

// Pending tells whether the document holds structs or deletes that wait for
// others, and of which clients the clocks from which on are missing.
func (d *Doc) Pending() (missing StateVector, ok bool) {
	if d.pending.empty() {
		return nil, false
	}
	missing = make(StateVector, len(d.pending.missing))
	for c, clock := range d.pending.missing {
		missing[c] = clock
	}
	return missing, true
}

// DropPending forgets what waits. Whoever sent it may send it again.
func (d *Doc) DropPending() { d.pending = pendingUpdates{} }

// addPending adds what an update left over to what waits. It tells whether what
// waited before should be tried again.
func (d *Doc) addPending(left *rest) (retry bool, err error) {
	p := &d.pending
	if p.structs == nil {
		if left != nil {
			p.structs, p.missing = left.update, left.missing
		}
		return false, d.checkPending()
	}
	for client, clock := range p.missing {
		if clock < d.stateOf(client) {
			retry = true
			break
		}
	}
	if left == nil {
		return retry, nil
	}
	missing := make(StateVector, len(p.missing)+len(left.missing))
	for c, clock := range p.missing {
		missing[c] = clock
	}
	for c, clock := range left.missing {
		missing.lower(ID{c, clock})
	}
	p.missing = missing
	d.work += (len(p.structs) + len(left.update)) / bytesPerStep
	if p.structs, err = mergeFormat([][]byte{p.structs, left.update}, formatAny); err != nil {
		return false, err
	}
	return retry, d.checkPending()
}

func (d *Doc) checkPending() error {
	if n := len(d.pending.structs) + d.pending.deletes.pendingBytes(); n > d.limits.PendingBytes {
		return overPending(n, d.limits.PendingBytes)
	}
	return nil
}

func overPending(n, limit int) error {
	return &Error{In: "update", Err: ErrPending,
		Msg: fmt.Sprintf("%d bytes wait for updates that haven't come, more than %d", n, limit)}
}

// deleteRangeBytes is what a pending range of deletes takes.
const deleteRangeBytes = 16

func (s *DeleteSet) pendingBytes() int { return deleteRangeBytes * len(s.ranges) }

// applyDeletes applies deletes and those that were pending. Deletes of what
// hasn't come become pending (Yjs: readAndApplyDeleteSet).
func (d *Doc) applyDeletes(tx *Transaction, ranges []DeleteRange) error {
	p := &d.pending
	var late DeleteSet
	if err := d.deleteRanges(tx, ranges, &late); err != nil {
		return err
	}
	if !p.deletes.Empty() {
		if !d.awaited(tx) {
			if late.Empty() {
				return nil
			}
			late.ranges, late.loose = append(late.ranges, p.deletes.ranges...), true
		} else if err := d.deleteRanges(tx, p.deletes.ranges, &late); err != nil {
			return &retryError{err}
		}
	}
	if late.Empty() {
		p.deletes = late
		return nil
	}
	late.normalise()
	p.deletes = late
	return d.checkPending()
}

// awaited tells whether a client of the pending deletes got new items.
func (d *Doc) awaited(tx *Transaction) bool {
	ranges := d.pending.deletes.ranges // clients descending
	for _, b := range tx.before {
		id := d.clients[b.client].id
		i := sort.Search(len(ranges), func(i int) bool { return ranges[i].Client <= id })
		if i < len(ranges) && ranges[i].Client == id {
			d.work += len(ranges)
			return true
		}
	}
	return false
}

// deleteRanges deletes what is there of some ranges and adds the rest to late.
func (d *Doc) deleteRanges(tx *Transaction, ranges []DeleteRange, late *DeleteSet) error {
	for _, r := range ranges {
		state := d.stateOf(r.Client)
		if r.End() > state {
			from := max(r.Clock, state)
			late.Add(r.Client, from, r.End()-from)
			if late.pendingBytes() > d.limits.PendingBytes {
				return overPending(late.pendingBytes(), d.limits.PendingBytes)
			}
		}
		if r.Clock < state {
			if err := d.deleteRange(tx, d.clientIndex(r.Client), r.Clock, r.End()); err != nil {
				return err
			}
		}
	}
	return nil
}

// deleteRange deletes the clocks of a client from clock up to end, as far as
// they are there.
func (d *Doc) deleteRange(tx *Transaction, ci int32, clock, end uint32) error {
	c := d.clients[ci]
	p := c.find(clock)
	if it := d.item(c.at(p)); !it.deleted() && it.clock < clock {
		d.split(tx, c, p, clock-it.clock)
		p = c.find(clock)
	}
	for {
		i := c.at(p)
		it := d.item(i)
		if it.clock >= end {
			return nil
		}
		d.work++
		if err := cmp.Or(d.overWork(0), d.overItems(0, 2*d.limits.Items)); err != nil {
			return err
		}
		if !it.deleted() {
			d.work++
			if end < it.end() {
				d.split(tx, c, p, end-it.clock)
				p = c.find(it.clock)
			}
			d.delete(tx, i)
		}
		var ok bool
		if p, ok = c.next(p); !ok {
			return nil
		}
	}
}

// stateWithPending is the state above sv in formatAny, with what is pending.
func (d *Doc) stateWithPending(sv StateVector) []byte {
	updates := [][]byte{d.appendState(nil, sv, true)}
	if !d.pending.deletes.Empty() {
		updates = append(updates, appendDeleteSet([]byte{0}, d.pending.deletes, formatAny))
	}
	if d.pending.structs != nil {
		part, err := diffFormat(d.pending.structs, sv, formatAny)
		if err != nil {
			panic("crdt: own encoding: " + err.Error())
		}
		updates = append(updates, part)
	}
	merged, err := mergeFormat(updates, formatAny)
	if err != nil {
		panic("crdt: own encoding: " + err.Error())
	}
	return merged
}
