package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/inkwire/inkwire/internal/store"
)

// Append implements store.Store.
func (s *Store) Append(ctx context.Context, batch []store.Entry) error {
	for i := range batch {
		if err := store.CheckEntry(&batch[i]); err != nil {
			return fmt.Errorf("append to %q: %w", batch[i].Name, err)
		}
	}
	return s.do(ctx, func(w *writer) error {
		for i := range batch {
			if err := w.append(&batch[i]); err != nil {
				return fmt.Errorf("append to %q: %w", batch[i].Name, err)
			}
		}
		return nil
	})
}

func (w *writer) append(e *store.Entry) error {
	if len(e.Rows) == 0 {
		return nil
	}
	first, last := e.Rows[0].Revision, e.Rows[len(e.Rows)-1].Revision
	cur, err := w.revision(e.Doc)
	if err != nil {
		return err
	}
	switch {
	case first.Epoch < cur.Epoch:
		return fmt.Errorf("epoch %d, the log has %d: %w", first.Epoch, cur.Epoch, store.ErrFenced)
	case first.Epoch > cur.Epoch && first.Seq != 1,
		first.Epoch == cur.Epoch && first.Seq != cur.Seq+1:
		return fmt.Errorf("row %v after %v: %w", first, cur, store.ErrGap)
	}
	if cur == (store.Revision{}) {
		if err := w.create(e); err != nil {
			return err
		}
	}
	for i := range e.Rows {
		r := &e.Rows[i]
		update := r.Update
		if update == nil {
			update = []byte{} // a nil slice would be NULL
		}
		if err := w.run(`INSERT INTO rows (doc, epoch, seq, session, time, checksum, data) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			int64(e.Doc), int64(r.Epoch), int64(r.Seq), r.Session, r.Time.UnixMilli(),
			int64(r.Checksum(e.Doc)), update); err != nil {
			return err
		}
	}
	return w.run(`UPDATE documents SET epoch = ?, seq = ? WHERE id = ?`,
		int64(last.Epoch), int64(last.Seq), int64(e.Doc))
}

// create gives a document its name, unless another has it.
func (w *writer) create(e *store.Entry) error {
	other, err := w.number(`SELECT doc FROM names WHERE name = ?`, e.Name)
	if err != nil {
		return err
	}
	if other != 0 {
		return fmt.Errorf("the name belongs to document %d: %w", other, store.ErrFenced)
	}
	if err := w.run(`INSERT INTO documents (id, epoch, seq, created) VALUES (?, 0, 0, ?)`,
		int64(e.Doc), time.Now().UnixMilli()); err != nil {
		return err
	}
	return w.run(`INSERT INTO names (name, doc) VALUES (?, ?)`, e.Name, int64(e.Doc))
}

// revision is that of a document's last row, zero if it isn't stored.
func (c *conn) revision(doc store.DocID) (store.Revision, error) {
	s, err := c.stmt(`SELECT epoch, seq FROM documents WHERE id = ?`, int64(doc))
	if err != nil {
		return store.Revision{}, err
	}
	var r store.Revision
	if s.Step() {
		r = store.Revision{Epoch: uint64(s.ColumnInt64(0)), Seq: uint64(s.ColumnInt64(1))}
	}
	return r, s.Reset()
}
