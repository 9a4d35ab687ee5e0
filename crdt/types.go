package crdt

import (
	"fmt"
	"strings"

	"github.com/inkwire/inkwire/lib0"
)

// A Type is one of Yjs's shared types: *Array, *Map, *Text, *XmlFragment,
// *XmlElement, *XmlText or *XmlHook. A nested type has one handle: handles are
// equal if their types are.
type Type interface {
	// Kind tells which type it is.
	Kind() Kind
	// ID is that of the item that holds the type; false for a root, and before
	// the type belongs to a document.
	ID() (ID, bool)
	// Parent is the type that it stands in; nil for a root.
	Parent() Type
	// ToJSON is its content as lib0 values, as yjs's toJSON gives it.
	ToJSON() any

	base() *ytype
}

type handle struct{ t *ytype }

func (h handle) base() *ytype { return h.t }

// Kind implements Type.
func (h handle) Kind() Kind { return h.t.kind }

// ID implements Type.
func (h handle) ID() (ID, bool) {
	if h.t.doc == nil || h.t.item == 0 {
		return ID{}, false
	}
	it := h.t.doc.item(h.t.item)
	return ID{h.t.doc.clients[it.client()].id, it.clock}, true
}

// Parent implements Type.
func (h handle) Parent() Type {
	if p := h.t.parent(); p != nil {
		return p.public()
	}
	return nil
}

// public returns the type's handle.
func (t *ytype) public() Type {
	if t.handle == nil {
		h := handle{t}
		switch t.kind {
		case KindArray:
			t.handle = &Array{h}
		case KindMap:
			t.handle = &Map{h}
		case KindText:
			t.handle = &Text{h}
		case KindXmlElement:
			t.handle = &XmlElement{XmlFragment{h}}
		case KindXmlFragment:
			t.handle = &XmlFragment{h}
		case KindXmlHook:
			t.handle = &XmlHook{Map{h}}
		case KindXmlText:
			t.handle = &XmlText{Text{h}}
		default:
			return nil
		}
	}
	return t.handle
}

func rootOf[T Type](d *Doc, name string, kind Kind) (T, error) {
	t, err := d.root(cleanString(name), kind)
	if err != nil {
		var none T
		return none, err
	}
	return t.public().(T), nil
}

// Array returns the root type of the given name, an error if it is of another
// kind.
func (d *Doc) Array(name string) (*Array, error) { return rootOf[*Array](d, name, KindArray) }

// Map is like Array.
func (d *Doc) Map(name string) (*Map, error) { return rootOf[*Map](d, name, KindMap) }

// Text is like Array.
func (d *Doc) Text(name string) (*Text, error) { return rootOf[*Text](d, name, KindText) }

// XmlFragment is like Array.
func (d *Doc) XmlFragment(name string) (*XmlFragment, error) {
	return rootOf[*XmlFragment](d, name, KindXmlFragment)
}

// XmlText is like Array.
func (d *Doc) XmlText(name string) (*XmlText, error) { return rootOf[*XmlText](d, name, KindXmlText) }

// XmlElement is like Array. A root element has the node name "UNDEFINED".
func (d *Doc) XmlElement(name string) (*XmlElement, error) {
	return rootOf[*XmlElement](d, name, KindXmlElement)
}

// An Array is a list of values.
type Array struct{ handle }

// NewArray makes an array to be put into a document.
func NewArray(values ...any) *Array {
	a := (&ytype{kind: KindArray}).public().(*Array)
	a.t.pre().values = values
	return a
}

// Len is the number of values.
func (a *Array) Len() int { return a.t.len() }

// Get returns the value at index i, nil if there is none.
func (a *Array) Get(i int) any { v, _ := a.t.get(i); return v }

// Slice returns all values.
func (a *Array) Slice() []any { return a.t.values() }

// Insert inserts values at index i.
func (a *Array) Insert(i int, values ...any) error { return a.t.insertList(i, values) }

// Push inserts values at the end.
func (a *Array) Push(values ...any) error {
	if a.t.doc == nil {
		return a.t.insertList(a.t.len(), values)
	}
	return a.t.edit(func(tx *Transaction) error { return a.t.push(tx, values) })
}

// Delete deletes n values from index i on.
func (a *Array) Delete(i, n int) error { return a.t.deleteList(i, n) }

// ToJSON returns the values, types among them as their own ToJSON.
func (a *Array) ToJSON() any { return jsonList(a.t.values()) }

// A Map has values by key.
type Map struct{ handle }

// NewMap makes a map to be put into a document.
func NewMap() *Map { return (&ytype{kind: KindMap}).public().(*Map) }

// Len is the number of keys.
func (m *Map) Len() int { return len(m.Keys()) }

// Keys returns the keys in the order in which they were first set.
func (m *Map) Keys() []string {
	var keys []string
	m.t.eachKey(func(k string, _ any) { keys = append(keys, k) })
	return keys
}

// Get returns a key's value.
func (m *Map) Get(key string) (any, bool) { return m.t.key(key) }

// Has tells whether a key has a value.
func (m *Map) Has(key string) bool { _, ok := m.t.key(key); return ok }

// Set gives a key a value.
func (m *Map) Set(key string, value any) error { return m.t.set(key, value) }

// Delete deletes a key.
func (m *Map) Delete(key string) error { return m.t.unset(key) }

// ToJSON returns the map as an object.
func (m *Map) ToJSON() any {
	o := lib0.NewObject()
	m.t.eachKey(func(k string, v any) { o.Set(k, jsonOf(v)) })
	return o
}

// An XmlFragment is a list of XML nodes.
type XmlFragment struct{ handle }

// NewXmlFragment makes a fragment to be put into a document.
func NewXmlFragment() *XmlFragment {
	return (&ytype{kind: KindXmlFragment}).public().(*XmlFragment)
}

// Len is the number of nodes.
func (f *XmlFragment) Len() int { return f.t.len() }

// Get returns the node at index i, nil if there is none.
func (f *XmlFragment) Get(i int) any { v, _ := f.t.get(i); return v }

// Slice returns all nodes.
func (f *XmlFragment) Slice() []any { return f.t.values() }

// Insert inserts nodes at index i.
func (f *XmlFragment) Insert(i int, nodes ...any) error { return f.t.insertList(i, nodes) }

// Push inserts nodes at the end.
func (f *XmlFragment) Push(nodes ...any) error { return f.t.insertList(f.t.len(), nodes) }

// Delete deletes n nodes from index i on.
func (f *XmlFragment) Delete(i, n int) error { return f.t.deleteList(i, n) }

// String returns the nodes as XML, without escaping, as yjs does.
func (f *XmlFragment) String() string {
	var b strings.Builder
	for _, v := range f.t.values() {
		b.WriteString(display(v))
	}
	return b.String()
}

// ToJSON returns String.
func (f *XmlFragment) ToJSON() any { return f.String() }

// An XmlElement is an XML element.
type XmlElement struct{ XmlFragment }

// NewXmlElement makes an element to be put into a document.
func NewXmlElement(nodeName string) *XmlElement {
	return (&ytype{kind: KindXmlElement, name: cleanString(nodeName)}).public().(*XmlElement)
}

// NodeName is the element's name.
func (e *XmlElement) NodeName() string {
	if e.t.doc != nil && e.t.item == 0 {
		return "UNDEFINED" // a root: its name isn't that of a node
	}
	return e.t.name
}

// Attr returns an attribute's value.
func (e *XmlElement) Attr(name string) (any, bool) { return e.t.key(name) }

// SetAttr sets an attribute.
func (e *XmlElement) SetAttr(name string, value any) error { return e.t.set(name, value) }

// DeleteAttr deletes an attribute.
func (e *XmlElement) DeleteAttr(name string) error { return e.t.unset(name) }

// Attrs returns all attributes.
func (e *XmlElement) Attrs() *lib0.Object { return e.t.keyObject() }

// String returns the element as XML, without escaping, as yjs does.
func (e *XmlElement) String() string {
	var b strings.Builder
	name := strings.ToLower(e.NodeName())
	b.WriteString("<" + name)
	attrs := e.Attrs()
	for _, k := range sortedUTF16(attrs.Keys()) {
		v, _ := attrs.Get(k)
		fmt.Fprintf(&b, ` %s="%s"`, k, display(v))
	}
	b.WriteString(">" + e.XmlFragment.String() + "</" + name + ">")
	return b.String()
}

// ToJSON returns String.
func (e *XmlElement) ToJSON() any { return e.String() }

// An XmlHook is a map that stands for a node of an application's own kind.
type XmlHook struct{ Map }

// NewXmlHook makes a hook to be put into a document.
func NewXmlHook(name string) *XmlHook {
	return (&ytype{kind: KindXmlHook, name: cleanString(name)}).public().(*XmlHook)
}

// HookName is the hook's name.
func (h *XmlHook) HookName() string { return h.t.name }

// jsonOf returns a value with types replaced by their ToJSON.
func jsonOf(v any) any {
	if t, ok := v.(Type); ok {
		return t.ToJSON()
	}
	return v
}

func jsonList(values []any) []any {
	for i, v := range values {
		values[i] = jsonOf(v)
	}
	return values
}
