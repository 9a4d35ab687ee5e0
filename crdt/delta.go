package crdt

import "github.com/inkwire/inkwire/lib0"

// An Op is one step of a delta: exactly one of Insert, Retain and Delete is set.
type Op struct {
	// Insert is what is inserted: a string, an embedded value or a Type; for
	// lists, a []any of values.
	Insert any
	// Retain and Delete count UTF-16 units, or values.
	Retain, Delete int
	// Attributes is the formatting of what is inserted, or the change of that
	// of what is retained; nil for none.
	Attributes *lib0.Object
}

// ToDelta returns the text with its formatting and embeds.
func (t *Text) ToDelta() []Op { return t.delta(nil, nil) }

// ToDeltaSnapshot returns the text as it was at a snapshot. With prev, what
// only one of the two has is there too, with the attribute "ychange" set to
// {type: "added"} or {type: "removed"}. The document must have kept deleted
// content (Options.NoGC).
func (t *Text) ToDeltaSnapshot(snap, prev *Snapshot) []Op {
	if t.t.doc == nil {
		return nil
	}
	var ops []Op
	t.t.doc.Transact("cleanup", func(tx *Transaction) error {
		for _, s := range []*Snapshot{snap, prev} {
			if s != nil {
				tx.doc.splitAt(tx, s)
			}
		}
		ops = t.delta(snap, prev)
		return nil
	})
	return ops
}

func (t *Text) delta(snap, prev *Snapshot) []Op {
	if t.t.doc == nil {
		return nil
	}
	d := t.t.doc
	var ops []Op
	var current attrs
	var text []byte
	flush := func() {
		if len(text) > 0 {
			ops = append(ops, Op{Insert: string(text), Attributes: current.object()})
			text = text[:0]
		}
	}
	for i := t.t.start(); i != 0; i = d.item(i).right {
		it := d.item(i)
		now := d.visibleAt(it, snap)
		if !now && (prev == nil || !d.visibleAt(it, prev)) {
			continue
		}
		switch it.kind() {
		case kindString:
			change := ""
			switch {
			case snap != nil && !now:
				change = "removed"
			case prev != nil && !d.visibleAt(it, prev):
				change = "added"
			}
			t.markChange(&current, change, flush)
			text = d.clients[it.client()].chars.appendUTF8(text, it.clock, it.length)
		case kindType, kindEmbed:
			flush()
			ops = append(ops, Op{Insert: d.contentValues(it)[0], Attributes: current.object()})
		case kindFormat:
			if now {
				flush()
				current.update(d.formatOf(it))
			}
		}
	}
	flush()
	return ops
}

// markChange brings the attribute ychange up to date. Like yjs, which compares
// a user that isn't there, it begins a new op for each item that has it.
func (t *Text) markChange(current *attrs, change string, flush func()) {
	switch {
	case change != "":
		flush()
		current.set("ychange", lib0.NewObject("type", change))
	case current.find("ychange") >= 0:
		flush()
		current.del("ychange")
	}
}

// visibleAt tells whether an item was visible at a snapshot, or is now.
func (d *Doc) visibleAt(it *item, s *Snapshot) bool {
	if s == nil {
		return !it.deleted()
	}
	id := ID{d.clients[it.client()].id, it.clock}
	return s.StateVector[id.Client] > it.clock && !s.DeleteSet.Contains(id)
}
