package crdt

import (
	"github.com/inkwire/inkwire/lib0"
)

// Values by key: what Map, XmlHook and the attributes of elements and texts
// share (Yjs: the typeMap… functions of AbstractType.js).

// setKey gives a key a value.
func (t *ytype) setKey(tx *Transaction, key string, v any) error {
	d := t.doc
	if err := t.checkValues([]any{v}, false); err != nil {
		return err
	}
	kind, c := content(v)
	if kind == kindAny {
		c = []any{c}
	}
	ci := t.ensureKeyChain(key)
	d.insertOne(tx, ci, d.chains[ci].tail, 0, kind, c)
	return nil
}

// deleteKey deletes a key's value.
func (t *ytype) deleteKey(tx *Transaction, key string) {
	if i := t.current(key); i != 0 {
		t.doc.delete(tx, i)
	}
}

// key returns a key's value.
func (t *ytype) key(key string) (any, bool) {
	key = cleanString(key)
	if t.doc == nil {
		if t.prelim != nil {
			if i := t.prelim.keys.find(key); i >= 0 {
				return t.prelim.keys[i].value, true
			}
		}
		return nil, false
	}
	i := t.current(key)
	if i == 0 {
		return nil, false
	}
	return t.doc.lastValue(t.doc.item(i)), true
}

// eachKey calls fn for each key with a value, in the order in which the keys
// were first set.
func (t *ytype) eachKey(fn func(key string, value any)) {
	if t.doc == nil {
		if t.prelim != nil {
			for _, a := range t.prelim.keys {
				fn(a.key, a.value)
			}
		}
		return
	}
	for _, ci := range t.keys {
		ch := &t.doc.chains[ci]
		if it := t.doc.item(ch.tail); ch.tail != 0 && !it.deleted() {
			fn(ch.key, t.doc.lastValue(it))
		}
	}
}

// keyObject returns all keys and values as an object.
func (t *ytype) keyObject() *lib0.Object {
	o := lib0.NewObject()
	t.eachKey(o.Set)
	return o
}

func (t *ytype) set(key string, v any) error {
	key = cleanString(key)
	if t.doc != nil {
		return t.edit(func(tx *Transaction) error { return t.setKey(tx, key, v) })
	}
	if err := checkLocal(v, false); err != nil {
		return err
	}
	t.pre().keys.set(key, v)
	return nil
}

func (t *ytype) unset(key string) error {
	key = cleanString(key)
	if t.doc != nil {
		return t.edit(func(tx *Transaction) error { t.deleteKey(tx, key); return nil })
	}
	t.pre().keys.del(key)
	return nil
}
