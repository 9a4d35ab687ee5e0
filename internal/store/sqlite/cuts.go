package sqlite

import (
	"context"
	"fmt"
	"time"
)

// Cut implements store.Grants.
func (s *Store) Cut(ctx context.Context, subject string, until time.Time) error {
	err := s.do(ctx, func(w *writer) error {
		return w.run(`INSERT INTO cuts (subject, until) VALUES (?, ?)
			ON CONFLICT DO UPDATE SET until = max(until, excluded.until)`, subject, until.UnixMilli())
	})
	if err != nil {
		return fmt.Errorf("cut off %q: %w", subject, err)
	}
	return nil
}

// CutOf implements store.Grants.
func (s *Store) CutOf(ctx context.Context, subject string) (time.Time, error) {
	var until int64
	err := s.read(ctx, s.grants, func(r *reader) (err error) {
		until, err = r.number(`SELECT until FROM cuts WHERE subject = ?`, subject)
		return err
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("whether %q is cut off: %w", subject, err)
	}
	return timeOf(until), nil
}
