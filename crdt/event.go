package crdt

import (
	"slices"

	"github.com/inkwire/inkwire/lib0"
)

// An Event tells what a transaction changed in one type. It is valid only in
// the callback of OnTransaction.
type Event struct {
	// Target is the type.
	Target Type

	tx     *Transaction
	t      *ytype
	chains []int32
}

// A KeyChange tells what became of a key.
type KeyChange struct {
	Key      string
	Action   string // "add", "update" or "delete"
	OldValue any    // lib0.Undefined if added
}

// Events returns an event for each type that the transaction changed and that
// is still there, in the order in which they were first changed. New types are
// part of their parents' events.
func (tx *Transaction) Events() []*Event {
	var out []*Event
	for _, c := range tx.changed {
		if c.t != nil && c.t.kind != KindUnknown && !c.t.dead() {
			out = append(out, &Event{c.t.public(), tx, c.t, slices.Clone(c.chains)})
		}
	}
	return out
}

// Path leads from the root to the target: keys and indexes.
func (e *Event) Path() []any {
	d := e.tx.doc
	var path []any
	for t := e.t; t.item != 0; {
		it := d.item(t.item)
		ch := &d.chains[it.chain]
		if ch.keyed {
			path = append(path, ch.key)
		} else {
			n := 0
			for i := ch.head; i != t.item && i != 0; i = d.item(i).right {
				if x := d.item(i); x.visible() {
					n += int(x.length)
				}
			}
			path = append(path, n)
		}
		t = ch.t
	}
	slices.Reverse(path)
	return path
}

// ChildListChanged tells whether the list or text changed, not only keys.
func (e *Event) ChildListChanged() bool { return slices.Contains(e.chains, e.t.list) }

// ChangedKeys returns the keys that were written, in order.
func (e *Event) ChangedKeys() []string {
	var keys []string
	for _, ci := range e.chains {
		if ch := &e.tx.doc.chains[ci]; ch.keyed {
			keys = append(keys, ch.key)
		}
	}
	return keys
}

// Keys returns what became of the keys (Yjs: YEvent.keys). A key whose value
// came and went within the transaction isn't among them.
func (e *Event) Keys() []KeyChange {
	d, tx := e.tx.doc, e.tx
	var out []KeyChange
	for _, ci := range e.chains {
		ch := &d.chains[ci]
		if !ch.keyed || ch.tail == 0 {
			continue
		}
		it := d.item(ch.tail)
		if !tx.isNew(it) {
			if tx.deletedIn(it) {
				out = append(out, KeyChange{ch.key, "delete", d.lastValue(it)})
			}
			continue
		}
		prev := it.left
		for prev != 0 && tx.isNew(d.item(prev)) {
			prev = d.item(prev).left
		}
		replaced := prev != 0 && tx.deletedIn(d.item(prev))
		switch {
		case tx.deletedIn(it):
			if replaced {
				out = append(out, KeyChange{ch.key, "delete", d.lastValue(d.item(prev))})
			}
		case replaced:
			out = append(out, KeyChange{ch.key, "update", d.lastValue(d.item(prev))})
		default:
			out = append(out, KeyChange{ch.key, "add", lib0.Undefined})
		}
	}
	return out
}

// Delta returns how the list or text changed. Of a text, it may delete
// formatting that became redundant, in a transaction of its own, as yjs does
// when the delta is asked for.
func (e *Event) Delta() []Op {
	if e.t.kind.isText() {
		var delta []Op
		e.tx.doc.Transact(nil, func(tx *Transaction) error {
			delta = e.textDelta(tx)
			return nil
		})
		return delta
	}
	if !e.ChildListChanged() {
		return nil
	}
	return e.listDelta()
}

func (e *Event) listDelta() []Op {
	d, tx := e.tx.doc, e.tx
	var ops []Op
	last := func(same func(*Op) bool) *Op {
		if n := len(ops); n == 0 || !same(&ops[n-1]) {
			ops = append(ops, Op{})
		}
		return &ops[len(ops)-1]
	}
	for i := e.t.start(); i != 0; i = d.item(i).right {
		it := d.item(i)
		switch {
		case it.deleted():
			if tx.deletedIn(it) && !tx.isNew(it) {
				last(func(o *Op) bool { return o.Delete > 0 }).Delete += int(it.length)
			}
		case tx.isNew(it):
			o := last(func(o *Op) bool { return o.Insert != nil })
			values, _ := o.Insert.([]any)
			o.Insert = append(values, d.contentValues(it)...)
		default:
			last(func(o *Op) bool { return o.Retain > 0 }).Retain += int(it.length)
		}
	}
	if n := len(ops); n > 0 && ops[n-1].Retain > 0 {
		ops = ops[:n-1]
	}
	return ops
}

// isInsert tells whether yjs's delta of an event has an embedded value: it leaves
// out what is neither an object nor a string.
func isInsert(v any) bool {
	switch v := v.(type) {
	case float64, bool:
		return false
	case string:
		return v != ""
	}
	return true
}

// A deltaWriter gathers the ops of a text's delta.
type deltaWriter struct {
	ops     []Op
	action  byte // 'i', 'r', 'd'; 0: nothing gathered
	text    []byte
	count   int
	current attrs        // formatting here, after the transaction
	change  *lib0.Object // how retained text's formatting changes
}

func (w *deltaWriter) flush() {
	var op Op
	switch w.action {
	case 'i':
		if len(w.text) > 0 {
			op = Op{Insert: string(w.text), Attributes: w.current.object()}
			w.text = w.text[:0]
		}
	case 'r':
		op.Retain = w.count
		if w.change.Len() > 0 {
			op.Attributes = copyAttrs(w.change)
		}
	case 'd':
		op.Delete = w.count
	}
	if op.Insert != nil || op.Retain > 0 || op.Delete > 0 {
		w.ops = append(w.ops, op)
	}
	w.action, w.count = 0, 0
}

func (w *deltaWriter) start(action byte) {
	if w.action != action {
		w.flush()
		w.action = action
	}
}

// textDelta is YTextEvent.delta of yjs: which formatting changes it tells, and
// which redundant formatting items it deletes, are decided as there.
func (e *Event) textDelta(inner *Transaction) []Op {
	d, tx := e.tx.doc, e.tx
	w := deltaWriter{change: lib0.NewObject()}
	var old attrs // formatting here, before the transaction
	for i := e.t.start(); i != 0; i = d.item(i).right {
		it := d.item(i)
		added, removed := tx.isNew(it), tx.deletedIn(it)
		switch it.kind() {
		case kindType, kindEmbed, kindString:
			switch {
			case added && removed:
			case added && it.kind() == kindString:
				w.start('i')
				w.text = d.clients[it.client()].chars.appendUTF8(w.text, it.clock, it.length)
			case added:
				w.flush()
				if v := d.contentValues(it)[0]; isInsert(v) {
					w.ops = append(w.ops, Op{Insert: v, Attributes: w.current.object()})
				}
			case removed:
				w.start('d')
				w.count += int(it.length)
			case !it.deleted():
				w.start('r')
				w.count += int(it.length)
			}
		case kindFormat:
			f := d.formatOf(it)
			current := w.current.get(f.key)
			switch {
			case added && removed:
			case added:
				if equalAttrs(current, f.value) {
					if f.value != nil {
						d.delete(inner, i)
					}
					break
				}
				if w.action == 'r' {
					w.flush()
				}
				if equalAttrs(f.value, old.get(f.key)) {
					w.change.Delete(f.key)
				} else {
					w.change.Set(f.key, f.value)
				}
			case removed:
				old.set(f.key, f.value)
				if !equalAttrs(current, f.value) {
					if w.action == 'r' {
						w.flush()
					}
					w.change.Set(f.key, current)
				}
			case !it.deleted():
				old.set(f.key, f.value)
				change, ok := w.change.Get(f.key)
				if !ok {
					break
				}
				if equalAttrs(change, f.value) {
					if change != nil {
						d.delete(inner, i)
					}
					break
				}
				if w.action == 'r' {
					w.flush()
				}
				if f.value == nil {
					w.change.Delete(f.key)
				} else {
					w.change.Set(f.key, f.value)
				}
			}
			if !it.deleted() {
				if w.action == 'i' {
					w.flush()
				}
				w.current.update(f)
			}
		}
	}
	w.flush()
	for n := len(w.ops); n > 0 && w.ops[n-1].Retain > 0 && w.ops[n-1].Attributes == nil; n-- {
		w.ops = w.ops[:n-1]
	}
	return w.ops
}
