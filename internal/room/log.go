package room

import (
	"fmt"
	"time"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/store"
)

// log is a room's side of its document's log.
type log struct {
	doc     store.DocID
	last    store.Revision // of the last row, saved or not
	durable store.Revision // of the last row saved
	owned   bool           // rows were added, in an epoch of this room's own

	unsaved   []store.Row // in order; the first ones are those under way
	costs     []int       // what each took of the quota
	appending bool
	failing   bool        // the last append failed; retry is set
	retry     *time.Timer // the next attempt

	checkpointing bool
	noted         *store.Checkpoint // to be stored next
	sinceRows     int               // rows after the last checkpoint, stored or noted
	sinceBytes    int               // their bytes
}

func newLog(d *store.Document) log {
	l := log{doc: d.ID, last: d.Revision, durable: d.Revision}
	for _, row := range d.Rows {
		l.sinceRows++
		l.sinceBytes += len(row.Data)
	}
	return l
}

// busy reports whether something has yet to be written.
func (l *log) busy() bool {
	return len(l.unsaved) > 0 || l.appending || l.checkpointing || l.noted != nil
}

// add gives an update the next sequence. The first of a room begins an epoch.
// Its cost goes back to the quota when it's saved.
func (l *log) add(session int64, update []byte, cost int) {
	if !l.owned {
		l.owned = true
		l.last = store.Revision{Epoch: l.last.Epoch + 1}
	}
	l.last.Seq++
	l.unsaved = append(l.unsaved, store.Row{Revision: l.last, Session: session, Time: time.Now(), Data: update})
	l.costs = append(l.costs, cost)
	l.sinceRows++
	l.sinceBytes += len(update)
}

// flush begins to append what is unsaved, unless an append is under way or a
// failed one waits for its next attempt.
func (r *room) flush() {
	l := &r.log
	if l.appending || l.failing || len(l.unsaved) == 0 {
		return
	}
	l.appending = true
	rows := l.unsaved[:len(l.unsaved):len(l.unsaved)]
	r.background.Go(func() {
		err := r.rooms.cfg.Store.Append(r.rooms.ctx, []store.Entry{{Doc: l.doc, Name: r.name, Rows: rows}})
		r.post(func() { r.appended(rows, err) })
	})
}

// appended takes the result of an append.
func (r *room) appended(rows []store.Row, err error) {
	l := &r.log
	l.appending = false
	switch {
	case err == nil:
		r.quota.setOpen(false)
		for _, cost := range l.costs[:len(rows)] {
			r.quota.give(cost)
		}
		l.unsaved, l.costs = l.unsaved[len(rows):], l.costs[len(rows):]
		l.durable = rows[len(rows)-1].Revision
	case store.Refused(err):
		// Somebody else writes this document, or nobody may any more: what this
		// room holds isn't its state. Its clients bring their edits to the new owner.
		r.abandon(err)
		return
	default:
		r.rooms.cfg.Report(fmt.Errorf("document %q: %d updates wait: %w", r.name, len(l.unsaved), err))
		l.failing = true
		r.quota.setOpen(true)
		r.endWriters()
		l.retry = r.after(r.rooms.cfg.Retry, func() {
			l.failing = false
			r.flush()
		})
		return
	}
	r.flush()
	r.checkpoint()
	r.tryEnd()
}

// endWriters ends the sessions whose rows aren't saved.
func (r *room) endWriters() {
	writers := make(map[int64]bool, 1)
	for _, row := range r.log.unsaved {
		writers[row.Session] = true
	}
	for s := range r.sessions {
		if writers[s.id] {
			r.end(s, access.Overload.Because("edits can't be saved at present"))
		}
	}
}

// Bounds on what is read and merged when a document is loaded: rows after its
// checkpoint, and their bytes, unless the checkpoint is so large that they are
// a small part of it. A checkpoint is then due.
const (
	maxSinceRows  = 4096
	minSinceBytes = 64 << 10
	sinceShare    = 8 // an eighth of the state
)

// noteCheckpoint remembers the content's base, just folded, as what to store,
// if a checkpoint is due. It holds all rows so far.
func (r *room) noteCheckpoint() {
	l := &r.log
	if l.sinceRows <= maxSinceRows && l.sinceBytes <= max(minSinceBytes, len(r.content.base)/sinceShare) {
		return
	}
	l.noted = &store.Checkpoint{Doc: l.doc, Revision: l.last, State: r.content.base}
	l.sinceRows, l.sinceBytes = 0, 0
}

// checkpoint begins to store the noted checkpoint, once the rows that it holds
// are saved.
func (r *room) checkpoint() {
	l := &r.log
	if l.noted == nil || l.checkpointing || l.durable.Before(l.noted.Revision) {
		return
	}
	c := *l.noted
	l.noted, l.checkpointing = nil, true
	r.background.Go(func() {
		err := r.rooms.cfg.Store.Checkpoint(r.rooms.ctx, c)
		r.post(func() { r.checkpointed(err) })
	})
}

func (r *room) checkpointed(err error) {
	r.log.checkpointing = false
	if err != nil { // the rows are all there; a checkpoint is due again later
		r.rooms.cfg.Report(fmt.Errorf("document %q: %w", r.name, err))
	}
	r.checkpoint()
	r.tryEnd()
}
