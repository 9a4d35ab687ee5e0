package crdt

import "github.com/inkwire/inkwire/lib0"

// An update in V1:
//
//	sections:uvarint
//	  structs:uvarint client:uvarint clock:uvarint, of the first struct
//	    info:byte
//	    [origin: client:uvarint clock:uvarint]        info & 0x80
//	    [right origin: client:uvarint clock:uvarint]  info & 0x40
//	    [parent: 1 name:string | 0 client clock]      without either origin
//	    [parentSub:string]                            info & 0x20 and without origins
//	    content, by kind; GC and Skip have but length:uvarint
//	delete set:
//	  clients:uvarint
//	    client:uvarint ranges:uvarint
//	      clock:uvarint length:uvarint

// structReader goes over the structs of an update in V1 or Any in the order of
// its bytes.
type structReader struct {
	d         lib0.Decoder
	anyValues bool
	sections  int    // not begun
	structs   int    // left in the section
	client    uint64 // of the section
	clock     uint32 // of the next struct
}

// reset begins an update.
func (r *structReader) reset(update []byte, f format) (err error) {
	r.d.Reset(update) // field by field: assigning a whole reader is seen in profiles
	r.anyValues, r.structs = f == formatAny, 0
	r.sections, err = r.d.Count(3)
	return err
}

// beginSection reads the head of the next section.
func (r *structReader) beginSection() (err error) {
	if r.structs, err = r.d.Count(2); err != nil {
		return err
	}
	if r.client, err = r.d.Uvarint(); err != nil {
		return err
	}
	r.clock, err = readClock(&r.d)
	r.sections--
	return err
}

// ahead begins sections until there is a struct to read. At the end of the
// structs it reports false, and d stands at the delete set.
func (r *structReader) ahead() (bool, error) {
	for r.structs == 0 {
		if r.sections == 0 {
			return false, nil
		}
		if err := r.beginSection(); err != nil {
			return false, err
		}
	}
	return true, nil
}

// next reads the next struct, or reports false at the end.
func (r *structReader) next(e *encoded) (bool, error) {
	if r.structs == 0 {
		if ok, err := r.ahead(); !ok {
			return false, err
		}
	}
	e.id = ID{r.client, r.clock}
	if err := readStruct(&r.d, r.anyValues, e); err != nil {
		return false, err
	}
	if e.length > maxClock-r.clock {
		return false, clockTooLarge(e.offset, uint64(r.clock)+uint64(e.length))
	}
	r.clock += e.length
	r.structs--
	return true, nil
}

// header is what of a struct comes before its content, as it is to be written.
type header struct {
	info   byte
	origin ID
}

// headerFrom gives the header of a struct from its unit offset on: what is cut
// off a struct follows the unit before. Unless the info byte is to be kept as
// it is, its bit for parentSub stays only where parentSub itself is known.
func (e *encoded) headerFrom(offset uint32, verbatim bool) header {
	switch e.kind() {
	case kindGC, kindSkip:
		return header{info: e.kind()}
	}
	h := header{info: e.info, origin: e.origin}
	if !verbatim && !e.orphan() {
		h.info &^= infoSub
	}
	if offset > 0 {
		h.info |= infoOrigin
		h.origin = e.id.plus(offset - 1)
	}
	return h
}

// appendStruct appends a struct from its unit offset on, in V1 or Any, as yjs
// writes what it has read.
func appendStruct(dst []byte, e *encoded, offset uint32, to format, verbatim bool) ([]byte, error) {
	dst = appendHeader(dst, e, e.headerFrom(offset, verbatim))
	return appendContent(dst, e, offset, to)
}

// appendHeader appends what comes before a struct's content.
func appendHeader(dst []byte, e *encoded, h header) []byte {
	dst = append(dst, h.info)
	if h.info&infoOrigin != 0 {
		dst = appendID(dst, h.origin)
	}
	if h.info&infoRight != 0 {
		dst = appendID(dst, e.right)
	}
	if h.info&(infoOrigin|infoRight) == 0 && h.info != kindGC && h.info != kindSkip {
		if e.hasRoot {
			dst = lib0.AppendBytes(append(dst, 1), e.root)
		} else {
			dst = appendID(append(dst, 0), e.parentID)
		}
		if h.info&infoSub != 0 {
			dst = lib0.AppendBytes(dst, e.sub)
		}
	}
	return dst
}

// updateWriter collects structs into sections and writes an update in any
// format. A new section begins with each change of client and only there, as in
// yjs.
type updateWriter struct {
	to       format
	verbatim bool
	body     []byte // sections without their counts; in V2 the rest column
	sections []fragment
	client   uint64 // of the section that is being written
	columns  *columnWriter
}

// fragment is a section in an updateWriter's body, which lacks its count.
type fragment struct {
	start int
	count int
}

// newUpdateWriter returns a writer for about size bytes.
func newUpdateWriter(to format, size int, verbatim bool) *updateWriter {
	w := &updateWriter{to: to, verbatim: verbatim, body: make([]byte, 0, size)}
	if to == formatV2 {
		w.columns = new(columnWriter)
	}
	return w
}

// write writes a struct from its unit offset on.
func (w *updateWriter) write(e *encoded, offset uint32) (err error) {
	if len(w.sections) == 0 || w.client != e.id.Client {
		w.client = e.id.Client
		w.sections = append(w.sections, fragment{start: len(w.body)})
		if w.columns != nil {
			w.columns.client.Write(e.id.Client)
		} else {
			w.body = lib0.AppendUvarint(w.body, e.id.Client)
		}
		w.body = lib0.AppendUvarint(w.body, uint64(e.id.Clock+offset))
	}
	w.sections[len(w.sections)-1].count++
	if w.columns != nil {
		w.body, err = w.columns.write(w.body, e, offset, w.verbatim)
	} else {
		w.body, err = appendStruct(w.body, e, offset, w.to, w.verbatim)
	}
	return err
}

// finish writes the delete set, its ranges as they are, and returns the update.
func (w *updateWriter) finish(ranges []DeleteRange) []byte {
	size := len(w.body) + 4*len(w.sections) + 8*len(ranges) + 16
	var out []byte
	if w.columns != nil {
		out = w.columns.appendTo(make([]byte, 0, size+w.columns.size()))
	} else {
		out = make([]byte, 0, size)
	}
	out = lib0.AppendUvarint(out, uint64(len(w.sections)))
	for i, s := range w.sections {
		end := len(w.body)
		if i+1 < len(w.sections) {
			end = w.sections[i+1].start
		}
		out = lib0.AppendUvarint(out, uint64(s.count))
		out = appendLarge(out, w.body[s.start:end])
	}
	return appendRanges(out, ranges, w.to)
}
