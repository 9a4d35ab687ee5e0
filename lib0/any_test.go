package lib0

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"testing"
)

// Values and the bytes lib0 0.2.120 writes for them.
var anyTable = []struct {
	name  string
	value any
	hex   string
}{
	{"undefined", Undefined, "7f"},
	{"null", nil, "7e"},
	{"true", true, "78"},
	{"false", false, "79"},
	{"zero", 0.0, "7d00"},
	{"minus zero", math.Copysign(0, -1), "7d40"},
	{"small", 5.0, "7d05"},
	{"negative", -64.0, "7dc001"},
	{"largest integer", 2147483647.0, "7dbfffffff0f"},
	{"smallest integer", -2147483647.0, "7dffffffff0f"},
	{"2^31", 2147483648.0, "7c4f000000"},
	{"half", 0.5, "7c3f000000"},
	{"one tenth", 0.1, "7b3fb999999999999a"},
	{"2^53-1", 9007199254740991.0, "7b433fffffffffffff"},
	{"infinity", math.Inf(1), "7c7f800000"},
	{"NaN", math.Float64frombits(0x7ff8000000000000), "7b7ff8000000000000"},
	{"NaN of Go", math.NaN(), "7b7ff8000000000000"},
	{"0/0", math.Float64frombits(0xfff8000000000000), "7bfff8000000000000"},
	{"bigint", BigInt(-2), "7afffffffffffffffe"},
	{"text", "aü😀", "770761c3bcf09f9880"},
	{"empty text", "", "7700"},
	{"bytes", []byte{1, 255}, "740201ff"},
	{"array", []any{nil, Undefined, 1.0}, "75037e7f7d01"},
	{"object", NewObject("b", true, "10", 1.0, "a", "x", "2", nil, "01", nil),
		"76050132" + "7e" + "023130" + "7d01" + "0162" + "78" + "0161" + "770178" + "023031" + "7e"},
}

func TestAnyTable(t *testing.T) {
	for _, c := range anyTable {
		t.Run(c.name, func(t *testing.T) {
			want, err := hex.DecodeString(c.hex)
			if err != nil {
				t.Fatal(err)
			}
			if got := AppendAny(nil, c.value); !bytes.Equal(got, want) {
				t.Errorf("AppendAny gives %x, want %x", got, want)
			}
			d := NewDecoder(want)
			v, err := d.Any()
			if err != nil || d.Remaining() > 0 {
				t.Fatalf("Any: %v, %d bytes left", err, d.Remaining())
			}
			if got := AppendAny(nil, v); !bytes.Equal(got, want) {
				t.Errorf("encoded again %x, want %x", got, want)
			}
			if !Equal(v, c.value) {
				t.Errorf("Any gives %#v, want %#v", v, c.value)
			}
			if err := Check(v); err != nil {
				t.Error(err)
			}
		})
	}
}

// Forms that lib0 reads and never writes.
func TestAnyBecomesCanonical(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"one as float64", "7b3ff0000000000000", "7d01"},
		{"one as float32", "7c3f800000", "7d01"},
		{"half as float64", "7b3fe0000000000000", "7c3f000000"},
		{"NaN as float32", "7c7fc00000", "7b7ff8000000000000"},
		{"signalling NaN", "7b7ff0000000000002", "7b7ff8000000000002"},
		{"overlong integer", "7d8500", "7d05"},
		{"integer of 2^31", "7d8080808010", "7c4f000000"},
		{"integer of 2^53+2", "7d8280808080808020", "7b4340000000000001"},
		{"overlong length", "77810061", "770161"},
		{"keys out of order", "7602" + "0161" + "7e" + "0131" + "7e", "7602" + "0131" + "7e" + "0161" + "7e"},
		{"a key twice", "7603" + "0161" + "7e" + "0162" + "7e" + "0161" + "78", "7602" + "0161" + "78" + "0162" + "7e"},
		{"__proto__", "7602" + "095f5f70726f746f5f5f" + "7600" + "0161" + "7e", "7601" + "0161" + "7e"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in, _ := hex.DecodeString(c.in)
			want, _ := hex.DecodeString(c.want)
			d := NewDecoder(in)
			got, err := AppendCanonicalAny(nil, &d)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("got %x %v, want %x", got, err, want)
			}
		})
	}
}

var badAny = []struct {
	name, hex, want string
	cause           error
}{
	{"nothing", "", "byte 0: expected a value, found the end", nil},
	{"no tag", "73", "byte 0: expected a value (116 to 127), found 115", nil},
	{"tag above", "80", "byte 0: expected a value (116 to 127), found 128", nil},
	{"text too long", "770561", "byte 2: length 5 exceeds the 1 bytes left", nil},
	{"text not UTF-8", "770261ff", "byte 3: expected UTF-8, found 0xff", nil},
	{"half a pair", "7703eda080", "byte 2: expected UTF-8", nil},
	{"bytes too long", "74ffffffff0f00", "byte 6: length 4294967295 exceeds the 1 bytes left", nil},
	{"array too long", "75ffffffff0f7e", "byte 1: count 4294967295 exceeds what 1 bytes can hold", nil},
	{"object too long", "76027e7e7e", "byte 1: count 2 exceeds what 3 bytes can hold", nil},
	{"float cut", "7b0102", "byte 1: expected 8 bytes, 2 are left", nil},
	{"bigint cut", "7a", "byte 1: expected 8 bytes, 0 are left", nil},
	{"integer cut", "7d80", "byte 1: expected a signed integer, found the end", nil},
	{"integer too large", "7dffffffffffffffff7f", "byte 1: signed integer above 2^53-1", nil},
	{"too deep", strings.Repeat("7501", MaxDepth+1) + "7e", "nested deeper than 500", ErrDepth},
	{"too deep objects", strings.Repeat("76010161", MaxDepth+1) + "7e", "nested deeper than 500", ErrDepth},
}

func TestBadAny(t *testing.T) {
	for _, c := range badAny {
		t.Run(c.name, func(t *testing.T) {
			in, err := hex.DecodeString(c.hex)
			if err != nil {
				t.Fatal(err)
			}
			d := NewDecoder(in)
			_, err = d.Any()
			d = NewDecoder(in)
			_, scanErr := d.ScanAny()
			for _, err := range []error{err, scanErr} {
				var e *Error
				if !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) || !errors.Is(err, c.cause) && c.cause != nil {
					t.Errorf("got %v, want %q", err, c.want)
				}
			}
		})
	}
}

func TestDeepestAnyIsRead(t *testing.T) {
	in := append(bytes.Repeat([]byte{tagArray, 1}, MaxDepth), tagNull)
	d := NewDecoder(in)
	v, err := d.Any()
	if err != nil {
		t.Fatal(err)
	}
	if err := Check(v); err != nil {
		t.Error(err)
	}
	if got := AppendAny(nil, v); !bytes.Equal(got, in) {
		t.Error("not encoded as it was")
	}
	if err := Check([]any{v}); !errors.Is(err, ErrDepth) {
		t.Errorf("one deeper: %v", err)
	}
}

func TestUvarint(t *testing.T) {
	for _, x := range []uint64{0, 1, 127, 128, 16383, 16384, 1<<32 - 1, 1 << 32, MaxUint} {
		b := AppendUvarint(nil, x)
		if len(b) != UvarintLen(x) {
			t.Errorf("%d takes %d bytes, UvarintLen says %d", x, len(b), UvarintLen(x))
		}
		d := NewDecoder(b)
		if got, err := d.Uvarint(); got != x || err != nil || d.Remaining() != 0 {
			t.Errorf("%d read as %d, %v", x, got, err)
		}
		for cut := range b {
			d := NewDecoder(b[:cut])
			if _, err := d.Uvarint(); err == nil {
				t.Errorf("%d read from %d of its bytes", x, cut)
			}
		}
	}
	for _, bad := range []string{
		"8080808080808010",         // 2^53
		"ffffffffffffffffff01",     // 2^64-1
		"8080808080808080808000",   // eleven bytes
		"ffffffffffffffffffffffff", // no end
	} {
		b, _ := hex.DecodeString(bad)
		d := NewDecoder(b)
		if x, err := d.Uvarint(); err == nil {
			t.Errorf("%s read as %d", bad, x)
		}
	}
	d := NewDecoder([]byte{0x85, 0x80, 0x00})
	if x, err := d.Uvarint(); x != 5 || err != nil {
		t.Errorf("overlong 5 read as %d, %v", x, err)
	}
}

func TestVarint(t *testing.T) {
	for _, n := range []int64{0, 1, -1, 63, 64, -64, 8191, -8192, 1<<31 - 1, -(1 << 53) + 1} {
		b := AppendInt(nil, n)
		d := NewDecoder(b)
		x, negative, err := d.Varint()
		got := int64(x)
		if negative {
			got = -got
		}
		if got != n || err != nil || d.Remaining() != 0 {
			t.Errorf("%d read as %d, %v", n, got, err)
		}
	}
	d := NewDecoder(AppendVarint(nil, 0, true))
	if x, negative, err := d.Varint(); x != 0 || !negative || err != nil {
		t.Errorf("-0 read as %d, %v, %v", x, negative, err)
	}
}

func TestErrorsCountFromTheWholeInput(t *testing.T) {
	d := NewDecoder([]byte{9, 3, tagString, 5, 'a'})
	if _, err := d.Byte(); err != nil {
		t.Fatal(err)
	}
	sub, err := d.Sub()
	if err != nil {
		t.Fatal(err)
	}
	if _, err = sub.Any(); err == nil || !strings.HasPrefix(err.Error(), "byte 4: ") {
		t.Errorf("got %v, want an error at byte 4", err)
	}
}
