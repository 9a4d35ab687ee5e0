package lib0

import (
	"math/rand/v2"
	"testing"
)

// uvarint reads an integer byte by byte.
func uvarint(b []byte) (x uint64, n int) {
	for i, c := range b {
		if i == 10 || i >= 9 && c&0x7f != 0 {
			return 0, -1
		}
		if i < 9 {
			x |= uint64(c&0x7f) << (7 * i)
		}
		if c < 0x80 {
			if x > MaxUint {
				return 0, -1
			}
			return x, i + 1
		}
	}
	return 0, -1
}

func TestUvarintAt(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	for range 200_000 {
		b := make([]byte, rng.IntN(14))
		for i := range b {
			b[i] = byte(rng.Uint32())
			if rng.IntN(4) > 0 {
				b[i] |= 0x80
			}
			if rng.IntN(4) == 0 {
				b[i] &= 0x80 // padding
			}
		}
		at := rng.IntN(3)
		if at > len(b) {
			continue
		}
		wantX, n := uvarint(b[at:])
		if n >= 0 {
			n += at
		}
		if x, i := UvarintAt(b, at); x != wantX || i != n {
			t.Fatalf("%x from %d: %d up to %d, want %d up to %d", b, at, x, i, wantX, n)
		}
	}
}

func BenchmarkUvarintAt(b *testing.B) {
	buf := make([]byte, 0, 4<<10)
	rng := rand.New(rand.NewPCG(23, 24))
	for len(buf) < cap(buf)-16 {
		buf = AppendUvarint(buf, uint64(rng.Uint32())) // a client id
		buf = AppendUvarint(buf, uint64(rng.Uint32()>>rng.IntN(32)))
	}
	b.SetBytes(int64(len(buf)))
	for b.Loop() {
		for i := 0; i < len(buf); {
			if _, i = UvarintAt(buf, i); i < 0 {
				b.Fatal("not an integer")
			}
		}
	}
}
