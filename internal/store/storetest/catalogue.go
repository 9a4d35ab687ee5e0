package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/inkwire/inkwire/internal/store"
)

var everything = store.Reach{All: true}

// edit appends an update with facts to a document, in an epoch after its last.
func (s *suite) edit(name string, at time.Time, title, preview string) {
	s.Helper()
	d := s.load(name)
	row := store.Row{Revision: rev(d.Revision.Epoch+1, 1), Session: 7, Time: at, Data: []byte("x")}
	s.must(s.append(store.Entry{Doc: d.ID, Name: name, Rows: []store.Row{row},
		Sessions: []store.Session{{ID: 7, Subject: "ann", Name: "Ann of " + name, Start: start}},
		Facts:    &store.Facts{At: row.Revision, Title: title, Preview: preview}}))
}

// walk asks for one page after the other, and calls between before each but the
// first.
func (s *suite) walk(q store.Query, between func()) []store.Header {
	s.Helper()
	var all []store.Header
	for {
		page, err := s.store.Documents(s.Context(), q)
		s.must(err)
		if len(page.Documents) > q.Limit {
			s.Fatalf("a page of %d documents", len(page.Documents))
		}
		all = append(all, page.Documents...)
		if page.Next == (store.Mark{}) {
			return all
		}
		q.After = page.Next
		if between != nil {
			between()
		}
	}
}

func names(all []store.Header) string {
	var list []string
	for _, h := range all {
		list = append(list, h.Name)
	}
	return strings.Join(list, " ")
}

// lists checks what a query gives, however large its pages are.
func (s *suite) lists(q store.Query, want string) {
	s.Helper()
	for _, q.Limit = range []int{1, 2, 200} {
		if got := names(s.walk(q, nil)); got != want {
			s.Fatalf("pages of %d give %q, want %q", q.Limit, got, want)
		}
	}
}

func documents(t *suite) {
	now := time.Now()
	for _, name := range []string{"c", "a", "e", "b", "gone", "d"} {
		t.must(t.store.Create(t.Context(), name))
	}
	t.edit("a", now.Add(3*hour), "Zebra", "stripes")
	t.edit("b", now.Add(1*hour), "über", "Straße")
	t.edit("c", now.Add(2*hour), "uber alles", "ΣΊΣΥΦΟΣ")
	t.edit("gone", now.Add(4*hour), "gone", "")
	t.must(t.store.Delete(t.Context(), "gone"))
	for range 2 {
		t.lists(store.Query{Reach: everything, Sort: store.ByEdited}, "a c b d e")
		t.lists(store.Query{Reach: everything, Sort: store.ByCreated}, "d b e a c")
		t.lists(store.Query{Reach: everything, Sort: store.ByTitle}, "d e b c a")
		for text, want := range map[string]string{
			"UBER": "c b", "ÜBER": "c b", "u\u0308ber": "c b", "strasse": "b", "σίσυφος": "c", "stripes": "a", "E": "a c b e", "%": "",
		} {
			t.lists(store.Query{Reach: everything, Text: text}, want)
		}
		t.reopen()
	}
	t.must(t.store.Restore(t.Context(), "gone"))
	t.lists(store.Query{Reach: everything, Sort: store.ByEdited}, "gone a c b d e")
	t.must(t.store.Delete(t.Context(), "gone"))
	t.must(t.store.Create(t.Context(), "gone"))
	t.lists(store.Query{Reach: everything, Sort: store.ByCreated}, "gone d b e a c")
	// A later edit comes first, a new title takes its place.
	t.edit("b", now.Add(5*hour), "", "")
	t.lists(store.Query{Reach: everything, Sort: store.ByEdited}, "b a c gone d e")
	t.lists(store.Query{Reach: everything, Sort: store.ByTitle}, "b d e gone c a")
}

// A document that isn't changed comes once, whatever becomes of others, and of
// the one that the last page ended with.
func documentsWhileTheyChange(t *suite) {
	now := time.Now()
	const n = 40
	name := func(i int) string { return fmt.Sprintf("%02d", i) }
	for i := range n {
		t.edit(name(i), now.Add(time.Duration(i/4)*time.Minute), "Title "+name(i/4), "") // some are equal
	}
	for sort := store.ByEdited; sort <= store.ByCreated; sort++ {
		touched, i := make(map[string]bool), 0
		all := t.walk(store.Query{Reach: everything, Sort: sort, Limit: 3}, func() {
			i++
			switch other := name((3*i - 1 + i%2) % n); i % 3 {
			case 0:
				t.edit(other, now.Add(time.Duration(i+100*int(sort+1))*hour), "Title "+name(n-i), "")
				touched[other] = true
			case 1:
				t.must(t.store.Delete(t.Context(), other))
				t.must(t.store.Restore(t.Context(), other))
			case 2:
				t.must(t.store.Create(t.Context(), fmt.Sprint("new ", sort, i)))
			}
		})
		seen := make(map[string]int)
		for _, h := range all {
			seen[h.Name]++
		}
		for i := range n {
			if got := seen[name(i)]; got != 1 && !touched[name(i)] {
				t.Fatalf("sort %d: %s came %d times", sort, name(i), got)
			}
		}
		if len(touched) == 0 {
			t.Fatal("nothing was changed")
		}
	}
}

func documentsInReach(t *suite) {
	now := time.Now()
	for i, name := range []string{"team/a", "team/b", "team/b/c", "teams", "other", "\U0010FFFF", "\U0010FFFF\U0010FFFF"} {
		t.edit(name, now.Add(-time.Duration(i)*time.Minute), "x", "")
	}
	for i, tt := range []struct {
		reach store.Reach
		want  string
	}{
		{store.Reach{}, ""},
		{store.Reach{Names: []string{"other", "nobody's", "team/a", "other"}}, "other team/a"},
		{store.Reach{Prefixes: []string{"team/"}}, "team/b/c team/b team/a"},
		{store.Reach{Prefixes: []string{"team/"}, Names: []string{"team/a"}, May: func(name string) bool { return strings.Count(name, "/") == 1 }}, "team/b team/a"},
		{store.Reach{Prefixes: []string{"\U0010FFFF"}}, "\U0010FFFF\U0010FFFF \U0010FFFF"},
		{store.Reach{All: true, May: func(name string) bool { return name < "t" }}, "other"},
	} {
		q := store.Query{Reach: tt.reach, Sort: store.ByCreated}
		if i == 0 {
			q.Limit = 1
			if got := t.walk(q, nil); got != nil {
				t.Fatal(got)
			}
			continue
		}
		t.lists(q, tt.want)
	}
	// Of many that somebody reaches likewise.
	var batch []store.Entry
	for i := range 1500 {
		name := fmt.Sprintf("many/%04d", i)
		batch = append(batch, store.Entry{Doc: t.load(name).ID, Name: name, Rows: Rows(1, 1, 1)})
	}
	t.must(t.append(batch...))
	all := t.walk(store.Query{Reach: store.Reach{Prefixes: []string{"many/"}, Names: []string{"other"}}, Sort: store.ByTitle, Limit: 200}, nil)
	if len(all) != 1501 || !slices.IsSortedFunc(all[:1500], func(a, b store.Header) int { return strings.Compare(a.Name, b.Name) }) {
		t.Fatal(len(all))
	}
}

func headers(t *suite) {
	_, err := t.store.Header(t.Context(), "a")
	t.is(err, store.ErrUnknown)
	t.must(t.store.Create(t.Context(), "a"))
	before := time.Now().Add(-time.Minute)
	h, err := t.store.Header(t.Context(), "a")
	t.must(err)
	if h.Name != "a" || h.Created.Before(before) || h.Edited != (store.Edit{}) || h.By != "" || h.Facts != (store.Facts{}) {
		t.Fatalf("%+v", h)
	}
	t.edit("a", start, "Title", "Preview")
	h, err = t.store.Header(t.Context(), "a")
	t.must(err)
	d := t.load("a")
	if h.ID != d.ID || h.Edited != d.Edited || h.Facts != d.Facts || h.By != "Ann of a" || h.Facts.Title != "Title" {
		t.Fatalf("%+v, want %+v", h, d)
	}
	page, err := t.store.Documents(t.Context(), store.Query{Reach: everything, Limit: 1})
	t.must(err)
	if len(page.Documents) != 1 || page.Documents[0] != h {
		t.Fatalf("%+v, want %+v", page, h)
	}
	// Somebody without a name is called by the subject.
	t.must(t.append(store.Entry{Doc: d.ID, Name: "a", Sessions: []store.Session{{ID: 7, Subject: "ann", Start: start}}}))
	h, err = t.store.Header(t.Context(), "a")
	t.must(err)
	if h.By != "ann" {
		t.Fatal(h.By)
	}
	t.must(t.store.Delete(t.Context(), "a"))
	_, err = t.store.Header(t.Context(), "a")
	t.is(err, store.ErrDeleted)
}

func activities(t *suite) {
	_, _, err := t.store.Activity(t.Context(), "a", store.Revision{}, 5)
	t.is(err, store.ErrUnknown)
	d := t.load("a")
	all := append(Rows(1, 1, 30), Rows(2, 1, 30)...)
	var want []store.Row
	for i := range all {
		if i%3 == 0 {
			all[i].Kind = store.KindActivity
			want = append(want, all[i])
		}
	}
	slices.Reverse(want)
	t.must(t.append(store.Entry{Doc: d.ID, Name: "a", Rows: all[:30]}))
	t.must(t.append(store.Entry{Doc: d.ID, Name: "a", Rows: all[30:]}))
	for _, limit := range []int{1, 7, 20, 200} {
		var got []store.Row
		before := store.Revision{}
		for more := true; more; {
			var rows []store.Row
			rows, more, err = t.store.Activity(t.Context(), "a", before, limit)
			t.must(err)
			if len(rows) > limit || more && len(rows) == 0 {
				t.Fatalf("%d rows", len(rows))
			}
			got = append(got, rows...)
			before = got[len(got)-1].Revision
		}
		sameRows(t, got, want)
	}
	// Before a revision that no row has as well.
	rows, more, err := t.store.Activity(t.Context(), "a", rev(2, 0), 1)
	t.must(err)
	sameRows(t, rows, want[10:11])
	if !more {
		t.Fatal("there are more")
	}
	t.must(t.place.HarmRow(d.ID, want[1].Revision))
	rows, _, err = t.store.Activity(t.Context(), "a", store.Revision{}, 2)
	t.must(err)
	sameRows(t, rows, []store.Row{want[0], want[2]})
	t.must(t.store.Delete(t.Context(), "a"))
	_, _, err = t.store.Activity(t.Context(), "a", store.Revision{}, 5)
	t.is(err, store.ErrDeleted)
}

// everyPage calls each method of store.Catalogue and store.Files.
func (s *suite) everyPage(ctx context.Context, is func(error)) {
	_, err := s.store.Documents(ctx, store.Query{Reach: everything, Limit: 1})
	is(err)
	_, err = s.store.Header(ctx, "a")
	is(err)
	_, _, err = s.store.Activity(ctx, "a", store.Revision{}, 1)
	is(err)
	_, err = s.store.AddFile(ctx, "a", store.File{Added: start}, strings.NewReader("x"), 10)
	is(err)
	_, _, err = s.store.OpenFile(ctx, "a", store.Hash{})
	is(err)
	is(s.store.CollectFiles(ctx, time.Now, hour, func(*store.Document) ([]store.Hash, error) { return nil, nil }))
}

func refusedPages(t *suite) {
	t.stored("a")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	t.everyPage(ctx, func(err error) { t.Helper(); t.is(err, context.Canceled) })
	t.must(t.store.Close())
	t.everyPage(t.Context(), func(err error) { t.Helper(); t.is(err, store.ErrClosed) })
	t.store = nil
	t.reopen()
}
