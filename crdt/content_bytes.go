package crdt

import (
	"bytes"
	"unicode/utf8"

	"github.com/inkwire/inkwire/lib0"
)

// This file checks the content of structs, and rewrites it as yjs does between
// reading and writing: canonical, in another format, or without its beginning.

// replacement is U+FFFD, which stands for half a surrogate pair.
const replacement = "\ufffd"

// check finds what readStruct passes over: text that isn't UTF-8, values that
// aren't, ids that can't be. The struct's last byte is before end.
func (e *encoded) check(end int) error {
	switch e.kind() {
	case kindGC, kindSkip:
		return nil
	}
	if e.info&infoOrigin != 0 && e.origin.Client == e.id.Client && e.origin.Clock >= e.id.Clock {
		return malformed(e.offset, "origin %d:%d is not before the item %d:%d", e.origin.Client, e.origin.Clock, e.id.Client, e.id.Clock)
	}
	if e.info&infoRight != 0 && e.right.Client == e.id.Client && e.right.Clock >= e.id.Clock {
		return malformed(e.offset, "right origin %d:%d is not before the item %d:%d", e.right.Client, e.right.Clock, e.id.Client, e.id.Clock)
	}
	if e.orphan() {
		if !e.hasRoot && e.parentID.Client == e.id.Client && e.parentID.Clock >= e.id.Clock {
			return malformed(e.offset, "parent %d:%d is not before the item %d:%d", e.parentID.Client, e.parentID.Clock, e.id.Client, e.id.Clock)
		}
		if !utf8.Valid(e.root) || !utf8.Valid(e.sub) {
			return malformed(e.offset, "expected UTF-8 in the parent's name or key")
		}
	}
	switch e.kind() {
	case kindDeleted, kindBinary:
		return nil
	}
	if e.ascii {
		return nil
	}
	return e.checkContent(end)
}

func (e *encoded) checkContent(end int) error {
	if e.kind() == kindString {
		// All of it is text but the length, whose last byte is below 0x80.
		i := 0
		for e.content[i] >= 0x80 {
			i++
		}
		if utf8.Valid(e.content[i+1:]) {
			return nil
		}
	}
	d := lib0.NewDecoderAt(e.content, e.contentOffset(end))
	var err error
	switch e.kind() {
	case kindString:
		_, err = d.Text()
	case kindEmbed:
		err = checkValue(&d, e.any)
	case kindFormat:
		if _, err = d.Text(); err == nil {
			err = checkValue(&d, e.any)
		}
	case kindType:
		ref, _ := d.Uvarint()
		if ref == refXMLElement || ref == refXMLHook {
			_, err = d.Text()
		}
	case kindJSON:
		_, _ = d.Uvarint()
		for range e.length {
			if err = checkJSON(&d, true); err != nil {
				break
			}
		}
	case kindAny:
		_, _ = d.Uvarint()
		for range e.length {
			if _, err = d.ScanAny(); err != nil {
				break
			}
		}
	case kindDoc:
		if _, err = d.Text(); err == nil {
			_, _, err = readDocOptions(&d)
		}
	}
	return err
}

// checkValue checks the value of a format or embed, which must have a form in
// JSON: V1 has no other.
func checkValue(d *lib0.Decoder, anyValues bool) error {
	if !anyValues {
		return checkJSON(d, false)
	}
	at := d.Offset()
	if rest := d.Rest(); len(rest) > 0 && rest[0] == anyUndefined {
		return malformed(at, "expected a value with a form in JSON, found undefined")
	}
	info, err := d.ScanAny()
	if err == nil && info.BigInt {
		return malformed(at, "expected a value with a form in JSON, found a bigint")
	}
	return err
}

// anyUndefined is how undefined is encoded; in ContentJSON it is a word.
const (
	anyUndefined  = 127
	jsonUndefined = "undefined"
)

// checkJSON checks a string that holds JSON text, or the word undefined if
// that is allowed.
func checkJSON(d *lib0.Decoder, undefined bool) error {
	text, err := d.Bytes()
	if err != nil || undefined && string(text) == jsonUndefined {
		return err
	}
	if _, err := lib0.ScanJSON(text); err != nil {
		if e, ok := err.(*lib0.Error); ok {
			e.Offset += d.Offset() - len(text)
		}
		return err
	}
	return nil
}

// docOptions are what yjs keeps of a subdocument's options.
type docOptions struct {
	noGC     bool
	autoLoad bool
	meta     any // nil if there is none
}

// readDocOptions reads a subdocument's options. An option guid replaces the
// guid before, as in yjs; it is returned with ok set.
func readDocOptions(d *lib0.Decoder) (o docOptions, guid *string, err error) {
	at := d.Offset()
	v, err := d.Any()
	if err != nil {
		return o, nil, err
	}
	options, ok := v.(*lib0.Object)
	if !ok {
		return o, nil, malformed(at, "expected an object of options of a subdocument")
	}
	if gc, ok := options.Get("gc"); ok && gc != lib0.Undefined {
		o.noGC = !truthy(gc)
	}
	autoLoad, _ := options.Get("autoLoad")
	o.autoLoad = truthy(autoLoad)
	if meta, _ := options.Get("meta"); meta != lib0.Undefined {
		o.meta = meta
	}
	if g, ok := options.Get("guid"); ok {
		s, ok := g.(string)
		if !ok {
			return o, nil, malformed(at, "expected a string as guid of a subdocument")
		}
		guid = &s
	}
	return o, guid, nil
}

// truthy is JavaScript's idea of what is true.
func truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case float64:
		return v != 0 && v == v
	case lib0.BigInt:
		return v != 0
	case string:
		return v != ""
	}
	return v != lib0.Undefined
}

// append appends the options as yjs writes them.
func (o docOptions) append(dst []byte) []byte {
	v := new(lib0.Object)
	if o.noGC {
		v.Set("gc", false)
	}
	if o.autoLoad {
		v.Set("autoLoad", true)
	}
	if o.meta != nil {
		v.Set("meta", o.meta)
	}
	return lib0.AppendAny(dst, v)
}

// readGUID reads the content of a subdocument: its guid and options.
func readGUID(d *lib0.Decoder) (guid []byte, o docOptions, err error) {
	if guid, err = d.Bytes(); err != nil {
		return nil, o, err
	}
	o, other, err := readDocOptions(d)
	if other != nil {
		guid = []byte(*other)
	}
	return guid, o, err
}

// appendContent appends the content of a struct from its unit offset on, as yjs
// writes it after reading it, in the layout of V1 or Any. The struct has passed
// check.
func appendContent(dst []byte, e *encoded, offset uint32, to format) ([]byte, error) {
	d := lib0.NewDecoder(e.content)
	switch e.kind() {
	case kindGC, kindSkip, kindDeleted:
		return lib0.AppendUvarint(dst, uint64(e.length-offset)), nil
	case kindString:
		text, err := d.Bytes()
		if err != nil {
			return dst, err
		}
		return appendTextFrom(dst, text, offset), nil
	case kindBinary:
		data, err := d.Bytes()
		return lib0.AppendBytes(dst, data), err
	case kindEmbed:
		return appendValue(dst, &d, e.any, to == formatAny)
	case kindFormat:
		key, err := d.Bytes()
		if err != nil {
			return dst, err
		}
		return appendValue(lib0.AppendBytes(dst, key), &d, e.any, to == formatAny)
	case kindType:
		ref, err := d.Uvarint()
		if err != nil {
			return dst, err
		}
		dst = lib0.AppendUvarint(dst, ref)
		if ref == refXMLElement || ref == refXMLHook {
			var name []byte
			name, err = d.Bytes()
			dst = lib0.AppendBytes(dst, name)
		}
		return dst, err
	case kindJSON, kindAny:
		return appendElements(dst, e, offset)
	case kindDoc:
		guid, options, err := readGUID(&d)
		return options.append(lib0.AppendBytes(dst, guid)), err
	}
	return dst, malformed(e.offset, "expected a struct of kind 0 to 10, found %d", e.kind())
}

// textFrom returns text from its UTF-16 unit offset on. If that cuts a
// surrogate pair, half is set, and a U+FFFD belongs before the rest.
func textFrom(text []byte, offset uint32) (rest []byte, half bool) {
	if offset == 0 {
		return text, false
	}
	i, split := lib0.UTF16Index(text, int(offset))
	if i < 0 {
		return nil, false
	}
	if split {
		i += utf8.UTFMax
	}
	return text[i:], split
}

// appendTextFrom appends as a string what is left of text after offset units.
func appendTextFrom(dst, text []byte, offset uint32) []byte {
	rest, half := textFrom(text, offset)
	if !half {
		return lib0.AppendBytes(dst, rest)
	}
	dst = lib0.AppendUvarint(dst, uint64(len(replacement)+len(rest)))
	return append(append(dst, replacement...), rest...)
}

// appendValue appends the value of a format or embed, as JSON text or "any".
func appendValue(dst []byte, d *lib0.Decoder, fromAny, toAny bool) ([]byte, error) {
	if fromAny {
		if toAny {
			return lib0.AppendCanonicalAny(dst, d)
		}
		var scratch [64]byte
		text, err := lib0.AppendJSONFromAny(scratch[:0], d)
		return lib0.AppendBytes(dst, text), err
	}
	text, err := d.Bytes()
	if err != nil {
		return dst, err
	}
	if toAny {
		return lib0.AppendAnyFromJSON(dst, text)
	}
	return appendJSONText(dst, text)
}

// appendJSONText appends as a string JSON text in canonical form.
func appendJSONText(dst, text []byte) ([]byte, error) {
	canonical, err := lib0.ScanJSON(text)
	if err != nil {
		return dst, err
	}
	if canonical {
		return lib0.AppendBytes(dst, text), nil
	}
	text, err = lib0.AppendCanonicalJSON(nil, text)
	return lib0.AppendBytes(dst, text), err
}

// appendElements appends a list of JSON texts or values from an index on.
func appendElements(dst []byte, e *encoded, offset uint32) ([]byte, error) {
	dst = lib0.AppendUvarint(dst, uint64(e.length-offset))
	return appendElementsBetween(dst, e, offset, e.length)
}

// appendElementsBetween appends the elements of a list from an index on up to
// another, without a count.
func appendElementsBetween(dst []byte, e *encoded, from, to uint32) ([]byte, error) {
	d := lib0.NewDecoder(e.content)
	if _, err := d.Uvarint(); err != nil {
		return dst, err
	}
	for i := range to {
		var err error
		switch {
		case e.kind() == kindAny && i < from:
			err = d.SkipAny()
		case e.kind() == kindAny:
			dst, err = lib0.AppendCanonicalAny(dst, &d)
		default:
			var text []byte
			if text, err = d.Bytes(); err != nil || i < from {
				break
			}
			if bytes.Equal(text, []byte(jsonUndefined)) {
				dst = lib0.AppendBytes(dst, text)
			} else {
				dst, err = appendJSONText(dst, text)
			}
		}
		if err != nil {
			return dst, err
		}
	}
	return dst, nil
}
