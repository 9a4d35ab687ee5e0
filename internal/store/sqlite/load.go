package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/inkwire/inkwire/internal/store"
)

// Load implements store.Store.
func (s *Store) Load(ctx context.Context, name string) (*store.Document, error) {
	l := loaded{name: name}
	repairs := s.marks.repairsSoFar()
	if err := s.withReader(ctx, func(r *reader) error { return r.load(&l) }); err != nil {
		return nil, fmt.Errorf("load %q: %w", name, err)
	}
	if l.ID == 0 {
		l.ID = store.DocID(s.lastID.Add(1))
	}
	s.marks.found(l.ID, l.Damage, repairs)
	return &l.Document, nil
}

// loaded is a document that is being loaded.
type loaded struct {
	store.Document
	name  string
	head  header
	base  savedCheckpoint   // the checkpoint that it rests on; its id is 0 for none
	newer []savedCheckpoint // those that should have been used, but are damaged
}

// load reads the document of l.name. Damage is in the document, not the error.
func (c *conn) load(l *loaded) error {
	h, err := c.named(l.name)
	switch {
	case err != nil || h.id == 0:
		return err
	case h.deleted:
		return store.ErrDeleted
	}
	l.ID, l.head = h.id, h
	if err := c.loadBase(l); err != nil {
		return err
	}
	if l.base.id == 0 && h.pruned != (store.Revision{}) {
		// Rows alone don't make it: the first are gone.
		if l.Damage = l.Recovered; l.Damage == nil {
			l.Damage = &store.RowError{Name: l.name, Revision: h.pruned, What: "checkpoint",
				Msg: "it is missing, and so are the rows up to it"}
		}
		l.Recovered = nil
	} else {
		l.Rows, l.Damage, err = c.rows(l.ID, l.name, l.Revision, -1)
		if err != nil {
			return err
		}
		if n := len(l.Rows); n > 0 {
			l.Revision = l.Rows[n-1].Revision
		}
		if l.Damage == nil && l.Revision != h.last {
			l.Damage = &store.RowError{Name: l.name, Revision: l.Revision, What: "row",
				Msg: fmt.Sprintf("it is the last one, the log should go on to %v", h.last)}
		}
		if l.Damage != nil {
			l.Recovered = nil
		}
	}
	if l.Here, err = c.here(l.ID); err != nil {
		return err
	}
	l.Edited, l.Facts, err = c.about(l.ID)
	if err == nil && l.Revision.Before(l.Edited.Revision) {
		l.Edited = l.lastEdit()
	}
	return err
}

// lastEdit is the last update of a document whose end is lost.
func (l *loaded) lastEdit() store.Edit {
	for i := len(l.Rows) - 1; i >= 0; i-- {
		if r := &l.Rows[i]; r.Kind == store.KindUpdate {
			return store.Edit{Revision: r.Revision, Session: r.Session, Time: r.Time}
		}
	}
	if l.base.id == 0 {
		return store.Edit{}
	}
	return store.Edit{Revision: l.base.Revision, Time: l.base.time} // or before
}

// loadBase reads the last checkpoint that is whole. If a later one isn't,
// Recovered tells.
func (c *conn) loadBase(l *loaded) error {
	all, err := c.checkpoints(l.ID)
	if err != nil {
		return err
	}
	for _, saved := range all {
		damage, err := c.readCheckpoint(&saved)
		if err != nil {
			return err
		}
		if damage == "" {
			l.base = saved
			l.Checkpoint, l.Authors, l.Revision = saved.State, saved.Authors, saved.Revision
			return nil
		}
		l.newer = append(l.newer, saved)
		if l.Recovered == nil {
			l.Recovered = &store.RowError{Name: l.name, Revision: saved.Revision, What: "checkpoint", Msg: damage}
		}
	}
	return nil
}

// A savedCheckpoint is a checkpoint as its table has it.
type savedCheckpoint struct {
	store.Checkpoint
	id            int64
	time          time.Time
	size, authors int64
	checksum      int64
}

// checkpoints reads the valid checkpoints of a document without their bytes, the
// latest first.
func (c *conn) checkpoints(doc store.DocID) ([]savedCheckpoint, error) {
	s, err := c.stmt(`SELECT id, epoch, seq, time, size, authors, checksum FROM checkpoints
		WHERE doc = ? AND valid = ? ORDER BY epoch DESC, seq DESC, id DESC`, int64(doc), int64(valid))
	if err != nil {
		return nil, err
	}
	var all []savedCheckpoint
	for s.Step() {
		all = append(all, savedCheckpoint{
			Checkpoint: store.Checkpoint{Doc: doc, Revision: store.Revision{Epoch: uint64(s.ColumnInt64(1)), Seq: uint64(s.ColumnInt64(2))}},
			id:         s.ColumnInt64(0), time: time.UnixMilli(s.ColumnInt64(3)),
			size: s.ColumnInt64(4), authors: s.ColumnInt64(5), checksum: s.ColumnInt64(6),
		})
	}
	return all, s.Reset()
}

// readCheckpoint reads the bytes of a checkpoint, and says what is wrong with
// them.
func (c *conn) readCheckpoint(saved *savedCheckpoint) (damage string, err error) {
	// The size is believed once there are as many bytes.
	n, err := c.number(`SELECT coalesce(sum(length(data)), 0) FROM pieces WHERE checkpoint = ?`, saved.id)
	if damage, err = corrupt(err); damage != "" || err != nil {
		return damage, err
	}
	if damage = saved.sizeDamage(n); damage != "" {
		return damage, nil
	}
	b := make([]byte, 0, n)
	sum, damage, err := c.pieces(saved, func(piece []byte) { b = append(b, piece...) })
	if damage == "" && err == nil {
		damage = saved.damage(int64(len(b)), sum)
	}
	if damage != "" || err != nil {
		return damage, err
	}
	saved.State = b[:saved.size:saved.size]
	if saved.authors > 0 {
		saved.Authors = b[saved.size:]
	}
	return "", nil
}

// checkCheckpoint says what is wrong with the bytes of a checkpoint.
func (c *conn) checkCheckpoint(saved *savedCheckpoint) (damage string, err error) {
	n := int64(0)
	sum, damage, err := c.pieces(saved, func(piece []byte) { n += int64(len(piece)) })
	if damage == "" && err == nil {
		damage = saved.damage(n, sum)
	}
	return damage, err
}

// pieces visits the pieces of a checkpoint and returns the checksum of all; or
// says what is wrong with the file. Each piece is valid within the visit.
func (c *conn) pieces(saved *savedCheckpoint, visit func([]byte)) (sum uint32, damage string, err error) {
	s, err := c.stmt(`SELECT data FROM pieces WHERE checkpoint = ? ORDER BY n`, saved.id)
	if err != nil {
		return 0, "", err
	}
	sum = saved.ChecksumOfPlace(int(saved.size), int(saved.authors))
	for s.Step() {
		piece := s.ColumnRawBlob(0)
		sum = store.UpdateChecksum(sum, piece)
		visit(piece)
	}
	damage, err = corrupt(s.Reset())
	return sum, damage, err
}

// corrupt makes damage of SQLite's error that the file is malformed.
func corrupt(err error) (damage string, other error) {
	if errors.Is(err, sqlite3.CORRUPT) {
		return err.Error(), nil
	}
	return "", err
}

// sizeDamage says what is wrong with a checkpoint of n bytes.
func (saved *savedCheckpoint) sizeDamage(n int64) string {
	if n != saved.size+saved.authors || saved.size < 0 || saved.size > n {
		return fmt.Sprintf("it has %d bytes, not %d", n, saved.size+saved.authors)
	}
	return ""
}

// damage says what is wrong with a checkpoint of n bytes and a checksum.
func (saved *savedCheckpoint) damage(n int64, sum uint32) string {
	if damage := saved.sizeDamage(n); damage != "" {
		return damage
	}
	if int64(sum) != saved.checksum {
		return "its checksum differs"
	}
	return ""
}

// rows reads the rows after a revision, at most limit unless it is -1, up to the
// first that is damaged.
func (c *conn) rows(doc store.DocID, name string, after store.Revision, limit int) ([]store.Row, *store.RowError, error) {
	s, err := c.stmt(`SELECT epoch, seq, kind, session, client, time, checksum, data FROM rows
		WHERE doc = ? AND (epoch, seq) > (?, ?) ORDER BY epoch, seq LIMIT ?`,
		int64(doc), int64(after.Epoch), int64(after.Seq), int64(limit))
	if err != nil {
		return nil, nil, err
	}
	var rows []store.Row
	for s.Step() {
		row, sum := readRow(s)
		if damage := rowDamage(&row, doc, sum, after); damage != "" {
			return rows, &store.RowError{Name: name, Revision: row.Revision, What: "row", Msg: damage}, s.Reset()
		}
		rows = append(rows, row)
		after = row.Revision
	}
	if err := s.Reset(); errors.Is(err, sqlite3.CORRUPT) {
		after.Seq++
		return rows, &store.RowError{Name: name, Revision: after, What: "row", Msg: err.Error()}, nil
	} else if err != nil {
		return nil, nil, err
	}
	return rows, nil, nil
}

// readRow is the row that a statement is at, and its stored checksum.
func readRow(s *sqlite3.Stmt) (store.Row, int64) {
	return store.Row{
		Revision: store.Revision{Epoch: uint64(s.ColumnInt64(0)), Seq: uint64(s.ColumnInt64(1))},
		Kind:     store.RowKind(s.ColumnInt64(2)),
		Session:  s.ColumnInt64(3),
		Client:   uint64(s.ColumnInt64(4)),
		Time:     time.UnixMilli(s.ColumnInt64(5)),
		Data:     s.ColumnBlob(7, []byte{}),
	}, s.ColumnInt64(6)
}

// rowDamage says what is wrong with a row that comes after another.
func rowDamage(row *store.Row, doc store.DocID, sum int64, after store.Revision) string {
	switch follows := row.Seq == after.Seq+1; {
	case row.Epoch == after.Epoch && !follows, row.Epoch > after.Epoch && row.Seq != 1:
		return fmt.Sprintf("rows are missing between it and %v", after)
	case int64(row.Checksum(doc)) != sum:
		return "its checksum differs"
	}
	return ""
}

// Rows implements store.Store.
func (s *Store) Rows(ctx context.Context, doc store.DocID, after store.Revision, limit int) (rows []store.Row, err error) {
	if limit == 0 {
		limit = -1
	}
	err = s.withReader(ctx, func(r *reader) error {
		h, err := r.header(doc)
		switch {
		case err != nil:
			return err
		case h.deleted:
			return store.ErrDeleted
		case after != h.pruned && after != h.last:
			there, err := r.number(`SELECT count(*) FROM rows WHERE doc = ? AND epoch = ? AND seq = ?`,
				int64(doc), int64(after.Epoch), int64(after.Seq))
			if err != nil {
				return err
			}
			if there == 0 {
				return store.ErrStartAnew
			}
		}
		var damage *store.RowError
		if rows, damage, err = r.rows(doc, fmt.Sprint("#", doc), after, limit); err == nil && damage != nil {
			err = damage
		}
		return err
	})
	if err != nil {
		err = fmt.Errorf("rows of document %d after %v: %w", doc, after, err)
	}
	return rows, err
}

// Sessions implements store.Store.
func (s *Store) Sessions(ctx context.Context, doc store.DocID) (sessions []store.Session, err error) {
	err = s.withReader(ctx, func(r *reader) error {
		h, err := r.header(doc)
		if err == nil && h.deleted {
			err = store.ErrDeleted
		}
		if err != nil {
			return err
		}
		q, err := r.stmt(`SELECT id, subject, name, start FROM sessions WHERE doc = ? ORDER BY start, id`, int64(doc))
		if err != nil {
			return err
		}
		for q.Step() {
			sessions = append(sessions, store.Session{ID: q.ColumnInt64(0), Subject: q.ColumnText(1),
				Name: q.ColumnText(2), Start: time.UnixMilli(q.ColumnInt64(3))})
		}
		return q.Reset()
	})
	if err != nil {
		return nil, fmt.Errorf("sessions of document %d: %w", doc, err)
	}
	return sessions, nil
}
