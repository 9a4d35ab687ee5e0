package storetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/inkwire/inkwire/internal/store"
)

// stored makes documents with one row each.
func (s *suite) stored(names ...string) {
	s.Helper()
	for _, name := range names {
		s.must(s.append(store.Entry{Doc: s.load(name).ID, Name: name, Rows: Rows(1, 1, 1)}))
	}
}

func hash(secret string) store.Hash { return sha256.Sum256([]byte(secret)) }

func (s *suite) share(secret string, l store.Share) store.Share {
	s.Helper()
	id, err := s.store.AddShare(s.Context(), hash(secret), l)
	s.must(err)
	l.ID = id
	return l
}

// isShare checks that a share is found, by its secret and its id.
func (s *suite) isShare(secret string, want store.Share) {
	s.Helper()
	bySecret, err := s.store.ShareOf(s.Context(), hash(secret))
	s.must(err)
	byID, err := s.store.ShareByID(s.Context(), want.ID)
	s.must(err)
	if !sameShare(bySecret, want) || !sameShare(byID, want) {
		s.Fatalf("%+v and %+v, want %+v", bySecret, byID, want)
	}
}

func sameShare(a, b store.Share) bool {
	return a.ID == b.ID && a.Document == b.Document && a.Role == b.Role && a.Note == b.Note && a.By == b.By &&
		a.Created.Equal(b.Created) && a.Expires.Equal(b.Expires)
}

func (s *suite) isNoShare(secret string, id int64) {
	s.Helper()
	_, err := s.store.ShareOf(s.Context(), hash(secret))
	s.is(err, store.ErrUnknown)
	_, err = s.store.ShareByID(s.Context(), id)
	s.is(err, store.ErrUnknown)
}

func (s *suite) isShares(document string, want ...store.Share) {
	s.Helper()
	got, err := s.store.Shares(s.Context(), document)
	s.must(err)
	if !slices.EqualFunc(got, want, sameShare) {
		s.Fatalf("shares %+v, want %+v", got, want)
	}
}

func shares(t *suite) {
	_, err := t.store.AddShare(t.Context(), hash("1"), store.Share{Document: "a", Role: "reader", Created: start})
	t.is(err, store.ErrUnknown)
	_, err = t.store.Shares(t.Context(), "a")
	t.is(err, store.ErrUnknown)
	t.stored("a", "b")
	t.isShares("a")
	first := t.share("1", store.Share{Document: "a", Role: "reader", Created: start})
	second := t.share("2", store.Share{Document: "a", Role: "writer", Note: "für\x00alle", By: "ann", Created: start.Add(hour), Expires: start.Add(2 * hour)})
	other := t.share("3", store.Share{Document: "b", Role: "reader", Created: start})
	t.isNoShare("4", other.ID+1)
	for range 2 {
		t.isShare("1", first)
		t.isShare("2", second) // expired
		t.isShare("3", other)
		t.isShares("a", first, second)
		t.isShares("b", other)
		t.reopen()
	}
	changed := first
	changed.Role, changed.Note, changed.Expires = "commenter", "new", start.Add(3*hour)
	got, err := t.store.ChangeShare(t.Context(), "a", first.ID, func(l *store.Share) {
		if !sameShare(*l, first) {
			t.Errorf("changes %+v, want %+v", *l, first)
		}
		*l = changed
		l.ID, l.Document, l.By, l.Created = 0, "b", "bob", time.Time{} // these stay
	})
	t.must(err)
	if !sameShare(got, changed) {
		t.Fatalf("%+v, want %+v", got, changed)
	}
	t.isShare("1", changed)
	t.must(t.store.RevokeShare(t.Context(), "a", second.ID))
	t.isNoShare("2", second.ID)
	t.is(t.store.RevokeShare(t.Context(), "a", second.ID), store.ErrUnknown)
	t.isShares("a", changed)
	t.must(t.store.RevokeShares(t.Context(), "a"))
	t.reopen()
	t.isNoShare("1", first.ID)
	t.isShares("a")
	t.isShare("3", other)
	t.is(t.store.RevokeShares(t.Context(), "nobody's"), store.ErrUnknown)
}

func sharesOfDocuments(t *suite) {
	t.stored("a", "b")
	old := t.share("old", store.Share{Document: "a", Role: "reader", Created: start})
	none := func(*store.Share) { t.Error("changes a share of another document") }
	for _, name := range []string{"b", "nobody's"} {
		_, err := t.store.ChangeShare(t.Context(), name, old.ID, none)
		t.is(err, store.ErrUnknown)
		t.is(t.store.RevokeShare(t.Context(), name, old.ID), store.ErrUnknown)
	}
	t.must(t.store.Delete(t.Context(), "a"))
	_, err := t.store.AddShare(t.Context(), hash("new"), store.Share{Document: "a", Role: "reader", Created: start})
	t.is(err, store.ErrDeleted)
	t.isShare("old", old) // whoever follows it is told that the document is deleted
	t.isShares("a", old)
	t.must(t.store.Restore(t.Context(), "a"))
	t.isShare("old", old)

	t.must(t.store.Delete(t.Context(), "a"))
	t.must(t.store.Create(t.Context(), "a"))
	for range 2 {
		t.isNoShare("old", old.ID)
		t.isShares("a")
		_, err = t.store.ChangeShare(t.Context(), "a", old.ID, none)
		t.is(err, store.ErrUnknown)
		t.is(t.store.RevokeShare(t.Context(), "a", old.ID), store.ErrUnknown)
		t.reopen()
	}
	t.share("new", store.Share{Document: "a", Role: "reader", Created: start})
}

func idsOfShares(t *suite) {
	t.stored("a", "b")
	l := store.Share{Document: "a", Role: "reader", Created: start}
	last := t.share("last", l).ID
	t.must(t.store.RevokeShare(t.Context(), "a", last))
	t.reopen()
	if id := t.share("next", l).ID; id <= last {
		t.Fatalf("the id %d was given before", id)
	}
	var wg sync.WaitGroup
	for i := range store.MaxShares + 10 {
		wg.Go(func() { _, _ = t.store.AddShare(t.Context(), hash(fmt.Sprint(i)), l) })
	}
	wg.Wait()
	all, err := t.store.Shares(t.Context(), "a")
	t.must(err)
	if len(all) != store.MaxShares {
		t.Fatalf("%d shares", len(all))
	}
	_, err = t.store.AddShare(t.Context(), hash("more"), l)
	t.is(err, store.ErrShares)
	t.share("b", store.Share{Document: "b", Role: "reader", Created: start})
}

// change gives a browser's session what it holds from now on.
func (s *suite) change(secret, holds string, expires time.Time) (before []byte) {
	s.Helper()
	s.must(s.store.ChangeSession(s.Context(), hash(secret), func(b []byte) ([]byte, time.Time) {
		before = bytes.Clone(b)
		return []byte(holds), expires
	}))
	return before
}

func (s *suite) holds(secret, want string) {
	s.Helper()
	got, err := s.store.SessionOf(s.Context(), hash(secret))
	s.must(err)
	if string(got) != want {
		s.Fatalf("holds %q, want %q", got, want)
	}
}

func browsers(t *suite) {
	soon := time.Now().Add(hour)
	_, err := t.store.SessionOf(t.Context(), hash("1"))
	t.is(err, store.ErrUnknown)
	t.must(t.store.DropSession(t.Context(), hash("1")))
	if b := t.change("1", "one", soon); b != nil {
		t.Fatalf("a new one holds %q", b)
	}
	t.change("2", "", soon)
	t.reopen()
	t.holds("1", "one")
	t.holds("2", "")
	if b := t.change("2", "two", soon); b == nil || len(b) > 0 {
		t.Fatalf("held %q", b)
	}
	if b := t.change("1", "more", soon); string(b) != "one" {
		t.Fatalf("held %q", b)
	}
	t.holds("1", "more")
	t.must(t.store.DropSession(t.Context(), hash("1")))
	_, err = t.store.SessionOf(t.Context(), hash("1"))
	t.is(err, store.ErrUnknown)
	t.holds("2", "two")
	t.change("2", "two", time.Now().Add(-hour))
	_, err = t.store.SessionOf(t.Context(), hash("2"))
	t.is(err, store.ErrUnknown)
	if b := t.change("2", "anew", soon); b != nil {
		t.Fatalf("one that had expired holds %q", b)
	}
}

func browsersAtOnce(t *suite) {
	const n = 30
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if err := t.store.ChangeSession(t.Context(), hash("1"), func(b []byte) ([]byte, time.Time) {
				return append(bytes.Clone(b), byte('a'+i)), time.Now().Add(hour)
			}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	got, err := t.store.SessionOf(t.Context(), hash("1"))
	t.must(err)
	slices.Sort(got)
	if len(slices.Compact(got)) != n {
		t.Fatalf("holds %q", got)
	}
}

func cuts(t *suite) {
	is := func(subject string, want time.Time) {
		t.Helper()
		got, err := t.store.CutOf(t.Context(), subject)
		t.must(err)
		if !got.Equal(want) {
			t.Fatalf("%q is cut off up to %v, want %v", subject, got, want)
		}
	}
	is("ann", time.Time{})
	t.must(t.store.Cut(t.Context(), "ann", start))
	t.must(t.store.Cut(t.Context(), "ann", start.Add(-hour)))
	t.reopen()
	is("ann", start)
	is("Ann", time.Time{})
	t.must(t.store.Cut(t.Context(), "ann", start.Add(hour)))
	is("ann", start.Add(hour))
}

// everyGrant calls each method of store.Grants.
func (s *suite) everyGrant(ctx context.Context, is func(error)) {
	l := store.Share{Document: "a", Role: "reader", Created: start}
	_, err := s.store.AddShare(ctx, hash("1"), l)
	is(err)
	_, err = s.store.ShareOf(ctx, hash("1"))
	is(err)
	_, err = s.store.ShareByID(ctx, 1)
	is(err)
	_, err = s.store.Shares(ctx, "a")
	is(err)
	_, err = s.store.ChangeShare(ctx, "a", 1, func(*store.Share) {})
	is(err)
	is(s.store.RevokeShare(ctx, "a", 1))
	is(s.store.RevokeShares(ctx, "a"))
	is(s.store.ChangeSession(ctx, hash("1"), func([]byte) ([]byte, time.Time) { return nil, start }))
	_, err = s.store.SessionOf(ctx, hash("1"))
	is(err)
	is(s.store.DropSession(ctx, hash("1")))
	is(s.store.Cut(ctx, "ann", start))
	_, err = s.store.CutOf(ctx, "ann")
	is(err)
}

func refusedGrants(t *suite) {
	t.stored("a")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	t.everyGrant(ctx, func(err error) { t.Helper(); t.is(err, context.Canceled) })
	t.isShares("a")
	t.must(t.store.Close())
	t.everyGrant(t.Context(), func(err error) { t.Helper(); t.is(err, store.ErrClosed) })
	t.store = nil
	t.reopen()
}

func prunedGrants(t *suite) {
	t.stored("a", "b")
	now := time.Now()
	at := func(age time.Duration) store.Share {
		return store.Share{Document: "a", Role: "reader", Created: start, Expires: now.Add(-age).Truncate(time.Millisecond)}
	}
	kept := t.share("kept", at(store.ShareKept-hour))
	gone := t.share("gone", at(store.ShareKept+hour))
	forever := t.share("forever", store.Share{Document: "a", Role: "reader", Created: start})
	t.share("deleted", store.Share{Document: "b", Role: "reader", Created: start})
	t.change("old", "old", now.Add(-hour))
	t.change("new", "new", now.Add(hour))
	t.must(t.store.Prune(t.Context(), start)) // whatever the history is
	t.isShares("a", kept, forever)
	t.isNoShare("gone", gone.ID)
	t.holds("new", "new")
	t.must(t.store.Delete(t.Context(), "b"))
	t.must(t.store.Prune(t.Context(), now.Add(hour)))
	t.isShares("b") // with the document's content
	t.isShares("a", kept, forever)
}
