// Package authors says who wrote what in a document: which session the units of
// its structs came from, and which one deleted them.
//
// A unit, a client id and a clock, belongs to the session whose row brought it
// first. That session is its author if the client id was bound to it then; else
// it has only delivered what somebody wrote, such as edits made offline. What is
// deleted belongs to the session that first said so.
//
// An update may leave gaps between a client's structs. Those that are in the log
// were integrated, so what would be in a gap has come before and has its author.
package authors

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"sort"

	"github.com/inkwire/inkwire/crdt"
	"github.com/inkwire/inkwire/internal/store"
)

// An Author is where a unit came from.
type Author struct {
	Session   int64
	Delivered bool // by that session, and written by one unknown
}

// A Range is a run of units that have one author.
type Range struct {
	Client   uint64
	From, To uint32
	Author
}

// A Map holds the authors of a document. The zero Map is that of an empty one.
type Map struct {
	written, deleted spans
}

// spans are what is known of each client's units: in order, apart, and no two
// that touch have the same author.
type spans map[uint64][]span

type span struct {
	from, to uint32
	Author
}

// Of makes the map of a document as it was loaded.
func Of(d *store.Document) (*Map, error) {
	m := &Map{}
	if d.Authors != nil {
		var err error
		if m, err = Decode(d.Authors); err != nil {
			return nil, err
		}
	}
	for i := range d.Rows {
		if err := m.AddRow(&d.Rows[i]); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// AddRow adds what a row brought. Rows come in the order of the log.
func (m *Map) AddRow(row *store.Row) error {
	if row.Kind != store.KindUpdate {
		return nil
	}
	info, err := crdt.Validate(row.Data, crdt.Limits{})
	if err != nil {
		return fmt.Errorf("row %v: %w", row.Revision, err)
	}
	m.Add(row.Session, row.Client, info)
	return nil
}

// Add adds what a session brought with an update that Validate told of. client is
// the id that was bound to the session, 0 for none.
func (m *Map) Add(session int64, client uint64, info crdt.Info) {
	for _, r := range info.Clients {
		m.written.add(r.Client, span{r.From, r.To, Author{session, client == 0 || r.Client != client}})
	}
	for r := range info.DeleteSet.All() {
		m.deleted.add(r.Client, span{r.Clock, r.End(), Author{Session: session}})
	}
}

// Author says where a unit came from, if that is known.
func (m *Map) Author(client uint64, clock uint32) (Author, bool) {
	return m.written.at(client, clock)
}

// Deleter says which session deleted a unit, if that is known.
func (m *Map) Deleter(client uint64, clock uint32) (session int64, ok bool) {
	a, ok := m.deleted.at(client, clock)
	return a.Session, ok
}

// Written ranges over what was written, by client id and clock.
func (m *Map) Written() iter.Seq[Range] { return m.written.all }

// Deleted ranges over what was deleted, by client id and clock.
func (m *Map) Deleted() iter.Seq[Range] { return m.deleted.all }

// Equal reports whether two maps say the same.
func (m *Map) Equal(n *Map) bool {
	same := func(a, b []span) bool { return slices.Equal(a, b) }
	return maps.EqualFunc(m.written, n.written, same) && maps.EqualFunc(m.deleted, n.deleted, same)
}

// Clone returns a copy.
func (m *Map) Clone() *Map { return &Map{m.written.clone(), m.deleted.clone()} }

func (s spans) clone() spans {
	c := maps.Clone(s)
	for client, list := range c {
		c[client] = slices.Clone(list)
	}
	return c
}

func (s spans) at(client uint64, clock uint32) (Author, bool) {
	list := s[client]
	i := after(list, clock)
	if i == len(list) || clock < list[i].from {
		return Author{}, false
	}
	return list[i].Author, true
}

func (s spans) all(yield func(Range) bool) {
	for _, client := range slices.Sorted(maps.Keys(s)) {
		for _, n := range s[client] {
			if !yield(Range{client, n.from, n.to, n.Author}) {
				return
			}
		}
	}
}

// after is the index of the first span that ends after a clock.
func after(list []span, clock uint32) int {
	return sort.Search(len(list), func(i int) bool { return list[i].to > clock })
}

// add gives the units of a span that have no author yet the span's.
func (s *spans) add(client uint64, n span) {
	if n.from >= n.to {
		return
	}
	if *s == nil {
		*s = make(spans)
	}
	list := (*s)[client]
	if last := len(list); last == 0 || list[last-1].to <= n.from {
		(*s)[client] = push(list, n)
		return
	}
	// list[i:j] overlap n. What lies between them is new.
	i := after(list, n.from)
	j, known := i, uint32(0)
	for ; j < len(list) && list[j].from < n.to; j++ {
		known += min(list[j].to, n.to) - max(list[j].from, n.from)
	}
	if known == n.to-n.from {
		return
	}
	// The neighbours may take in what is new.
	i, j = max(i-1, 0), min(j+1, len(list))
	mended := make([]span, 0, 2*(j-i)+1)
	rest := n
	for _, old := range list[i:j] {
		if rest.from < old.from && rest.from < rest.to {
			mended = push(mended, span{rest.from, min(rest.to, old.from), n.Author})
		}
		rest.from = max(rest.from, old.to)
		mended = push(mended, old)
	}
	if rest.from < rest.to {
		mended = push(mended, rest)
	}
	(*s)[client] = slices.Replace(list, i, j, mended...)
}

// push adds a span after all others.
func push(list []span, n span) []span {
	if last := len(list) - 1; last >= 0 && list[last].to == n.from && list[last].Author == n.Author {
		list[last].to = n.to
		return list
	}
	return append(list, n)
}
