package crdt

import (
	"math"
	"strconv"

	"github.com/inkwire/inkwire/lib0"
)

// The contents of items, by kind, as Doc.contents holds them:
//
//	kindString             nothing: the text is in the client's chars
//	kindDeleted, kindGC    nothing
//	kindAny, kindJSON      []any, one value a clock
//	kindBinary             []byte
//	kindEmbed              a lib0 value
//	kindFormat             *formatting
//	kindType               *ytype
//	kindDoc                *subdoc

// A formatting opens or, with a nil value, closes a formatting of the text that
// follows it.
type formatting struct {
	key   string
	value any
}

func (d *Doc) newContent(v any) int32 {
	if n := len(d.freeContents); n > 0 {
		i := d.freeContents[n-1]
		d.freeContents = d.freeContents[:n-1]
		d.contents[i] = v
		return i
	}
	if len(d.contents) == 0 {
		d.contents = append(d.contents, nil) // 0 is "none"
	}
	d.contents = append(d.contents, v)
	return int32(len(d.contents) - 1)
}

func (d *Doc) freeContent(it *item) {
	if it.content == 0 {
		return
	}
	d.contents[it.content] = nil
	d.freeContents = append(d.freeContents, it.content)
	it.content = 0
}

// The content of an item of the matching kind.
func (d *Doc) values(it *item) []any         { return d.contents[it.content].([]any) }
func (d *Doc) formatOf(it *item) *formatting { return d.contents[it.content].(*formatting) }
func (d *Doc) typeOf(it *item) *ytype        { return d.contents[it.content].(*ytype) }
func (d *Doc) subdocOf(it *item) *subdoc     { return d.contents[it.content].(*subdoc) }

// splitContent divides the content of l, which begins r now.
func (d *Doc) splitContent(c *client, l, r *item) {
	switch l.kind() {
	case kindString:
		if high, low, ok := c.chars.cut(r.clock); ok {
			d.cuts = append(d.cuts, cut{l.client(), r.clock, high, low})
		}
	case kindAny, kindJSON:
		v := d.values(l)
		d.contents[l.content] = v[:l.length:l.length]
		r.content = d.newContent(v[l.length:])
	}
}

// joinContent adds the content of r, l's neighbour of the same kind, to l's;
// false if contents of the kind don't join. l's length isn't raised yet.
func (d *Doc) joinContent(l, r *item) bool {
	switch l.kind() {
	case kindString, kindDeleted:
		return true
	case kindAny, kindJSON:
		d.contents[l.content] = append(d.values(l), d.values(r)...)
		d.freeContent(r)
		return true
	}
	return false
}

// contentValues returns an item's content as the values its type shows
// (Yjs: getContent), except for text.
func (d *Doc) contentValues(it *item) []any {
	switch it.kind() {
	case kindAny, kindJSON:
		return d.values(it)
	case kindString:
		c := &d.clients[it.client()].chars
		out := make([]any, it.length)
		for i := range out {
			out[i] = string(c.appendUTF8(nil, it.clock+uint32(i), 1))
		}
		return out
	case kindType:
		return []any{d.typeOf(it).public()}
	case kindDoc:
		return []any{d.subdocOf(it).doc}
	case kindBinary, kindEmbed:
		return []any{d.contents[it.content]}
	}
	return nil
}

// lastValue returns the last of an item's values: a key's value.
func (d *Doc) lastValue(it *item) any {
	v := d.contentValues(it)
	if len(v) == 0 {
		return lib0.Undefined
	}
	return v[len(v)-1]
}

// readContent decodes the content of e for an item that begins skip clocks into
// it. The bytes have been validated.
func (d *Doc) readContent(e *encoded, it *item, skip uint32) {
	dec := lib0.NewDecoder(e.content)
	switch e.kind() {
	case kindString:
		s, _ := dec.Bytes()
		d.clients[it.client()].chars.add(it.clock, s, e.length, skip)
	case kindBinary:
		b, _ := dec.Bytes()
		it.content = d.newContent(append([]byte(nil), b...))
	case kindAny, kindJSON:
		n, _ := dec.Uvarint()
		values := make([]any, 0, n)
		for range n {
			if e.kind() == kindAny {
				v, _ := dec.Any()
				values = append(values, v)
				continue
			}
			s, _ := dec.Bytes()
			values = append(values, parseJSONValue(s))
		}
		it.content = d.newContent(values[skip:])
	case kindEmbed:
		it.content = d.newContent(readValue(&dec, e.any))
	case kindFormat:
		key, _ := dec.Bytes()
		it.content = d.newContent(&formatting{d.intern(key), readValue(&dec, e.any)})
	case kindType:
		ref, _ := dec.Uvarint()
		t := d.reuseTypes[e.id]
		if t == nil {
			t = &ytype{kind: Kind(ref) + 1}
		}
		if t.kind == KindXmlElement || t.kind == KindXmlHook {
			name, _ := dec.Bytes()
			t.name = d.intern(name)
		}
		it.content = d.newContent(t)
	case kindDoc:
		s := d.reuseDocs[e.id]
		if s == nil {
			guid, o, _ := readGUID(&dec)
			s = readSubdoc(string(guid), o)
		}
		it.content = d.newContent(s)
	}
}

// parseJSONValue reads one value of a kindJSON content.
func parseJSONValue(s []byte) any {
	if string(s) == "undefined" {
		return lib0.Undefined
	}
	v, _ := lib0.ParseJSON(s)
	return v
}

// readValue reads the value of an embed or a format.
func readValue(dec *lib0.Decoder, asAny bool) any {
	if asAny {
		v, _ := dec.Any()
		return v
	}
	s, _ := dec.Bytes()
	switch string(s) {
	case "true":
		return true
	case "null":
		return nil
	}
	v, _ := lib0.ParseJSON(s)
	return v
}

// appendContent appends the content of it from offset on, as formatV1 has it or,
// with asAny, as formatAny does.
func (d *Doc) appendContent(dst []byte, it *item, offset uint32, asAny bool) []byte {
	switch it.kind() {
	case kindGC, kindDeleted:
		return lib0.AppendUvarint(dst, uint64(it.length-offset))
	case kindString:
		cs := &d.clients[it.client()].chars
		clock, n := it.clock+offset, it.length-offset
		dst = lib0.AppendUvarint(dst, uint64(cs.utf8Len(clock, n)))
		return cs.appendUTF8(dst, clock, n)
	case kindAny, kindJSON:
		values := d.values(it)[offset:]
		dst = lib0.AppendUvarint(dst, uint64(len(values)))
		for _, v := range values {
			if it.kind() == kindAny {
				dst = lib0.AppendAny(dst, v)
			} else {
				dst = appendJSONValue(dst, v)
			}
		}
		return dst
	case kindBinary:
		return lib0.AppendBytes(dst, d.contents[it.content].([]byte))
	case kindEmbed:
		return appendEither(dst, d.contents[it.content], asAny)
	case kindFormat:
		f := d.formatOf(it)
		dst = lib0.AppendString(dst, f.key)
		return appendEither(dst, f.value, asAny)
	case kindType:
		t := d.typeOf(it)
		dst = lib0.AppendUvarint(dst, t.kind.ref())
		if t.kind == KindXmlElement || t.kind == KindXmlHook {
			dst = lib0.AppendString(dst, t.name)
		}
		return dst
	default: // kindDoc
		s := d.subdocOf(it)
		dst = lib0.AppendString(dst, s.doc.guid)
		return lib0.AppendAny(dst, s.opts)
	}
}

func appendEither(dst []byte, v any, asAny bool) []byte {
	if asAny {
		return lib0.AppendAny(dst, v)
	}
	return appendJSONValue(dst, v)
}

func appendJSONValue(dst []byte, v any) []byte {
	switch v {
	case nil:
		return append(dst, "\x04null"...)
	case true:
		return append(dst, "\x04true"...)
	case lib0.Undefined:
		return append(dst, "\x09undefined"...)
	}
	text, _ := lib0.AppendJSON(nil, v) // values without a JSON text are refused when they come
	return lib0.AppendBytes(dst, text)
}

// sameValue compares two values as JavaScript's === does, where sameItem tells
// whether they came from one item: two objects are equal only then.
func sameValue(a, b any, sameItem bool) bool {
	switch a := a.(type) {
	case []any, *lib0.Object, []byte:
		return sameItem
	case float64:
		f, ok := b.(float64)
		return ok && a == f
	default:
		switch b.(type) {
		case []any, *lib0.Object, []byte:
			return false
		}
		return a == b
	}
}

// equalAttrs compares two formatting values as Yjs's equalAttrs does: like ===,
// but objects by their own values, one level deep.
func equalAttrs(a, b any) bool {
	oa, ok := properties(a)
	if !ok {
		return sameValue(a, b, false)
	}
	ob, ok := properties(b)
	if !ok || oa.Len() != ob.Len() {
		return false
	}
	for k, va := range oa.All() {
		vb, ok := ob.Get(k)
		if !ok && va != any(lib0.Undefined) {
			return false
		}
		if !sameValue(va, vb, sameObject(va, vb)) {
			return false
		}
	}
	return true
}

// properties views a value that JavaScript calls an object by its keys.
func properties(v any) (*lib0.Object, bool) {
	o := lib0.NewObject()
	switch v := v.(type) {
	case *lib0.Object:
		return v, true
	case []any:
		for i, e := range v {
			o.Set(strconv.Itoa(i), e)
		}
	case []byte:
		for i, e := range v {
			o.Set(strconv.Itoa(i), float64(e))
		}
	default:
		return nil, false
	}
	return o, true
}

// sameObject tells whether two lists, or two objects, are one and the same.
func sameObject(a, b any) bool {
	switch a := a.(type) {
	case []any:
		b, ok := b.([]any)
		return ok && len(a) > 0 && len(a) == len(b) && &a[0] == &b[0]
	case []byte:
		b, ok := b.([]byte)
		return ok && len(a) > 0 && len(a) == len(b) && &a[0] == &b[0]
	case *lib0.Object:
		return a == b
	}
	return false
}

// jsNumber turns Go's numbers into the one kind JavaScript has.
func jsNumber(v any) any {
	switch v := v.(type) {
	case int:
		return float64(v)
	case int32:
		return float64(v)
	case int64:
		return float64(v)
	case uint32:
		return float64(v)
	case uint64:
		return float64(v)
	case float32:
		if f := float64(v); !math.IsNaN(f) {
			return f
		}
		return math.NaN()
	}
	return v
}
