package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/inkwire/inkwire/internal/store"
	"github.com/inkwire/inkwire/internal/store/storetest"
)

// appended is a store with a document of n rows in each name.
func appended(t *testing.T, s *Store, n uint64, names ...string) []store.DocID {
	t.Helper()
	var ids []store.DocID
	for _, name := range names {
		d, err := s.Load(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Append(t.Context(), []store.Entry{{Doc: d.ID, Name: name, Rows: storetest.Rows(1, 1, n)}}); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, d.ID)
	}
	return ids
}

// While a large checkpoint is written, and an old one removed, no commit holds
// more than a piece of it, and appends go between: what queued during a commit
// is in the next.
func TestAppendsBetweenPieces(t *testing.T) {
	const pieces = 24
	dir := t.TempDir()
	var counter *View // looks at what each commit has changed
	var before, commits int64
	s, err := Open(dir, Options{Observer: store.Observer{Sync: func(time.Duration) {
		if counter == nil {
			return
		}
		n, err := counter.r.number(`SELECT count(*) FROM pieces`)
		if err != nil || n > before+1 || n < before-piecesAtOnce {
			t.Errorf("a commit made %d pieces of %d: %v", n, before, err)
		}
		before = n
		commits++
	}}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ids := appended(t, s, 3, "large", "small")
	counter = view(t, dir)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for seq := uint64(1); seq <= 3; seq++ {
			if err := s.Checkpoint(t.Context(), store.Checkpoint{Doc: ids[0], Revision: store.Revision{Epoch: 1, Seq: seq}, State: make([]byte, pieces*pieceSize)}); err != nil {
				t.Error(err)
			}
		}
	}()
	seq := uint64(3)
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		seq++
		if err := s.Append(t.Context(), []store.Entry{{Doc: ids[1], Name: "small", Rows: storetest.Rows(1, seq, seq)}}); err != nil {
			t.Fatal(err)
		}
	}
	if before != 2*pieces {
		t.Errorf("%d pieces are left, want %d", before, 2*pieces)
	}
	if seq < pieces {
		t.Errorf("only %d appends went between %d commits", seq-3, commits)
	}
}

// interruptible opens a log with contexts that end after a number of commits.
func interruptible(t *testing.T, dir string) (*Store, func(commits int64) context.Context) {
	t.Helper()
	var left atomic.Int64
	var cancel atomic.Pointer[context.CancelFunc]
	s, err := Open(dir, Options{Observer: store.Observer{Sync: func(time.Duration) {
		if left.Add(-1) == 0 {
			(*cancel.Load())()
		}
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return s, func(commits int64) context.Context {
		ctx, end := context.WithCancel(t.Context())
		cancel.Store(&end)
		left.Store(commits)
		return ctx
	}
}

// Of old checkpoints the last whole one stays, and of unfinished ones nothing.
func TestOldCheckpoints(t *testing.T) {
	dir := t.TempDir()
	s, after := interruptible(t, dir)
	defer s.Close()
	id := appended(t, s, 9, "a")[0]
	kept := func(want string) {
		t.Helper()
		q, err := s.w.stmt(`SELECT group_concat(seq || ':' || (SELECT count(*) FROM pieces WHERE checkpoint = c.id) ORDER BY seq) FROM checkpoints AS c`)
		if err != nil || !q.Step() {
			t.Fatal(err)
		}
		defer q.Reset()
		if got := q.ColumnText(0); got != want {
			t.Fatalf("checkpoints with their pieces: %s, want %s", got, want)
		}
	}
	add := func(ctx context.Context, seq uint64, size int) error {
		return s.Checkpoint(ctx, store.Checkpoint{Doc: id, Revision: store.Revision{Epoch: 1, Seq: seq}, State: make([]byte, size), Authors: []byte("x")})
	}
	for seq := uint64(1); seq <= 4; seq++ {
		if err := add(t.Context(), seq, 9*pieceSize); err != nil {
			t.Fatal(err)
		}
	}
	kept("3:10,4:10")
	raw(t, dir, `UPDATE pieces SET data = x'01' WHERE checkpoint = 4 AND n = 9`)
	if err := add(t.Context(), 5, 1); err != nil {
		t.Fatal(err)
	}
	kept("3:10,5:2")
	// One that is given up leaves pieces, which the next takes away.
	if err := add(after(5), 6, 9*pieceSize); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if n, err := s.w.number(`SELECT count(*) FROM pieces WHERE checkpoint = 6`); err != nil || n < 3 {
		t.Fatal(n, err)
	}
	if err := add(t.Context(), 7, 1); err != nil {
		t.Fatal(err)
	}
	kept("5:2,7:2")
}

// A checkpoint whose pieces got lost on the way doesn't become valid.
func TestLostPieces(t *testing.T) {
	dir := t.TempDir()
	var commits atomic.Int64
	commits.Store(10)
	s, err := Open(dir, Options{Observer: store.Observer{Sync: func(time.Duration) {
		if commits.Add(1) == 4 {
			if err := change(dir, `UPDATE pieces SET data = x'' WHERE n = 1`); err != nil {
				t.Error(err)
			}
		}
	}}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	id := appended(t, s, 1, "a")[0]
	c := store.Checkpoint{Doc: id, Revision: store.Revision{Epoch: 1, Seq: 1}, State: make([]byte, 5*pieceSize)}
	commits.Store(0)
	if err := s.Checkpoint(t.Context(), c); err == nil || !strings.Contains(err.Error(), "pieces of it are gone") {
		t.Fatal(err)
	}
	commits.Store(10)
	if d, err := s.Load(t.Context(), "a"); err != nil || d.Checkpoint != nil || d.Recovered != nil || len(d.Rows) != 1 {
		t.Fatal(d, err)
	}
	if err := s.Checkpoint(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

func TestObserver(t *testing.T) {
	var mu sync.Mutex
	var syncs []time.Duration
	commits := map[int]time.Duration{}
	s, err := Open(t.TempDir(), Options{Observer: store.Observer{
		Commit: func(d time.Duration, rows int) { mu.Lock(); defer mu.Unlock(); commits[rows] = d },
		Sync:   func(d time.Duration) { mu.Lock(); defer mu.Unlock(); syncs = append(syncs, d) },
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	appended(t, s, 5, "a", "b")
	if err := s.Append(t.Context(), []store.Entry{{Doc: 1, Name: "a", Rows: storetest.Rows(1, 9, 9)}}); !errors.Is(err, store.ErrGap) {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(commits) != 1 || commits[5] <= 0 || len(syncs) < 2 || commits[5] < syncs[1] {
		t.Fatal(fmt.Sprint(commits, syncs))
	}
}

// A store with a history prunes by itself.
func TestHistory(t *testing.T) {
	s, err := Open(t.TempDir(), Options{History: time.Hour, pruneEvery: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	id := appended(t, s, 5, "a")[0] // rows of years ago
	for seq := uint64(3); seq <= 4; seq++ {
		if err := s.Checkpoint(t.Context(), store.Checkpoint{Doc: id, Revision: store.Revision{Epoch: 1, Seq: seq}, State: []byte("x")}); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(20 * time.Second); ; {
		_, err := s.Rows(t.Context(), id, store.Revision{}, 0)
		if errors.Is(err, store.ErrStartAnew) {
			break
		}
		if err != nil || time.Now().After(deadline) {
			t.Fatal("nothing was pruned: ", err)
		}
	}
	if rows, err := s.Rows(t.Context(), id, store.Revision{Epoch: 1, Seq: 3}, 0); err != nil || len(rows) != 2 {
		t.Fatal(rows, err)
	}
}

// A load that began before a repair doesn't mark what has been repaired.
func TestLateLoad(t *testing.T) {
	var m marks
	damage := &store.RowError{Name: "a"}
	late := m.repairsSoFar()
	m.found(1, damage, late)
	if err := m.refuse(1); !errors.Is(err, store.ErrDamaged) {
		t.Fatal(err)
	}
	m.repaired(1)
	m.found(1, damage, late)
	if err := m.refuse(1); err != nil {
		t.Fatal(err)
	}
	m.found(1, damage, m.repairsSoFar())
	if err := m.refuse(1); !errors.Is(err, store.ErrDamaged) {
		t.Fatal(err)
	}
}

// What a crash left of a removed document, the next Prune removes.
func TestPurgeGoesOn(t *testing.T) {
	dir := t.TempDir()
	s, after := interruptible(t, dir)
	appended(t, s, 600, "a")
	if err := s.Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	// It ends after the mark and the first batch.
	if err := s.Prune(after(2), time.Now().Add(time.Hour)); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	if left, err := s.w.number(`SELECT count(*) FROM rows`); err != nil || left == 0 || left == 600 {
		t.Fatalf("%d rows were left: %v", left, err)
	}
	if err := s.Prune(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if n, err := s.w.number(`SELECT count(*) FROM rows`); err != nil || n != 0 {
		t.Fatal(n, err)
	}
	if err := s.Restore(t.Context(), "a"); !errors.Is(err, store.ErrUnknown) {
		t.Fatal(err)
	}
}
