package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/inkwire/inkwire/internal/store"
)

// sharesSQL reads shares whose document's name is still its own.
const sharesSQL = `SELECT l.id, d.name, l.role, l.note, l.maker, l.created, l.expires FROM shares AS l
	JOIN documents AS d ON d.id = l.doc JOIN names AS n ON n.name = d.name AND n.doc = l.doc WHERE `

func readShare(s *sqlite3.Stmt) store.Share {
	return store.Share{
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

// share reads the one share of a condition.
func (c *conn) share(where string, param any) (store.Share, error) {
	s, err := c.stmt(sharesSQL+where, param)
	if err != nil {
		return store.Share{}, err
	}
	var l store.Share
	if s.Step() {
		l = readShare(s)
	}
	if err := s.Reset(); err != nil {
		return store.Share{}, err
	}
	if l.ID == 0 {
		return store.Share{}, store.ErrUnknown
	}
	return l, nil
}

// AddShare implements store.Grants.
func (s *Store) AddShare(ctx context.Context, secret store.Hash, l store.Share) (int64, error) {
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
		n, err := w.number(`SELECT count(*) FROM shares WHERE doc = ?`, int64(h.id))
		switch {
		case err != nil:
			return err
		case n >= store.MaxShares:
			return store.ErrShares
		}
		err = w.run(`INSERT INTO shares (doc, secret, role, note, maker, created, expires) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			int64(h.id), secret[:], l.Role, l.Note, l.By, l.Created.UnixMilli(), millis(l.Expires))
		id = w.LastInsertRowID()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("share to %q: %w", l.Document, err)
	}
	return id, nil
}

// ShareOf implements store.Grants.
func (s *Store) ShareOf(ctx context.Context, secret store.Hash) (l store.Share, err error) {
	err = s.read(ctx, s.grants, func(r *reader) (err error) {
		l, err = r.share(`l.secret = ?`, secret[:])
		return err
	})
	if err != nil {
		return store.Share{}, fmt.Errorf("share: %w", err)
	}
	return l, nil
}

// ShareByID implements store.Grants.
func (s *Store) ShareByID(ctx context.Context, id int64) (l store.Share, err error) {
	err = s.read(ctx, s.grants, func(r *reader) (err error) {
		l, err = r.share(`l.id = ?`, id)
		return err
	})
	if err != nil {
		return store.Share{}, fmt.Errorf("share %d: %w", id, err)
	}
	return l, nil
}

// Shares implements store.Grants.
func (s *Store) Shares(ctx context.Context, document string) ([]store.Share, error) {
	var shares []store.Share
	err := s.read(ctx, s.grants, func(r *reader) error {
		h, err := r.named(document)
		switch {
		case err != nil:
			return err
		case h.id == 0:
			return store.ErrUnknown
		}
		rows, err := r.stmt(sharesSQL+`l.doc = ? ORDER BY l.id`, int64(h.id))
		if err != nil {
			return err
		}
		for rows.Step() {
			shares = append(shares, readShare(rows))
		}
		return rows.Reset()
	})
	if err != nil {
		return nil, fmt.Errorf("shares to %q: %w", document, err)
	}
	return shares, nil
}

// shareOf reads a share if it is one of a document's.
func (w *writer) shareOf(document string, id int64) (store.Share, error) {
	l, err := w.share(`l.id = ?`, id)
	if err == nil && l.Document != document {
		return store.Share{}, store.ErrUnknown
	}
	return l, err
}

// ChangeShare implements store.Grants.
func (s *Store) ChangeShare(ctx context.Context, document string, id int64, change func(*store.Share)) (store.Share, error) {
	var l store.Share
	err := s.do(ctx, func(w *writer) (err error) {
		if l, err = w.shareOf(document, id); err != nil {
			return err
		}
		to := l
		change(&to)
		l.Role, l.Note, l.Expires = to.Role, to.Note, timeOf(millis(to.Expires))
		return w.run(`UPDATE shares SET role = ?, note = ?, expires = ? WHERE id = ?`, l.Role, l.Note, millis(l.Expires), id)
	})
	if err != nil {
		return store.Share{}, fmt.Errorf("share %d to %q: %w", id, document, err)
	}
	return l, nil
}

// RevokeShare implements store.Grants.
func (s *Store) RevokeShare(ctx context.Context, document string, id int64) error {
	err := s.do(ctx, func(w *writer) error {
		if _, err := w.shareOf(document, id); err != nil {
			return err
		}
		return w.run(`DELETE FROM shares WHERE id = ?`, id)
	})
	if err != nil {
		return fmt.Errorf("share %d to %q: %w", id, document, err)
	}
	return nil
}

// RevokeShares implements store.Grants.
func (s *Store) RevokeShares(ctx context.Context, document string) error {
	err := s.do(ctx, func(w *writer) error {
		h, err := w.named(document)
		switch {
		case err != nil:
			return err
		case h.id == 0:
			return store.ErrUnknown
		}
		return w.run(`DELETE FROM shares WHERE doc = ?`, int64(h.id))
	})
	if err != nil {
		return fmt.Errorf("shares to %q: %w", document, err)
	}
	return nil
}
