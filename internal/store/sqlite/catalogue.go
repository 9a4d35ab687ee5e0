package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/inkwire/inkwire/internal/store"
)

// few is how many documents are read and sorted for a page of them. A caller who
// reaches more than that gets a page by the way through all, in their order: it
// meets one of its own soon.
const few = 1000

// headerSQL is what a header is read from. The last two columns are what
// documents are sorted by.
const headerSQL = `SELECT d.id, d.name, d.created, d.edited_epoch, d.edited_seq, d.edited_session, d.edited_time,
	d.facts_epoch, d.facts_seq, d.title, d.preview, coalesce(nullif(s.name, ''), s.subject, ''), d.listed, d.title_key `

// The documents that are few enough to be named, or all.
const (
	fromFew = `FROM json_each(?4) AS r CROSS JOIN documents AS d ON d.id = r.value `
	fromAll = `FROM documents AS d `
)

const whereSQL = `LEFT JOIN sessions AS s ON s.doc = d.id AND s.id = d.edited_session
	WHERE d.deleted = 0 AND (?3 = '' OR instr(d.folded, ?3) > 0) AND `

// orders are the ends of the statements of each sort. Each has an index.
var orders = map[store.Sort]string{
	store.ByEdited:  `(d.listed, d.id) < (?1, ?2) ORDER BY d.listed DESC, d.id DESC`,
	store.ByTitle:   `(d.title_key, d.id) > (?1, ?2) ORDER BY d.title_key, d.id`,
	store.ByCreated: `(d.created, d.id) < (?1, ?2) ORDER BY d.created DESC, d.id DESC`,
}

func readHeader(s *sqlite3.Stmt) store.Header {
	h := store.Header{
		ID: store.DocID(s.ColumnInt64(0)), Name: s.ColumnText(1), Created: time.UnixMilli(s.ColumnInt64(2)),
		Facts: store.Facts{
			At:    store.Revision{Epoch: uint64(s.ColumnInt64(7)), Seq: uint64(s.ColumnInt64(8))},
			Title: s.ColumnText(9), Preview: s.ColumnText(10),
		},
		By: s.ColumnText(11),
	}
	if at := (store.Revision{Epoch: uint64(s.ColumnInt64(3)), Seq: uint64(s.ColumnInt64(4))}); at != (store.Revision{}) {
		h.Edited = store.Edit{Revision: at, Session: s.ColumnInt64(5), Time: time.UnixMilli(s.ColumnInt64(6))}
	}
	return h
}

// readMark is the place in a sort of the document that a statement is at.
func readMark(s *sqlite3.Stmt, sort store.Sort) store.Mark {
	m := store.Mark{ID: store.DocID(s.ColumnInt64(0))}
	switch sort {
	case store.ByEdited:
		m.Time = time.UnixMilli(s.ColumnInt64(12))
	case store.ByTitle:
		m.Key = s.ColumnText(13)
	case store.ByCreated:
		m.Time = time.UnixMilli(s.ColumnInt64(2))
	}
	return m
}

// Documents implements store.Catalogue.
func (s *Store) Documents(ctx context.Context, q store.Query) (store.Page, error) {
	var page store.Page
	err := s.read(ctx, s.pages, func(r *reader) (err error) {
		page, err = r.documents(&q)
		return err
	})
	if err != nil {
		return store.Page{}, fmt.Errorf("list documents: %w", err)
	}
	return page, nil
}

func (r *reader) documents(q *store.Query) (store.Page, error) {
	from, ids := fromAll, ""
	if !q.Reach.All {
		reached, err := r.reached(&q.Reach)
		if err != nil {
			return store.Page{}, err
		}
		if len(reached) <= few {
			b, err := json.Marshal(reached)
			if err != nil {
				return store.Page{}, err
			}
			from, ids = fromFew, string(b)
		}
	}
	// Of those that are sorted by a time the latest come first.
	var after any = int64(math.MaxInt64)
	switch {
	case q.Sort == store.ByTitle:
		after = q.After.Key
	case q.After != store.Mark{}:
		after = q.After.Time.UnixMilli()
	}
	params := []any{after, int64(q.After.ID), fold(q.Text)}
	if ids != "" {
		params = append(params, ids)
	}
	s, err := r.stmt(headerSQL+from+whereSQL+orders[q.Sort], params...)
	if err != nil {
		return store.Page{}, err
	}
	var page store.Page
	var last store.Mark
	for s.Step() {
		if !q.Reach.Has(s.ColumnText(1)) {
			continue
		}
		if len(page.Documents) == q.Limit {
			page.Next = last
			break
		}
		page.Documents = append(page.Documents, readHeader(s))
		last = readMark(s, q.Sort)
	}
	return page, s.Reset()
}

// reached is the documents whose names are in a reach: all of them if they are
// few, or one more than that.
func (r *reader) reached(reach *store.Reach) ([]int64, error) {
	ids := []int64{}
	seen := make(map[int64]bool)
	collect := func(sql string, params ...any) error {
		s, err := r.stmt(sql, params...)
		if err != nil {
			return err
		}
		for len(ids) <= few && s.Step() {
			if id := s.ColumnInt64(0); !seen[id] {
				seen[id] = true
				ids = append(ids, id)
			}
		}
		return s.Reset()
	}
	for _, name := range reach.Names {
		if err := collect(`SELECT doc FROM names WHERE name = ?`, name); err != nil {
			return nil, err
		}
	}
	for _, prefix := range reach.Prefixes {
		sql, params := `SELECT doc FROM names WHERE name >= ?`, []any{prefix}
		if next := following(prefix); next != "" {
			sql, params = sql+` AND name < ?`, append(params, next)
		}
		if err := collect(sql, params...); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// following is the least string that comes after all with a prefix; "" if there
// is none.
func following(prefix string) string {
	runes := []rune(prefix)
	for len(runes) > 0 {
		last := &runes[len(runes)-1]
		switch *last {
		case '\U0010FFFF':
			runes = runes[:len(runes)-1]
			continue
		case 0xd7ff: // surrogates are no characters
			*last = 0xe000
		default:
			*last++
		}
		return string(runes)
	}
	return ""
}

// Header implements store.Catalogue.
func (s *Store) Header(ctx context.Context, name string) (store.Header, error) {
	var head store.Header
	err := s.read(ctx, s.pages, func(r *reader) error {
		h, err := r.present(name)
		if err != nil {
			return err
		}
		row, err := r.stmt(headerSQL+fromAll+`LEFT JOIN sessions AS s ON s.doc = d.id AND s.id = d.edited_session WHERE d.id = ?`, int64(h.id))
		if err != nil {
			return err
		}
		if row.Step() {
			head = readHeader(row)
		}
		return row.Reset()
	})
	if err != nil {
		return store.Header{}, fmt.Errorf("document %q: %w", name, err)
	}
	return head, nil
}

// present reads the header of a document that is there.
func (c *conn) present(name string) (header, error) {
	h, err := c.named(name)
	switch {
	case err != nil:
	case h.id == 0:
		err = store.ErrUnknown
	case h.deleted:
		err = store.ErrDeleted
	}
	return h, err
}

// activitySQL names its index: the one of all rows would do for the planner too.
const activitySQL = `SELECT epoch, seq, kind, session, client, time, checksum, data FROM rows INDEXED BY rows_activity
	WHERE doc = ? AND kind = 1 AND (epoch, seq) < (?, ?) ORDER BY epoch DESC, seq DESC`

// Activity implements store.Catalogue.
func (s *Store) Activity(ctx context.Context, name string, before store.Revision, limit int) (rows []store.Row, more bool, err error) {
	epoch, seq := int64(math.MaxInt64), int64(math.MaxInt64)
	if before != (store.Revision{}) {
		// No epoch is as high as either bound.
		epoch, seq = int64(min(before.Epoch, math.MaxInt64)), int64(min(before.Seq, math.MaxInt64))
	}
	err = s.read(ctx, s.pages, func(r *reader) error {
		h, err := r.present(name)
		if err != nil {
			return err
		}
		all, err := r.stmt(activitySQL, int64(h.id), epoch, seq)
		if err != nil {
			return err
		}
		for !more && all.Step() {
			row, sum := readRow(all)
			switch {
			case int64(row.Checksum(h.id)) != sum:
			case len(rows) == limit:
				more = true
			default:
				rows = append(rows, row)
			}
		}
		return all.Reset()
	})
	if err != nil {
		return nil, false, fmt.Errorf("activity of %q: %w", name, err)
	}
	return rows, more, nil
}
