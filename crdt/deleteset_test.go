package crdt

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/inkwire/inkwire/lib0"
)

// A DeleteSet against the plain version: the set of its units.
func TestDeleteSetAgainstThePlainOne(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for round := range 300 {
		var s DeleteSet
		plain := map[ID]bool{}
		for range rng.IntN(40) {
			client, clock, n := uint64(rng.IntN(3)), uint32(rng.IntN(50)), uint32(rng.IntN(5))
			s.Add(client, clock, n)
			for i := range n {
				plain[ID{client, clock + i}] = true
			}
		}
		for client := range uint64(3) {
			for clock := range uint32(60) {
				if id := (ID{client, clock}); s.Contains(id) != plain[id] {
					t.Fatalf("round %d: %v in %v is %v", round, id, s.ranges, s.Contains(id))
				}
			}
		}
		normal := s.Clone()
		normal.normalise()
		if !normal.Equal(s) || !s.Equal(normal) || s.Empty() != (len(plain) == 0) {
			t.Fatalf("round %d: %v and %v differ", round, s.ranges, normal.ranges)
		}
		units, last := 0, DeleteRange{Client: 1 << 60}
		for r := range s.All() {
			if r.Client > last.Client || r.Client == last.Client && r.Clock <= last.End() {
				t.Fatalf("round %d: %v after %v", round, r, last)
			}
			units, last = units+int(r.Len), r
		}
		if units != len(plain) {
			t.Fatalf("round %d: %d units, want %d", round, units, len(plain))
		}
		for _, f := range []format{formatV1, formatV2} {
			b := appendDeleteSet(nil, s, f)
			d := lib0.NewDecoder(b)
			var read DeleteSet
			n, err := readDeleteSet(&d, f, &read)
			if err != nil || n != len(normal.ranges) || !slices.Equal(read.ranges, normal.ranges) || d.Remaining() > 0 {
				t.Fatalf("round %d: %v read back as %v, %v", round, normal.ranges, read.ranges, err)
			}
		}
	}
}

func TestDeleteSetWithoutAnother(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	random := func() (s DeleteSet) {
		for range rng.IntN(60) {
			s.Add(uint64(rng.IntN(3)), uint32(rng.IntN(200)), uint32(rng.IntN(8)))
		}
		return s
	}
	for round := range 500 {
		s, other := random(), random()
		rest := s.Without(other)
		for client := range uint64(3) {
			for clock := range uint32(210) {
				id := ID{client, clock}
				if want := s.Contains(id) && !other.Contains(id); rest.Contains(id) != want {
					t.Fatalf("round %d: %v in %v without %v is %v", round, id, s, other, !want)
				}
			}
		}
		if rest.loose || s.Within(other) != rest.Empty() || !s.Without(s).Empty() || !s.Without(DeleteSet{}).Equal(s) {
			t.Fatalf("round %d: %v without %v is %v", round, s, other, rest)
		}
	}
}

func TestUpdateWithoutDeletes(t *testing.T) {
	d := New(Options{ClientID: 1})
	text := must(d.Text("t"))
	if err := errors.Join(text.Insert(0, "abcdefghij", nil), text.Delete(1, 1), text.Delete(5, 2)); err != nil {
		t.Fatal(err)
	}
	update := d.EncodeStateAsUpdate(nil)
	info, err := Validate(update, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var known DeleteSet
	known.Add(1, 0, 7)
	got, after := info.WithoutDeletes(update, known)
	again, err := Validate(got, Limits{})
	if err != nil || again.Structs != info.Structs || again.Deletes != after.Deletes || !again.DeleteSet.Equal(after.DeleteSet) {
		t.Errorf("the update reads as %v, %v, not %v", again, err, after)
	}
	if want := []DeleteRange{{1, 7, 1}}; !slices.Equal(after.DeleteSet.ranges, want) {
		t.Errorf("%v are left, not %v", after.DeleteSet.ranges, want)
	}
}

func TestDeleteSetLeavesOutImpossibleClocks(t *testing.T) {
	var s DeleteSet
	s.Add(1, 5, math.MaxUint32)
	s.Add(1, 5, 2)
	s.Add(2, maxClock-1, 1)
	s.Add(2, maxClock, 1)
	s.Add(2, math.MaxUint32, 2)
	want := []DeleteRange{{2, maxClock - 1, 1}, {1, 5, maxClock - 5}}
	if got := slices.Collect(s.All()); !slices.Equal(got, want) {
		t.Errorf("ranges %v, want %v", got, want)
	}
	b := EncodeSnapshot(Snapshot{DeleteSet: s})
	if read, err := DecodeSnapshot(b); err != nil || !read.DeleteSet.Equal(s) {
		t.Errorf("read back as %v, %v", read.DeleteSet.ranges, err)
	}
}

func TestSnapshotsAreEqualByContent(t *testing.T) {
	make := func(clocks ...uint32) Snapshot {
		s := Snapshot{StateVector: StateVector{1: 9}}
		for _, c := range clocks {
			s.DeleteSet.Add(1, c, 1)
		}
		return s
	}
	a, b := make(1, 2, 3), make(3, 1, 2)
	if !a.Equal(b) || a.Equal(make(1, 2)) || a.Equal(Snapshot{DeleteSet: a.DeleteSet, StateVector: StateVector{1: 8}}) {
		t.Error("equality is wrong")
	}
	for name, f := range map[string]struct {
		encode func(Snapshot) []byte
		decode func([]byte) (Snapshot, error)
	}{"V1": {EncodeSnapshot, DecodeSnapshot}, "V2": {EncodeSnapshotV2, DecodeSnapshotV2}} {
		if c, err := f.decode(f.encode(b)); err != nil || !c.Equal(a) {
			t.Errorf("%s: %v, %v", name, c, err)
		}
	}
}
