package crdt

import (
	"errors"
	"math"
	"strings"

	"github.com/inkwire/inkwire/lib0"
)

// A textPos is a place between two items of a text, and the formatting there
// (Yjs: ItemTextListPosition).
type textPos struct {
	left, right int32
	index       int
	attrs       attrs
}

// forward moves behind the item at the right.
func (p *textPos) forward(d *Doc) {
	it := d.item(p.right)
	if !it.deleted() {
		if it.kind() == kindFormat {
			p.attrs.update(d.formatOf(it))
		} else {
			p.index += int(it.length)
		}
	}
	p.left, p.right = p.right, it.right
}

// textPos finds an index of a text (Yjs: findPosition). Only without formatting
// to be known may it start from a marker.
func (t *ytype) textPos(tx *Transaction, index int, markers bool) textPos {
	d := t.doc
	pos := textPos{right: t.start()}
	if markers {
		if m := t.findMarker(index); m != nil {
			pos = textPos{left: d.item(m.item).left, right: m.item, index: m.index}
			index -= m.index
		}
	}
	for pos.right != 0 && index > 0 {
		it := d.item(pos.right)
		if !it.deleted() && it.kind() != kindFormat {
			if index < int(it.length) {
				d.cleanStart(tx, it.client(), it.clock+uint32(index))
			}
			index -= int(it.length)
		}
		pos.forward(d)
	}
	return pos
}

// insertItem puts a new item of the document's own client between left and
// right. fill sets its kind, length and content.
func (d *Doc) insertItem(tx *Transaction, chain, left, right int32, fill func(c *client, it *item)) int32 {
	ci := d.ensureClient(d.clientID)
	i, it := d.alloc()
	it.clock = d.clients[ci].state
	it.left, it.right, it.chain = left, right, chain
	it.origin, it.rightOrigin = noClient, noClient
	if left != 0 {
		l := d.item(left)
		it.origin, it.originClock = l.client(), l.end()-1
	}
	if right != 0 {
		r := d.item(right)
		it.rightOrigin, it.rightOriginClock = r.client(), r.clock
	}
	it.meta = uint32(ci) << clientShift
	it.length = 1
	fill(d.clients[ci], it)
	d.integrate(tx, i)
	return i
}

func (d *Doc) insertString(tx *Transaction, chain, left, right int32, s string) int32 {
	return d.insertItem(tx, chain, left, right, func(c *client, it *item) {
		it.meta |= kindString
		it.length = uint32(lib0.UTF16Len(s))
		c.chars.add(it.clock, []byte(s), it.length, 0)
	})
}

// insertOne inserts an item of one clock.
func (d *Doc) insertOne(tx *Transaction, chain, left, right int32, kind uint32, content any) int32 {
	return d.insertItem(tx, chain, left, right, func(_ *client, it *item) {
		it.meta |= kind
		it.content = d.newContent(content)
	})
}

// insertHere puts an item at pos and moves behind it.
func (t *ytype) insertHere(tx *Transaction, pos *textPos, kind uint32, content any) {
	pos.right = t.doc.insertOne(tx, t.list, pos.left, pos.right, kind, content)
	pos.forward(t.doc)
}

// skipEqual moves over deleted items and formatting that wanted says already
// (Yjs: minimizeAttributeChanges).
func (t *ytype) skipEqual(pos *textPos, wanted *lib0.Object) {
	d := t.doc
	for pos.right != 0 {
		it := d.item(pos.right)
		if !it.deleted() {
			if it.kind() != kindFormat {
				return
			}
			f := d.formatOf(it)
			if !equalAttrs(attribute(wanted, f.key), f.value) {
				return
			}
		}
		pos.forward(d)
	}
}

// open inserts the formatting items that lead to what is wanted, and returns
// those that lead back (Yjs: insertAttributes).
func (t *ytype) open(tx *Transaction, pos *textPos, wanted *lib0.Object) (negated attrs) {
	for key, value := range wanted.All() {
		current := pos.attrs.get(key)
		if !equalAttrs(current, value) {
			negated.set(key, current)
			t.insertHere(tx, pos, kindFormat, &formatting{key, value})
		}
	}
	return negated
}

// close inserts what open returned, except what stands there already
// (Yjs: insertNegatedAttributes).
func (t *ytype) close(tx *Transaction, pos *textPos, negated attrs) {
	d := t.doc
	for pos.right != 0 {
		it := d.item(pos.right)
		if !it.deleted() {
			if it.kind() != kindFormat {
				break
			}
			f := d.formatOf(it)
			if i := negated.find(f.key); i < 0 || !equalAttrs(negated[i].value, f.value) {
				break
			}
			negated.del(f.key)
		}
		pos.forward(d)
	}
	for _, a := range negated {
		t.insertHere(tx, pos, kindFormat, &formatting{a.key, a.value})
	}
}

// insertText inserts a string, an embed or a type with exactly the given
// formatting.
func (t *ytype) insertText(tx *Transaction, pos *textPos, content any, wanted *lib0.Object) error {
	d := t.doc
	if child, ok := content.(Type); ok {
		if err := t.checkValues([]any{child}, false); err != nil {
			return err
		}
	}
	for _, a := range pos.attrs {
		if v, ok := wanted.Get(a.key); !ok || v == any(lib0.Undefined) {
			wanted.Set(a.key, nil)
		}
	}
	t.skipEqual(pos, wanted)
	negated := t.open(tx, pos, wanted)
	switch v := content.(type) {
	case string:
		t.shiftMarkers(pos.index, lib0.UTF16Len(v))
		pos.right = d.insertString(tx, t.list, pos.left, pos.right, v)
	case Type:
		t.shiftMarkers(pos.index, 1)
		pos.right = d.insertOne(tx, t.list, pos.left, pos.right, kindType, v.base())
	default:
		t.shiftMarkers(pos.index, 1)
		pos.right = d.insertOne(tx, t.list, pos.left, pos.right, kindEmbed, v)
	}
	pos.forward(d)
	t.close(tx, pos, negated)
	return nil
}

// formatText gives length units from pos on the given formatting; past the end
// it adds line ends (Yjs: formatText).
func (t *ytype) formatText(tx *Transaction, pos *textPos, length int, wanted *lib0.Object) {
	d := t.doc
	t.skipEqual(pos, wanted)
	negated := t.open(tx, pos, wanted)
	for pos.right != 0 {
		it := d.item(pos.right)
		if length <= 0 && (len(negated) == 0 || !it.deleted() && it.kind() != kindFormat) {
			break
		}
		if !it.deleted() {
			if it.kind() == kindFormat {
				f := d.formatOf(it)
				if v, ok := wanted.Get(f.key); ok && v != any(lib0.Undefined) {
					if equalAttrs(v, f.value) {
						negated.del(f.key)
					} else {
						if length == 0 {
							break
						}
						negated.set(f.key, f.value)
					}
					d.delete(tx, pos.right)
				} else {
					pos.attrs.set(f.key, f.value)
				}
			} else {
				if length < int(it.length) {
					d.cleanStart(tx, it.client(), it.clock+uint32(length))
				}
				length -= int(it.length)
			}
		}
		pos.forward(d)
	}
	if length > 0 {
		pos.right = d.insertString(tx, t.list, pos.left, pos.right, strings.Repeat("\n", length))
		pos.forward(d)
	}
	t.close(tx, pos, negated)
}

// deleteText deletes length units from pos on, and formatting that becomes
// redundant by it (Yjs: deleteText).
func (t *ytype) deleteText(tx *Transaction, pos *textPos, length int) {
	d := t.doc
	all := length
	before := append(attrs(nil), pos.attrs...)
	start := pos.right
	for length > 0 && pos.right != 0 {
		it := d.item(pos.right)
		if !it.deleted() && it.kind() != kindFormat {
			switch it.kind() {
			case kindType, kindEmbed, kindString:
				if length < int(it.length) {
					d.cleanStart(tx, it.client(), it.clock+uint32(length))
				}
				length -= int(it.length)
				d.delete(tx, pos.right)
			}
		}
		pos.forward(d)
	}
	if start != 0 {
		d.cleanFormats(tx, start, pos.right, before, &pos.attrs, math.MaxInt)
	}
	t.shiftMarkers(pos.index, length-all)
}

var errIndex = errors.New("crdt: index out of range")
