package lib0

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
)

// checkError fails unless err is this package's and points into the input.
func checkError(t *testing.T, err error, n int) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Offset < 0 || e.Offset > n {
		t.Fatalf("error %v for %d bytes", err, n)
	}
}

func FuzzAny(f *testing.F) {
	for _, c := range anyTable {
		f.Add(AppendAny(nil, c.value))
	}
	for _, c := range badAny {
		b, _ := hex.DecodeString(c.hex)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d := NewDecoder(b)
		v, err := d.Any()
		s := NewDecoder(b)
		info, scanErr := s.ScanAny()
		if (err == nil) != (scanErr == nil) {
			t.Fatalf("Any: %v, ScanAny: %v", err, scanErr)
		}
		if err != nil {
			checkError(t, err, len(b))
			checkError(t, scanErr, len(b))
			return
		}
		skip := NewDecoder(b)
		if err := skip.SkipAny(); err != nil || skip.Offset() != d.Offset() || s.Offset() != d.Offset() {
			t.Fatalf("Any ends at %d, ScanAny at %d, SkipAny at %d, %v", d.Offset(), s.Offset(), skip.Offset(), err)
		}
		once := AppendAny(nil, v)
		if info.Canonical && !bytes.Equal(once, b[:d.Offset()]) {
			t.Fatalf("%x passes for canonical, is %x", b[:d.Offset()], once)
		}
		again := NewDecoder(once)
		w, err := again.Any()
		if err != nil || again.Remaining() != 0 {
			t.Fatalf("%x: %v", once, err)
		}
		if twice := AppendAny(nil, w); !bytes.Equal(once, twice) {
			t.Fatalf("%x becomes %x", once, twice)
		}
		if !Equal(v, w) || Check(v) != nil {
			t.Fatalf("%#v read back as %#v", v, w)
		}
		if text, err := AppendJSON(nil, v); err == nil {
			if _, err := ParseJSON(text); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
		} else if !errors.Is(err, ErrNoJSON) || !info.BigInt && v != Undefined {
			t.Fatalf("%#v: %v", v, err)
		}
	})
}

func FuzzJSON(f *testing.F) {
	for _, c := range jsonTable {
		f.Add([]byte(c.text))
	}
	for _, c := range badJSON {
		f.Add([]byte(c.text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := ParseJSON(b)
		canonical, scanErr := ScanJSON(b)
		if (err == nil) != (scanErr == nil) {
			t.Fatalf("ParseJSON: %v, ScanJSON: %v", err, scanErr)
		}
		if err != nil {
			checkError(t, err, len(b))
			return
		}
		once, err := AppendCanonicalJSON(nil, b)
		if err != nil {
			t.Fatal(err)
		}
		if canonical && !bytes.Equal(once, b) {
			t.Fatalf("%s passes for canonical, is %s", b, once)
		}
		twice, err := AppendCanonicalJSON(nil, once)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%s becomes %s, %v", once, twice, err)
		}
		if err := Check(v); err != nil {
			t.Fatal(err)
		}
		printed, err := AppendJSON(nil, v)
		if err != nil {
			t.Fatal(err)
		}
		w, err := ParseJSON(printed)
		if err != nil {
			t.Fatalf("%s: %v", printed, err)
		}
		if again, err := AppendJSON(nil, w); err != nil || !bytes.Equal(printed, again) {
			t.Fatalf("%s printed again as %s, %v", printed, again, err)
		}
	})
}

// FuzzColumns reads the same bytes as each kind of column. What is read, written
// and read again must be the same.
func FuzzColumns(f *testing.F) {
	f.Add([]byte{0x47, 1, 0x40, 0, 5}, uint8(9))
	f.Add([]byte{0x0e, 1, 0, 0x4e, 0, 0x0a}, uint8(6))
	f.Add([]byte("\x06a\xf0\x9f\x98\x80b\x01\x01\x01\x01"), uint8(4))
	f.Fuzz(func(t *testing.T, b []byte, reads uint8) {
		rle := NewRleReader(NewDecoder(b))
		uints := NewUintOptRleReader(NewDecoder(b))
		diffs := NewIntDiffOptRleReader(NewDecoder(b))
		again(t, int(reads), rle.Read, func(v []byte) func() (byte, error) {
			var w RleWriter
			for _, x := range v {
				w.Write(x)
			}
			r := NewRleReader(NewDecoder(w.Bytes()))
			return r.Read
		})
		again(t, int(reads), uints.Read, func(v []uint64) func() (uint64, error) {
			var w UintOptRleWriter
			for _, x := range v {
				w.Write(x)
			}
			r := NewUintOptRleReader(NewDecoder(w.Bytes()))
			return r.Read
		})
		again(t, int(reads), diffs.Read, func(v []int64) func() (int64, error) {
			var w IntDiffOptRleWriter
			for _, x := range v {
				w.Write(x)
			}
			r := NewIntDiffOptRleReader(NewDecoder(w.Bytes()))
			return r.Read
		})
		texts, err := NewStringReader(NewDecoder(b))
		if err != nil {
			checkError(t, err, len(b))
			return
		}
		read := func(r *StringReader) func() (string, error) {
			return func() (string, error) {
				s, err := r.Append(nil)
				return string(s), err
			}
		}
		again(t, int(reads), read(&texts), func(v []string) func() (string, error) {
			var w StringWriter
			for _, x := range v {
				w.Write([]byte(x))
			}
			r, err := NewStringReader(NewDecoder(w.AppendTo(nil)))
			if err != nil {
				t.Fatal(err)
			}
			return read(&r)
		})
	})
}

// again reads up to n values and compares them with what reopen reads of them.
func again[T comparable](t *testing.T, n int, read func() (T, error), reopen func([]T) func() (T, error)) {
	t.Helper()
	var values []T
	for range n {
		v, err := read()
		if err != nil {
			checkError(t, err, 1<<20)
			break
		}
		values = append(values, v)
	}
	read = reopen(values)
	for i, want := range values {
		if got, err := read(); got != want || err != nil {
			t.Fatalf("value %d is %v (%v), want %v", i, got, err, want)
		}
	}
}
