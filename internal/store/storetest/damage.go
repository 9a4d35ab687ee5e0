package storetest

import (
	"errors"

	"github.com/inkwire/inkwire/internal/store"
)

func rev(epoch, seq uint64) store.Revision { return store.Revision{Epoch: epoch, Seq: seq} }

func (s *suite) checkpoint(doc store.DocID, at store.Revision, state string) error {
	return s.store.Checkpoint(s.Context(), store.Checkpoint{Doc: doc, Revision: at, State: []byte(state), Authors: []byte("by " + state)})
}

// damagedAt checks where a loaded document is damaged.
func (s *suite) damagedAt(d *store.Document, name, what string, at store.Revision) {
	s.Helper()
	if d.Damage == nil || d.Damage.Name != name || d.Damage.What != what || d.Damage.Revision != at || !errors.Is(d.Damage, store.ErrCorrupt) {
		s.Fatalf("damage %v, want that of %s %v", d.Damage, what, at)
	}
	if d.Recovered != nil {
		s.Fatalf("damaged, and yet recovered from %v", d.Recovered)
	}
}

func (s *suite) whole(d *store.Document) {
	s.Helper()
	if d.Damage != nil || d.Recovered != nil {
		s.Fatal(d.Damage, d.Recovered)
	}
}

func damagedRow(t *suite) {
	a, b := t.load("a"), t.load("b")
	t.must(t.append(
		store.Entry{Doc: a.ID, Name: "a", Rows: Rows(1, 1, 6)},
		store.Entry{Doc: b.ID, Name: "b", Rows: Rows(1, 1, 6)}))
	t.must(t.checkpoint(a.ID, rev(1, 2), "two"))
	t.whole(t.load("a"))
	t.must(t.place.HarmRow(a.ID, rev(1, 5)))
	for range 2 {
		d := t.load("a")
		t.damagedAt(d, "a", "row", rev(1, 5))
		same(t, d, []byte("two"), Rows(1, 3, 4))
		if d.Edited.Revision != rev(1, 4) {
			t.Fatalf("edited %v", d.Edited)
		}
		for epoch, seq := range map[uint64]uint64{1: 7, 2: 1} {
			t.is(t.append(store.Entry{Doc: a.ID, Name: "a", Rows: Rows(epoch, seq, seq)}), store.ErrDamaged)
			// A batch is refused as a whole.
			t.is(t.append(store.Entry{Doc: b.ID, Name: "b", Rows: Rows(1, 7, 7)},
				store.Entry{Doc: a.ID, Name: "a", Rows: Rows(epoch, seq, seq)}), store.ErrDamaged)
		}
		t.is(t.checkpoint(a.ID, rev(1, 4), "four"), store.ErrDamaged)
		d = t.load("b")
		t.whole(d)
		same(t, d, nil, Rows(1, 1, 6))
		t.reopen()
	}
	t.must(t.append(store.Entry{Doc: b.ID, Name: "b", Rows: Rows(2, 1, 1)}))
	rows, err := t.rowsOf(a.ID, 1, 1, 0)
	t.is(err, store.ErrCorrupt)
	sameRows(t, rows, Rows(1, 2, 4))
	sameRows(t, t.mustRows(a.ID, 1, 5, 0), Rows(1, 6, 6))
}

func damagedCheckpoint(t *suite) {
	// An older checkpoint makes up for it.
	a := t.load("a")
	t.must(t.append(store.Entry{Doc: a.ID, Name: "a", Rows: Rows(1, 1, 6)}))
	for seq, state := range map[uint64]string{2: "two"} {
		t.must(t.checkpoint(a.ID, rev(1, seq), state))
	}
	t.must(t.checkpoint(a.ID, rev(1, 4), "four"))
	t.must(t.place.HarmCheckpoint(a.ID, rev(1, 4)))
	recovered := func(base string, rows []store.Row, at store.Revision) {
		t.Helper()
		d := t.load("a")
		if d.Damage != nil || d.Recovered == nil || d.Recovered.What != "checkpoint" || d.Recovered.Revision != at {
			t.Fatalf("damage %v, recovered %v", d.Damage, d.Recovered)
		}
		var state []byte
		if base != "" {
			state = []byte(base)
			base = "by " + base
		}
		same(t, d, state, rows)
		if string(d.Authors) != base {
			t.Fatalf("authors %q, want %q", d.Authors, base)
		}
	}
	recovered("two", Rows(1, 3, 6), rev(1, 4))
	t.must(t.append(store.Entry{Doc: a.ID, Name: "a", Rows: Rows(1, 7, 8)}))
	recovered("two", Rows(1, 3, 8), rev(1, 4))
	// The next one stands beside the one that is whole, not the damaged one.
	t.must(t.checkpoint(a.ID, rev(1, 7), "seven"))
	d := t.load("a")
	t.whole(d)
	same(t, d, []byte("seven"), Rows(1, 8, 8))
	t.must(t.place.HarmCheckpoint(a.ID, rev(1, 7)))
	recovered("two", Rows(1, 3, 8), rev(1, 7))
	// All are damaged, but the rows are there.
	t.must(t.place.HarmCheckpoint(a.ID, rev(1, 2)))
	recovered("", Rows(1, 1, 8), rev(1, 7))
	// A row on that way is damaged.
	t.must(t.place.HarmRow(a.ID, rev(1, 3)))
	d = t.load("a")
	t.damagedAt(d, "a", "row", rev(1, 3))
	same(t, d, nil, Rows(1, 1, 2))
}

// prunedTo makes a document whose rows up to a sequence are gone.
func (s *suite) prunedTo(name string, seq uint64) store.DocID {
	s.Helper()
	d := s.load(name)
	s.must(s.append(store.Entry{Doc: d.ID, Name: name, Rows: Rows(1, 1, seq+2)}))
	s.must(s.checkpoint(d.ID, rev(1, seq), "first"))
	s.must(s.checkpoint(d.ID, rev(1, seq+1), "second"))
	s.must(s.store.Prune(s.Context(), start.Add(hour)))
	return d.ID
}

func nothingWhole(t *suite) {
	id := t.prunedTo("a", 5)
	t.must(t.place.HarmCheckpoint(id, rev(1, 6)))
	d := t.load("a")
	same(t, d, []byte("first"), Rows(1, 6, 7))
	t.must(t.place.HarmCheckpoint(id, rev(1, 5)))
	d = t.load("a")
	t.damagedAt(d, "a", "checkpoint", rev(1, 6))
	same(t, d, nil, nil)
	if d.Revision != (store.Revision{}) || d.Authors != nil || d.Edited != (store.Edit{}) {
		t.Fatal(d)
	}
	t.is(t.append(store.Entry{Doc: id, Name: "a", Rows: Rows(2, 1, 1)}), store.ErrDamaged)
}

func repair(t *suite) {
	_, err := t.store.Repair(t.Context(), "a")
	t.is(err, store.ErrUnknown)
	d := t.load("a")
	t.must(t.append(store.Entry{Doc: d.ID, Name: "a", Rows: Rows(1, 1, 6)}))
	t.must(t.append(store.Entry{Doc: d.ID, Name: "a", Rows: Rows(4, 1, 3)}))
	t.must(t.checkpoint(d.ID, rev(4, 1), "later"))
	cut, err := t.store.Repair(t.Context(), "a")
	t.must(err)
	if cut != (store.Cut{}) {
		t.Fatalf("of a whole document %v was cut", cut)
	}
	t.must(t.place.HarmCheckpoint(d.ID, rev(4, 1)))
	t.must(t.place.HarmRow(d.ID, rev(1, 4)))
	t.damagedAt(t.load("a"), "a", "row", rev(1, 4))
	cut, err = t.store.Repair(t.Context(), "a")
	t.must(err)
	if cut.Damage == nil || cut.Damage.Revision != rev(1, 4) || cut.Rows != 6 || cut.Checkpoints != 1 || cut.From != rev(1, 3) || cut.To != rev(5, 1) {
		t.Fatalf("%+v", cut)
	}
	for range 2 {
		got := t.load("a")
		t.whole(got)
		t.ownRow(got, 3, store.RepairedActivity)
		sameRows(t, got.Rows[:3], Rows(1, 1, 3))
		if got.Checkpoint != nil || got.Revision != cut.To || got.Edited.Revision != rev(1, 3) {
			t.Fatalf("%+v", got)
		}
		t.reopen()
	}
	t.load("a")
	for _, gone := range []store.Revision{rev(1, 4), rev(1, 6), rev(4, 1), rev(4, 3)} {
		t.startsAnew(d.ID, gone.Epoch, gone.Seq)
	}
	t.is(t.append(store.Entry{Doc: d.ID, Name: "a", Rows: Rows(4, 4, 4)}), store.ErrFenced)
	t.must(t.append(store.Entry{Doc: d.ID, Name: "a", Rows: Rows(6, 1, 1)}))
	t.must(t.checkpoint(d.ID, rev(6, 1), "six"))
	got := t.load("a")
	t.whole(got)
	same(t, got, []byte("six"), nil)

	// Of a document of which nothing is whole, nothing is kept.
	id := t.prunedTo("b", 5)
	t.must(t.place.HarmCheckpoint(id, rev(1, 5)))
	t.must(t.place.HarmCheckpoint(id, rev(1, 6)))
	t.damagedAt(t.load("b"), "b", "checkpoint", rev(1, 6))
	cut, err = t.store.Repair(t.Context(), "b")
	t.must(err)
	if cut.Rows != 2 || cut.Checkpoints != 2 || cut.To != rev(2, 1) {
		t.Fatalf("%+v", cut)
	}
	got = t.load("b")
	t.whole(got)
	t.ownRow(got, 0, store.RepairedActivity)
	t.must(t.append(store.Entry{Doc: id, Name: "b", Rows: Rows(3, 1, 1)}))
}

// ownRow checks that a document's rows are n and then one of the store's own.
func (s *suite) ownRow(d *store.Document, n int, activity string) {
	s.Helper()
	if len(d.Rows) != n+1 {
		s.Fatalf("%d rows, want %d", len(d.Rows), n+1)
	}
	if r := d.Rows[n]; r.Kind != store.KindActivity || r.Session != 0 || string(r.Data) != activity || r.Revision != d.Revision {
		s.Fatalf("row %v holds %s", r.Revision, r.Data)
	}
}
