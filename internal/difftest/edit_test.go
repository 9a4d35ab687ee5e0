package difftest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/inkwire/inkwire/crdt"
	"github.com/inkwire/inkwire/lib0"
)

// The local edits of a session, as in peers/edit.mjs.

// What the kinds of types have in common.
type (
	attributed interface {
		crdt.Type
		Attrs() *lib0.Object
		SetAttr(name string, v any) error
		DeleteAttr(name string) error
	}
	textType interface {
		attributed
		Len() int
		String() string
		ToDelta() []crdt.Op
		ToDeltaSnapshot(snapshot, previous *crdt.Snapshot) []crdt.Op
		Insert(at int, text string, attributes *lib0.Object) error
		InsertEmbed(at int, v any, attributes *lib0.Object) error
		Delete(at, n int) error
		Format(at, n int, attributes *lib0.Object) error
		ApplyDelta(delta []crdt.Op) error
	}
	listType interface {
		crdt.Type
		Len() int
		Insert(at int, values ...any) error
		Push(values ...any) error
		Delete(at, n int) error
		Slice() []any
	}
	mapType interface {
		crdt.Type
		Len() int
		Keys() []string
		Get(key string) (any, bool)
		Set(key string, v any) error
		Delete(key string) error
	}
	elementType interface {
		listType
		attributed
		NodeName() string
	}
	hookType interface {
		mapType
		HookName() string
	}
)

// roots are the roots of every session's documents, in the order in which types are looked for.
var roots = []struct{ name, kind string }{{"t", "text"}, {"a", "array"}, {"m", "map"}, {"x", "fragment"}, {"e", "element"}, {"s", "xmltext"}}

// ask asks a document for the root of a kind.
func (p *peer) ask(kind string) (crdt.Type, error) {
	if kind == "hook" {
		kind = "map"
	}
	for _, root := range roots {
		if root.kind == kind {
			return p.askAs(root.name, kind)
		}
	}
	return nil, fmt.Errorf("no root of kind %s", kind)
}

// askAs asks a document for the root of a name as a kind.
func (p *peer) askAs(name, kind string) (crdt.Type, error) {
	var t crdt.Type
	var err error
	switch kind {
	case "text":
		t, err = p.doc.Text(name)
	case "array":
		t, err = p.doc.Array(name)
	case "map":
		t, err = p.doc.Map(name)
	case "fragment":
		t, err = p.doc.XmlFragment(name)
	case "element":
		t, err = p.doc.XmlElement(name)
	case "xmltext":
		t, err = p.doc.XmlText(name)
	}
	if err != nil {
		return nil, err
	}
	p.asked[name] = t
	return t, nil
}

// nested lists the types below the roots that have been asked for.
func (p *peer) nested() []crdt.Type {
	var found []crdt.Type
	var visit func(t crdt.Type)
	enter := func(v any) {
		if t, ok := v.(crdt.Type); ok {
			found = append(found, t)
			visit(t)
		}
	}
	visit = func(t crdt.Type) {
		switch t := t.(type) {
		case textType:
			for _, o := range t.ToDelta() {
				enter(o.Insert)
			}
		case listType:
			for _, v := range t.Slice() {
				enter(v)
			}
		}
		switch t := t.(type) {
		case mapType:
			keys := slices.Clone(t.Keys())
			slices.Sort(keys)
			for _, k := range keys {
				v, _ := t.Get(k)
				enter(v)
			}
		case attributed:
			attrs := t.Attrs()
			keys := slices.Clone(attrs.Keys())
			slices.Sort(keys)
			for _, k := range keys {
				v, _ := attrs.Get(k)
				enter(v)
			}
		}
	}
	for _, root := range roots {
		if t := p.asked[root.name]; t != nil {
			visit(t)
		}
	}
	return found
}

// pick is the type an operation works on: the root of its kind for an even n, else one of that kind below the roots.
func (p *peer) pick(kind string, n int) (crdt.Type, error) {
	if n%2 == 1 {
		var all []crdt.Type
		for _, t := range p.nested() {
			if kindNames[t.Kind()] == kind {
				all = append(all, t)
			}
		}
		if len(all) > 0 {
			return all[(n>>1)%len(all)], nil
		}
	}
	return p.ask(kind)
}

func pickAs[T any](p *peer, kind string, n int) (T, error) {
	var none T
	t, err := p.pick(kind, n)
	if err != nil {
		return none, err
	}
	as, ok := t.(T)
	if !ok {
		return none, fmt.Errorf("a %s is a %T", kind, t)
	}
	return as, nil
}

func parseAttributes(raw json.RawMessage) (*lib0.Object, error) {
	if raw == nil {
		return nil, nil
	}
	v, err := parseTagged(raw)
	if err != nil {
		return nil, err
	}
	return v.(*lib0.Object), nil
}

func (p *peer) edit(o *op) error {
	switch o.K {
	case "tx":
		var origin any
		if o.O != "" {
			origin = o.O
		}
		return p.doc.Transact(origin, func(*crdt.Transaction) error {
			for i := range o.Ops {
				if err := p.edit(&o.Ops[i]); err != nil {
					return err
				}
			}
			return nil
		})
	case "tins", "temb", "tdel", "tfmt", "tdelta":
		t, err := pickAs[textType](p, o.T, o.N)
		if err != nil {
			return err
		}
		return editText(t, o)
	case "aset", "adel":
		t, err := pickAs[attributed](p, o.T, o.N)
		if err != nil {
			return err
		}
		if o.K == "adel" {
			return t.DeleteAttr(o.S)
		}
		v, err := parseTagged(o.V)
		if err != nil {
			return err
		}
		return t.SetAttr(o.S, v)
	case "lins", "lpush", "ldel":
		t, err := pickAs[listType](p, o.T, o.N)
		if err != nil {
			return err
		}
		return editList(t, o)
	case "mset", "mdel":
		t, err := pickAs[mapType](p, o.T, o.N)
		if err != nil {
			return err
		}
		if o.K == "mdel" {
			return t.Delete(o.S)
		}
		v, err := parseTagged(o.V)
		if err != nil {
			return err
		}
		return t.Set(o.S, v)
	}
	return errUnknownStep
}

var errUnknownStep = errors.New("not a local edit")

func editText(t textType, o *op) error {
	attributes, err := parseAttributes(o.A)
	if err != nil {
		return err
	}
	at := o.I % (t.Len() + 1)
	length := min(o.L, t.Len()-at)
	switch o.K {
	case "tins":
		return t.Insert(at, o.S, attributes)
	case "temb":
		v, err := parseTagged(o.V)
		if err != nil {
			return err
		}
		return t.InsertEmbed(at, v, attributes)
	case "tdel":
		if length <= 0 {
			return nil
		}
		return t.Delete(at, length)
	case "tfmt":
		if o.Over {
			length = o.L
		}
		if length <= 0 {
			return nil
		}
		return t.Format(at, length, attributes)
	}
	rest := t.Len()
	var delta []crdt.Op
	for _, part := range o.D {
		var d crdt.Op
		switch {
		case part.V != nil:
			if d.Insert, err = parseTagged(part.V); err != nil {
				return err
			}
		case rest == 0:
			continue
		case part.R != nil:
			d.Retain = *part.R%rest + 1
		default:
			d.Delete = *part.X%rest + 1
		}
		rest -= d.Retain + d.Delete
		if d.Attributes, err = parseAttributes(part.A); err != nil {
			return err
		}
		delta = append(delta, d)
	}
	return t.ApplyDelta(delta)
}

func editList(t listType, o *op) error {
	at := o.I % (t.Len() + 1)
	if o.K == "ldel" {
		if n := min(o.L, t.Len()-at); n > 0 {
			return t.Delete(at, n)
		}
		return nil
	}
	v, err := parseTagged(o.V)
	if err != nil {
		return err
	}
	if o.K == "lpush" {
		return t.Push(v.([]any)...)
	}
	return t.Insert(at, v.([]any)...)
}
