package crdt

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/inkwire/inkwire/lib0"
)

// A Text is formatted text. Its indexes and lengths count UTF-16 units.
type Text struct{ handle }

// NewText makes a text to be put into a document.
func NewText(initial ...string) *Text {
	t := (&ytype{kind: KindText}).public().(*Text)
	t.init(initial)
	return t
}

func (t *Text) init(initial []string) {
	for _, s := range initial {
		t.Insert(0, s, nil) // preliminary: can't fail
	}
}

// Len is the text's length; an embed or a type counts as one.
func (t *Text) Len() int {
	if t.t.doc == nil {
		return 0
	}
	return t.t.len()
}

// String returns the text without formatting and embeds.
func (t *Text) String() string {
	if t.t.doc == nil {
		return ""
	}
	d := t.t.doc
	var out []byte
	for i := t.t.start(); i != 0; i = d.item(i).right {
		if it := d.item(i); it.kind() == kindString && !it.deleted() {
			out = d.clients[it.client()].chars.appendUTF8(out, it.clock, it.length)
		}
	}
	return string(out)
}

// ToJSON returns String.
func (t *Text) ToJSON() any { return t.String() }

// write runs an edit now or, while the text belongs to no document, later.
func (t *Text) write(fn func(*Transaction) error) error {
	if t.t.doc == nil {
		p := t.t.pre()
		p.ops = append(p.ops, fn)
		return nil
	}
	return t.t.edit(fn)
}

// copyAttrs copies attributes that are about to be completed.
func copyAttrs(o *lib0.Object) *lib0.Object {
	if o == nil {
		return lib0.NewObject()
	}
	return o.Clone()
}

// checkAttrs refuses attributes that an update can't carry.
func checkAttrs(o *lib0.Object) error {
	if o == nil {
		return nil
	}
	for k, v := range o.All() {
		if !utf8.ValidString(k) {
			return fmt.Errorf("crdt: attribute %q is not UTF-8", k)
		}
		if err := checkJSONValue(v); err != nil {
			return fmt.Errorf("crdt: attribute %q: %w", k, err)
		}
	}
	return nil
}

// checkJSONValue refuses values of formats and embeds that format V1, which has
// them as JSON, can't carry.
func checkJSONValue(v any) error {
	if err := lib0.Check(v); err != nil {
		return err
	}
	_, err := lib0.AppendJSON(nil, v)
	return err
}

// maxText is the highest number of units that one call may name: past the end of
// the text, formatting adds line ends.
const maxText = 1 << 24

func (t *Text) check(index, n int, attrs *lib0.Object) error {
	if index < 0 || n < 0 || n > maxText {
		return fmt.Errorf("%w: %d units at %d", errIndex, n, index)
	}
	return checkAttrs(attrs)
}

// Insert inserts s at index. With nil attrs it takes the formatting of what is
// before it, else exactly that of attrs. Past the end it inserts at the end.
func (t *Text) Insert(index int, s string, attrs *lib0.Object) error {
	if err := t.check(index, 0, attrs); err != nil || s == "" {
		return err
	}
	s = cleanString(s)
	return t.write(func(tx *Transaction) error {
		pos := t.t.textPos(tx, index, attrs == nil)
		wanted := copyAttrs(attrs)
		if attrs == nil {
			for _, a := range pos.attrs {
				wanted.Set(a.key, a.value)
			}
		}
		return t.t.insertText(tx, &pos, s, wanted)
	})
}

// InsertEmbed inserts a value or a type at index, with exactly the formatting of
// attrs. A string becomes text.
func (t *Text) InsertEmbed(index int, v any, attrs *lib0.Object) error {
	if err := t.check(index, 0, attrs); err != nil {
		return err
	}
	v = jsNumber(v)
	if err := t.checkEmbed(v); err != nil {
		return err
	}
	return t.write(func(tx *Transaction) error {
		pos := t.t.textPos(tx, index, attrs == nil)
		return t.t.insertText(tx, &pos, v, copyAttrs(attrs))
	})
}

// Delete deletes n units from index on, fewer at the end.
func (t *Text) Delete(index, n int) error {
	if err := t.check(index, n, nil); err != nil || n == 0 {
		return err
	}
	return t.write(func(tx *Transaction) error {
		pos := t.t.textPos(tx, index, true)
		t.t.deleteText(tx, &pos, n)
		return nil
	})
}

// Format gives n units from index on the formatting of attrs; nil values take
// formatting away.
func (t *Text) Format(index, n int, attrs *lib0.Object) error {
	if err := t.check(index, n, attrs); err != nil || n == 0 {
		return err
	}
	return t.write(func(tx *Transaction) error {
		pos := t.t.textPos(tx, index, false)
		if pos.right == 0 {
			return nil
		}
		t.t.formatText(tx, &pos, n, copyAttrs(attrs))
		return nil
	})
}

// ApplyDelta makes the changes of a delta, as Quill defines it.
func (t *Text) ApplyDelta(delta []Op) error {
	for _, op := range delta {
		if err := t.check(op.Retain, op.Delete, op.Attributes); err != nil {
			return err
		}
		if op.Retain > maxText {
			return fmt.Errorf("%w: retain %d", errIndex, op.Retain)
		}
		if _, ok := op.Insert.(string); op.Insert == nil || ok {
			continue
		}
		if err := t.checkEmbed(jsNumber(op.Insert)); err != nil {
			return err
		}
	}
	return t.write(func(tx *Transaction) error {
		pos := textPos{right: t.t.start()}
		for _, op := range delta {
			switch {
			case op.Insert != nil:
				v := jsNumber(op.Insert)
				if s, ok := v.(string); ok {
					if s == "" {
						continue
					}
					v = cleanString(s)
				}
				if err := t.t.insertText(tx, &pos, v, copyAttrs(op.Attributes)); err != nil {
					return err
				}
			case op.Retain > 0:
				t.t.formatText(tx, &pos, op.Retain, copyAttrs(op.Attributes))
			case op.Delete > 0:
				t.t.deleteText(tx, &pos, op.Delete)
			}
		}
		return nil
	})
}

// Attr returns an attribute of the text as a whole.
func (t *Text) Attr(name string) (any, bool) { return t.t.key(name) }

// SetAttr sets an attribute of the text as a whole.
func (t *Text) SetAttr(name string, v any) error {
	if err := checkLocal(v, false); err != nil {
		return err
	}
	if t.t.doc == nil {
		t.t.pre().types = append(t.t.pre().types, v)
	}
	return t.write(func(tx *Transaction) error { return t.t.setKey(tx, cleanString(name), v) })
}

// DeleteAttr deletes an attribute of the text as a whole.
func (t *Text) DeleteAttr(name string) error {
	return t.write(func(tx *Transaction) error { t.t.deleteKey(tx, name); return nil })
}

// Attrs returns all attributes of the text as a whole.
func (t *Text) Attrs() *lib0.Object { return t.t.keyObject() }

// checkEmbed refuses embeds that an update can't carry. A string is inserted as
// text, so it can't be empty.
func (t *Text) checkEmbed(v any) error {
	if v == "" {
		return errors.New("crdt: embed: an empty string")
	}
	if _, ok := v.(Type); ok {
		if err := checkLocal(v, false); err != nil {
			return err
		}
		if t.t.doc == nil {
			t.t.pre().types = append(t.t.pre().types, v)
		}
		return nil
	}
	if err := checkJSONValue(v); err != nil {
		return fmt.Errorf("crdt: embed: %w", err)
	}
	return nil
}

// An XmlText is a Text among XML nodes.
type XmlText struct{ Text }

// NewXmlText makes a text to be put into a document.
func NewXmlText(initial ...string) *XmlText {
	t := (&ytype{kind: KindXmlText}).public().(*XmlText)
	t.init(initial)
	return t
}

// String returns the text with its formatting as XML elements, without
// escaping, as yjs does.
func (t *XmlText) String() string {
	var b strings.Builder
	for _, op := range t.ToDelta() {
		var names []string
		if op.Attributes != nil {
			names = sortedUTF16(op.Attributes.Keys())
		}
		for _, name := range names {
			b.WriteString("<" + name)
			v, _ := op.Attributes.Get(name)
			attrs, _ := asKeys(v)
			for _, k := range sortedUTF16(attrs.Keys()) {
				v, _ := attrs.Get(k)
				fmt.Fprintf(&b, ` %s="%s"`, k, display(v))
			}
			b.WriteString(">")
		}
		b.WriteString(display(op.Insert))
		for _, name := range slices.Backward(names) {
			b.WriteString("</" + name + ">")
		}
	}
	return b.String()
}

// ToJSON returns String.
func (t *XmlText) ToJSON() any { return t.String() }

// asKeys views a value as for…in does: a string by its units, what is no object
// as empty.
func asKeys(v any) (*lib0.Object, bool) {
	if s, ok := v.(string); ok {
		o := lib0.NewObject()
		i := 0
		for _, r := range s {
			for range lib0.UTF16Len(string(r)) {
				o.Set(fmt.Sprint(i), string(r))
				i++
			}
		}
		return o, true
	}
	if o, ok := properties(v); ok {
		return o, true
	}
	return lib0.NewObject(), false
}
