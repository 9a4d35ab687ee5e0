package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/inkwire/inkwire/internal/store"
)

// linksSQL reads links whose document's name is still its own.
const linksSQL = `SELECT l.id, d.name, l.role, l.note, l.maker, l.created, l.expires FROM links AS l
	JOIN documents AS d ON d.id = l.doc JOIN names AS n ON n.name = d.name AND n.doc = l.doc WHERE `

func readLink(s *sqlite3.Stmt) store.Link {
	return store.Link{
		ID: s.ColumnInt64(0), Document: s.ColumnText(1), Role: s.ColumnText(2), Note: s.ColumnText(3), By: s.ColumnText(4),
		Created: time.UnixMilli(s.ColumnInt64(5)), Expires: timeOf(s.ColumnInt64(6)),
	}
}

// millis and timeOf have 0 for the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func timeOf(millis int64) time.Time {
	if millis == 0 {
		return time.Time{}
	}
	return time.UnixMilli(millis)
}

// link reads the one link of a condition.
func (c *conn) link(where string, param any) (store.Link, error) {
	s, err := c.stmt(linksSQL+where, param)
	if err != nil {
		return store.Link{}, err
	}
	var l store.Link
	if s.Step() {
		l = readLink(s)
	}
	if err := s.Reset(); err != nil {
		return store.Link{}, err
	}
	if l.ID == 0 {
		return store.Link{}, store.ErrUnknown
	}
	return l, nil
}

// AddLink implements store.Grants.
func (s *Store) AddLink(ctx context.Context, secret store.Hash, l store.Link) (int64, error) {
	var id int64
	err := s.do(ctx, func(w *writer) error {
		h, err := w.named(l.Document)
		switch {
		case err != nil:
			return err
		case h.id == 0:
			return store.ErrUnknown
		case h.deleted:
			return store.ErrDeleted
		}
		n, err := w.number(`SELECT count(*) FROM links WHERE doc = ?`, int64(h.id))
		switch {
		case err != nil:
			return err
		case n >= store.MaxLinks:
			return store.ErrLinks
		}
		err = w.run(`INSERT INTO links (doc, secret, role, note, maker, created, expires) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			int64(h.id), secret[:], l.Role, l.Note, l.By, l.Created.UnixMilli(), millis(l.Expires))
		id = w.LastInsertRowID()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("link to %q: %w", l.Document, err)
	}
	return id, nil
}

// LinkOf implements store.Grants.
func (s *Store) LinkOf(ctx context.Context, secret store.Hash) (l store.Link, err error) {
	err = s.read(ctx, s.grants, func(r *reader) (err error) {
		l, err = r.link(`l.secret = ?`, secret[:])
		return err
	})
	if err != nil {
		return store.Link{}, fmt.Errorf("link: %w", err)
	}
	return l, nil
}

// LinkByID implements store.Grants.
func (s *Store) LinkByID(ctx context.Context, id int64) (l store.Link, err error) {
	err = s.read(ctx, s.grants, func(r *reader) (err error) {
		l, err = r.link(`l.id = ?`, id)
		return err
	})
	if err != nil {
		return store.Link{}, fmt.Errorf("link %d: %w", id, err)
	}
	return l, nil
}

// Links implements store.Grants.
func (s *Store) Links(ctx context.Context, document string) ([]store.Link, error) {
	var links []store.Link
	err := s.read(ctx, s.grants, func(r *reader) error {
		h, err := r.named(document)
		switch {
		case err != nil:
			return err
		case h.id == 0:
			return store.ErrUnknown
		}
		rows, err := r.stmt(linksSQL+`l.doc = ? ORDER BY l.id`, int64(h.id))
		if err != nil {
			return err
		}
		for rows.Step() {
			links = append(links, readLink(rows))
		}
		return rows.Reset()
	})
	if err != nil {
		return nil, fmt.Errorf("links to %q: %w", document, err)
	}
	return links, nil
}

// linkOf reads a link if it is one of a document's.
func (w *writer) linkOf(document string, id int64) (store.Link, error) {
	l, err := w.link(`l.id = ?`, id)
	if err == nil && l.Document != document {
		return store.Link{}, store.ErrUnknown
	}
	return l, err
}

// ChangeLink implements store.Grants.
func (s *Store) ChangeLink(ctx context.Context, document string, id int64, change func(*store.Link)) (store.Link, error) {
	var l store.Link
	err := s.do(ctx, func(w *writer) (err error) {
		if l, err = w.linkOf(document, id); err != nil {
			return err
		}
		to := l
		change(&to)
		l.Role, l.Note, l.Expires = to.Role, to.Note, timeOf(millis(to.Expires))
		return w.run(`UPDATE links SET role = ?, note = ?, expires = ? WHERE id = ?`, l.Role, l.Note, millis(l.Expires), id)
	})
	if err != nil {
		return store.Link{}, fmt.Errorf("link %d to %q: %w", id, document, err)
	}
	return l, nil
}

// RevokeLink implements store.Grants.
func (s *Store) RevokeLink(ctx context.Context, document string, id int64) error {
	err := s.do(ctx, func(w *writer) error {
		if _, err := w.linkOf(document, id); err != nil {
			return err
		}
		return w.run(`DELETE FROM links WHERE id = ?`, id)
	})
	if err != nil {
		return fmt.Errorf("link %d to %q: %w", id, document, err)
	}
	return nil
}

// RevokeLinks implements store.Grants.
func (s *Store) RevokeLinks(ctx context.Context, document string) error {
	err := s.do(ctx, func(w *writer) error {
		h, err := w.named(document)
		switch {
		case err != nil:
			return err
		case h.id == 0:
			return store.ErrUnknown
		}
		return w.run(`DELETE FROM links WHERE doc = ?`, int64(h.id))
	})
	if err != nil {
		return fmt.Errorf("links to %q: %w", document, err)
	}
	return nil
}
