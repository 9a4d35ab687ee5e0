package crdt

import (
	"math/rand/v2"
	"testing"
)

// keystrokes returns the updates of a writer who types n characters or deletes them,
// mostly where the last one was, as people do, and the state they lead to.
func keystrokes(b testing.TB, n int) (updates [][]byte, state []byte) {
	b.Helper()
	d := New(Options{ClientID: 1 << 30})
	d.OnUpdate(func(u []byte, _ *Transaction) { updates = append(updates, u) })
	text, err := d.Text("text")
	if err != nil {
		b.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	at := 0
	for range n {
		if rnd.IntN(12) == 0 {
			at = rnd.IntN(text.Len() + 1)
		}
		if at > 0 && rnd.IntN(10) < 3 {
			at--
			err = text.Delete(at, 1)
		} else {
			err = text.Insert(at, string(rune('a'+rnd.IntN(26))), nil)
			at++
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	return updates, d.EncodeStateAsUpdate(nil)
}

const typedLen = 100_000

func BenchmarkApply(b *testing.B) {
	updates, _ := keystrokes(b, typedLen)
	b.ReportAllocs()
	for b.Loop() {
		d := New(Options{})
		if _, err := d.Text("text"); err != nil {
			b.Fatal(err)
		}
		for _, u := range updates {
			if err := d.ApplyUpdate(u, nil); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(updates)), "ns/update")
}

func BenchmarkLoad(b *testing.B) {
	_, state := keystrokes(b, typedLen)
	b.ReportAllocs()
	b.SetBytes(int64(len(state)))
	for b.Loop() {
		if err := New(Options{}).LoadState(state); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	_, state := keystrokes(b, typedLen)
	d := New(Options{})
	if err := d.LoadState(state); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(state)))
	for b.Loop() {
		d.EncodeStateAsUpdate(nil)
	}
}

func BenchmarkType(b *testing.B) {
	for b.Loop() {
		keystrokes(b, typedLen/10)
	}
}
