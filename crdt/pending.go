package crdt

import (
	"github.com/inkwire/inkwire/lib0"
)

// pendingUpdates is what has come before what it depends on. It is part of no
// transaction; an encoded state includes it, as yjs's does.
type pendingUpdates struct {
	structs []byte      // an update in formatAny without deletes
	missing StateVector // clocks of which any makes a retry worth while
	deletes []byte      // an update in formatAny without structs
}

func (p *pendingUpdates) empty() bool { return p.structs == nil && p.deletes == nil }

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
	if p.structs, err = mergeFormat([][]byte{p.structs, left.update}, formatAny); err != nil {
		return false, err
	}
	return retry, d.checkPending()
}

func (d *Doc) checkPending() error {
	if n := len(d.pending.structs) + len(d.pending.deletes); n > d.limits.PendingBytes {
		return overLimit("update", 0, "%d bytes wait for updates that haven't come, more than %d", n, d.limits.PendingBytes)
	}
	return nil
}

// applyDeletes applies an encoded delete set and what deletes were pending
// (Yjs: readAndApplyDeleteSet). Deletes of what hasn't come become pending.
func (d *Doc) applyDeletes(tx *Transaction, set []byte) error {
	late, err := d.applyDeleteSet(tx, set)
	if err != nil {
		return err
	}
	p := &d.pending
	if p.deletes == nil {
		p.deletes = late
		return d.checkPending()
	}
	late2, err := d.applyDeleteSet(tx, p.deletes[1:]) // after "no structs"
	if err != nil {
		return err
	}
	switch {
	case late != nil && late2 != nil:
		p.deletes, err = mergeFormat([][]byte{late, late2}, formatAny)
	case late != nil:
		p.deletes = late
	default:
		p.deletes = late2
	}
	if err != nil {
		return err
	}
	return d.checkPending()
}

// applyDeleteSet deletes what an encoded delete set names. What it names of
// clocks that haven't come is returned as an update; nil if nothing.
func (d *Doc) applyDeleteSet(tx *Transaction, set []byte) ([]byte, error) {
	dec := lib0.NewDecoder(set)
	clients, err := dec.Uvarint()
	if err != nil {
		return nil, err
	}
	var late *DeleteSet
	for range clients {
		id, _ := dec.Uvarint()
		n, err := dec.Uvarint()
		if err != nil {
			return nil, err
		}
		ci := d.clientIndex(id)
		state := d.stateOf(id)
		for range n {
			clock64, _ := dec.Uvarint()
			len64, err := dec.Uvarint()
			if err != nil {
				return nil, err
			}
			clock, end := uint32(clock64), uint32(clock64+len64)
			if end > state && end > clock {
				if late == nil {
					late = new(DeleteSet)
				}
				from := max(clock, state)
				late.Add(id, from, end-from)
			}
			if clock < state {
				if err := d.deleteRange(tx, ci, clock, end); err != nil {
					return nil, err
				}
			}
		}
	}
	if late == nil {
		return nil, nil
	}
	return appendDeleteSet([]byte{0}, *late, formatV1), nil
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
		if err := d.overWork(0); err != nil {
			return err
		}
		if !it.deleted() {
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
	if d.pending.deletes != nil {
		updates = append(updates, d.pending.deletes)
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
