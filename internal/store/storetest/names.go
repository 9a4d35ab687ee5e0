package storetest

import (
	"github.com/inkwire/inkwire/internal/store"
)

// isDeleted checks that a document refuses everyone.
func (s *suite) isDeleted(name string, doc store.DocID, next store.Revision) {
	s.Helper()
	_, err := s.store.Load(s.Context(), name)
	s.is(err, store.ErrDeleted)
	s.refusesDeleted(name, doc, next)
	s.is(s.store.Delete(s.Context(), name), store.ErrDeleted)
}

func (s *suite) refusesDeleted(name string, doc store.DocID, next store.Revision) {
	s.Helper()
	s.is(s.append(store.Entry{Doc: doc, Name: name, Rows: Rows(next.Epoch, next.Seq, next.Seq)}), store.ErrDeleted)
	s.is(s.append(store.Entry{Doc: doc, Name: name, Sessions: []store.Session{{ID: 1}}}), store.ErrDeleted)
	s.is(s.checkpoint(doc, next, "x"), store.ErrDeleted)
	_, err := s.rowsOf(doc, 0, 0, 0)
	s.is(err, store.ErrDeleted)
	_, err = s.store.Sessions(s.Context(), doc)
	s.is(err, store.ErrDeleted)
}

func deleted(t *suite) {
	t.is(t.store.Delete(t.Context(), "a"), store.ErrUnknown)
	t.is(t.store.Restore(t.Context(), "a"), store.ErrUnknown)
	d := t.load("a")
	t.must(t.append(store.Entry{Doc: d.ID, Name: "a", Rows: Rows(1, 1, 3), Facts: &store.Facts{At: rev(1, 3), Title: "kept"}}))
	t.must(t.checkpoint(d.ID, rev(1, 2), "two"))
	t.is(t.store.Restore(t.Context(), "a"), store.ErrExists)
	t.must(t.store.Delete(t.Context(), "a"))
	t.isDeleted("a", d.ID, rev(1, 4))
	t.reopen()
	t.isDeleted("a", d.ID, rev(2, 1))
	_, err := t.store.Repair(t.Context(), "a")
	t.is(err, store.ErrDeleted)
	t.must(t.store.Restore(t.Context(), "a"))
	got := t.load("a")
	if got.ID != d.ID || got.Facts.Title != "kept" {
		t.Fatalf("%+v", got)
	}
	same(t, got, []byte("two"), Rows(1, 3, 3))
	t.must(t.append(store.Entry{Doc: d.ID, Name: "a", Rows: Rows(2, 1, 1)}))
}

func created(t *suite) {
	early := t.load("a") // a visitor of the unused name
	t.must(t.store.Create(t.Context(), "a"))
	t.is(t.store.Create(t.Context(), "a"), store.ErrExists)
	t.is(t.store.Create(t.Context(), "a\x00"), store.ErrName)
	first := t.load("a")
	if first.ID == early.ID {
		t.Fatal("created under an id that was given to another")
	}
	t.ownRow(first, 0, store.CreatedActivity)
	t.is(t.append(store.Entry{Doc: early.ID, Name: "a", Rows: Rows(1, 1, 1)}), store.ErrFenced)
	t.must(t.append(store.Entry{Doc: first.ID, Name: "a", Rows: Rows(first.Revision.Epoch+1, 1, 2)}))
	t.is(t.store.Create(t.Context(), "a"), store.ErrExists)
	t.must(t.store.Delete(t.Context(), "a"))
	t.must(t.store.Create(t.Context(), "a"))
	t.reopen()
	second := t.load("a")
	t.ownRow(second, 0, store.CreatedActivity)
	if second.ID == first.ID || second.Revision.Epoch <= first.Revision.Epoch+1 {
		t.Fatalf("document %d at %v has taken the place of %d", second.ID, second.Revision, first.ID)
	}
	// The old document stays refused, and can't come back.
	t.refusesDeleted("a", first.ID, rev(first.Revision.Epoch+1, 3))
	t.is(t.store.Restore(t.Context(), "a"), store.ErrExists)
	// No revision of the old one means anything in the new one.
	t.startsAnew(second.ID, first.Revision.Epoch, 1)
	t.startsAnew(second.ID, first.Revision.Epoch+1, 2)
	t.must(t.append(store.Entry{Doc: second.ID, Name: "a", Rows: Rows(second.Revision.Epoch, 2, 2)}))
	t.must(t.store.Delete(t.Context(), "a"))
	t.must(t.store.Restore(t.Context(), "a"))
	if got := t.load("a"); got.ID != second.ID {
		t.Fatalf("document %d was restored, not %d", got.ID, second.ID)
	}
}
