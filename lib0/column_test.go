package lib0

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"testing"
)

// What lib0 0.2.120 writes for the values 7 7 7 0 0 5 (and so on).
func TestColumnBytes(t *testing.T) {
	var rle RleWriter
	var uints UintOptRleWriter
	var diffs IntDiffOptRleWriter
	for _, v := range []byte{7, 7, 7, 0, 0, 5} {
		rle.Write(v)
		uints.Write(uint64(v))
		diffs.Write(int64(v))
	}
	for _, c := range []struct {
		name, want string
		got        []byte
	}{
		{"Rle", "070200" + "01" + "05", rle.Bytes()},
		{"UintOptRle", "4701" + "4000" + "05", uints.Bytes()},
		{"IntDiffOptRle", "0e" + "0100" + "4e" + "00" + "0a", diffs.Bytes()},
	} {
		if got := hex.EncodeToString(c.got); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestColumnsReadBack(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for round := range 200 {
		var rle RleWriter
		var uints UintOptRleWriter
		var diffs IntDiffOptRleWriter
		var texts StringWriter
		n := rng.IntN(200)
		values := make([]uint64, n)
		strings := make([]string, n)
		for i := range values {
			if i > 0 && rng.IntN(3) > 0 {
				values[i] = values[i-1] + uint64(rng.IntN(2))
			} else {
				values[i] = rng.Uint64N([]uint64{3, 300, MaxUint / 2}[rng.IntN(3)])
			}
			strings[i] = []string{"", "a", "ü", "😀", "a longer text"}[rng.IntN(5)]
			rle.Write(byte(values[i]))
			uints.Write(values[i])
			diffs.Write(int64(values[i]))
			texts.Write([]byte(strings[i]))
		}
		rleR := NewRleReader(NewDecoder(rle.Bytes()))
		uintR := NewUintOptRleReader(NewDecoder(uints.Bytes()))
		diffR := NewIntDiffOptRleReader(NewDecoder(diffs.Bytes()))
		textR, err := NewStringReader(NewDecoder(texts.AppendTo(nil)))
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range values {
			b, err1 := rleR.Read()
			u, err2 := uintR.Read()
			d, err3 := diffR.Read()
			s, err4 := textR.Append(nil)
			if b != byte(want) || u != want || d != int64(want) || string(s) != strings[i] {
				t.Fatalf("round %d, value %d: %d %d %d %q, want %d %q (%v %v %v %v)", round, i, b, u, d, s, want, strings[i], err1, err2, err3, err4)
			}
		}
		if _, err := uintR.Read(); err == nil {
			t.Fatal("UintOptRle reads past its end")
		}
		if _, err := diffR.Read(); err == nil {
			t.Fatal("IntDiffOptRle reads past its end")
		}
		if _, err := textR.Append(nil); err == nil {
			t.Fatal("String reads past its end")
		}
	}
}

// Only a writer that cuts surrogate pairs has lengths that do.
func TestStringReaderCutsPairs(t *testing.T) {
	column := AppendString(nil, "a😀b")
	for range 4 {
		column = AppendVarint(column, 1, false)
	}
	r, err := NewStringReader(NewDecoder(column))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a", "\ufffd", "\ufffd", "b"} {
		if got, err := r.Append(nil); string(got) != want || err != nil {
			t.Errorf("got %q %v, want %q", got, err, want)
		}
	}
}

func TestColumnsRefuse(t *testing.T) {
	rle := NewRleReader(NewDecoder(nil))
	if _, err := rle.Read(); err == nil {
		t.Error("an empty Rle column has a value")
	}
	rle = NewRleReader(NewDecoder([]byte{1, 0x80}))
	if _, err := rle.Read(); err == nil {
		t.Error("a Rle run of half a length")
	}
	diff := NewIntDiffOptRleReader(NewDecoder(bytes.Repeat(AppendInt(nil, 1<<53-2), 3)))
	var err error
	for range 3 {
		if _, err = diff.Read(); err != nil {
			break
		}
	}
	if err == nil {
		t.Error("a difference leads beyond 2^53")
	}
	text, err := NewStringReader(NewDecoder([]byte{1, 'a', 2}))
	if err != nil {
		t.Fatal(err)
	}
	if s, err := text.Append(nil); err == nil {
		t.Errorf("two units of one: %q", s)
	}
	if _, err := NewStringReader(NewDecoder([]byte{1, 0xff})); err == nil {
		t.Error("a column of text that isn't UTF-8")
	}
}
