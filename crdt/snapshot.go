package crdt

import "errors"

// Snapshot is the document's state now: what has come and what is deleted. It
// can be shown later as long as deleted content is kept (Options.NoGC).
func (d *Doc) Snapshot() Snapshot {
	s := Snapshot{StateVector: d.StateVector()}
	for _, r := range d.allDeletes() {
		s.DeleteSet.Add(d.clients[r.client].id, r.clock, r.len)
	}
	s.DeleteSet.normalise()
	return s
}

// splitAt splits items where a snapshot begins or ends within them
// (Yjs: splitSnapshotAffectedStructs).
func (d *Doc) splitAt(tx *Transaction, s *Snapshot) {
	for id, clock := range s.StateVector {
		if ci := d.clientIndex(id); clock < d.stateOf(id) {
			d.cleanStart(tx, ci, clock)
		}
	}
	for r := range s.DeleteSet.All() {
		ci := d.clientIndex(r.Client)
		if !d.has(ci, r.Clock) {
			continue
		}
		d.cleanStart(tx, ci, r.Clock)
		if d.has(ci, r.End()) {
			d.cleanStart(tx, ci, r.End())
		}
	}
}

// DocFromSnapshot makes a document that is what d was at the snapshot. d must
// keep deleted content (Options.NoGC). Where the snapshot ends within a surrogate
// pair, d's pair is split too, as in yjs.
func DocFromSnapshot(d *Doc, s Snapshot, o Options) (*Doc, error) {
	if !d.noGC {
		return nil, errors.New("crdt: a snapshot can be restored only from a document that keeps deleted content")
	}
	var update []byte
	d.Transact(nil, func(tx *Transaction) error {
		var list []clockSpan
		for id, clock := range s.StateVector {
			ci := d.clientIndex(id)
			state := d.stateOf(id)
			if clock == 0 || state == 0 {
				continue
			}
			if clock < state {
				d.cleanStart(tx, ci, clock)
			}
			list = append(list, clockSpan{ci, 0, min(clock, state)})
		}
		update = appendDeleteSet(d.appendStructs(nil, list, true), s.DeleteSet, formatAny)
		return nil
	})
	restored := New(o)
	limits := restored.limits
	restored.limits = unlimited
	if err := restored.applyFormat(update, formatAny, "snapshot"); err != nil {
		return nil, err
	}
	restored.limits = limits
	return restored, nil
}
