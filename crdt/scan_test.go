package crdt

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/inkwire/inkwire/lib0"
)

// oneItem is an update in V1 of one struct of client 1 from clock 5 on, given
// in hexadecimal, and no deletes.
func oneItem(t testing.TB, structHex string) []byte {
	return unhex(t, "0101"+"01"+"05"+structHex+"00")
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// badUpdates are updates in V1 that must be refused, and why.
func badUpdates(t testing.TB) []badUpdate {
	deep := strings.Repeat("7501", 501) + "7e"
	return []badUpdate{
		{"nothing", nil, "byte 0: expected an unsigned integer, found the end", ErrMalformed},
		{"no delete set", unhex(t, "00"), "byte 1: expected an unsigned integer, found the end", ErrMalformed},
		{"a claimed million sections", unhex(t, "c0843d00"), "byte 0: count 1000000 exceeds what 1 bytes can hold", ErrMalformed},
		{"a claimed million structs", unhex(t, "01c0843d0100"), "byte 1: count 1000000 exceeds what 2 bytes can hold", ErrMalformed},
		{"a clock of 2^31", unhex(t, "0101018080808008000100"), "byte 3: expected a clock below 2^31, found 2147483648", ErrMalformed},
		{"a client of 2^53", unhex(t, "01018080808080808010000001000000"), "byte 2: integer above 2^53-1", ErrMalformed},
		{"an end of 2^31", unhex(t, "010101feffffff07000200"), "byte 8: expected a clock below 2^31, found 2147483648", ErrMalformed},
		{"kind 11", oneItem(t, "0b 01 0174"), "byte 4: expected a struct of kind 0 to 10, found 11", ErrMalformed},
		{"kind 31", oneItem(t, "9f 0101 00"), "byte 4: expected a struct of kind 0 to 10, found 31", ErrMalformed},
		{"a Skip with an origin", oneItem(t, "8a 01"), "byte 4: expected a struct, found a skip with info 0x8a", ErrMalformed},
		{"a GC of no length", oneItem(t, "00 00"), "byte 5: expected a length above 0", ErrMalformed},
		{"a Skip of no length", oneItem(t, "0a 00"), "byte 5: expected a length above 0", ErrMalformed},
		{"deleted content of no length", oneItem(t, "81 0202 00"), "byte 7: expected a length above 0", ErrMalformed},
		{"an empty string", oneItem(t, "84 0202 00"), "byte 7: expected a string, found an empty one", ErrMalformed},
		{"no values", oneItem(t, "88 0202 00"), "byte 7: expected 1 to 2^31 elements, found 0", ErrMalformed},
		{"no JSON values", oneItem(t, "82 0202 00"), "byte 7: expected 1 to 2^31 elements, found 0", ErrMalformed},
		{"more values than bytes", oneItem(t, "88 0202 ffffffff0f 7e"), "byte 7: count 4294967295 exceeds what 2 bytes can hold", ErrMalformed},
		{"a text longer than the bytes", oneItem(t, "84 0202 64 61"), "byte 8: length 100 exceeds the 2 bytes left", ErrMalformed},
		{"a text that isn't UTF-8", oneItem(t, "84 0202 02 61ff"), "byte 9: expected UTF-8, found 0xff", ErrMalformed},
		{"half a surrogate pair", oneItem(t, "84 0202 03 eda080"), "byte 8: expected UTF-8, found 0xed", ErrMalformed},
		{"a root's name that isn't UTF-8", oneItem(t, "04 01 01ff 0161"), "byte 4: expected UTF-8 in the parent's name or key", ErrMalformed},
		{"an origin of its own", oneItem(t, "84 0105 0161"), "byte 4: origin 1:5 is not before the item 1:5", ErrMalformed},
		{"a later right origin of its own", oneItem(t, "44 0106 0161"), "byte 4: right origin 1:6 is not before the item 1:5", ErrMalformed},
		{"itself as parent", oneItem(t, "04 00 0105 0161"), "byte 4: parent 1:5 is not before the item 1:5", ErrMalformed},
		{"type 7", oneItem(t, "87 0202 07"), "byte 7: expected a type from 0 to 6, found 7", ErrMalformed},
		{"an embed that isn't JSON", oneItem(t, "85 0202 02 7b61"), "byte 9: expected a key in quotes, found 'a'", ErrMalformed},
		{"a format that isn't JSON", oneItem(t, "86 0202 0161 02 5b2c"), "byte 11: expected a JSON value, found ','", ErrMalformed},
		{"JSON values that aren't", oneItem(t, "82 0202 02 0131 0161"), "byte 11: expected a JSON value, found 'a'", ErrMalformed},
		{"a value that isn't", oneItem(t, "88 0202 01 73"), "byte 8: expected a value (116 to 127), found 115", ErrMalformed},
		{"a value 501 deep", oneItem(t, "88 0202 01"+deep), "nested deeper than 500", ErrLimit},
		{"options that are no object", oneItem(t, "89 0202 0167 7e"), "byte 9: expected an object of options", ErrMalformed},
		{"a guid that is no string", oneItem(t, "89 0202 0167 7601 0467756964 7d01"), "byte 9: expected a string as guid", ErrMalformed},
		{"deletes of no length", unhex(t, "00 01 01 01 00 00"), "byte 4: expected a range of deleted clocks, found an empty one", ErrMalformed},
		{"deletes beyond 2^31", unhex(t, "00 01 01 01 ffffffff07 01"), "byte 4: expected deleted clocks below 2^31", ErrMalformed},
		{"a claimed million ranges", unhex(t, "00 01 01 c0843d 00"), "byte 3: count 1000000 exceeds what 1 bytes can hold", ErrMalformed},
	}
}

type badUpdate struct {
	name   string
	update []byte
	want   string
	cause  error
}

func TestBadUpdatesAreRefused(t *testing.T) {
	for _, c := range badUpdates(t) {
		t.Run(c.name, func(t *testing.T) {
			_, err := Validate(c.update, Limits{})
			if !errors.Is(err, c.cause) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if _, err := MergeUpdates([][]byte{{0, 0}, c.update}); err == nil || !strings.HasPrefix(err.Error(), "update 1: ") {
				t.Errorf("merging: %v", err)
			}
			for what, f := range map[string]func([]byte) error{
				"DiffUpdate":                  func(b []byte) error { _, err := DiffUpdate(b, nil); return err },
				"ConvertV1ToV2":               func(b []byte) error { _, err := ConvertV1ToV2(b); return err },
				"StateVectorFromUpdate":       func(b []byte) error { _, err := StateVectorFromUpdate(b); return err },
				"EncodeStateVectorFromUpdate": func(b []byte) error { _, err := EncodeStateVectorFromUpdate(b); return err },
			} {
				if err := f(c.update); !errors.Is(err, c.cause) {
					t.Errorf("%s: %v", what, err)
				}
			}
		})
	}
}

// v2Update makes an update in V2 of its columns and its rest.
func v2Update(columns [9][]byte, rest []byte) []byte {
	b := []byte{0}
	for i, c := range columns {
		if i == 5 && c == nil {
			c = []byte{0}
		}
		b = lib0.AppendBytes(b, c)
	}
	return append(b, rest...)
}

// The columns by their place.
const (
	colKeys = iota
	colClients
	colLefts
	colRights
	colInfos
	colStrings
	colParents
	colTypes
	colLengths
)

func badUpdatesV2(t testing.TB) []badUpdate {
	million := lib0.AppendUvarint(nil, 1<<40)
	huge := func(n uint64) []byte { return lib0.AppendUvarint(lib0.AppendVarint(nil, 1, true), n) }
	return []badUpdate{
		{"nothing", nil, "byte 0: expected an unsigned integer", ErrMalformed},
		{"another feature flag", unhex(t, "01"), "byte 0: expected 0", ErrMalformed},
		{"V1", unhex(t, "010101000401017401610000"), "byte 0: expected 0", ErrMalformed},
		{"a column cut off", unhex(t, "00 05 00"), "byte 2: length 5 exceeds the 1 bytes left", ErrMalformed},
		{"structs without columns", v2Update([9][]byte{}, unhex(t, "010100")), "expected a signed integer, found the end", ErrMalformed},
		{"runs of a trillion GC", v2Update([9][]byte{colClients: {1}, colInfos: {0}, colLengths: huge(1 << 40)},
			append(append([]byte{1}, million...), 0, 0)), "more than 10000", ErrLimit},
		{"a run that describes a billion clocks", v2Update([9][]byte{colClients: {1}, colInfos: {0}, colLengths: append(lib0.AppendVarint(nil, 1<<30, true), 5)},
			unhex(t, "010300 00")), "expected a clock below 2^31", ErrMalformed},
		{"a bigint in a format", v2Update([9][]byte{colKeys: {0}, colClients: {1, 2}, colLefts: {4}, colInfos: {0x86}, colStrings: unhex(t, "0161 01")},
			unhex(t, "010100 7a0000000000000001 00")), "found a bigint", ErrMalformed},
		{"an undefined embed", v2Update([9][]byte{colClients: {1, 2}, colLefts: {4}, colInfos: {0x85}},
			unhex(t, "010100 7f 00")), "found undefined", ErrMalformed},
		{"a negative key", v2Update([9][]byte{colKeys: {0x42}, colClients: {1, 2}, colLefts: {4}, colInfos: {0x86}, colStrings: unhex(t, "0161 01")},
			unhex(t, "010100 7e 00")), "expected the number of a key, found -1", ErrMalformed},
		{"a negative clock", v2Update([9][]byte{colClients: {1, 2}, colLefts: {0x42}, colInfos: {0x84}, colStrings: unhex(t, "0161 01")},
			unhex(t, "010100 00")), "expected a clock below 2^31, found -1", ErrMalformed},
		{"a string longer than the text", v2Update([9][]byte{colClients: {1, 2}, colLefts: {4}, colInfos: {0x84}, colStrings: unhex(t, "0161 02")},
			unhex(t, "010100 00")), "string longer than the text left", ErrMalformed},
		{"more JSON than text", v2Update([9][]byte{colClients: {1, 2}, colLefts: {4}, colInfos: {0x82}, colLengths: lib0.AppendVarint(nil, 1<<30, false)},
			unhex(t, "010100 00")), "count 1073741824 exceeds the 0 bytes of text left", ErrMalformed},
		{"more values than bytes", v2Update([9][]byte{colClients: {1, 2}, colLefts: {4}, colInfos: {0x88}, colLengths: lib0.AppendVarint(nil, 1<<30, false)},
			unhex(t, "010100 00")), "count 1073741824 exceeds the 1 bytes left", ErrMalformed},
		{"deletes beyond 2^31", v2Update([9][]byte{}, unhex(t, "00 01 01 01 ffffffff07 00")), "expected deleted clocks below 2^31", ErrMalformed},
	}
}

func TestBadUpdatesV2AreRefused(t *testing.T) {
	for _, c := range badUpdatesV2(t) {
		t.Run(c.name, func(t *testing.T) {
			start := time.Now()
			_, err := ValidateV2(c.update, Limits{})
			if !errors.Is(err, c.cause) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
			if _, err := ConvertV2ToV1(c.update); !errors.Is(err, c.cause) {
				t.Errorf("ConvertV2ToV1: %v", err)
			}
			if _, err := DiffUpdateV2(c.update, nil); !errors.Is(err, c.cause) {
				t.Errorf("DiffUpdateV2: %v", err)
			}
			if _, err := MergeUpdatesV2([][]byte{c.update, c.update}); !errors.Is(err, c.cause) {
				t.Errorf("MergeUpdatesV2: %v", err)
			}
		})
	}
}

// A key of 100 kB that a run of ten numbers repeats a million times must not
// become 100 GB.
func TestRepeatedKeysAreBounded(t *testing.T) {
	const n = 900_000
	key := bytes.Repeat([]byte("k"), 100_000)
	text := lib0.AppendVarint(lib0.AppendBytes(nil, key), uint64(len(key)), false)
	types := lib0.AppendUvarint(lib0.AppendVarint(nil, refXMLElement, true), n-2)
	clients := lib0.AppendUvarint(lib0.AppendVarint(nil, 1, true), n)
	update := v2Update([9][]byte{
		colKeys: lib0.AppendUvarint([]byte{1}, n), colClients: clients, colLefts: lib0.AppendUvarint([]byte{1}, n),
		colInfos: {0x27}, colStrings: text, colTypes: types, colParents: {0},
	}, append(lib0.AppendUvarint([]byte{1}, n), 0, 0))
	if _, err := ValidateV2(update, Limits{}); err == nil {
		t.Error("accepted")
	}
}

func TestLimitOfStructs(t *testing.T) {
	update := v2Update([9][]byte{colClients: {1}, colInfos: {0}, colLengths: lib0.AppendUvarint(lib0.AppendVarint(nil, 1, true), 998)},
		append(lib0.AppendUvarint([]byte{1}, 1000), 0, 0))
	info, err := ValidateV2(update, Limits{})
	if err != nil || info.Structs != 1000 {
		t.Errorf("%d structs, %v", info.Structs, err)
	}
	if _, err := ValidateV2(update, Limits{Structs: 900}); !errors.Is(err, ErrLimit) {
		t.Errorf("with a limit of 900: %v", err)
	}
	if info, err := ValidateV2(update, Limits{Structs: math.MaxInt}); err != nil || info.Structs != 1000 {
		t.Errorf("without a limit: %d structs, %v", info.Structs, err)
	}
}

func TestValidateSaysWhatIsThere(t *testing.T) {
	// Client 9: a map entry of root m, a Skip, text. Client 3: GC.
	update := unhex(t, "02 03 09 00 28 01016d 016b 01 7e 0a 04 84 0900 03 616263 01 03 07 00 02 01 09 03 06 01 00 01 05 01")
	// Of client 9 the clocks 6, 0 and 5 are deleted.
	got, err := Validate(update, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var deletes DeleteSet
	deletes.Add(9, 0, 1)
	deletes.Add(9, 5, 2)
	if !got.DeleteSet.Equal(deletes) {
		t.Errorf("deletes %v, want %v", got.DeleteSet, deletes)
	}
	if got.Structs != 4 || got.Deletes != 3 || len(got.Roots) != 1 || got.Roots[0] != "m" ||
		len(got.Clients) != 2 || got.Clients[0] != (ClientRange{9, 0, 8}) || got.Clients[1] != (ClientRange{3, 7, 9}) {
		t.Errorf("got %+v", got)
	}
	v2, err := ConvertV1ToV2(update)
	if err != nil {
		t.Fatal(err)
	}
	if v2Info, err := ValidateV2(v2, Limits{}); err != nil || v2Info.Structs != 4 || len(v2Info.Roots) != 1 || !v2Info.DeleteSet.Equal(deletes) {
		t.Errorf("in V2: %+v, %v", v2Info, err)
	}
	sv, err := StateVectorFromUpdate(update)
	if err != nil || len(sv) != 1 || sv[9] != 1 {
		t.Errorf("state vector %v, %v", sv, err)
	}
	var s scan
	if err := scanUpdate(update, formatV1, nil, &s); err != nil {
		t.Fatal(err)
	}
	if s.sections[0] != (section{client: 9, clock: 0, end: 8, whole: 1, count: 3, offset: 4}) ||
		!slices.Equal(s.deleted.ranges, []DeleteRange{{9, 6, 1}, {9, 0, 1}, {9, 5, 1}}) {
		t.Errorf("sections %+v, deletes %v", s.sections, s.deleted)
	}
	if n := testing.AllocsPerRun(100, func() {
		if err := scanUpdate(update, formatV1, nil, &s); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("a scan allocates %v times", n)
	}
}

// A struct that is cut begins as yjs would write the rest of it.
func TestCutStructs(t *testing.T) {
	for _, c := range []struct {
		name, structs string
		offset        uint32
		want          string
	}{
		{"text", "84 0201 03 616263", 1, "84 0105 02 6263"},
		{"text with a right origin", "c4 0201 0300 03 616263", 2, "c4 0106 0300 01 63"},
		{"text of a root", "04 01 0174 03 616263", 1, "84 0105 02 6263"},
		{"text in half a pair", "84 0201 06 61f09f988062", 2, "84 0106 04 efbfbd62"},
		{"text after a pair", "84 0201 06 61f09f988062", 3, "84 0107 01 62"},
		{"a map entry", "28 01 016d 016b 02 7d01 7e", 1, "a8 0105 01 7e"},
		{"values", "88 0201 03 7d01 770161 7e", 1, "88 0105 02 770161 7e"},
		{"JSON values", "82 0201 03 0131 09756e646566696e6564 02 2032", 1, "82 0105 02 09756e646566696e6564 0132"},
		{"deleted content", "81 0201 05", 3, "81 0107 02"},
		{"GC", "00 05", 3, "00 02"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := unhex(t, c.structs)
			d := lib0.NewDecoder(b)
			e := encoded{id: ID{1, 5}}
			if err := readStruct(&d, false, &e); err != nil {
				t.Fatal(err)
			}
			got, err := appendStruct(nil, &e, c.offset, formatV1, false)
			if want := unhex(t, c.want); err != nil || !bytes.Equal(got, want) {
				t.Errorf("got %x %v, want %x", got, err, want)
			}
		})
	}
}

func TestDecodeStateVectorRefuses(t *testing.T) {
	for _, c := range []struct{ hex, want string }{
		{"", "byte 0: expected an unsigned integer"},
		{"ffffffff0f0101", "byte 0: count 4294967295 exceeds what 2 bytes can hold"},
		{"01018080808008", "byte 2: expected a clock below 2^31"},
		{"010180", "byte 2: expected an unsigned integer"},
	} {
		_, err := DecodeStateVector(unhex(t, c.hex))
		if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), "state vector: "+c.want) {
			t.Errorf("%s: %v, want %q", c.hex, err, c.want)
		}
	}
}
