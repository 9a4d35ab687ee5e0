package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/inkwire/inkwire/internal/store"
)

// A pruner prunes a store from time to time.
type pruner struct {
	cancel context.CancelFunc
	ended  chan struct{}
}

func (p *pruner) start(s *Store, o Options) {
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel, p.ended = cancel, make(chan struct{})
	go func() {
		defer close(p.ended)
		ticks := time.NewTicker(cmp.Or(o.pruneEvery, time.Hour))
		defer ticks.Stop()
		for {
			select {
			case <-ticks.C:
			case <-ctx.Done():
				return
			}
			now := o.now
			if now == nil {
				now = time.Now
			}
			var err error
			if o.History > 0 {
				err = s.Prune(ctx, now().Add(-o.History))
			} else {
				err = s.pruneGrants(ctx, now())
			}
			if o.History > 0 && o.Refers != nil {
				err = errors.Join(err, s.CollectFiles(ctx, now, o.History, o.Refers))
			}
			if err != nil && ctx.Err() == nil && o.Report != nil {
				o.Report(err)
			}
		}
	}()
}

// stop ends what is under way, and awaits it.
func (p *pruner) stop() {
	if p.cancel != nil {
		p.cancel()
		<-p.ended
	}
}

// rowsAtOnce is how many rows one commit removes.
const rowsAtOnce = 256

// Prune implements store.Store.
func (s *Store) Prune(ctx context.Context, before time.Time) error {
	for doc := int64(0); ; {
		err := s.withReader(ctx, func(r *reader) (err error) {
			doc, err = r.number(`SELECT coalesce(min(id), 0) FROM documents WHERE id > ? AND purged < ?`, doc, int64(purged))
			return err
		})
		if err == nil && doc == 0 {
			return s.pruneGrants(ctx, time.Now())
		}
		if err == nil {
			err = s.prune(ctx, store.DocID(doc), before)
		}
		if err != nil {
			return fmt.Errorf("prune document %d: %w", doc, err)
		}
	}
}

func (s *Store) prune(ctx context.Context, doc store.DocID, before time.Time) error {
	deleted, err := int64(0), error(nil)
	bound, rows := store.Revision{}, int64(0)
	err = s.withReader(ctx, func(r *reader) error {
		if deleted, err = r.number(`SELECT deleted FROM documents WHERE id = ?`, int64(doc)); err != nil || deleted != 0 {
			return err
		}
		// What is left must do if the last checkpoint should turn out to be
		// damaged, so the rows after the one before it stay.
		all, err := r.checkpoints(doc)
		if err != nil || len(all) < 2 {
			return err
		}
		rows, err = r.number(`SELECT count(*) FROM (SELECT time FROM rows WHERE doc = ? AND (epoch, seq) <= (?, ?)
			ORDER BY epoch, seq LIMIT 1) WHERE time < ?`,
			int64(doc), int64(all[1].Epoch), int64(all[1].Seq), before.UnixMilli())
		if err != nil || rows == 0 {
			return err
		}
		for i := range all[:2] {
			if damage, err := r.checkCheckpoint(&all[i]); err != nil || damage != "" {
				rows = 0
				return err // the rows may be needed instead of it
			}
		}
		bound = all[1].Revision
		return nil
	})
	switch {
	case err != nil:
		return err
	case deleted != 0 && deleted < before.UnixMilli():
		return s.purge(ctx, doc, before)
	case rows == 0:
		return nil
	}
	for more := true; more; {
		if err := s.do(ctx, func(w *writer) (err error) {
			more, err = w.pruneRows(doc, bound, before)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// pruneRows removes the first rows of a document that are old enough, up to a
// bound, and reports whether there may be more.
func (w *writer) pruneRows(doc store.DocID, bound store.Revision, before time.Time) (more bool, err error) {
	s, err := w.stmt(`SELECT epoch, seq, time FROM rows WHERE doc = ? AND (epoch, seq) <= (?, ?) ORDER BY epoch, seq LIMIT ?`,
		int64(doc), int64(bound.Epoch), int64(bound.Seq), int64(rowsAtOnce))
	if err != nil {
		return false, err
	}
	n := 0
	var last store.Revision
	for s.Step() && s.ColumnInt64(2) < before.UnixMilli() {
		last = store.Revision{Epoch: uint64(s.ColumnInt64(0)), Seq: uint64(s.ColumnInt64(1))}
		n++
	}
	if err := s.Reset(); err != nil || n == 0 {
		return false, err
	}
	if err := w.run(`DELETE FROM rows WHERE doc = ? AND (epoch, seq) <= (?, ?)`,
		int64(doc), int64(last.Epoch), int64(last.Seq)); err != nil {
		return false, err
	}
	return n == rowsAtOnce, w.run(`UPDATE documents SET pruned_epoch = ?, pruned_seq = ? WHERE id = ?`,
		int64(last.Epoch), int64(last.Seq), int64(doc))
}

// remove executes a statement that removes at most ?2 rows until there are no
// more.
func (s *Store) remove(ctx context.Context, sql string, param int64) error {
	for more := true; more; {
		if err := s.do(ctx, func(w *writer) error {
			if err := w.run(sql, param, int64(rowsAtOnce)); err != nil {
				return err
			}
			more = w.Changes() == rowsAtOnce
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// purge removes what is in a deleted document. The document and its name stay,
// so that the name goes on refusing who still has a copy.
func (s *Store) purge(ctx context.Context, doc store.DocID, before time.Time) error {
	var begun int64
	if err := s.do(ctx, func(w *writer) (err error) {
		if err := w.run(`UPDATE documents SET purged = ?, title = '', preview = '', title_key = '', folded = ''
			WHERE id = ? AND deleted != 0 AND deleted < ?`, int64(purging), int64(doc), before.UnixMilli()); err != nil {
			return err
		}
		begun = w.Changes()
		return nil
	}); err != nil || begun == 0 { // it was restored meanwhile
		return err
	}
	for _, sql := range []string{
		`DELETE FROM rows WHERE doc = ?1 AND (epoch, seq) IN (SELECT epoch, seq FROM rows WHERE doc = ?1 LIMIT ?2)`,
		`DELETE FROM sessions WHERE doc = ?1 AND id IN (SELECT id FROM sessions WHERE doc = ?1 LIMIT ?2)`,
		`DELETE FROM damaged WHERE rowid IN (SELECT rowid FROM damaged WHERE doc = ?1 LIMIT ?2)`,
		`DELETE FROM people WHERE doc = ?1 AND person IN (SELECT person FROM people WHERE doc = ?1 LIMIT ?2)`,
		`DELETE FROM shares WHERE id IN (SELECT id FROM shares WHERE doc = ?1 LIMIT ?2)`,
	} {
		if err := s.remove(ctx, sql, int64(doc)); err != nil {
			return err
		}
	}
	for _, state := range []int64{unfinished, valid, setAside} {
		if err := s.removeCheckpoints(ctx, doc, state, math.MaxInt64); err != nil {
			return err
		}
	}
	if err := s.do(ctx, func(w *writer) error {
		return w.run(`UPDATE files SET state = ? WHERE doc = ?`, int64(going), int64(doc))
	}); err != nil {
		return err
	}
	if err := s.removeFiles(ctx); err != nil {
		return err
	}
	return s.do(ctx, func(w *writer) error {
		return w.run(`UPDATE documents SET purged = ? WHERE id = ?`, int64(purged), int64(doc))
	})
}

// pruneGrants removes what has expired.
func (s *Store) pruneGrants(ctx context.Context, now time.Time) error {
	err := s.remove(ctx, `DELETE FROM browsers WHERE secret IN (SELECT secret FROM browsers WHERE expires <= ?1 LIMIT ?2)`,
		now.UnixMilli())
	if err == nil {
		err = s.remove(ctx, `DELETE FROM shares WHERE id IN (SELECT id FROM shares WHERE expires != 0 AND expires <= ?1 LIMIT ?2)`,
			now.Add(-store.ShareKept).UnixMilli())
	}
	if err != nil {
		return fmt.Errorf("prune grants: %w", err)
	}
	return nil
}
