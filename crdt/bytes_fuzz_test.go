package crdt

import (
	"bytes"
	"errors"
	"testing"

	"github.com/inkwire/inkwire/lib0"
)

// seedUpdates adds the golden updates of a format and those that must be
// refused.
func seedUpdates(f *testing.F, v2 bool) {
	f.Helper()
	ops, bad := map[string]bool{"merge": true, "toV2": true}, badUpdates(f)
	if v2 {
		ops, bad = map[string]bool{"mergeV2": true, "toV1": true}, badUpdatesV2(f)
	}
	for i, c := range readLines[bytesCase](f, "testdata/bytes.jsonl.gz") {
		if ops[c.Op] && i%4 == 0 && len(c.In[0]) < 400 {
			f.Add(c.In[0])
		}
	}
	for _, c := range bad {
		f.Add(c.update)
	}
}

// checkRefusal fails unless err is an Error of this package that points into
// the input.
func checkRefusal(t *testing.T, err error, n int) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrLimit) || e.Offset < 0 || e.Offset > n {
		t.Fatalf("error %#v for %d bytes", err, n)
	}
}

// fixpoint fails unless f leaves unchanged what it returns.
func fixpoint(t *testing.T, what string, b []byte, f func([]byte) ([]byte, error)) []byte {
	t.Helper()
	once, err := f(b)
	if err != nil {
		t.Fatalf("%s refuses %x: %v", what, b, err)
	}
	twice, err := f(once)
	if err != nil || !bytes.Equal(once, twice) {
		t.Fatalf("%s makes %x of %x, and %x of that (%v)", what, once, b, twice, err)
	}
	return once
}

// settled returns what f makes of b, having checked that it makes something.
func settled(t *testing.T, b []byte, f func([]byte) ([]byte, error)) []byte {
	t.Helper()
	once, err := f(b)
	if err != nil {
		t.Fatalf("%x: %v", b, err)
	}
	return once
}

// checkUpdate checks an update that may be anything: refused with a place, or
// all that can be done to it succeeds and settles.
func checkUpdate(t *testing.T, b []byte, f format) {
	var info Info
	var err error
	if f == formatV2 {
		info, err = ValidateV2(b, Limits{Structs: 10_000})
	} else {
		info, err = Validate(b, Limits{Structs: 10_000})
	}
	if err != nil {
		checkRefusal(t, err, len(b))
		return
	}
	if info.Structs > len(b)+10_000 {
		t.Fatalf("%d structs of %d bytes", info.Structs, len(b))
	}
	for i := 1; i < len(info.Clients); i++ {
		// yjs joins neighbouring sections of a client, whose clocks are others
		// then, and merging loses sections that don't descend.
		if info.Clients[i].Client >= info.Clients[i-1].Client {
			return
		}
	}
	plain := b
	if f == formatV2 {
		if plain, err = ConvertV2ToV1(b); err != nil {
			t.Fatal(err)
		}
	} else if plain, err = transcode(b, formatV1, formatV1, false); err != nil {
		t.Fatal(err)
	}
	fixpoint(t, "V1 to V2 to V1", plain, func(b []byte) ([]byte, error) {
		v2, err := ConvertV1ToV2(b)
		if err != nil {
			return nil, err
		}
		return ConvertV2ToV1(v2)
	})
	// Cutting leaves a bit for a parentSub that the next reader doesn't find.
	merge := func(b []byte) ([]byte, error) { return MergeUpdates([][]byte{b, b}) }
	fixpoint(t, "MergeUpdates", settled(t, plain, merge), merge)
	collectAll(t, plain)
	for _, clock := range []uint32{0, 1, 3} {
		sv := StateVector{}
		for _, c := range info.Clients {
			sv[c.Client] = c.From + clock
		}
		diff := func(b []byte) ([]byte, error) { return DiffUpdate(b, sv) }
		fixpoint(t, "DiffUpdate", settled(t, plain, diff), diff)
	}
	// The state vector of a format is that of the other.
	sv, err := EncodeStateVectorFromUpdate(plain)
	if err != nil {
		t.Fatal(err)
	}
	if f == formatV2 {
		other, err := EncodeStateVectorFromUpdateV2(b)
		if err != nil || !bytes.Equal(sv, other) {
			t.Fatalf("state vectors %x and %x, %v", sv, other, err)
		}
	}
}

func FuzzUpdate(f *testing.F) {
	seedUpdates(f, false)
	f.Fuzz(func(t *testing.T, b []byte) { checkUpdate(t, b, formatV1) })
}

func FuzzUpdateV2(f *testing.F) {
	seedUpdates(f, true)
	f.Fuzz(func(t *testing.T, b []byte) { checkUpdate(t, b, formatV2) })
}

func FuzzMergeUpdates(f *testing.F) {
	for i, c := range readLines[bytesCase](f, "testdata/bytes.jsonl.gz") {
		if c.Op == "merge" && len(c.In) >= 3 && i%3 == 0 {
			f.Add(c.In[0], c.In[1], c.In[2])
		}
	}
	f.Fuzz(func(t *testing.T, a, b, c []byte) {
		merged, err := MergeUpdates([][]byte{a, b, c})
		if err != nil {
			checkRefusal(t, err, max(len(a), len(b), len(c)))
			return
		}
		v2, err := ConvertV1ToV2(merged)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ValidateV2(v2, Limits{}); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzStateVector(f *testing.F) {
	f.Add(EncodeStateVector(StateVector{1: 2, 1 << 40: 5}))
	f.Add([]byte("\xff\xff\xff\xff\x0f"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := DecodeStateVector(b); err != nil {
			checkRefusal(t, err, len(b))
			return
		}
		fixpoint(t, "a state vector", b, func(b []byte) ([]byte, error) {
			sv, err := DecodeStateVector(b)
			return EncodeStateVector(sv), err
		})
	})
}

func FuzzSnapshot(f *testing.F) {
	for _, c := range readLines[bytesCase](f, "testdata/bytes.jsonl.gz") {
		if c.Op == "snapshot" || c.Op == "snapshotV2" {
			f.Add(c.In[0])
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, format := range []format{formatV1, formatV2} {
			if _, err := decodeSnapshot(b, format); err != nil {
				checkRefusal(t, err, len(b))
				continue
			}
			fixpoint(t, "a snapshot", b, func(b []byte) ([]byte, error) {
				s, err := decodeSnapshot(b, format)
				return encodeSnapshot(s, format), err
			})
		}
	})
}

// FuzzStruct holds the fast path for typed text against the general one.
func FuzzStruct(f *testing.F) {
	for _, s := range []string{"84 0201 0161", "c4 0201 8502 03 61c3bc", "44 ff01 7f 04 f09f9880", "84 0201 00"} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var fast, general encoded
		n := fast.readTyped(b)
		if n == 0 {
			return
		}
		d := lib0.NewDecoder(b)
		if err := readItem(&d, &general); err != nil {
			t.Fatal(err)
		}
		if d.Offset() != n || fast.info != general.info || fast.length != general.length || !bytes.Equal(fast.content, general.content) ||
			fast.info&infoOrigin != 0 && fast.origin != general.origin || fast.info&infoRight != 0 && fast.right != general.right {
			t.Fatalf("%+v in %d bytes, want %+v in %d", fast, n, general, d.Offset())
		}
	})
}
