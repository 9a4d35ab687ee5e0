package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/inkwire/inkwire/internal/store"
)

// Create implements store.Store. The new document begins in an epoch after all
// of the one whose name it takes, so that a revision under a name means one
// state for ever.
func (s *Store) Create(ctx context.Context, name string) error {
	if err := store.CheckName(name); err != nil {
		return fmt.Errorf("create %q: %w", name, err)
	}
	doc := store.DocID(s.lastID.Add(1))
	err := s.do(ctx, func(w *writer) error {
		old, err := w.named(name)
		switch {
		case err != nil:
			return err
		case old.id != 0 && !old.deleted:
			return store.ErrExists
		}
		if err := w.insertDocument(doc, name); err != nil {
			return err
		}
		if err := w.run(`INSERT INTO names (name, doc) VALUES (?, ?) ON CONFLICT DO UPDATE SET doc = excluded.doc`,
			name, int64(doc)); err != nil {
			return err
		}
		return w.insertOwnRow(doc, old.last.Epoch+1, store.CreatedActivity)
	})
	if err != nil {
		return fmt.Errorf("create %q: %w", name, err)
	}
	return nil
}

// insertOwnRow begins an epoch with a row of the store's own.
func (w *writer) insertOwnRow(doc store.DocID, epoch uint64, activity string) error {
	return w.insertRows(doc, []store.Row{{
		Revision: store.Revision{Epoch: epoch, Seq: 1},
		Kind:     store.KindActivity, Time: time.Now(), Data: []byte(activity),
	}})
}

// Delete implements store.Store.
func (s *Store) Delete(ctx context.Context, name string) error {
	err := s.do(ctx, func(w *writer) error {
		h, err := w.named(name)
		switch {
		case err != nil:
			return err
		case h.id == 0:
			return store.ErrUnknown
		case h.deleted:
			return store.ErrDeleted
		}
		return w.run(`UPDATE documents SET deleted = ? WHERE id = ?`, time.Now().UnixMilli(), int64(h.id))
	})
	if err != nil {
		return fmt.Errorf("delete %q: %w", name, err)
	}
	return nil
}

// Restore implements store.Store.
func (s *Store) Restore(ctx context.Context, name string) error {
	err := s.do(ctx, func(w *writer) error {
		h, err := w.named(name)
		switch {
		case err != nil:
			return err
		case h.id == 0:
			return store.ErrUnknown
		case !h.deleted:
			return store.ErrExists
		}
		if err := w.run(`UPDATE documents SET deleted = 0 WHERE id = ? AND purged = 0`, int64(h.id)); err != nil {
			return err
		}
		if w.Changes() == 0 {
			return fmt.Errorf("what was in it has been removed: %w", store.ErrUnknown)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("restore %q: %w", name, err)
	}
	return nil
}
