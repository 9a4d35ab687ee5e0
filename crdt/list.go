package crdt

import (
	"errors"
	"fmt"
	"strings"

	"github.com/inkwire/inkwire/lib0"
)

// Lists of values: what Array, XmlFragment and XmlElement share. Yjs has these
// as the typeList… functions of AbstractType.js.

// cleanString makes s valid UTF-8, which is all that an update can carry.
func cleanString(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

var errCollected = errors.New("crdt: the type was deleted and its content collected")

// edit runs fn in a transaction of the type's document.
func (t *ytype) edit(fn func(*Transaction) error) error {
	if t.collected() {
		return errCollected
	}
	return t.doc.Transact(nil, fn)
}

// content gives the kind and content of a single value that isn't joined with
// others. kind is kindAny for plain values.
func content(v any) (kind uint32, content any, err error) {
	switch v := v.(type) {
	case string:
		return kindAny, cleanString(v), nil
	case []byte:
		return kindBinary, append([]byte(nil), v...), nil
	case *Doc:
		return kindDoc, newSubdoc(v), nil
	case Type:
		t, err := claim(v)
		return kindType, t, err
	}
	if err := lib0.Check(v); err != nil {
		return 0, nil, fmt.Errorf("crdt: %w", err)
	}
	return kindAny, v, nil
}

// claim returns the type behind a handle that doesn't belong to a document yet.
func claim(v Type) (*ytype, error) {
	t := v.base()
	if t.doc != nil {
		return nil, errors.New("crdt: the type is part of a document already")
	}
	return t, nil
}

// insertValues inserts values behind item left, packing runs of plain ones into
// one item each (Yjs: typeListInsertGenericsAfter).
func (t *ytype) insertValues(tx *Transaction, left int32, values []any) error {
	d := t.doc
	right := t.start()
	if left != 0 {
		right = d.item(left).right
	}
	var plain []any
	pack := func() {
		if len(plain) == 0 {
			return
		}
		packed := plain
		plain = nil
		left = d.insertItem(tx, t.list, left, right, func(_ *client, it *item) {
			it.meta |= kindAny
			it.length = uint32(len(packed))
			it.content = d.newContent(packed)
		})
	}
	for _, v := range values {
		v = jsNumber(v)
		if _, ok := v.(lib0.BigInt); ok || v == any(lib0.Undefined) {
			return fmt.Errorf("crdt: a list can't hold a %T", v)
		}
		kind, c, err := content(v)
		if err != nil {
			return err
		}
		if kind == kindAny {
			plain = append(plain, c)
			continue
		}
		pack()
		left = d.insertOne(tx, t.list, left, right, kind, c)
	}
	pack()
	return nil
}

// insertAt inserts values at an index (Yjs: typeListInsertGenerics).
func (t *ytype) insertAt(tx *Transaction, index int, values []any) error {
	d := t.doc
	if index < 0 || index > t.len() {
		return fmt.Errorf("%w: insert at %d of %d", errIndex, index, t.len())
	}
	if index == 0 {
		t.shiftMarkers(0, len(values))
		return t.insertValues(tx, 0, values)
	}
	at := index
	i := t.start()
	if m := t.findMarker(index); m != nil {
		i = m.item
		index -= m.index
		if index == 0 { // go one back, so that the loop can end at it
			for i = d.item(i).left; i != 0 && d.item(i).deleted(); {
				i = d.item(i).left
			}
			if i != 0 && d.item(i).visible() {
				index += int(d.item(i).length)
			}
		}
	}
	for ; i != 0; i = d.item(i).right {
		it := d.item(i)
		if !it.visible() {
			continue
		}
		if index <= int(it.length) {
			if index < int(it.length) {
				d.cleanStart(tx, it.client(), it.clock+uint32(index))
			}
			break
		}
		index -= int(it.length)
	}
	t.shiftMarkers(at, len(values))
	return t.insertValues(tx, i, values)
}

// push inserts values at the end, deleted items included.
func (t *ytype) push(tx *Transaction, values []any) error {
	return t.insertValues(tx, t.doc.chains[t.list].tail, values)
}

// deleteAt deletes n values from an index on (Yjs: typeListDelete).
func (t *ytype) deleteAt(tx *Transaction, index, n int) error {
	d := t.doc
	if index < 0 || n < 0 || index+n > t.len() {
		return fmt.Errorf("%w: delete %d at %d of %d", errIndex, n, index, t.len())
	}
	if n == 0 {
		return nil
	}
	at, all := index, n
	i := t.start()
	if m := t.findMarker(index); m != nil {
		i = m.item
		index -= m.index
	}
	for ; i != 0 && index > 0; i = d.item(i).right {
		it := d.item(i)
		if it.visible() {
			if index < int(it.length) {
				d.cleanStart(tx, it.client(), it.clock+uint32(index))
			}
			index -= int(it.length)
		}
	}
	for ; n > 0 && i != 0; i = d.item(i).right {
		it := d.item(i)
		if it.deleted() {
			continue
		}
		if n < int(it.length) {
			d.cleanStart(tx, it.client(), it.clock+uint32(n))
		}
		d.delete(tx, i)
		n -= int(it.length)
	}
	t.shiftMarkers(at, n-all)
	return nil
}

// len is the length of the list or text.
func (t *ytype) len() int {
	if t.doc == nil {
		if t.prelim == nil {
			return 0
		}
		return len(t.prelim.values)
	}
	return int(t.doc.chains[t.list].length)
}

// get returns the value at an index; false if there is none.
func (t *ytype) get(index int) (any, bool) {
	if t.doc == nil || index < 0 {
		return nil, false
	}
	d := t.doc
	i := t.start()
	if m := t.findMarker(index); m != nil {
		i = m.item
		index -= m.index
	}
	for ; i != 0; i = d.item(i).right {
		it := d.item(i)
		if !it.visible() {
			continue
		}
		if index < int(it.length) {
			return d.contentValues(it)[index], true
		}
		index -= int(it.length)
	}
	return nil, false
}

// values returns all values of the list.
func (t *ytype) values() []any {
	if t.doc == nil {
		if t.prelim == nil {
			return nil
		}
		return append([]any(nil), t.prelim.values...)
	}
	out := make([]any, 0, t.len())
	for i := t.start(); i != 0; i = t.doc.item(i).right {
		if it := t.doc.item(i); it.visible() {
			out = append(out, t.doc.contentValues(it)...)
		}
	}
	return out
}

// A prelim is what was written to a type before it belonged to a document.
type prelim struct {
	values []any                      // of a list
	keys   attrs                      // of a map, or the attributes of an element
	ops    []func(*Transaction) error // edits of a text
}

func (t *ytype) pre() *prelim {
	if t.prelim == nil {
		t.prelim = new(prelim)
	}
	return t.prelim
}

// integratePrelim writes what was preliminary, as soon as the type has its
// place. What it can't hold was refused when it was written.
func (t *ytype) integratePrelim(tx *Transaction) {
	p := t.prelim
	t.prelim = nil
	if len(p.values) > 0 {
		t.insertAt(tx, 0, p.values)
	}
	for _, a := range p.keys {
		t.setKey(tx, a.key, a.value)
	}
	for _, op := range p.ops {
		op(tx)
	}
}

// insertList inserts values, preliminarily or into the document.
func (t *ytype) insertList(index int, values []any) error {
	if t.doc != nil {
		return t.edit(func(tx *Transaction) error { return t.insertAt(tx, index, values) })
	}
	p := t.pre()
	if index < 0 || index > len(p.values) {
		return fmt.Errorf("%w: insert at %d of %d", errIndex, index, len(p.values))
	}
	for _, v := range values {
		if _, ok := v.(Type); ok {
			continue
		}
		if _, _, err := content(jsNumber(v)); err != nil {
			return err
		}
	}
	p.values = append(p.values[:index:index], append(append([]any(nil), values...), p.values[index:]...)...)
	return nil
}

// deleteList deletes n values, preliminarily or in the document.
func (t *ytype) deleteList(index, n int) error {
	if t.doc != nil {
		return t.edit(func(tx *Transaction) error { return t.deleteAt(tx, index, n) })
	}
	p := t.pre()
	if index < 0 || n < 0 || index+n > len(p.values) {
		return fmt.Errorf("%w: delete %d at %d of %d", errIndex, n, index, len(p.values))
	}
	p.values = append(p.values[:index:index], p.values[index+n:]...)
	return nil
}
