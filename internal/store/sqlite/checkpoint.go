package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/inkwire/inkwire/internal/store"
)

// pieceSize bounds what a checkpoint adds to one commit, in bytes, so that the
// edits of others don't wait for a large document: it takes about as long as
// the sync behind it.
const pieceSize = 64 << 10

// Checkpoint implements store.Store. It writes pieces of at most pieceSize
// bytes, one a commit, and makes them valid by a last small commit.
//
// The last checkpoint before it that is whole stays, in case this one turns out
// to be damaged when it's needed; those that are older go away, a few pieces a
// commit.
func (s *Store) Checkpoint(ctx context.Context, c store.Checkpoint) error {
	err := s.marks.refuse(c.Doc)
	if err == nil {
		err = s.checkpoint(ctx, &c)
	}
	if err != nil {
		return fmt.Errorf("checkpoint of document %d at %v: %w", c.Doc, c.Revision, err)
	}
	return nil
}

func (s *Store) checkpoint(ctx context.Context, c *store.Checkpoint) error {
	var old []savedCheckpoint
	if err := s.withReader(ctx, func(r *reader) (err error) {
		old, err = r.checkpoints(c.Doc)
		return err
	}); err != nil {
		return err
	}
	if len(old) > 0 && c.Before(old[0].Revision) {
		return nil // it has been overtaken
	}
	spare, err := s.newestWhole(ctx, old)
	if err != nil {
		return err
	}
	id, err := s.writeCheckpoint(ctx, c)
	if err != nil {
		return err
	}
	if err := s.do(ctx, func(w *writer) error {
		if err := w.mayCheckpoint(c); err != nil {
			return err
		}
		if err := w.run(`UPDATE checkpoints SET valid = ?2 WHERE id = ?1
			AND size + authors = (SELECT coalesce(sum(length(data)), 0) FROM pieces WHERE checkpoint = ?1)`, id, int64(valid)); err != nil {
			return err
		}
		if w.Changes() == 0 {
			return errors.New("pieces of it are gone")
		}
		return w.run(`UPDATE checkpoints SET valid = ? WHERE doc = ? AND id < ? AND id != ? AND valid = ?`,
			int64(unfinished), int64(c.Doc), id, spare, int64(valid))
	}); err != nil {
		return err
	}
	return s.removeCheckpoints(ctx, c.Doc, unfinished, id)
}

// newestWhole is the id of the first checkpoint of a list that isn't damaged, 0
// if there is none.
func (s *Store) newestWhole(ctx context.Context, list []savedCheckpoint) (int64, error) {
	var id int64
	return id, s.withReader(ctx, func(r *reader) error {
		for _, saved := range list {
			damage, err := r.checkCheckpoint(&saved)
			if err != nil {
				return err
			}
			if damage == "" {
				id = saved.id
				return nil
			}
		}
		return nil
	})
}

// mayCheckpoint refuses a checkpoint that isn't of the log as it is.
func (w *writer) mayCheckpoint(c *store.Checkpoint) error {
	h, err := w.header(c.Doc)
	switch {
	case err != nil:
		return err
	case h.deleted:
		return store.ErrDeleted
	case c.Epoch != h.last.Epoch:
		return fmt.Errorf("the log is at %v: %w", h.last, store.ErrFenced)
	case c.Seq > h.last.Seq:
		return fmt.Errorf("the log is at %v: %w", h.last, store.ErrGap)
	}
	return nil
}

// writeCheckpoint writes a checkpoint that isn't valid yet.
func (s *Store) writeCheckpoint(ctx context.Context, c *store.Checkpoint) (id int64, err error) {
	sum := int64(c.Checksum())
	err = s.do(ctx, func(w *writer) error {
		if err := w.mayCheckpoint(c); err != nil {
			return err
		}
		id, err = w.number(`INSERT INTO checkpoints (doc, epoch, seq, time, size, authors, checksum, valid)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
			int64(c.Doc), int64(c.Epoch), int64(c.Seq), time.Now().UnixMilli(),
			int64(len(c.State)), int64(len(c.Authors)), sum, int64(unfinished))
		return err
	})
	n := int64(0)
	for _, part := range [][]byte{c.State, c.Authors} {
		for piece := range slices.Chunk(part, pieceSize) {
			if err != nil {
				return 0, err
			}
			err = s.do(ctx, func(w *writer) error {
				return w.run(`INSERT INTO pieces (checkpoint, n, data) VALUES (?, ?, ?)`, id, n, piece)
			})
			n++
		}
	}
	return id, err
}

// piecesAtOnce is how many pieces one commit removes.
const piecesAtOnce = 4

// removeCheckpoints removes the checkpoints of a document that are in a state
// and have an id below a bound.
func (s *Store) removeCheckpoints(ctx context.Context, doc store.DocID, state, below int64) error {
	for more := true; more; {
		if err := s.do(ctx, func(w *writer) error {
			id, err := w.number(`SELECT id FROM checkpoints WHERE doc = ? AND valid = ? AND id < ? LIMIT 1`, int64(doc), state, below)
			if more = id != 0; err != nil || !more {
				return err
			}
			if err := w.run(`DELETE FROM pieces WHERE id IN (SELECT id FROM pieces WHERE checkpoint = ? LIMIT ?)`,
				id, int64(piecesAtOnce)); err != nil {
				return err
			}
			if w.Changes() == piecesAtOnce {
				return nil
			}
			return w.run(`DELETE FROM checkpoints WHERE id = ?`, id)
		}); err != nil {
			return err
		}
	}
	return nil
}
