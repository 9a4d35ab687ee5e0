package difftest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/inkwire/inkwire/crdt"
	"github.com/inkwire/inkwire/lib0"
)

// parseTagged reads tagged JSON (see values_test.go) keeping the order of keys.
func parseTagged(raw json.RawMessage) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	v, err := parseNext(d)
	if err != nil {
		return nil, fmt.Errorf("tagged value %s: %w", raw, err)
	}
	return v, nil
}

func parseNext(d *json.Decoder) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token := token.(type) {
	case json.Number:
		return token.Float64()
	case json.Delim:
		if token == '[' {
			list := []any{}
			for d.More() {
				v, err := parseNext(d)
				if err != nil {
					return nil, err
				}
				list = append(list, v)
			}
			_, err := d.Token()
			return list, err
		}
		o := lib0.NewObject()
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			v, err := parseNext(d)
			if err != nil {
				return nil, err
			}
			o.Set(key.(string), v)
		}
		if _, err := d.Token(); err != nil {
			return nil, err
		}
		return untag(o)
	}
	return token, nil // a string, bool or nil
}

func untag(o *lib0.Object) (any, error) {
	if o.Len() == 0 {
		return o, nil
	}
	tag := o.Keys()[0]
	v, _ := o.Get(tag)
	switch tag {
	case "$undef":
		return lib0.Undefined, nil
	case "$big":
		n, err := strconv.ParseInt(v.(string), 10, 64)
		return lib0.BigInt(n), err
	case "$num":
		switch v {
		case "-0":
			return math.Copysign(0, -1), nil
		case "NaN":
			return math.Float64frombits(0x7ff8 << 48), nil // JavaScript's; that of package math has another bit set
		}
		return strconv.ParseFloat(v.(string), 64)
	case "$bytes":
		return base64.StdEncoding.DecodeString(v.(string))
	case "$new":
		return buildType(v.(string), o)
	}
	return o, nil
}

func field[T any](o *lib0.Object, name string) T {
	v, _ := o.Get(name)
	t, _ := v.(T)
	return t
}

// buildType makes a new type with preliminary content; what it holds is built already.
func buildType(kind string, o *lib0.Object) (any, error) {
	list := field[[]any](o, "list")
	entries := func(set func(string, any) error) error {
		for _, entry := range field[[]any](o, "map") {
			pair := entry.([]any)
			if err := set(pair[0].(string), pair[1]); err != nil {
				return err
			}
		}
		return nil
	}
	name := field[string](o, "name")
	switch kind {
	case "text", "xmltext":
		return buildText(kind, o)
	case "array":
		t := crdt.NewArray()
		return t, t.Push(list...)
	case "map":
		t := crdt.NewMap()
		return t, entries(t.Set)
	case "hook":
		t := crdt.NewXmlHook(name)
		return t, entries(t.Set)
	case "fragment":
		t := crdt.NewXmlFragment()
		return t, t.Insert(0, list...)
	case "element":
		t := crdt.NewXmlElement(name)
		if err := entries(t.SetAttr); err != nil {
			return nil, err
		}
		return t, t.Insert(0, list...)
	case "doc":
		options := crdt.Options{GUID: name}
		if gc, ok := o.Get("gc"); ok && gc == false {
			options.NoGC = true
		}
		options.AutoLoad = field[bool](o, "autoLoad")
		if meta, ok := o.Get("meta"); ok {
			options.Meta = meta
		}
		return crdt.New(options), nil
	}
	return nil, fmt.Errorf("no type %s", kind)
}

func buildText(kind string, o *lib0.Object) (crdt.Type, error) {
	var initial []string
	if text, ok := o.Get("text"); ok {
		initial = append(initial, text.(string))
	}
	var t textType
	if kind == "text" {
		t = crdt.NewText(initial...)
	} else {
		t = crdt.NewXmlText(initial...)
	}
	parts := field[[]any](o, "delta")
	if len(parts) == 0 {
		return t, nil
	}
	var delta []crdt.Op
	for _, part := range parts {
		p := part.(*lib0.Object)
		insert, _ := p.Get("insert")
		delta = append(delta, crdt.Op{Insert: insert, Attributes: field[*lib0.Object](p, "attributes")})
	}
	return t, t.ApplyDelta(delta)
}
