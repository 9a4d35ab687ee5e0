package lib0

import "unicode/utf8"

// Update format V2 writes each field of its structs into a column of its own.
// The columns below are named as in lib0; run lengths are only known to be
// honest when something else bounds how often Read is called.

// A RleReader reads bytes written in runs: byte, then the run's length less
// one. The last run has no length and never ends.
type RleReader struct {
	d     Decoder
	value byte
	left  uint64
	last  bool
}

// NewRleReader returns a reader of the column that d holds.
func NewRleReader(d Decoder) RleReader { return RleReader{d: d} }

// Read returns the next byte.
func (r *RleReader) Read() (byte, error) {
	if r.last {
		return r.value, nil
	}
	if r.left == 0 {
		v, err := r.d.Byte()
		if err != nil {
			return 0, err
		}
		r.value = v
		if r.d.Remaining() == 0 {
			r.last = true
			return v, nil
		}
		n, err := r.d.Uvarint()
		if err != nil {
			return 0, err
		}
		r.left = n + 1
	}
	r.left--
	return r.value, nil
}

// A RleWriter writes such a column.
type RleWriter struct {
	buf   []byte
	value byte
	count uint64
}

// Write appends a byte.
func (w *RleWriter) Write(v byte) {
	if w.count > 0 && w.value == v {
		w.count++
		return
	}
	if w.count > 0 {
		w.buf = AppendUvarint(w.buf, w.count-1)
	}
	w.buf = append(w.buf, v)
	w.value, w.count = v, 1
}

// Bytes returns the column.
func (w *RleWriter) Bytes() []byte { return w.buf }

// A UintOptRleReader reads unsigned integers written as signed ones, negative
// (-0 too) if the run's length less two follows.
type UintOptRleReader struct {
	d     Decoder
	value uint64
	left  uint64
}

// NewUintOptRleReader returns a reader of the column that d holds.
func NewUintOptRleReader(d Decoder) UintOptRleReader { return UintOptRleReader{d: d} }

// Read returns the next integer, at most MaxUint.
func (r *UintOptRleReader) Read() (uint64, error) {
	if r.left == 0 {
		at := r.d.off
		v, run, err := r.d.Varint()
		if err != nil {
			return 0, err
		}
		if v > MaxUint {
			return 0, r.d.errorAt(at, "integer above 2^53-1")
		}
		r.value, r.left = v, 1
		if run {
			n, err := r.d.Uvarint()
			if err != nil {
				return 0, err
			}
			r.left = n + 2
		}
	}
	r.left--
	return r.value, nil
}

// Offset is where in the input the reader stands.
func (r *UintOptRleReader) Offset() int { return r.d.Offset() }

// A UintOptRleWriter writes such a column.
type UintOptRleWriter struct {
	buf   []byte
	value uint64
	count uint64
}

// Write appends an integer.
func (w *UintOptRleWriter) Write(v uint64) {
	if w.value == v {
		w.count++
		return
	}
	w.flush()
	w.value, w.count = v, 1
}

func (w *UintOptRleWriter) flush() {
	if w.count == 0 {
		return
	}
	w.buf = AppendVarint(w.buf, w.value, w.count > 1)
	if w.count > 1 {
		w.buf = AppendUvarint(w.buf, w.count-2)
	}
	w.count = 0
}

// Bytes ends the column and returns it. The writer must not be used after.
func (w *UintOptRleWriter) Bytes() []byte {
	w.flush()
	return w.buf
}

// An IntDiffOptRleReader reads integers written as differences: a signed
// integer of twice the difference, plus one if the length less two of a run of
// equal differences follows.
type IntDiffOptRleReader struct {
	d     Decoder
	value int64
	diff  int64
	left  uint64
}

// NewIntDiffOptRleReader returns a reader of the column that d holds.
func NewIntDiffOptRleReader(d Decoder) IntDiffOptRleReader { return IntDiffOptRleReader{d: d} }

// Read returns the next integer, of a magnitude of at most MaxUint.
func (r *IntDiffOptRleReader) Read() (int64, error) {
	at := r.d.off
	if r.left == 0 {
		v, negative, err := r.d.Varint()
		if err != nil {
			return 0, err
		}
		if v > MaxUint {
			return 0, r.d.errorAt(at, "difference above 2^53-1")
		}
		n := int64(v)
		if negative {
			n = -n
		}
		r.diff, r.left = n>>1, 1
		if n&1 != 0 {
			count, err := r.d.Uvarint()
			if err != nil {
				return 0, err
			}
			r.left = count + 2
		}
	}
	r.left--
	r.value += r.diff
	if r.value > MaxUint || r.value < -MaxUint {
		return 0, r.d.errorAt(at, "integer beyond 2^53-1")
	}
	return r.value, nil
}

// Offset is where in the input the reader stands.
func (r *IntDiffOptRleReader) Offset() int { return r.d.Offset() }

// An IntDiffOptRleWriter writes such a column.
type IntDiffOptRleWriter struct {
	buf   []byte
	value int64
	diff  int64
	count uint64
}

// Write appends an integer.
func (w *IntDiffOptRleWriter) Write(v int64) {
	diff := v - w.value
	w.value = v
	if w.diff == diff {
		w.count++
		return
	}
	w.flush()
	w.diff, w.count = diff, 1
}

func (w *IntDiffOptRleWriter) flush() {
	if w.count == 0 {
		return
	}
	n := w.diff * 2
	if w.count > 1 {
		n++
	}
	w.buf = AppendInt(w.buf, n)
	if w.count > 1 {
		w.buf = AppendUvarint(w.buf, w.count-2)
	}
	w.count = 0
}

// Bytes ends the column and returns it. The writer must not be used after.
func (w *IntDiffOptRleWriter) Bytes() []byte {
	w.flush()
	return w.buf
}

// A StringReader reads strings written as one text and a column of their
// lengths in UTF-16 code units.
type StringReader struct {
	text    Decoder
	lengths UintOptRleReader
	half    bool // text begins with the second half of a surrogate pair
}

// NewStringReader returns a reader of the column that d holds; the text is
// checked here.
func NewStringReader(d Decoder) (StringReader, error) {
	text, err := d.Text()
	if err != nil {
		return StringReader{}, err
	}
	return StringReader{text: Decoder{buf: text, base: d.Offset() - len(text)}, lengths: UintOptRleReader{d: d}}, nil
}

// Append appends the next string to dst. A surrogate pair that the lengths cut
// becomes two U+FFFD.
func (r *StringReader) Append(dst []byte) ([]byte, error) {
	at := r.lengths.Offset()
	units, err := r.lengths.Read()
	if err != nil || units == 0 {
		return dst, err
	}
	if r.half {
		r.half = false
		dst = append(dst, "\ufffd"...)
		units--
	}
	rest := r.text.Rest()
	if units > uint64(len(rest)) {
		return dst, &Error{Offset: at, Msg: "string longer than the text left"}
	}
	n, split := UTF16Index(rest, int(units))
	if n < 0 {
		return dst, &Error{Offset: at, Msg: "string longer than the text left"}
	}
	dst = append(dst, rest[:n]...)
	r.text.off += n
	if split {
		dst = append(dst, "\ufffd"...)
		r.text.off += utf8.UTFMax // such a character takes four bytes
		r.half = true
	}
	return dst, nil
}

// Remaining is the number of bytes of text left.
func (r *StringReader) Remaining() int { return r.text.Remaining() }

// A StringWriter writes such a column.
type StringWriter struct {
	text    []byte
	lengths UintOptRleWriter
}

// Write appends a string, given as UTF-8.
func (w *StringWriter) Write(s []byte) {
	w.text = append(w.text, s...)
	w.lengths.Write(uint64(UTF16Len(s)))
}

// AppendTo ends the column and appends it to dst.
func (w *StringWriter) AppendTo(dst []byte) []byte {
	return append(AppendBytes(dst, w.text), w.lengths.Bytes()...)
}

// Len is the length of the text so far, in bytes.
func (w *StringWriter) Len() int { return len(w.text) }
