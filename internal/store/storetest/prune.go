package storetest

import (
	"time"

	"github.com/inkwire/inkwire/internal/store"
)

const hour = time.Hour

// prune removes what is older than the time of a row of the first epoch.
func (s *suite) prune(seq uint64) {
	s.Helper()
	s.must(s.store.Prune(s.Context(), start.Add(time.Duration(seq)*time.Millisecond)))
}

func pruned(t *suite) {
	const n = 1000
	d := t.load("a")
	for seq := uint64(1); seq <= n; seq += 100 {
		t.must(t.append(store.Entry{Doc: d.ID, Name: "a", Rows: Rows(1, seq, seq+99)}))
	}
	all := Rows(1, 1, n)
	t.prune(n + 1)
	sameRows(t, t.mustRows(d.ID, 0, 0, 0), all) // no checkpoint
	t.must(t.checkpoint(d.ID, rev(1, 800), "first"))
	t.prune(n + 1)
	sameRows(t, t.mustRows(d.ID, 0, 0, 0), all) // they're what makes up for the only one
	t.must(t.checkpoint(d.ID, rev(1, 900), "second"))
	t.prune(1)
	sameRows(t, t.mustRows(d.ID, 0, 0, 0), all) // none is old
	t.prune(301)
	t.startsAnew(d.ID, 0, 0)
	t.startsAnew(d.ID, 1, 299)
	sameRows(t, t.mustRows(d.ID, 1, 300, 0), all[300:]) // all after it are there
	sameRows(t, t.mustRows(d.ID, 1, 301, 0), all[301:])
	t.prune(n + 1)
	t.reopen()
	t.startsAnew(d.ID, 1, 799)
	sameRows(t, t.mustRows(d.ID, 1, 800, 0), all[800:])
	got := t.load("a")
	t.whole(got)
	same(t, got, []byte("second"), all[900:])
	t.must(t.place.HarmCheckpoint(d.ID, rev(1, 900)))
	got = t.load("a")
	if got.Damage != nil {
		t.Fatal(got.Damage)
	}
	same(t, got, []byte("first"), all[800:])

	// Rows aren't removed on the word of a checkpoint that is damaged.
	b := t.load("b")
	t.must(t.append(store.Entry{Doc: b.ID, Name: "b", Rows: Rows(1, 1, 5)}))
	t.must(t.checkpoint(b.ID, rev(1, 3), "first"))
	t.must(t.checkpoint(b.ID, rev(1, 4), "second"))
	t.must(t.place.HarmCheckpoint(b.ID, rev(1, 3)))
	t.prune(n + 1)
	sameRows(t, t.mustRows(b.ID, 0, 0, 0), Rows(1, 1, 5))
}

func prunedDeleted(t *suite) {
	d, old := t.load("a"), t.load("old")
	for seq := uint64(1); seq <= 600; seq += 300 {
		t.must(t.append(
			store.Entry{Doc: d.ID, Name: "a", Rows: Rows(1, seq, seq+299), Sessions: []store.Session{{ID: int64(seq)}}},
			store.Entry{Doc: old.ID, Name: "old", Rows: Rows(1, seq, seq+299)}))
	}
	t.must(t.checkpoint(d.ID, rev(1, 500), string(make([]byte, 3<<20))))
	t.must(t.store.Delete(t.Context(), "a"))
	t.must(t.store.Delete(t.Context(), "old"))
	t.must(t.store.Create(t.Context(), "old"))
	t.must(t.store.Prune(t.Context(), time.Now().Add(-hour))) // they were deleted just now
	t.must(t.store.Restore(t.Context(), "a"))
	if got := t.load("a"); len(got.Checkpoint) != 3<<20 || len(got.Rows) != 100 {
		t.Fatal(len(got.Checkpoint), len(got.Rows))
	}
	t.must(t.store.Delete(t.Context(), "a"))
	for range 2 {
		t.must(t.store.Prune(t.Context(), time.Now().Add(hour)))
		t.isDeleted("a", d.ID, rev(2, 1))
		t.is(t.store.Restore(t.Context(), "a"), store.ErrUnknown)
		t.ownRow(t.load("old"), 0, store.CreatedActivity)
		t.reopen()
	}
	t.must(t.store.Create(t.Context(), "a"))
	got := t.load("a")
	t.ownRow(got, 0, store.CreatedActivity)
	if got.Revision.Epoch < 2 {
		t.Fatal("revisions of the removed document come again: ", got.Revision)
	}
}
