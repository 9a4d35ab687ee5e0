package storetest

import (
	"time"

	"github.com/inkwire/inkwire/internal/store"
)

// rowsOf reads the rows of a document after a revision.
func (s *suite) rowsOf(doc store.DocID, epoch, seq uint64, limit int) ([]store.Row, error) {
	return s.store.Rows(s.Context(), doc, store.Revision{Epoch: epoch, Seq: seq}, limit)
}

func (s *suite) mustRows(doc store.DocID, epoch, seq uint64, limit int) []store.Row {
	s.Helper()
	rows, err := s.rowsOf(doc, epoch, seq, limit)
	s.must(err)
	return rows
}

func (s *suite) startsAnew(doc store.DocID, epoch, seq uint64) {
	s.Helper()
	rows, err := s.rowsOf(doc, epoch, seq, 0)
	s.is(err, store.ErrStartAnew)
	if rows != nil {
		s.Fatalf("%d rows with the error", len(rows))
	}
}

func rowsAfter(t *suite) {
	d := t.load("a")
	if rows := t.mustRows(d.ID, 0, 0, 0); rows != nil {
		t.Fatal(rows)
	}
	t.startsAnew(d.ID, 1, 1)
	all := append(Rows(1, 1, 4), Rows(3, 1, 3)...)
	all[1].Kind = store.KindActivity
	t.must(t.append(store.Entry{Doc: d.ID, Name: "a", Rows: all[:4]}))
	t.must(t.append(store.Entry{Doc: d.ID, Name: "a", Rows: all[4:]}))
	t.must(t.store.Checkpoint(t.Context(), store.Checkpoint{Doc: d.ID, Revision: all[5].Revision, State: []byte("x")}))
	sameRows(t, t.mustRows(d.ID, 0, 0, 0), all)
	sameRows(t, t.mustRows(d.ID, 0, 0, 5), all[:5])
	for i, row := range all {
		sameRows(t, t.mustRows(d.ID, row.Epoch, row.Seq, 0), all[i+1:])
		sameRows(t, t.mustRows(d.ID, row.Epoch, row.Seq, 1), all[i+1:min(i+2, len(all))])
	}
	for _, never := range []store.Revision{{Epoch: 1}, {Epoch: 1, Seq: 5}, {Epoch: 2}, {Epoch: 2, Seq: 1}, {Epoch: 3}, {Epoch: 3, Seq: 4}, {Epoch: 4, Seq: 1}} {
		t.startsAnew(d.ID, never.Epoch, never.Seq)
	}
}

func sessions(t *suite) {
	a, b := t.load("a"), t.load("b")
	ann := store.Session{ID: 7, Subject: "u1", Name: "Ann", Start: start}
	bob := store.Session{ID: -3, Start: start.Add(time.Second)}
	t.must(t.append(
		store.Entry{Doc: a.ID, Name: "a", Rows: Rows(1, 1, 1), Sessions: []store.Session{bob, ann}},
		store.Entry{Doc: b.ID, Name: "b", Rows: Rows(1, 1, 1), Sessions: []store.Session{{ID: 7, Name: "another document's"}}},
	))
	// A refused entry stores no session.
	t.is(t.append(store.Entry{Doc: a.ID, Name: "a", Rows: Rows(1, 3, 3), Sessions: []store.Session{{ID: 9}}}), store.ErrGap)
	t.sameSessions(a.ID, ann, bob)
	bob.Name = "Bob"
	t.must(t.append(store.Entry{Doc: a.ID, Name: "a", Sessions: []store.Session{bob}}))
	t.reopen()
	t.sameSessions(a.ID, ann, bob)
}

func (s *suite) sameSessions(doc store.DocID, want ...store.Session) {
	s.Helper()
	got, err := s.store.Sessions(s.Context(), doc)
	s.must(err)
	if len(got) != len(want) {
		s.Fatalf("sessions %v, want %v", got, want)
	}
	for i := range got {
		if !got[i].Start.Equal(want[i].Start) {
			s.Fatalf("session %v, want %v", got[i], want[i])
		}
		got[i].Start = want[i].Start
		if got[i] != want[i] {
			s.Fatalf("session %v, want %v", got[i], want[i])
		}
	}
}

func facts(t *suite) {
	d := t.load("a")
	if d.Edited != (store.Edit{}) || d.Facts != (store.Facts{}) {
		t.Fatal(d.Edited, d.Facts)
	}
	rows := Rows(1, 1, 4)
	for _, i := range []int{0, 2, 3} {
		rows[i].Kind = store.KindActivity
	}
	t.must(t.append(store.Entry{Doc: d.ID, Name: "a", Rows: rows[:1]}))
	if d = t.load("a"); d.Edited != (store.Edit{}) {
		t.Fatal("an activity is no edit: ", d.Edited)
	}
	want := store.Facts{At: rows[1].Revision, Title: "A title", Preview: "and a preview"}
	t.must(t.append(store.Entry{Doc: d.ID, Name: "a", Rows: rows[1:3], Facts: &want}))
	t.must(t.append(store.Entry{Doc: d.ID, Name: "a", Rows: rows[3:]}))
	t.sameFacts("a", rows[1], want)
	want = store.Facts{At: rows[3].Revision, Title: "Another"}
	t.must(t.append(store.Entry{Doc: d.ID, Name: "a", Facts: &want}))
	t.must(t.store.Checkpoint(t.Context(), store.Checkpoint{Doc: d.ID, Revision: rows[3].Revision, State: []byte("x")}))
	t.reopen()
	t.sameFacts("a", rows[1], want)
}

func (s *suite) sameFacts(name string, row store.Row, want store.Facts) {
	s.Helper()
	d := s.load(name)
	if d.Edited.Revision != row.Revision || d.Edited.Session != row.Session || !d.Edited.Time.Equal(row.Time) {
		s.Fatalf("edited %v, want %v", d.Edited, row)
	}
	if d.Facts != want {
		s.Fatalf("facts %v, want %v", d.Facts, want)
	}
}

func refusedFacts(t *suite) {
	d := t.load("a")
	at := func(epoch, seq uint64) error {
		return t.append(store.Entry{Doc: d.ID, Name: "a", Facts: &store.Facts{At: store.Revision{Epoch: epoch, Seq: seq}, Title: "x"}})
	}
	t.is(at(0, 0), store.ErrGap)
	t.is(t.append(store.Entry{Doc: d.ID, Name: "a", Sessions: []store.Session{{ID: 1}}}), store.ErrGap)
	t.must(t.append(store.Entry{Doc: d.ID, Name: "a", Rows: Rows(2, 1, 2)}))
	t.is(at(1, 1), store.ErrFenced)
	t.is(at(3, 1), store.ErrFenced)
	t.is(at(2, 3), store.ErrGap)
	// Refused facts take the rows of their entry with them.
	t.is(t.append(store.Entry{Doc: d.ID, Name: "a", Rows: Rows(2, 3, 3), Facts: &store.Facts{At: store.Revision{Epoch: 2, Seq: 4}}}), store.ErrGap)
	same(t, t.load("a"), nil, Rows(2, 1, 2))
	if f := t.load("a").Facts; f != (store.Facts{}) {
		t.Fatal(f)
	}
}

func lostRevisions(t *suite) {
	d := t.load("a")
	t.must(t.append(store.Entry{Doc: d.ID, Name: "a", Rows: Rows(1, 1, 3)}))
	// 1.4 was given, and perhaps told to somebody, when everything ended.
	t.reopen()
	d = t.load("a")
	t.startsAnew(d.ID, 1, 4)
	t.must(t.append(store.Entry{Doc: d.ID, Name: "a", Rows: Rows(d.Revision.Epoch+1, 1, 2)}))
	t.is(t.append(store.Entry{Doc: d.ID, Name: "a", Rows: Rows(1, 4, 4)}), store.ErrFenced)
	t.startsAnew(d.ID, 1, 4)
	sameRows(t, t.mustRows(d.ID, 1, 3, 0), Rows(2, 1, 2))
}

func overtakenCheckpoint(t *suite) {
	d := t.load("a")
	t.must(t.append(store.Entry{Doc: d.ID, Name: "a", Rows: Rows(1, 1, 5)}))
	for _, seq := range []uint64{2, 4, 3, 1} {
		t.must(t.store.Checkpoint(t.Context(), store.Checkpoint{Doc: d.ID, Revision: store.Revision{Epoch: 1, Seq: seq}, State: []byte{byte(seq)}}))
	}
	same(t, t.load("a"), []byte{4}, Rows(1, 5, 5))
	// Nor does it take the place of the one that stands in for the last.
	t.must(t.place.HarmCheckpoint(d.ID, store.Revision{Epoch: 1, Seq: 4}))
	same(t, t.load("a"), []byte{2}, Rows(1, 3, 5))
}
