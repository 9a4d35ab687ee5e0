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

// content gives the kind and content of a value that checkLocal accepts.
// Plain values are of kindAny, and may be joined with others.
func content(v any) (kind uint32, content any) {
	switch v := jsNumber(v).(type) {
	case string:
		return kindAny, cleanString(v)
	case []byte:
		return kindBinary, append([]byte(nil), v...)
	case *Doc:
		return kindDoc, newSubdoc(v)
	case Type:
		return kindType, v.base()
	default:
		return kindAny, v
	}
}

// checkLocal refuses what a document can't hold as a single value; in a list
// that is also what yjs has no place for there.
func checkLocal(v any, inList bool) error {
	switch v := jsNumber(v).(type) {
	case string:
		return nil
	case lib0.BigInt:
		if inList {
			return errors.New("crdt: a list can't hold a bigint")
		}
		return nil
	case *Doc:
		if v == nil {
			return errors.New("crdt: a nil document")
		}
		return nil
	case Type:
		if isNil(v) {
			return errors.New("crdt: a nil type")
		}
		if v.base().doc != nil {
			return errors.New("crdt: the type is part of a document already")
		}
		return nil
	default:
		if inList && v == any(lib0.Undefined) {
			return errors.New("crdt: a list can't hold undefined")
		}
		if err := lib0.Check(v); err != nil {
			return fmt.Errorf("crdt: %w", err)
		}
		return nil
	}
}

func isNil(v Type) bool {
	switch v := v.(type) {
	case *Array:
		return v == nil
	case *Map:
		return v == nil
	case *Text:
		return v == nil
	case *XmlFragment:
		return v == nil
	case *XmlElement:
		return v == nil
	case *XmlText:
		return v == nil
	case *XmlHook:
		return v == nil
	}
	return true
}

// checkValues refuses values before any of them is written: single ones that a
// document can't hold, types that are used twice or are within themselves, and
// what would nest deeper than the document's limit.
func (t *ytype) checkValues(values []any, inList bool) error {
	return checkNested(values, inList, map[*ytype]bool{}, int(t.depth)+1, t.doc.limits.Depth)
}

func checkNested(values []any, inList bool, seen map[*ytype]bool, depth, limit int) error {
	for _, v := range values {
		if err := checkLocal(v, inList); err != nil {
			return err
		}
		child, ok := v.(Type)
		if !ok {
			continue
		}
		t := child.base()
		if seen[t] {
			return errors.New("crdt: one type in two places")
		}
		if depth > limit {
			return fmt.Errorf("crdt: types nested more than %d deep", limit)
		}
		seen[t] = true
		p := t.prelim
		if p == nil {
			continue
		}
		if err := checkNested(p.values, true, seen, depth+1, limit); err != nil {
			return err
		}
		for _, a := range p.keys {
			if err := checkNested([]any{a.value}, false, seen, depth+1, limit); err != nil {
				return err
			}
		}
		if err := checkNested(p.types, false, seen, depth+1, limit); err != nil {
			return err
		}
	}
	return nil
}

// insertValues inserts values behind item left, packing runs of plain ones into
// one item each (Yjs: typeListInsertGenericsAfter).
func (t *ytype) insertValues(tx *Transaction, left int32, values []any) {
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
		kind, c := content(v)
		if kind == kindAny {
			plain = append(plain, c)
			continue
		}
		pack()
		left = d.insertOne(tx, t.list, left, right, kind, c)
	}
	pack()
}

// insertAt inserts values at an index (Yjs: typeListInsertGenerics).
func (t *ytype) insertAt(tx *Transaction, index int, values []any) error {
	d := t.doc
	if index < 0 || index > t.len() {
		return fmt.Errorf("%w: insert at %d of %d", errIndex, index, t.len())
	}
	if err := t.checkValues(values, true); err != nil {
		return err
	}
	if index == 0 {
		t.shiftMarkers(0, len(values))
		t.insertValues(tx, 0, values)
		return nil
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
	t.insertValues(tx, i, values)
	return nil
}

// push inserts values at the end, deleted items included.
func (t *ytype) push(tx *Transaction, values []any) error {
	if err := t.checkValues(values, true); err != nil {
		return err
	}
	t.insertValues(tx, t.doc.chains[t.list].tail, values)
	return nil
}

// deleteAt deletes n values from an index on (Yjs: typeListDelete).
func (t *ytype) deleteAt(tx *Transaction, index, n int) error {
	d := t.doc
	if index < 0 || n < 0 || index > t.len() || n > t.len()-index {
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
	types  []any                      // that ops insert
}

func (t *ytype) pre() *prelim {
	if t.prelim == nil {
		t.prelim = new(prelim)
	}
	return t.prelim
}

// integratePrelim writes what was preliminary, as soon as the type has its
// place. checkValues has looked at all of it.
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
		if err := checkLocal(v, true); err != nil {
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
	if index < 0 || n < 0 || index > len(p.values) || n > len(p.values)-index {
		return fmt.Errorf("%w: delete %d at %d of %d", errIndex, n, index, len(p.values))
	}
	p.values = append(p.values[:index:index], p.values[index+n:]...)
	return nil
}
