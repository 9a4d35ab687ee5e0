package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/inkwire/inkwire/internal/store"
)

// pieceSize bounds what a checkpoint adds to one commit, in bytes, so that the
// edits of others don't wait for a large document.
const pieceSize = 256 << 10

// Checkpoint implements store.Store. It writes pieces of at most pieceSize
// bytes, one a commit, and makes them valid by a last small commit.
func (s *Store) Checkpoint(ctx context.Context, c store.Checkpoint) error {
	err := s.checkpoint(ctx, c)
	if err != nil {
		return fmt.Errorf("checkpoint of document %d at %v: %w", c.Doc, c.Revision, err)
	}
	return nil
}

func (s *Store) checkpoint(ctx context.Context, c store.Checkpoint) error {
	var id int64
	if err := s.do(ctx, func(w *writer) error {
		cur, err := w.revision(c.Doc)
		switch {
		case err != nil:
			return err
		case c.Epoch != cur.Epoch:
			return fmt.Errorf("the log is at %v: %w", cur, store.ErrFenced)
		case c.Seq > cur.Seq:
			return fmt.Errorf("the log is at %v: %w", cur, store.ErrGap)
		}
		id, err = w.number(`INSERT INTO checkpoints (doc, epoch, seq, time, size, checksum, valid)
			VALUES (?, ?, ?, ?, ?, ?, 0) RETURNING id`,
			int64(c.Doc), int64(c.Epoch), int64(c.Seq), time.Now().UnixMilli(), int64(len(c.State)), int64(c.Checksum()))
		return err
	}); err != nil {
		return err
	}
	for n, rest := int64(0), c.State; len(rest) > 0; n++ {
		piece := rest[:min(len(rest), pieceSize)]
		rest = rest[len(piece):]
		if err := s.do(ctx, func(w *writer) error {
			return w.run(`INSERT INTO pieces (checkpoint, n, data) VALUES (?, ?, ?)`, id, n, piece)
		}); err != nil {
			return err
		}
	}
	return s.do(ctx, func(w *writer) error {
		for _, sql := range []string{
			`UPDATE checkpoints SET valid = 1 WHERE id = ?1`,
			`DELETE FROM pieces WHERE checkpoint IN (SELECT id FROM checkpoints
				WHERE id < ?1 AND doc = (SELECT doc FROM checkpoints WHERE id = ?1))`,
			`DELETE FROM checkpoints WHERE id < ?1 AND doc = (SELECT doc FROM checkpoints WHERE id = ?1)`,
		} {
			if err := w.run(sql, id); err != nil {
				return err
			}
		}
		return nil
	})
}
