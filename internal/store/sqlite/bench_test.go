package sqlite

import (
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/inkwire/inkwire/internal/store"
	"github.com/inkwire/inkwire/internal/store/storetest"
)

// benchDir makes a directory for a benchmark's log: below the folder that
// INKWIRE_BENCH_DIR names, such as one in memory, else a temporary one.
func benchDir(b *testing.B) string {
	dir, err := os.MkdirTemp(os.Getenv("INKWIRE_BENCH_DIR"), "inkwire-bench")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// A thousand appends of one row of 40 bytes, by eight writers of a document
// each.
func BenchmarkAppend(b *testing.B) {
	const writers, appends = 8, 1000
	s, err := Open(benchDir(b), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	epoch := uint64(0)
	b.ReportAllocs()
	for b.Loop() {
		epoch++
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() {
				name := fmt.Sprint(i)
				d, err := s.Load(b.Context(), name)
				if err != nil {
					b.Error(err)
					return
				}
				for seq := uint64(1); seq <= appends/writers; seq++ {
					row := storetest.Rows(epoch, seq, seq)
					row[0].Data = make([]byte, 40)
					if err := s.Append(b.Context(), []store.Entry{{Doc: d.ID, Name: name, Rows: row}}); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
	}
}
