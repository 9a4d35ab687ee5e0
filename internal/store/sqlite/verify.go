package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/ncruces/go-sqlite3"

	"github.com/inkwire/inkwire/internal/store"
)

// A Check is what Verify has found out about one document.
type Check struct {
	Name        string
	Deleted     bool
	Rows        int // that are there, whole or not
	Checkpoints int
	Files       int
	// Document is what Load would give, nil for a deleted document.
	Document *store.Document
	// Damage has all that is damaged of what is kept, also what Load doesn't
	// need.
	Damage []error
}

// A Reading is a look of the caller's own at what Verify reads. Its errors are
// damage.
type Reading struct {
	Row        func(*store.Row) error
	Checkpoint func(*store.Checkpoint) error
}

// Verify checks all documents, the deleted ones too, and calls each with the
// result. Every document is read as it is at one moment, but not all at the same.
func (v *View) Verify(ctx context.Context, reading Reading, each func(*Check) error) error {
	for doc := int64(0); ; {
		var c Check
		err := v.r.transact(ctx, func() (err error) {
			doc, err = v.r.number(`SELECT coalesce(min(id), 0) FROM documents WHERE id > ? AND purged = 0`, doc)
			if err != nil || doc == 0 {
				return err
			}
			err = v.r.verify(&c, store.DocID(doc), reading)
			if errors.Is(err, store.ErrCorrupt) || errors.Is(err, sqlite3.CORRUPT) {
				c.Damage = append(c.Damage, fmt.Errorf("document %q: %w", c.Name, err))
				err = nil
			}
			return err
		})
		if err == nil && doc == 0 {
			return nil
		}
		if err == nil {
			err = each(&c)
		}
		if err != nil {
			return fmt.Errorf("verify: %w", err)
		}
	}
}

// Integrity lists what SQLite finds wrong with the file as a whole.
func (v *View) Integrity(ctx context.Context) (faults []string, err error) {
	err = v.r.transact(ctx, func() error {
		s, err := v.r.stmt(`PRAGMA integrity_check`)
		if err != nil {
			return err
		}
		for s.Step() {
			if line := s.ColumnText(0); line != "ok" {
				faults = append(faults, line)
			}
		}
		if err := s.Reset(); errors.Is(err, sqlite3.CORRUPT) {
			faults = append(faults, err.Error())
		} else if err != nil {
			return err
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("integrity check: %w", err)
	}
	return faults, nil
}

// verify checks one document.
func (r *reader) verify(c *Check, doc store.DocID, reading Reading) error {
	h, err := r.header(doc)
	if err != nil {
		return err
	}
	s, err := r.stmt(`SELECT name FROM documents WHERE id = ?`, int64(doc))
	if err != nil {
		return err
	}
	if s.Step() {
		c.Name = s.ColumnText(0)
	}
	if err := s.Reset(); err != nil {
		return err
	}
	c.Deleted = h.deleted
	if err := r.verifyFiles(c, h); err != nil {
		return err
	}
	if err := r.verifyRows(c, h, reading); err != nil {
		return err
	}
	if err := r.verifyCheckpoints(c, h, reading); err != nil {
		return err
	}
	if c.Deleted {
		return nil
	}
	l := loaded{name: c.Name}
	if err := r.load(&l); err != nil {
		return err
	}
	if l.ID != doc {
		c.Damage = append(c.Damage, fmt.Errorf("document %q: %w: its name leads to document %d, not %d", c.Name, store.ErrCorrupt, l.ID, doc))
		return nil
	}
	c.Document = &l.Document
	if l.Damage != nil && len(c.Damage) == 0 {
		c.Damage = append(c.Damage, l.Damage)
	}
	return nil
}

// verifyRows reads all rows, beyond damaged ones too.
func (r *reader) verifyRows(c *Check, h header, reading Reading) error {
	damaged := func(at store.Revision, msg string) {
		c.Damage = append(c.Damage, &store.RowError{Name: c.Name, Revision: at, What: "row", Msg: msg})
	}
	s, err := r.stmt(`SELECT epoch, seq, kind, session, client, time, checksum, data FROM rows
		WHERE doc = ? ORDER BY epoch, seq`, int64(h.id))
	if err != nil {
		return err
	}
	after := h.pruned
	for s.Step() {
		row, sum := readRow(s)
		c.Rows++
		if damage := rowDamage(&row, h.id, sum, after); damage != "" {
			damaged(row.Revision, damage)
		} else if err := reading.Row(&row); err != nil {
			damaged(row.Revision, err.Error())
		}
		after = row.Revision
	}
	if err := s.Reset(); errors.Is(err, sqlite3.CORRUPT) {
		after.Seq++
		damaged(after, err.Error())
	} else if err != nil {
		return err
	} else if after != h.last {
		damaged(after, fmt.Sprintf("it is the last one, the log should go on to %v", h.last))
	}
	return nil
}

func (r *reader) verifyCheckpoints(c *Check, h header, reading Reading) error {
	all, err := r.checkpoints(h.id)
	if err != nil {
		return err
	}
	c.Checkpoints = len(all)
	for _, saved := range all {
		damage, err := r.readCheckpoint(&saved)
		if err != nil {
			return err
		}
		if damage == "" {
			if err := reading.Checkpoint(&saved.Checkpoint); err != nil {
				damage = err.Error()
			}
		}
		if damage != "" {
			c.Damage = append(c.Damage, &store.RowError{Name: c.Name, Revision: saved.Revision, What: "checkpoint", Msg: damage})
		}
	}
	return nil
}
