package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/inkwire/inkwire/internal/store"
)

// Append implements store.Store.
func (s *Store) Append(ctx context.Context, batch []store.Entry) error {
	begin, rows := time.Now(), 0
	for i := range batch {
		e := &batch[i]
		err := store.CheckEntry(e)
		if err == nil {
			err = s.marks.refuse(e.Doc)
		}
		if err != nil {
			return fmt.Errorf("append to %q: %w", e.Name, err)
		}
		rows += len(e.Rows)
	}
	err := s.do(ctx, func(w *writer) error {
		for i := range batch {
			if err := w.append(&batch[i]); err != nil {
				return fmt.Errorf("append to %q: %w", batch[i].Name, err)
			}
		}
		return nil
	})
	if err == nil && s.observer.Commit != nil {
		s.observer.Commit(time.Since(begin), rows)
	}
	return err
}

func (w *writer) append(e *store.Entry) error {
	h, err := w.header(e.Doc)
	if err != nil {
		return err
	}
	switch {
	case h.deleted:
		return store.ErrDeleted
	case len(e.Rows) > 0:
		first := e.Rows[0].Revision
		switch {
		case first.Epoch < h.last.Epoch:
			return fmt.Errorf("epoch %d, the log has %d: %w", first.Epoch, h.last.Epoch, store.ErrFenced)
		case first.Epoch > h.last.Epoch && first.Seq != 1,
			first.Epoch == h.last.Epoch && first.Seq != h.last.Seq+1:
			return fmt.Errorf("row %v after %v: %w", first, h.last, store.ErrGap)
		}
		if h.id == 0 {
			if err := w.create(e.Doc, e.Name); err != nil {
				return err
			}
		}
		if err := w.insertRows(e.Doc, e.Rows); err != nil {
			return err
		}
		h.last = e.Rows[len(e.Rows)-1].Revision
	case h.id == 0:
		return fmt.Errorf("no row, and the document isn't stored: %w", store.ErrGap)
	}
	for i := range e.Sessions {
		n := &e.Sessions[i]
		if err := w.run(`INSERT INTO sessions (doc, id, subject, name, start) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET name = excluded.name`,
			int64(e.Doc), n.ID, n.Subject, n.Name, n.Start.UnixMilli()); err != nil {
			return err
		}
	}
	if err := w.attend(e); err != nil {
		return err
	}
	if f := e.Facts; f != nil {
		switch {
		case f.At.Epoch != h.last.Epoch:
			return fmt.Errorf("facts at %v, the log is at %v: %w", f.At, h.last, store.ErrFenced)
		case f.At.Seq > h.last.Seq:
			return fmt.Errorf("facts at %v, the log is at %v: %w", f.At, h.last, store.ErrGap)
		}
		return w.setFacts(e.Doc, f)
	}
	return nil
}

// setFacts stores facts. Their title's place among others is written only when
// it's another.
func (w *writer) setFacts(doc store.DocID, f *store.Facts) error {
	if err := w.run(`UPDATE documents SET facts_epoch = ?1, facts_seq = ?2, title = ?3, preview = ?4,
		folded = fold(name || char(10) || ?3 || char(10) || ?4) WHERE id = ?5`,
		int64(f.At.Epoch), int64(f.At.Seq), f.Title, f.Preview, int64(doc)); err != nil {
		return err
	}
	return w.run(`UPDATE documents SET title_key = k FROM (SELECT substr(fold(CASE title WHEN '' THEN name ELSE title END), 1, 100) AS k
		FROM documents WHERE id = ?1) WHERE id = ?1 AND title_key != k`, int64(doc))
}

// insertRows adds rows and what follows of them for their document.
func (w *writer) insertRows(doc store.DocID, rows []store.Row) error {
	var edit *store.Row
	for i := range rows {
		r := &rows[i]
		data := r.Data
		if data == nil {
			data = []byte{} // a nil slice would be NULL
		}
		if err := w.run(`INSERT INTO rows (doc, epoch, seq, kind, session, client, time, checksum, data)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			int64(doc), int64(r.Epoch), int64(r.Seq), int64(r.Kind), r.Session, int64(r.Client), r.Time.UnixMilli(),
			int64(r.Checksum(doc)), data); err != nil {
			return err
		}
		if r.Kind == store.KindUpdate {
			edit = r
		}
	}
	last := rows[len(rows)-1].Revision
	if edit == nil {
		return w.run(`UPDATE documents SET epoch = ?, seq = ? WHERE id = ?`, int64(last.Epoch), int64(last.Seq), int64(doc))
	}
	if err := w.run(`UPDATE documents SET epoch = ?, seq = ?,
		edited_epoch = ?, edited_seq = ?, edited_session = ?, edited_time = ? WHERE id = ?`,
		int64(last.Epoch), int64(last.Seq),
		int64(edit.Epoch), int64(edit.Seq), edit.Session, edit.Time.UnixMilli(), int64(doc)); err != nil {
		return err
	}
	// Its place among others has an index, which isn't written for each keystroke.
	return w.run(`UPDATE documents SET listed = ?1 WHERE id = ?2 AND listed <= ?1 - 1000`, edit.Time.UnixMilli(), int64(doc))
}

// create gives a document its name, unless another has it.
func (w *writer) create(doc store.DocID, name string) error {
	other, err := w.number(`SELECT doc FROM names WHERE name = ?`, name)
	if err != nil {
		return err
	}
	if other != 0 {
		return fmt.Errorf("the name belongs to document %d: %w", other, store.ErrFenced)
	}
	if err := w.insertDocument(doc, name); err != nil {
		return err
	}
	return w.run(`INSERT INTO names (name, doc) VALUES (?, ?)`, name, int64(doc))
}

func (w *writer) insertDocument(doc store.DocID, name string) error {
	return w.run(`INSERT INTO documents (id, name, epoch, seq, created, listed, title_key, folded)
		VALUES (?1, ?2, 0, 0, ?3, ?3, substr(fold(?2), 1, 100), fold(?2))`, int64(doc), name, time.Now().UnixMilli())
}
