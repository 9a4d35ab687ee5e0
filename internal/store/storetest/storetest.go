// Package storetest holds the rules that every backend of the log keeps. Each
// has a number, which the names of its tests carry.
//
//	ST1  A name that nobody has used loads as an empty document; loading stores nothing.
//	ST2  What was appended loads back, in order, with all its fields.
//	ST3  A batch is stored whole or not at all, across documents.
//	ST4  What was appended is there after the store was closed and opened again.
//	ST5  An append of an older epoch is refused with ErrFenced; a newer one begins at sequence 1.
//	ST6  Of two who loaded a new name, only the first can append; the other gets ErrFenced.
//	ST7  Rows that don't follow the log are refused with ErrGap.
//	ST8  A checkpoint loads back with its authors and the rows after it alone, however large it is.
//	ST9  A checkpoint of another epoch, or beyond the log, is refused.
//	ST10 Bytes passed in may be changed after the call; bytes handed out may be changed too.
//	ST11 Appends at the same time are all stored.
//	ST12 After Close every method gives ErrClosed, and what was accepted before is stored.
//	ST13 A context that has ended is respected.
//	ST14 Data that is open can't be opened again: ErrLocked.
//	ST15 Of several refused and accepted appends at once, each gets its own verdict.
//	ST16 Rows gives what follows a revision, and ErrStartAnew if that isn't in the log.
//	ST17 Sessions are stored with the rows of their entry; a later one changes the name.
//	ST18 Append keeps who edited last, and the facts it is given.
//	ST19 An entry without rows is refused if its document isn't stored, or its facts aren't of the log.
//	ST20 A revision that was given but not stored is never another row's, and can't be resumed from.
//	ST21 A checkpoint that has been overtaken changes nothing.
//	ST22 A document with a damaged row loads up to it, and takes nothing more; others aren't concerned.
//	ST23 A damaged checkpoint is made up for by an older one, or by the rows since the beginning.
//	ST24 Without either, nothing of the document loads, and it takes nothing more.
//	ST25 Repair keeps what is whole, and goes on in an epoch that was never used.
//	ST26 A deleted document refuses everyone until it is restored, with all that was in it.
//	ST27 Create takes an unused name, or a deleted document's, and no revision under the name means two things.
//	ST28 Prune removes old rows that two checkpoints cover, and no others.
//	ST29 Prune removes what is in documents deleted long ago; their names go on refusing.
//	ST30 A share is found by its secret and its id, with all its fields, once it was added.
//	ST31 A share is its document's: one of another, or under its name, neither changes it nor gets it.
//	ST32 A share's id is never another's, and a document has at most store.MaxShares.
//	ST33 A browser's session holds what it was given last, until it expires or is dropped.
//	ST34 Changes of one session at the same time build upon each other.
//	ST35 A cut is the latest moment that was told of a subject.
//	ST36 Grants refuse as the log does: after Close, and when a context has ended.
//	ST37 Prune removes sessions that have expired, and shares ShareKept after.
//	ST38 Documents are listed in three sorts, and found by a text whatever its case and accents.
//	ST39 A document that isn't changed while one page after the other is asked for comes once.
//	ST40 A list has what is in a reach and allowed, however many that are.
//	ST41 A header tells of a document what Load does, and by whom it was edited.
//	ST42 Activity is read backwards, a page at a time, without what is damaged.
//	ST43 A file is read as it was added, whole or in parts, from its own document alone.
//	ST44 A document's files are bounded together, and one that fails on its way is none.
//	ST45 Nothing damaged is read of a file.
//	ST46 A file goes when nothing has referred to it for the history, nor was it added since.
//	ST47 Files go with a document that is pruned, and not before.
//	ST48 The catalogue and files refuse as the log does: after Close, and when a context has ended.
//	ST49 Append keeps who is in a document, until they are said to have gone.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/inkwire/inkwire/internal/store"
)

// A Store is a log with its grants.
type Store interface {
	store.Store
	store.Grants
	store.Catalogue
	store.Files
}

// A Place is where the data of a store is. It stays the same in one test.
type Place struct {
	// Open opens the store.
	Open func() (Store, error)
	// HarmRow and HarmCheckpoint change bytes of the row, or of the checkpoint,
	// that a document has at a revision, behind the store's back.
	HarmRow, HarmCheckpoint func(doc store.DocID, at store.Revision) error
	// HarmFile does so with the file of a hash, somewhere in it.
	HarmFile func(store.Hash) error
}

// Run checks all rules. newPlace makes an empty place for one test.
func Run(t *testing.T, newPlace func(t *testing.T) Place) {
	for _, rule := range []struct {
		name string
		test func(*suite)
	}{
		{"ST1_unknown_name", unknownName},
		{"ST2_round_trip", roundTrip},
		{"ST3_whole_batch", wholeBatch},
		{"ST4_reopened", reopened},
		{"ST5_epochs", epochs},
		{"ST6_new_name_twice", newNameTwice},
		{"ST7_gaps", gaps},
		{"ST8_checkpoints", checkpoints},
		{"ST9_refused_checkpoints", refusedCheckpoints},
		{"ST10_bytes", ownBytes},
		{"ST11_at_the_same_time", atOnce},
		{"ST12_closed", closed},
		{"ST13_contexts", contexts},
		{"ST14_opened_twice", openedTwice},
		{"ST15_own_verdict", ownVerdict},
		{"ST16_rows_after", rowsAfter},
		{"ST17_sessions", sessions},
		{"ST18_facts", facts},
		{"ST19_refused_facts", refusedFacts},
		{"ST20_lost_revisions", lostRevisions},
		{"ST21_overtaken_checkpoint", overtakenCheckpoint},
		{"ST22_damaged_row", damagedRow},
		{"ST23_damaged_checkpoint", damagedCheckpoint},
		{"ST24_nothing_whole", nothingWhole},
		{"ST25_repair", repair},
		{"ST26_delete", deleted},
		{"ST27_create", created},
		{"ST28_prune", pruned},
		{"ST29_prune_deleted", prunedDeleted},
		{"ST30_shares", shares},
		{"ST31_shares_of_documents", sharesOfDocuments},
		{"ST32_ids_of_shares", idsOfShares},
		{"ST33_browsers", browsers},
		{"ST34_browsers_at_once", browsersAtOnce},
		{"ST35_cuts", cuts},
		{"ST36_refused_grants", refusedGrants},
		{"ST37_prune_grants", prunedGrants},
		{"ST38_documents", documents},
		{"ST39_documents_while_they_change", documentsWhileTheyChange},
		{"ST40_documents_in_reach", documentsInReach},
		{"ST41_headers", headers},
		{"ST42_activity", activities},
		{"ST43_files", files},
		{"ST44_bounded_files", filesAreBounded},
		{"ST45_damaged_files", damagedFiles},
		{"ST46_collected_files", collectedFiles},
		{"ST47_files_of_pruned_documents", filesOfPrunedDocuments},
		{"ST48_refused_pages", refusedPages},
		{"ST49_people", people},
	} {
		t.Run(rule.name, func(t *testing.T) {
			s := &suite{T: t, place: newPlace(t)}
			s.reopen()
			t.Cleanup(func() { s.store.Close() })
			rule.test(s)
		})
	}
}

type suite struct {
	*testing.T
	place Place
	store Store
}

func (s *suite) reopen() {
	s.Helper()
	if s.store != nil {
		s.must(s.store.Close())
	}
	st, err := s.place.Open()
	s.must(err)
	s.store = st
}

func (s *suite) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *suite) is(err, want error) {
	s.Helper()
	if !errors.Is(err, want) {
		s.Fatalf("the error is %v, want %v", err, want)
	}
}

func (s *suite) load(name string) *store.Document {
	s.Helper()
	d, err := s.store.Load(s.Context(), name)
	s.must(err)
	return d
}

func (s *suite) append(batch ...store.Entry) error {
	return s.store.Append(s.Context(), batch)
}

// start is a fixed time, in milliseconds as rows have it.
var start = time.UnixMilli(1_700_000_000_123)

// Rows makes rows from..to of an epoch, whose updates tell their place.
func Rows(epoch, from, to uint64) []store.Row {
	var rows []store.Row
	for seq := from; seq <= to; seq++ {
		rows = append(rows, store.Row{
			Revision: store.Revision{Epoch: epoch, Seq: seq},
			Session:  int64(7 * seq), Client: 5 * seq, Time: start.Add(time.Duration(seq) * time.Millisecond),
			Data: fmt.Appendf(nil, "update %d.%d", epoch, seq),
		})
	}
	return rows
}

func same(t *suite, d *store.Document, checkpoint []byte, rows []store.Row) {
	t.Helper()
	if !bytes.Equal(d.Checkpoint, checkpoint) {
		t.Fatalf("the checkpoint has %d bytes, want %d", len(d.Checkpoint), len(checkpoint))
	}
	sameRows(t, d.Rows, rows)
	if n := len(rows); n > 0 && d.Revision != rows[n-1].Revision {
		t.Fatalf("revision %v, want %v", d.Revision, rows[n-1].Revision)
	}
}

func sameRows(t *suite, got, want []store.Row) {
	t.Helper()
	if !slices.EqualFunc(got, want, func(a, b store.Row) bool {
		return a.Revision == b.Revision && a.Kind == b.Kind && a.Session == b.Session && a.Client == b.Client &&
			a.Time.Equal(b.Time) && bytes.Equal(a.Data, b.Data)
	}) {
		t.Fatalf("rows %v, want %v", got, want)
	}
}

func unknownName(t *suite) {
	a, b := t.load("a"), t.load("b")
	if a.ID == 0 || a.ID == b.ID || a.Revision != (store.Revision{}) || a.Checkpoint != nil || a.Rows != nil {
		t.Fatal(a, b)
	}
	t.reopen()
	same(t, t.load("a"), nil, nil)
}

func roundTrip(t *suite) {
	d := t.load("a")
	rows := Rows(1, 1, 3)
	rows[0].Kind, rows[0].Client = store.KindActivity, 0
	rows[1].Data, rows[1].Client = nil, 1<<53-1 // empty
	rows[2].Data = bytes.Repeat([]byte{0xff}, 100_000)
	t.must(t.append(store.Entry{Doc: d.ID, Name: "a", Rows: rows[:1]}))
	t.must(t.append(store.Entry{Doc: d.ID, Name: "a", Rows: rows[1:]}))
	got := t.load("a")
	same(t, got, nil, rows)
	if got.ID != d.ID {
		t.Fatalf("id %d, was %d", got.ID, d.ID)
	}
	same(t, t.load("A"), nil, nil) // names are bytes
}

func wholeBatch(t *suite) {
	a, b := t.load("a"), t.load("b")
	t.must(t.append(store.Entry{Doc: a.ID, Name: "a", Rows: Rows(1, 1, 2)}, store.Entry{Doc: b.ID, Name: "b", Rows: Rows(5, 1, 1)}))
	t.is(t.append(store.Entry{Doc: a.ID, Name: "a", Rows: Rows(1, 3, 3)}, store.Entry{Doc: b.ID, Name: "b", Rows: Rows(4, 2, 2)}), store.ErrFenced)
	same(t, t.load("a"), nil, Rows(1, 1, 2))
	same(t, t.load("b"), nil, Rows(5, 1, 1))
	c := t.load("c")
	t.is(t.append(store.Entry{Doc: c.ID, Name: "c", Rows: Rows(1, 1, 1)}, store.Entry{Doc: b.ID, Name: "b", Rows: Rows(5, 3, 3)}), store.ErrGap)
	same(t, t.load("c"), nil, nil)
}

func reopened(t *suite) {
	d := t.load("a")
	for seq := range uint64(20) {
		t.must(t.append(store.Entry{Doc: d.ID, Name: "a", Rows: Rows(1, seq+1, seq+1)}))
	}
	t.reopen()
	got := t.load("a")
	same(t, got, nil, Rows(1, 1, 20))
	if b := t.load("b"); b.ID == got.ID {
		t.Fatal("a new document has the id of an old one")
	}
}

func epochs(t *suite) {
	d := t.load("a")
	e := func(rows []store.Row) store.Entry { return store.Entry{Doc: d.ID, Name: "a", Rows: rows} }
	t.must(t.append(e(Rows(3, 1, 2))))
	t.is(t.append(e(Rows(2, 1, 1))), store.ErrFenced)
	t.is(t.append(e(Rows(2, 3, 3))), store.ErrFenced)
	t.is(t.append(e(Rows(4, 3, 3))), store.ErrGap)
	t.must(t.append(e(Rows(4, 1, 1))))
	t.is(t.append(e(Rows(3, 3, 3))), store.ErrFenced)
	t.reopen()
	same(t, t.load("a"), nil, append(Rows(3, 1, 2), Rows(4, 1, 1)...))
	t.is(t.append(e(Rows(3, 3, 3))), store.ErrFenced)
}

func newNameTwice(t *suite) {
	first, second := t.load("a"), t.load("a")
	if first.ID == second.ID {
		t.Fatal("two loads of a new name gave the same id")
	}
	t.must(t.append(store.Entry{Doc: second.ID, Name: "a", Rows: Rows(1, 1, 1)}))
	t.is(t.append(store.Entry{Doc: first.ID, Name: "a", Rows: Rows(1, 1, 1)}), store.ErrFenced)
	got := t.load("a")
	if got.ID != second.ID {
		t.Fatal("the name leads to the document that was refused")
	}
	same(t, got, nil, Rows(1, 1, 1))
}

func gaps(t *suite) {
	d := t.load("a")
	e := func(rows ...store.Row) store.Entry { return store.Entry{Doc: d.ID, Name: "a", Rows: rows} }
	t.is(t.append(e(Rows(1, 2, 2)...)), store.ErrGap)
	t.must(t.append(e(Rows(1, 1, 2)...)))
	t.is(t.append(e(Rows(1, 4, 4)...)), store.ErrGap)
	t.is(t.append(e(Rows(1, 2, 2)...)), store.ErrGap) // again
	t.is(t.append(e(Rows(1, 3, 3)[0], Rows(1, 5, 5)[0])), store.ErrGap)
	t.is(t.append(e(Rows(1, 3, 3)[0], Rows(2, 4, 4)[0])), store.ErrGap)
	same(t, t.load("a"), nil, Rows(1, 1, 2))
}

func checkpoints(t *suite) {
	d := t.load("a")
	e := func(rows []store.Row) store.Entry { return store.Entry{Doc: d.ID, Name: "a", Rows: rows} }
	t.must(t.append(e(Rows(1, 1, 5))))
	for i, size := range []int{0, 1, 1 << 18, 1<<18 + 1, 3_000_000} {
		at := store.Revision{Epoch: 1, Seq: uint64(i + 1)}
		state := bytes.Repeat([]byte{byte(i), 1, 2}, size/3+1)[:size]
		authors := bytes.Repeat([]byte{3, byte(i)}, size)[size:]
		t.must(t.store.Checkpoint(t.Context(), store.Checkpoint{Doc: d.ID, Revision: at, State: state, Authors: authors}))
		got := t.load("a")
		same(t, got, state, Rows(1, at.Seq+1, 5))
		if !bytes.Equal(got.Authors, authors) {
			t.Fatalf("%d bytes of authors, want %d", len(got.Authors), len(authors))
		}
	}
	t.reopen()
	got := t.load("a")
	if len(got.Checkpoint) != 3_000_000 || len(got.Rows) != 0 || got.Revision != (store.Revision{Epoch: 1, Seq: 5}) {
		t.Fatal(len(got.Checkpoint), len(got.Rows), got.Revision)
	}
	t.must(t.append(e(Rows(2, 1, 1))))
	same(t, t.load("a"), got.Checkpoint, Rows(2, 1, 1))
}

func refusedCheckpoints(t *suite) {
	d := t.load("a")
	check := func(epoch, seq uint64) error {
		return t.store.Checkpoint(t.Context(), store.Checkpoint{Doc: d.ID, Revision: store.Revision{Epoch: epoch, Seq: seq}, State: []byte("x")})
	}
	t.is(check(1, 1), store.ErrFenced)
	t.must(t.append(store.Entry{Doc: d.ID, Name: "a", Rows: Rows(2, 1, 2)}))
	t.is(check(1, 1), store.ErrFenced)
	t.is(check(3, 1), store.ErrFenced)
	t.is(check(2, 3), store.ErrGap)
	same(t, t.load("a"), nil, Rows(2, 1, 2))
}

func ownBytes(t *suite) {
	d := t.load("a")
	rows := Rows(1, 1, 2)
	t.must(t.append(store.Entry{Doc: d.ID, Name: "a", Rows: rows}))
	state := []byte("state")
	t.must(t.store.Checkpoint(t.Context(), store.Checkpoint{Doc: d.ID, Revision: rows[0].Revision, State: state}))
	clear(state)
	clear(rows[1].Data)
	got := t.load("a")
	same(t, got, []byte("state"), Rows(1, 2, 2))
	clear(got.Checkpoint)
	clear(got.Rows[0].Data)
	same(t, t.load("a"), []byte("state"), Rows(1, 2, 2))
}

func atOnce(t *suite) {
	const writers, rows = 8, 25
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			name := fmt.Sprint("doc ", i)
			d, err := t.store.Load(t.Context(), name)
			if err != nil {
				t.Error(err)
				return
			}
			for seq := uint64(1); seq <= rows; seq++ {
				if err := t.append(store.Entry{Doc: d.ID, Name: name, Rows: Rows(1, seq, seq)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for i := range writers {
		same(t, t.load(fmt.Sprint("doc ", i)), nil, Rows(1, 1, rows))
	}
}

func closed(t *suite) {
	d := t.load("a")
	const n = 20
	results := make(chan error, n)
	accepted := make(chan struct{}, n)
	for i := range n {
		go func() {
			name := fmt.Sprint("doc ", i)
			d, err := t.store.Load(t.Context(), name)
			accepted <- struct{}{}
			if err == nil {
				err = t.append(store.Entry{Doc: d.ID, Name: name, Rows: Rows(1, 1, 1)})
			}
			results <- err
		}()
	}
	for range n {
		<-accepted
	}
	t.must(t.store.Close())
	stored := 0
	for range n {
		if err := <-results; err == nil {
			stored++
		} else {
			t.is(err, store.ErrClosed)
		}
	}
	t.is(t.append(store.Entry{Doc: d.ID, Name: "a", Rows: Rows(1, 1, 1)}), store.ErrClosed)
	_, err := t.store.Load(t.Context(), "a")
	t.is(err, store.ErrClosed)
	t.is(t.store.Checkpoint(t.Context(), store.Checkpoint{Doc: d.ID}), store.ErrClosed)
	_, err = t.store.Rows(t.Context(), d.ID, store.Revision{}, 0)
	t.is(err, store.ErrClosed)
	_, err = t.store.Sessions(t.Context(), d.ID)
	t.is(err, store.ErrClosed)
	_, err = t.store.Repair(t.Context(), "a")
	t.is(err, store.ErrClosed)
	t.is(t.store.Create(t.Context(), "a"), store.ErrClosed)
	t.is(t.store.Delete(t.Context(), "a"), store.ErrClosed)
	t.is(t.store.Restore(t.Context(), "a"), store.ErrClosed)
	t.is(t.store.Prune(t.Context(), time.Now()), store.ErrClosed)
	t.must(t.store.Close()) // again
	t.store = nil
	t.reopen()
	for i := range n {
		stored -= len(t.load(fmt.Sprint("doc ", i)).Rows)
	}
	if stored != 0 {
		t.Fatalf("%d more were acknowledged than are stored", stored)
	}
}

func contexts(t *suite) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := t.store.Load(ctx, "a")
	t.is(err, context.Canceled)
	t.is(t.store.Append(ctx, []store.Entry{{Doc: t.load("a").ID, Name: "a", Rows: Rows(1, 1, 1)}}), context.Canceled)
	same(t, t.load("a"), nil, nil)
}

func openedTwice(t *suite) {
	_, err := t.place.Open()
	t.is(err, store.ErrLocked)
	t.must(t.append(store.Entry{Doc: t.load("a").ID, Name: "a", Rows: Rows(1, 1, 1)}))
}

func ownVerdict(t *suite) {
	const n = 30
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			name := fmt.Sprint("doc ", i)
			d, err := t.store.Load(t.Context(), name)
			if err != nil {
				t.Error(err)
				return
			}
			from := uint64(1 + i%2) // the odd ones begin with a gap
			err = t.append(store.Entry{Doc: d.ID, Name: name, Rows: Rows(1, from, from)})
			if i%2 == 0 && err != nil || i%2 == 1 && !errors.Is(err, store.ErrGap) {
				t.Error(i, err)
			}
		})
	}
	wg.Wait()
	for i := range n {
		if got := len(t.load(fmt.Sprint("doc ", i)).Rows); got != 1-i%2 {
			t.Errorf("document %d has %d rows", i, got)
		}
	}
}
