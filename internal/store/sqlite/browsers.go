package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/inkwire/inkwire/internal/store"
)

// holds reads what a browser's session holds, nil if there is none.
func (c *conn) holds(secret store.Hash) ([]byte, error) {
	s, err := c.stmt(`SELECT holds FROM browsers WHERE secret = ? AND expires > ?`, secret[:], time.Now().UnixMilli())
	if err != nil {
		return nil, err
	}
	var holds []byte
	if s.Step() {
		holds = s.ColumnBlob(0, []byte{})
	}
	return holds, s.Reset()
}

// ChangeSession implements store.Grants.
func (s *Store) ChangeSession(ctx context.Context, secret store.Hash, change func([]byte) ([]byte, time.Time)) error {
	err := s.do(ctx, func(w *writer) error {
		holds, err := w.holds(secret)
		if err != nil {
			return err
		}
		holds, expires := change(holds)
		if holds == nil {
			holds = []byte{} // a nil slice would be NULL
		}
		return w.run(`INSERT INTO browsers (secret, holds, expires) VALUES (?, ?, ?)
			ON CONFLICT DO UPDATE SET holds = excluded.holds, expires = excluded.expires`, secret[:], holds, expires.UnixMilli())
	})
	if err != nil {
		return fmt.Errorf("a browser's session: %w", err)
	}
	return nil
}

// SessionOf implements store.Grants.
func (s *Store) SessionOf(ctx context.Context, secret store.Hash) (holds []byte, err error) {
	err = s.read(ctx, s.grants, func(r *reader) (err error) {
		if holds, err = r.holds(secret); err == nil && holds == nil {
			err = store.ErrUnknown
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("a browser's session: %w", err)
	}
	return holds, nil
}

// DropSession implements store.Grants.
func (s *Store) DropSession(ctx context.Context, secret store.Hash) error {
	err := s.do(ctx, func(w *writer) error { return w.run(`DELETE FROM browsers WHERE secret = ?`, secret[:]) })
	if err != nil {
		return fmt.Errorf("a browser's session: %w", err)
	}
	return nil
}
