package crdt

import (
	"math"

	"github.com/inkwire/inkwire/lib0"
)

// An update in V2 has the fields of V1 sorted into columns:
//
//	feature flag:uvarint, 0
//	each as length:uvarint bytes:
//	  key clocks       IntDiffOptRle  number of each key; a known number repeats that key
//	  clients          UintOptRle     of sections, origins, right origins, parents
//	  left clocks      IntDiffOptRle  of origins and parents
//	  right clocks     IntDiffOptRle  of right origins
//	  infos            Rle
//	  strings          String         names, keys, texts, JSON texts, guids
//	  parent infos     Rle            1: the parent is a root
//	  type references  UintOptRle
//	  lengths          UintOptRle     of GC, Deleted, JSON, Any
//	rest: what is left of V1's sections, and the delete set, whose clocks count
//	from the end of the range before and whose lengths are one less

// columnReader reads V2. Any of its columns may end too early.
type columnReader struct {
	keyClock    lib0.IntDiffOptRleReader
	client      lib0.UintOptRleReader
	left, right lib0.IntDiffOptRleReader
	info        lib0.RleReader
	text        lib0.StringReader
	parent      lib0.RleReader
	typeRef     lib0.UintOptRleReader
	length      lib0.UintOptRleReader
	rest        lib0.Decoder
	keys        []span // of out, by their numbers
	out         []byte
	scratch     []byte
	budget      int // how long out may get
}

// span is a part of a slice that may move.
type span struct{ start, end int }

func (r *columnReader) reset(update []byte) error {
	d := lib0.NewDecoder(update)
	flag, err := d.Uvarint()
	if err != nil {
		return err
	}
	if flag != 0 {
		return malformed(0, "expected 0, which opens an update in format V2, found %d", flag)
	}
	var columns [9]lib0.Decoder
	for i := range columns {
		if columns[i], err = d.Sub(); err != nil {
			return err
		}
	}
	r.keyClock = lib0.NewIntDiffOptRleReader(columns[0])
	r.client = lib0.NewUintOptRleReader(columns[1])
	r.left = lib0.NewIntDiffOptRleReader(columns[2])
	r.right = lib0.NewIntDiffOptRleReader(columns[3])
	r.info = lib0.NewRleReader(columns[4])
	if r.text, err = lib0.NewStringReader(columns[5]); err != nil {
		return err
	}
	r.parent = lib0.NewRleReader(columns[6])
	r.typeRef = lib0.NewUintOptRleReader(columns[7])
	r.length = lib0.NewUintOptRleReader(columns[8])
	r.rest = d
	return nil
}

// decodeV2 checks an update in V2 and lays it out as Any, section by section
// and byte for byte where nothing forces another form.
func decodeV2(update []byte, lim *Limits) ([]byte, error) {
	var r columnReader
	if err := r.reset(update); err != nil {
		return nil, refuse("update", err)
	}
	limit := lim.structs(len(update))
	r.out = make([]byte, 0, 2*len(update))
	// No struct of a writer that doesn't repeat keys needs more than this.
	r.budget = 64 * min(limit, math.MaxInt/64)
	sections, err := r.rest.Count(2)
	if err != nil {
		return nil, refuse("update", err)
	}
	r.out = lib0.AppendUvarint(r.out, uint64(sections))
	total := 0
	for range sections {
		at := r.rest.Offset()
		n, err := r.rest.Uvarint()
		if err != nil {
			return nil, refuse("update", err)
		}
		if n > uint64(limit-total) {
			return nil, overLimit("update", at, "more than %d structs", limit)
		}
		total += int(n)
		if err := r.section(int(n)); err != nil {
			return nil, refuse("update", err)
		}
	}
	if err := r.deleteSet(); err != nil {
		return nil, refuse("update", err)
	}
	return r.out, nil
}

func (r *columnReader) section(n int) error {
	client, err := r.client.Read()
	if err != nil {
		return err
	}
	clock, err := readClock(&r.rest)
	if err != nil {
		return err
	}
	r.out = lib0.AppendUvarint(r.out, uint64(n))
	r.out = appendID(r.out, ID{client, clock})
	var e encoded
	for range n {
		e.id = ID{client, clock}
		at := r.rest.Offset()
		if err := r.readStruct(&e); err != nil {
			return err
		}
		if e.length > maxClock-clock {
			return clockTooLarge(at, uint64(clock)+uint64(e.length))
		}
		if len(r.out) > r.budget {
			return overLimit("update", at, "structs of more than %d bytes", r.budget)
		}
		clock += e.length
	}
	return nil
}

// readStruct copies one struct from the columns to out and checks it there.
func (r *columnReader) readStruct(e *encoded) error {
	start, at := len(r.out), r.rest.Offset()
	if err := r.copyStruct(); err != nil {
		return err
	}
	d := lib0.NewDecoder(r.out[start:])
	err := readStruct(&d, true, e)
	if err == nil {
		err = e.check(d.Offset())
	}
	if known, ok := err.(*lib0.Error); ok {
		known.Offset = at // rather than one in out
	}
	return err
}

func (r *columnReader) copyStruct() error {
	info, err := r.info.Read()
	if err != nil {
		return err
	}
	r.out = append(r.out, info)
	switch {
	case info == kindSkip:
		n, err := r.rest.Uvarint()
		r.out = lib0.AppendUvarint(r.out, n)
		return err
	case info&infoKind == kindGC:
		_, err := r.copyLength()
		return err
	}
	if info&infoOrigin != 0 {
		if err := r.copyID(&r.left); err != nil {
			return err
		}
	}
	if info&infoRight != 0 {
		if err := r.copyID(&r.right); err != nil {
			return err
		}
	}
	if info&(infoOrigin|infoRight) == 0 {
		if err := r.copyParent(info); err != nil {
			return err
		}
	}
	return r.copyContent(info & infoKind)
}

func (r *columnReader) copyParent(info byte) error {
	root, err := r.parent.Read()
	if err != nil {
		return err
	}
	if root == 1 {
		r.out = append(r.out, 1)
		err = r.copyString()
	} else {
		r.out = append(r.out, 0)
		err = r.copyID(&r.left)
	}
	if err == nil && info&infoSub != 0 {
		err = r.copyString()
	}
	return err
}

func (r *columnReader) copyContent(kind byte) error {
	switch kind {
	case kindDeleted:
		_, err := r.copyLength()
		return err
	case kindJSON:
		n, err := r.copyLength()
		// Every text takes at least one byte.
		if err == nil && n > uint64(r.text.Remaining()) {
			return malformed(r.rest.Offset(), "count %d exceeds the %d bytes of text left", n, r.text.Remaining())
		}
		for ; err == nil && n > 0; n-- {
			err = r.copyString()
		}
		return err
	case kindBinary:
		data, err := r.rest.Bytes()
		r.out = lib0.AppendBytes(r.out, data)
		return err
	case kindString:
		return r.copyString()
	case kindEmbed:
		return r.copyAny()
	case kindFormat:
		if err := r.copyKey(); err != nil {
			return err
		}
		return r.copyAny()
	case kindType:
		ref, err := r.typeRef.Read()
		r.out = lib0.AppendUvarint(r.out, ref)
		if err == nil && (ref == refXMLElement || ref == refXMLHook) {
			err = r.copyKey()
		}
		return err
	case kindAny:
		n, err := r.copyLength()
		if err == nil && n > uint64(r.rest.Remaining()) {
			return malformed(r.rest.Offset(), "count %d exceeds the %d bytes left", n, r.rest.Remaining())
		}
		for ; err == nil && n > 0; n-- {
			err = r.copyAny()
		}
		return err
	case kindDoc:
		if err := r.copyString(); err != nil {
			return err
		}
		return r.copyAny()
	}
	return malformed(r.rest.Offset(), "expected a struct of kind 0 to 10, found %d", kind)
}

func (r *columnReader) copyID(clocks *lib0.IntDiffOptRleReader) error {
	client, err := r.client.Read()
	if err != nil {
		return err
	}
	at := clocks.Offset()
	clock, err := clocks.Read()
	if err != nil {
		return err
	}
	if clock < 0 || clock > maxClock {
		return malformed(at, "expected a clock below 2^31, found %d", clock)
	}
	r.out = appendID(r.out, ID{client, uint32(clock)})
	return nil
}

func (r *columnReader) copyLength() (uint64, error) {
	n, err := r.length.Read()
	r.out = lib0.AppendUvarint(r.out, n)
	return n, err
}

func (r *columnReader) copyString() (err error) {
	r.scratch, err = r.text.Append(r.scratch[:0])
	r.out = lib0.AppendBytes(r.out, r.scratch)
	return err
}

func (r *columnReader) copyAny() error {
	start := r.rest.Offset()
	if err := r.rest.SkipAny(); err != nil {
		return err
	}
	r.out = append(r.out, r.rest.Since(start)...)
	return nil
}

// copyKey copies a key that is given anew or by the number of an earlier one.
// yjs writes none of the latter but reads them.
func (r *columnReader) copyKey() error {
	at := r.keyClock.Offset()
	number, err := r.keyClock.Read()
	if err != nil {
		return err
	}
	if number < 0 {
		return malformed(at, "expected the number of a key, found %d", number)
	}
	start := len(r.out)
	if number < int64(len(r.keys)) {
		key := r.keys[number]
		r.out = append(r.out, r.out[key.start:key.end]...)
		return nil
	}
	if err := r.copyString(); err != nil {
		return err
	}
	r.keys = append(r.keys, span{start, len(r.out)})
	return nil
}

func (r *columnReader) deleteSet() error {
	clients, err := r.rest.Count(2)
	if err != nil {
		return err
	}
	r.out = lib0.AppendUvarint(r.out, uint64(clients))
	for range clients {
		client, err := r.rest.Uvarint()
		if err != nil {
			return err
		}
		n, err := r.rest.Count(2)
		if err != nil {
			return err
		}
		r.out = lib0.AppendUvarint(r.out, client)
		r.out = lib0.AppendUvarint(r.out, uint64(n))
		for end := uint32(0); n > 0; n-- {
			d, err := readDeleteRange(&r.rest, formatV2, client, end)
			if err != nil {
				return err
			}
			end = d.End()
			r.out = lib0.AppendUvarint(r.out, uint64(d.Clock))
			r.out = lib0.AppendUvarint(r.out, uint64(d.Len))
		}
	}
	return nil
}

// columnWriter writes the columns of V2 but the rest.
type columnWriter struct {
	keys        int64 // written; yjs numbers keys and never repeats one
	keyClock    lib0.IntDiffOptRleWriter
	client      lib0.UintOptRleWriter
	left, right lib0.IntDiffOptRleWriter
	info        lib0.RleWriter
	text        lib0.StringWriter
	parent      lib0.RleWriter
	typeRef     lib0.UintOptRleWriter
	length      lib0.UintOptRleWriter
	scratch     []byte
}

// write writes a struct from its unit offset on; what belongs to the rest is
// appended to rest.
func (w *columnWriter) write(rest []byte, e *encoded, offset uint32, verbatim bool) ([]byte, error) {
	h := e.headerFrom(offset, verbatim)
	w.info.Write(h.info)
	switch e.kind() {
	case kindGC:
		w.length.Write(uint64(e.length - offset))
		return rest, nil
	case kindSkip:
		return lib0.AppendUvarint(rest, uint64(e.length-offset)), nil
	}
	if h.info&infoOrigin != 0 {
		w.client.Write(h.origin.Client)
		w.left.Write(int64(h.origin.Clock))
	}
	if h.info&infoRight != 0 {
		w.client.Write(e.right.Client)
		w.right.Write(int64(e.right.Clock))
	}
	if h.info&(infoOrigin|infoRight) == 0 {
		if e.hasRoot {
			w.parent.Write(1)
			w.text.Write(e.root)
		} else {
			w.parent.Write(0)
			w.client.Write(e.parentID.Client)
			w.left.Write(int64(e.parentID.Clock))
		}
		if h.info&infoSub != 0 {
			w.text.Write(e.sub)
		}
	}
	return w.content(rest, e, offset)
}

// content distributes a struct's content, brought into Any's layout first.
func (w *columnWriter) content(rest []byte, e *encoded, offset uint32) ([]byte, error) {
	var err error
	if w.scratch, err = appendContent(w.scratch[:0], e, offset, formatAny); err != nil {
		return rest, err
	}
	d := lib0.NewDecoder(w.scratch)
	switch e.kind() {
	case kindDeleted:
		w.length.Write(uint64(e.length - offset))
		return rest, nil
	case kindJSON:
		w.length.Write(uint64(e.length - offset))
		_, err = d.Uvarint()
		for n := e.length - offset; err == nil && n > 0; n-- {
			err = w.copyString(&d)
		}
		return rest, err
	case kindString:
		return rest, w.copyString(&d)
	case kindFormat:
		err = w.copyKey(&d)
	case kindType:
		var ref uint64
		ref, err = d.Uvarint()
		w.typeRef.Write(ref)
		if d.Remaining() > 0 {
			err = w.copyKey(&d)
		}
	case kindAny:
		w.length.Write(uint64(e.length - offset))
		_, err = d.Uvarint()
	case kindDoc:
		err = w.copyString(&d)
	}
	return append(rest, d.Rest()...), err
}

func (w *columnWriter) copyString(d *lib0.Decoder) error {
	s, err := d.Bytes()
	w.text.Write(s)
	return err
}

func (w *columnWriter) copyKey(d *lib0.Decoder) error {
	w.keyClock.Write(w.keys)
	w.keys++
	return w.copyString(d)
}

// size is about how long the columns are.
func (w *columnWriter) size() int { return w.text.Len() + 64 }

// appendTo ends the columns and appends them.
func (w *columnWriter) appendTo(dst []byte) []byte {
	dst = append(dst, 0)
	dst = lib0.AppendBytes(dst, w.keyClock.Bytes())
	dst = lib0.AppendBytes(dst, w.client.Bytes())
	dst = lib0.AppendBytes(dst, w.left.Bytes())
	dst = lib0.AppendBytes(dst, w.right.Bytes())
	dst = lib0.AppendBytes(dst, w.info.Bytes())
	w.scratch = w.text.AppendTo(w.scratch[:0])
	dst = lib0.AppendBytes(dst, w.scratch)
	dst = lib0.AppendBytes(dst, w.parent.Bytes())
	dst = lib0.AppendBytes(dst, w.typeRef.Bytes())
	return lib0.AppendBytes(dst, w.length.Bytes())
}
