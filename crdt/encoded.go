package crdt

import "github.com/inkwire/inkwire/lib0"

// A format is how an update is laid out.
type format uint8

const (
	formatV1 format = iota
	formatV2
	// formatAny is laid out as V1, but the values of formats and embeds are
	// lib0's "any" instead of JSON text. It holds whatever V2 does, and is only
	// used inside this package.
	formatAny
)

// Kinds of structs: the low five bits of a struct's info byte.
const (
	kindGC      = 0 // content collected, together with its place in the document
	kindDeleted = 1 // content collected
	kindJSON    = 2
	kindBinary  = 3
	kindString  = 4
	kindEmbed   = 5
	kindFormat  = 6
	kindType    = 7
	kindAny     = 8
	kindDoc     = 9
	kindSkip    = 10 // a gap in the clocks of an update
)

// Bits of the info byte beside the kind.
const (
	infoKind   = 0x1f
	infoSub    = 0x20 // the item has a parentSub; it is in the bytes only without origins
	infoRight  = 0x40
	infoOrigin = 0x80
)

// References of types, in kindType's content.
const (
	refArray       = 0
	refMap         = 1
	refText        = 2
	refXMLElement  = 3
	refXMLFragment = 4
	refXMLHook     = 5
	refXMLText     = 6
)

// encoded is one struct as it stands in an update. Its slices are parts of that
// update.
type encoded struct {
	id       ID
	length   uint32
	info     byte
	ascii    bool // content is text known to be ASCII
	any      bool // values of formats and embeds are "any", not JSON text
	hasRoot  bool // the parent is the root type called root
	origin   ID   // if info&infoOrigin
	right    ID   // if info&infoRight
	parentID ID   // if there are no origins and no root
	root     []byte
	sub      []byte // if info&infoSub and there are no origins
	content  []byte // all that follows, in V1's layout
	offset   int    // of the info byte in the update
}

func (e *encoded) kind() byte { return e.info & infoKind }

// end is the clock after the struct.
func (e *encoded) end() uint32 { return e.id.Clock + e.length }

// orphan reports whether the struct names its parent, having no origin to find
// it by.
func (e *encoded) orphan() bool { return e.info&(infoOrigin|infoRight) == 0 }

// contentOffset is where the content of a struct begins whose last byte is
// before end.
func (e *encoded) contentOffset(end int) int { return end - len(e.content) }

// readStruct reads the struct at d's offset, whose id the caller has set. Text
// and values are passed over, not checked: that is scan's part.
func readStruct(d *lib0.Decoder, anyValues bool, e *encoded) (err error) {
	e.offset = d.Offset()
	e.any = anyValues
	if n := e.readTyped(d.Rest()); n > 0 {
		d.Skip(n)
		return nil
	}
	return readItem(d, e)
}

// readItem is readStruct without its fast path.
func readItem(d *lib0.Decoder, e *encoded) (err error) {
	if e.info, err = d.Byte(); err != nil {
		return err
	}
	e.ascii, e.hasRoot, e.root, e.sub = false, false, nil, nil
	switch e.kind() {
	case kindGC:
		return readLength(d, e)
	case kindSkip:
		if e.info != kindSkip {
			return malformed(e.offset, "expected a struct, found a skip with info %#02x", e.info)
		}
		return readLength(d, e)
	}
	if e.info&infoOrigin != 0 {
		if e.origin, err = readID(d); err != nil {
			return err
		}
	}
	if e.info&infoRight != 0 {
		if e.right, err = readID(d); err != nil {
			return err
		}
	}
	if e.orphan() {
		if err := readParent(d, e); err != nil {
			return err
		}
	}
	return readContent(d, e)
}

// readTyped reads the struct that b begins with, if it is text behind an origin,
// deleted or not: nearly all that people type. It returns the struct's size, or 0 for any other
// struct and for errors, which readStruct reads at leisure.
func (e *encoded) readTyped(b []byte) int {
	if len(b) < 4 || b[0]&(infoOrigin|infoRight) == 0 || b[0]&infoKind != kindString && b[0]&infoKind != kindDeleted {
		return 0
	}
	e.info, e.hasRoot, e.root, e.sub = b[0], false, nil, nil
	i := 1
	var clock, n uint64
	if e.info&infoOrigin != 0 {
		if e.origin.Client, i = lib0.UvarintAt(b, i); i < 0 {
			return 0
		}
		if clock, i = lib0.UvarintAt(b, i); i < 0 || clock > maxClock {
			return 0
		}
		e.origin.Clock = uint32(clock)
	}
	if e.info&infoRight != 0 {
		if e.right.Client, i = lib0.UvarintAt(b, i); i < 0 {
			return 0
		}
		if clock, i = lib0.UvarintAt(b, i); i < 0 || clock > maxClock {
			return 0
		}
		e.right.Clock = uint32(clock)
	}
	start := i
	if n, i = lib0.UvarintAt(b, i); i < 0 || n == 0 || n > maxClock {
		return 0
	}
	if e.kind() == kindDeleted {
		e.length, e.content = uint32(n), b[start:i:i]
		return i
	}
	if n > uint64(len(b)-i) {
		return 0
	}
	text := b[i : i+int(n)]
	if e.ascii = lib0.IsASCII(text); e.ascii {
		e.length = uint32(n)
	} else {
		e.length = uint32(lib0.UTF16Len(text))
	}
	e.content = b[start : i+int(n) : i+int(n)]
	return i + int(n)
}

func readParent(d *lib0.Decoder, e *encoded) error {
	isRoot, err := d.Uvarint()
	if err != nil {
		return err
	}
	if e.hasRoot = isRoot == 1; e.hasRoot {
		e.root, err = d.Bytes()
	} else {
		e.parentID, err = readID(d)
	}
	if err == nil && e.info&infoSub != 0 {
		e.sub, err = d.Bytes()
	}
	return err
}

// readLength reads the content of structs that have but a length.
func readLength(d *lib0.Decoder, e *encoded) (err error) {
	start := d.Offset()
	if e.length, err = readClock(d); err != nil {
		return err
	}
	if e.length == 0 {
		return malformed(start, "expected a length above 0")
	}
	e.content = d.Since(start)
	return nil
}

// readContent passes over the content of an item and finds its length.
func readContent(d *lib0.Decoder, e *encoded) (err error) {
	start := d.Offset()
	e.length = 1
	switch e.kind() {
	case kindDeleted:
		return readLength(d, e)
	case kindString:
		text, err := d.Bytes()
		if err != nil {
			return err
		}
		if len(text) == 0 {
			return malformed(start, "expected a string, found an empty one")
		}
		if e.length = uint32(lib0.UTF16Len(text)); len(text) > maxClock {
			return clockTooLarge(start, uint64(len(text)))
		}
	case kindBinary:
		_, err = d.Bytes()
	case kindEmbed:
		err = skipValue(d, e.any)
	case kindFormat:
		if _, err = d.Bytes(); err == nil {
			err = skipValue(d, e.any)
		}
	case kindType:
		err = readTypeRef(d)
	case kindJSON, kindAny:
		err = readElements(d, e)
	case kindDoc:
		if _, err = d.Bytes(); err == nil {
			err = d.SkipAny()
		}
	default:
		return malformed(e.offset, "expected a struct of kind 0 to 10, found %d", e.kind())
	}
	e.content = d.Since(start)
	return err
}

// skipValue passes over the value of a format or embed.
func skipValue(d *lib0.Decoder, anyValues bool) error {
	if anyValues {
		return d.SkipAny()
	}
	_, err := d.Bytes()
	return err
}

func readTypeRef(d *lib0.Decoder) error {
	at := d.Offset()
	ref, err := d.Uvarint()
	if err != nil {
		return err
	}
	switch ref {
	case refXMLElement, refXMLHook:
		_, err = d.Bytes()
	case refArray, refMap, refText, refXMLFragment, refXMLText:
	default:
		return malformed(at, "expected a type from 0 to 6, found %d", ref)
	}
	return err
}

// readElements passes over a list of JSON texts or values.
func readElements(d *lib0.Decoder, e *encoded) error {
	at := d.Offset()
	n, err := d.Count(1)
	if err != nil {
		return err
	}
	if n == 0 || n > maxClock {
		return malformed(at, "expected 1 to 2^31 elements, found %d", n)
	}
	for range n {
		if e.kind() == kindAny {
			err = d.SkipAny()
		} else {
			_, err = d.Bytes()
		}
		if err != nil {
			return err
		}
	}
	e.length = uint32(n)
	return nil
}
