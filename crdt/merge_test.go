package crdt

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/inkwire/inkwire/lib0"
)

// smallUpdate makes an update of a few short structs of clients 1 to 3, at
// clocks below spread; of its structs about one in gcs is GC.
func smallUpdate(rng *rand.Rand, spread, gcs int) []byte {
	sections := 1 + rng.IntN(2)
	b := lib0.AppendUvarint(nil, uint64(sections))
	for range sections {
		structs := 1 + rng.IntN(3)
		b = lib0.AppendUvarint(b, uint64(structs))
		b = appendID(b, ID{uint64(1 + rng.IntN(3)), uint32(rng.IntN(spread))})
		for range structs {
			length := 1 + rng.IntN(3)
			switch {
			case rng.IntN(gcs) == 0:
				b = lib0.AppendUvarint(append(b, kindGC), uint64(length))
			case rng.IntN(8) == 0:
				b = lib0.AppendUvarint(append(b, kindSkip), uint64(length))
			default:
				b = lib0.AppendString(append(b, kindString, 1), "t")
				b = lib0.AppendString(b, fmt.Sprintf("%03d", rng.IntN(1000))[:length])
			}
		}
	}
	return append(b, 0)
}

// runSorting is the plain version of run: it sorts all inputs in each round, as
// yjs does.
func (m *merger) runSorting() error {
	var heads []head
	for i := range m.inputs {
		if h, ok, _ := m.inputs[i].head(); ok {
			h.input = int32(i)
			heads = append(heads, h)
		}
	}
	for len(heads) > 0 {
		exactSort(heads)
		first := heads[0].input
		in := &m.inputs[first]
		if err := m.round(in); err != nil {
			return err
		}
		h, ok, err := in.head()
		if err != nil {
			return err
		}
		h.input = first
		if heads[0] = h; !ok {
			heads = heads[1:]
		}
	}
	return m.out.write(&m.last, m.cut)
}

// The queue against the plain version, which sorts all inputs in each round.
func TestMergeQueueAgainstSorting(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	for round := range 200 {
		updates := make([][]byte, 2+rng.IntN(150))
		spread, gcs := 1+rng.IntN(40), 1<<rng.IntN(10)
		for i := range updates {
			updates[i] = smallUpdate(rng, spread, gcs)
		}
		got, err := MergeUpdates(updates)
		if err != nil {
			t.Fatal(err)
		}
		m, err := newMerger(updates, formatV1)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.runSorting(); err != nil {
			t.Fatal(err)
		}
		if want := m.out.finish(nil); !bytes.Equal(got, want) {
			t.Fatalf("round %d: %d updates\n got %x\nwant %x", round, len(updates), got, want)
		}
		if _, err := Validate(got, Limits{}); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
	}
}

func TestMergeOfOneUpdateReturnsIt(t *testing.T) {
	in := []byte("not an update")
	if got, err := MergeUpdates([][]byte{in}); err != nil || !bytes.Equal(got, in) {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := MergeUpdates(nil); err != nil || !bytes.Equal(got, []byte{0, 0}) {
		t.Errorf("of none: %x, %v", got, err)
	}
}

// typed makes n updates of one character each, by as many writers in turn, who
// all insert behind a random character of their own.
func typed(n, writers int) [][]byte {
	rng := rand.New(rand.NewPCG(11, 12))
	clocks := make([]uint32, writers)
	updates := make([][]byte, n)
	for i := range updates {
		w := i % writers
		id := ID{uint64(1_000_000_000 + w*7919), clocks[w]}
		b := appendID([]byte{1, 1}, id)
		if id.Clock == 0 {
			b = lib0.AppendString(append(b, kindString, 1), "t")
		} else {
			b = append(b, kindString|infoOrigin)
			b = appendID(b, ID{id.Client, uint32(rng.IntN(int(id.Clock)))})
		}
		updates[i] = append(lib0.AppendString(b, "x"), 0)
		clocks[w]++
	}
	return updates
}

func BenchmarkMergeUpdates(b *testing.B) {
	for _, writers := range []int{1, 50} {
		b.Run(fmt.Sprintf("10000 updates of %d writers", writers), func(b *testing.B) {
			updates := typed(10_000, writers)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := MergeUpdates(updates); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkScan(b *testing.B) {
	updates := typed(10_000, 1)
	merged, err := MergeUpdates(updates)
	if err != nil {
		b.Fatal(err)
	}
	var s scan
	b.Run("one character", func(b *testing.B) {
		i := 0
		for b.Loop() {
			if err := scanUpdate(updates[i%len(updates)], formatV1, nil, &s); err != nil {
				b.Fatal(err)
			}
			i++
		}
	})
	b.Run("10000 characters", func(b *testing.B) {
		b.SetBytes(int64(len(merged)))
		for b.Loop() {
			if err := scanUpdate(merged, formatV1, nil, &s); err != nil {
				b.Fatal(err)
			}
		}
	})
}
