package crdt

import (
	"fmt"
	"math"

	"github.com/inkwire/inkwire/lib0"
)

// A RelativePosition is a place in a type that stays where it is while others
// edit around it. Its zero value is no position.
type RelativePosition struct {
	// Item is the unit that the position is at; otherwise it is at the end of
	// the type (or its start, if Assoc < 0) that Root names or Type holds.
	Item    ID
	HasItem bool
	Root    string
	Type    ID
	HasType bool
	// Assoc tells to which side the position belongs: 0 and above to the unit
	// after it, below 0 to the one before.
	Assoc int
}

// NewRelativePosition returns the position at an index of a list or text. A type
// that is in no document, or was collected, has none.
func NewRelativePosition(t Type, index, assoc int) RelativePosition {
	y := t.base()
	d := y.doc
	if d == nil || y.collected() {
		return RelativePosition{Assoc: assoc}
	}
	index = max(index, 0)
	at := func(ci int32, clock uint32) RelativePosition {
		return RelativePosition{Item: ID{d.clients[ci].id, clock}, HasItem: true, Assoc: assoc}
	}
	end := RelativePosition{Root: y.name, Assoc: assoc}
	if id, ok := t.ID(); ok {
		end.Root, end.Type, end.HasType = "", id, true
	}
	if assoc < 0 {
		if index == 0 {
			return end
		}
		index--
	}
	for i := y.start(); i != 0; i = d.item(i).right {
		it := d.item(i)
		if it.visible() {
			if int(it.length) > index {
				return at(it.client(), it.clock+uint32(index))
			}
			index -= int(it.length)
		}
		if it.right == 0 && assoc < 0 {
			return at(it.client(), it.end()-1)
		}
	}
	return end
}

// Encode returns the position's encoding, yjs's encodeRelativePosition.
func (p RelativePosition) Encode() []byte {
	var b []byte
	switch {
	case p.HasItem:
		b = appendID([]byte{0}, p.Item)
	case p.HasType:
		b = appendID([]byte{2}, p.Type)
	default:
		b = lib0.AppendString([]byte{1}, p.Root)
	}
	return lib0.AppendInt(b, int64(p.Assoc))
}

// DecodeRelativePosition is the inverse of Encode.
func DecodeRelativePosition(b []byte) (p RelativePosition, err error) {
	defer func() { err = refuse("relative position", err) }()
	dec := lib0.NewDecoder(b)
	kind, err := dec.Uvarint()
	if err != nil {
		return p, err
	}
	switch kind {
	case 0:
		p.HasItem = true
		p.Item, err = readID(&dec)
	case 1:
		p.Root, err = dec.String()
	case 2:
		p.HasType = true
		p.Type, err = readID(&dec)
	default:
		err = malformed(0, "expected a kind from 0 to 2, found %d", kind)
	}
	if err != nil || dec.Remaining() == 0 {
		return p, err
	}
	assoc, negative, err := dec.Varint()
	if p.Assoc = int(min(assoc, math.MaxInt32)); negative {
		p.Assoc = -p.Assoc
	}
	return p, err
}

// AbsolutePosition finds where a position is now: a type and an index. It is
// false if what the position refers to hasn't come or is collected.
func (d *Doc) AbsolutePosition(p RelativePosition) (Type, int, bool) {
	if p.HasItem {
		return d.itemPosition(p)
	}
	t := d.roots[p.Root]
	if p.HasType {
		ci := d.clientIndex(p.Type.Client)
		if !d.has(ci, p.Type.Clock) {
			return nil, 0, false
		}
		it := d.item(d.itemAt(ci, p.Type.Clock))
		if it.kind() != kindType {
			return nil, 0, false
		}
		t = d.typeOf(it)
	}
	if t == nil || t.kind == KindUnknown {
		return nil, 0, false
	}
	if p.Assoc < 0 {
		return t.public(), 0, true
	}
	return t.public(), t.len(), true
}

func (d *Doc) itemPosition(p RelativePosition) (Type, int, bool) {
	ci := d.clientIndex(p.Item.Client)
	if !d.has(ci, p.Item.Clock) {
		return nil, 0, false
	}
	it := d.item(d.itemAt(ci, p.Item.Clock))
	if it.kind() == kindGC {
		return nil, 0, false
	}
	t := d.chains[it.chain].t
	index := 0
	if !t.dead() {
		if it.visible() {
			index = int(p.Item.Clock - it.clock)
			if p.Assoc < 0 {
				index++
			}
		}
		for i := it.left; i != 0; i = d.item(i).left {
			if l := d.item(i); l.visible() {
				index += int(l.length)
			}
		}
	}
	if t.kind == KindUnknown {
		return nil, 0, false
	}
	return t.public(), index, true
}

// String shows the position for people.
func (p RelativePosition) String() string {
	switch {
	case p.HasItem:
		return fmt.Sprintf("at %v", p.Item)
	case p.HasType:
		return fmt.Sprintf("end of the type %v", p.Type)
	}
	return fmt.Sprintf("end of the root %q", p.Root)
}
