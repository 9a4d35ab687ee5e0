package sqlite

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/inkwire/inkwire/internal/store"
)

// marks are the documents in which a load has found damage. Whoever appends
// has loaded before, so this need not outlive the process: the next process
// finds what is damaged when it loads it.
type marks struct {
	mu      sync.Mutex
	damage  map[store.DocID]*store.RowError
	repairs int // how many have been made
}

func (m *marks) repairsSoFar() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.repairs
}

// found takes what a load found, nil for nothing, unless there was a
// repair since the load began.
func (m *marks) found(doc store.DocID, damage *store.RowError, repairs int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case repairs != m.repairs:
	case damage == nil:
		delete(m.damage, doc)
	default:
		if m.damage == nil {
			m.damage = make(map[store.DocID]*store.RowError)
		}
		m.damage[doc] = damage
	}
}

func (m *marks) repaired(doc store.DocID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.repairs++
	delete(m.damage, doc)
}

func (m *marks) refuse(doc store.DocID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if damage := m.damage[doc]; damage != nil {
		return fmt.Errorf("%w: %v", store.ErrDamaged, damage)
	}
	return nil
}

// Repair implements store.Store. It is one commit, for which others wait.
func (s *Store) Repair(ctx context.Context, name string) (store.Cut, error) {
	var cut store.Cut
	l := loaded{name: name}
	err := s.do(ctx, func(w *writer) error {
		if err := w.load(&l); err != nil {
			return err
		}
		if l.ID == 0 {
			return store.ErrUnknown
		}
		if l.Damage == nil {
			return nil
		}
		var err error
		cut, err = w.repair(&l)
		return err
	})
	if err != nil {
		return store.Cut{}, fmt.Errorf("repair %q: %w", name, err)
	}
	s.marks.repaired(l.ID)
	return cut, nil
}

func (w *writer) repair(l *loaded) (store.Cut, error) {
	cut := store.Cut{Damage: l.Damage, From: l.Revision, Checkpoints: len(l.newer)}
	doc, epoch, seq := int64(l.ID), int64(l.Revision.Epoch), int64(l.Revision.Seq)
	// The new epoch is one that was never used, not by what is moved either.
	last, err := w.number(`SELECT coalesce(max(epoch), 0) FROM rows WHERE doc = ?`, doc)
	if err != nil {
		return cut, err
	}
	cut.To = store.Revision{Epoch: max(uint64(last), l.head.last.Epoch) + 1, Seq: 1}
	if err := w.run(`INSERT INTO damaged (doc, epoch, seq, kind, session, client, time, checksum, data, moved)
		SELECT doc, epoch, seq, kind, session, client, time, checksum, data, ? FROM rows
		WHERE doc = ? AND (epoch, seq) > (?, ?)`, time.Now().UnixMilli(), doc, epoch, seq); err != nil {
		return cut, err
	}
	cut.Rows = int(w.Changes())
	if err := w.run(`DELETE FROM rows WHERE doc = ? AND (epoch, seq) > (?, ?)`, doc, epoch, seq); err != nil {
		return cut, err
	}
	for _, saved := range l.newer {
		if err := w.run(`UPDATE checkpoints SET valid = ? WHERE id = ?`, int64(setAside), saved.id); err != nil {
			return cut, err
		}
	}
	if l.base.id == 0 {
		// It begins anew, with nothing before its first row.
		if err := w.run(`UPDATE documents SET pruned_epoch = 0, pruned_seq = 0 WHERE id = ?`, doc); err != nil {
			return cut, err
		}
	}
	edited := int64(0)
	if l.Edited != (store.Edit{}) {
		edited = l.Edited.Time.UnixMilli()
	}
	if err := w.run(`UPDATE documents SET edited_epoch = ?, edited_seq = ?, edited_session = ?, edited_time = ? WHERE id = ?`,
		int64(l.Edited.Epoch), int64(l.Edited.Seq), l.Edited.Session, edited, doc); err != nil {
		return cut, err
	}
	return cut, w.insertOwnRow(l.ID, cut.To.Epoch, store.RepairedActivity)
}
