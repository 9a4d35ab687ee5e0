package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/inkwire/inkwire/internal/store"
)

// A reader is a reading connection.
type reader struct{ *conn }

func (o opener) reader() (*reader, error) {
	c, err := o.conn(`PRAGMA query_only = ON; PRAGMA busy_timeout = 5000`)
	if err != nil {
		return nil, err
	}
	return &reader{c}, nil
}

// Load implements store.Store.
func (s *Store) Load(ctx context.Context, name string) (*store.Document, error) {
	d := &store.Document{}
	err := s.withReader(ctx, func(r *reader) error { return r.load(d, name) })
	if err != nil {
		return nil, fmt.Errorf("load %q: %w", name, err)
	}
	if d.ID == 0 {
		d.ID = store.DocID(s.lastID.Add(1))
	}
	return d, nil
}

func (r *reader) load(d *store.Document, name string) error {
	id, err := r.number(`SELECT doc FROM names WHERE name = ?`, name)
	if err != nil || id == 0 {
		return err
	}
	d.ID = store.DocID(id)
	last, err := r.revision(d.ID)
	if err != nil {
		return err
	}
	if err := r.loadCheckpoint(d, name); err != nil {
		return err
	}
	if err := r.loadRows(d, name); err != nil {
		return err
	}
	if d.Revision != last {
		return &store.RowError{Name: name, Revision: d.Revision, What: "row",
			Msg: fmt.Sprintf("it is the last one, the log should go on to %v", last)}
	}
	return nil
}

func (r *reader) loadCheckpoint(d *store.Document, name string) error {
	s, err := r.stmt(`SELECT id, epoch, seq, size, checksum FROM checkpoints
		WHERE doc = ? AND valid = 1 ORDER BY id DESC LIMIT 1`, int64(d.ID))
	if err != nil {
		return err
	}
	if !s.Step() {
		return s.Reset()
	}
	id, size, sum := s.ColumnInt64(0), s.ColumnInt64(3), s.ColumnInt64(4)
	c := store.Checkpoint{Doc: d.ID, Revision: store.Revision{Epoch: uint64(s.ColumnInt64(1)), Seq: uint64(s.ColumnInt64(2))}}
	if err := s.Reset(); err != nil {
		return err
	}
	if s, err = r.stmt(`SELECT data FROM pieces WHERE checkpoint = ? ORDER BY n`, id); err != nil {
		return err
	}
	for s.Step() {
		c.State = append(c.State, s.ColumnRawBlob(0)...)
	}
	if err := s.Reset(); err != nil {
		return err
	}
	damage := ""
	switch {
	case int64(len(c.State)) != size:
		damage = fmt.Sprintf("it has %d bytes, not %d", len(c.State), size)
	case int64(c.Checksum()) != sum:
		damage = "its checksum differs"
	}
	if damage != "" {
		return &store.RowError{Name: name, Revision: c.Revision, What: "checkpoint", Msg: damage}
	}
	d.Checkpoint, d.Revision = c.State, c.Revision
	return nil
}

func (r *reader) loadRows(d *store.Document, name string) error {
	s, err := r.stmt(`SELECT epoch, seq, session, time, checksum, data FROM rows
		WHERE doc = ? AND (epoch, seq) > (?, ?) ORDER BY epoch, seq`,
		int64(d.ID), int64(d.Revision.Epoch), int64(d.Revision.Seq))
	if err != nil {
		return err
	}
	for s.Step() {
		row := store.Row{
			Revision: store.Revision{Epoch: uint64(s.ColumnInt64(0)), Seq: uint64(s.ColumnInt64(1))},
			Session:  s.ColumnInt64(2),
			Time:     time.UnixMilli(s.ColumnInt64(3)),
			Update:   s.ColumnBlob(5, []byte{}),
		}
		damage := ""
		switch follows := row.Seq == d.Revision.Seq+1; {
		case row.Epoch == d.Revision.Epoch && !follows, row.Epoch > d.Revision.Epoch && row.Seq != 1:
			damage = fmt.Sprintf("rows are missing between it and %v", d.Revision)
		case int64(row.Checksum(d.ID)) != s.ColumnInt64(4):
			damage = "its checksum differs"
		}
		if damage != "" {
			return &store.RowError{Name: name, Revision: row.Revision, What: "row", Msg: damage}
		}
		d.Rows = append(d.Rows, row)
		d.Revision = row.Revision
	}
	return s.Reset()
}
