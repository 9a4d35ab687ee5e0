package room

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/store"
	"github.com/inkwire/inkwire/internal/store/authors"
)

// A position counts the rows that a room has added.
type position uint64

// log is a room's side of its document's log.
type log struct {
	doc   store.DocID
	last  store.Revision // of the last row, saved or not
	owned bool           // rows were added, in an epoch of this room's own

	added, saved position
	debts        []debt // in the order of their positions

	sessions  []store.Session // to be stored with the next append
	unsaved   []store.Row     // in order; the first ones are those under way
	costs     []int           // what each took of the quota
	appending bool
	failing   bool        // the last append failed, and no other has succeeded
	retry     *time.Timer // the next attempt; nil unless one is waited for

	checkpointing bool
	noted         *noted      // to be stored next
	authors       []byte      // who wrote what, encoded, at the last checkpoint, stored or noted
	since         []store.Row // after it
	sinceBytes    int
}

// noted is a checkpoint that waits for the rows that it holds.
type noted struct {
	store.Checkpoint
	at position
}

// mark is a place in the log.
type mark struct {
	revision store.Revision
	position position
}

func (l *log) mark() mark { return mark{l.last, l.added} }

func newLog(d *store.Document) log {
	l := log{doc: d.ID, last: d.Revision, authors: d.Authors, since: d.Rows}
	for _, row := range d.Rows {
		l.sinceBytes += len(row.Data)
	}
	return l
}

// begun reports whether the document is stored, or about to be.
func (l *log) begun() bool { return l.last != store.Revision{} }

// busy reports whether something has yet to be written.
func (l *log) busy() bool {
	return len(l.unsaved) > 0 || l.appending || l.checkpointing || l.noted != nil
}

// add gives a row the next sequence. The first of a room begins an epoch. Its
// cost goes back to the quota when it's saved.
func (l *log) add(row store.Row, cost int) {
	if !l.owned {
		l.owned = true
		l.last = store.Revision{Epoch: l.last.Epoch + 1}
	}
	l.last.Seq++
	l.added++
	row.Revision = l.last
	l.unsaved = append(l.unsaved, row)
	l.costs = append(l.costs, cost)
	l.since = append(l.since, row)
	l.sinceBytes += len(row.Data)
}

// introduce is what the log doesn't know yet of the sessions whose rows are
// unsaved.
func (r *room) introduce() []store.Session {
	unknown := r.former
	r.former = nil
	for s := range r.writers {
		if s.written != s.logged {
			s.logged = s.written
			unknown = append(unknown, s.written)
		}
	}
	clear(r.writers)
	return unknown
}

// resubject has a session that shows another subject go on as another in the log:
// what it has brought stays its former subject's.
func (r *room) resubject(s *Session) {
	subject := s.pass.Identity().Subject
	if subject == s.written.Subject {
		return
	}
	if _, writes := r.writers[s]; writes && s.written != s.logged {
		r.former = append(r.former, s.written)
	}
	s.id = newSessionID()
	s.written = store.Session{ID: s.id, Subject: subject, Start: time.Now()}
	if s.own != nil {
		r.attend(s.own)
	}
}

// flush begins to append what is unsaved, unless an append is under way or a
// failed one waits for its next attempt.
func (r *room) flush() {
	l := &r.log
	if l.appending || l.retry != nil {
		return
	}
	entry := store.Entry{Doc: l.doc, Name: r.name, Facts: r.dueFacts()}
	if len(l.unsaved) == 0 && entry.Facts == nil {
		return
	}
	r.append(entry)
}

// append begins to append an entry and what is unsaved.
func (r *room) append(entry store.Entry) {
	l := &r.log
	l.appending = true
	rows := l.unsaved[:len(l.unsaved):len(l.unsaved)]
	l.sessions = append(l.sessions, r.introduce()...)
	entry.Rows, entry.Sessions = rows, slices.Clone(l.sessions)
	if len(rows) > 0 {
		entry.Came, entry.Went = r.attendance.send()
	}
	r.background.Go(func() {
		err := r.rooms.cfg.Store.Append(r.rooms.ctx, []store.Entry{entry})
		r.post(func() { r.appended(rows, err) })
	})
}

// appended takes the result of an append.
func (r *room) appended(rows []store.Row, err error) {
	l := &r.log
	l.appending = false
	r.sentFacts(err == nil)
	switch {
	case err == nil:
		r.saved(len(rows))
	case errors.Is(err, store.ErrDeleted):
		r.drop(access.Deleted.Because(""))
		return
	case store.Refused(err):
		// Somebody else writes this document, or nobody may any more: what this
		// room holds isn't its state. Its clients bring their edits to the new owner.
		r.abandon(err)
		return
	case len(rows) == 0: // only facts, which the next load finds out
		r.rooms.cfg.Report(fmt.Errorf("document %q: %w", r.name, err))
		r.facts.state = factsStored
	default:
		r.notSaved(err)
		return
	}
	r.flush()
	r.checkpoint()
	r.tryEnd()
}

// saved takes note that so many rows are on disk, and pays the debts that waited
// for them.
func (r *room) saved(rows int) {
	l := &r.log
	for _, cost := range l.costs[:rows] {
		r.quota.give(cost)
	}
	r.happenedFor(l.unsaved[:rows])
	l.unsaved, l.costs, l.sessions = l.unsaved[rows:], l.costs[rows:], nil
	l.saved += position(rows)
	if rows > 0 {
		r.attendance.sending = nil
	}
	n := 0
	for n < len(l.debts) && l.debts[n].at <= l.saved {
		r.settle(l.debts[n])
		n++
	}
	clear(l.debts[:n])
	l.debts = l.debts[n:]
	if !l.failing {
		r.recordWaiting()
		return
	}
	l.failing = false
	r.recordWaiting()
	r.quota.setOpen(false)
	r.setState("live")
	for s := range r.told {
		s.recv.Unsaved(false)
	}
	clear(r.told)
	for s := range r.refusedEdits {
		r.requery(s)
	}
	clear(r.refusedEdits)
}

// notSaved takes note that an append failed. Its rows stay in the queue.
func (r *room) notSaved(err error) {
	l := &r.log
	if !l.failing {
		l.failing = true
		r.quota.setOpen(true)
		r.setState("unsaved")
		r.rooms.cfg.Report(fmt.Errorf("document %q: %d updates wait: %w", r.name, len(l.unsaved), err))
	}
	writers := make(map[int64]bool, 1)
	for _, row := range l.unsaved {
		writers[row.Session] = row.Kind == store.KindUpdate || writers[row.Session]
	}
	for s := range r.sessions {
		if writers[s.id] {
			r.tellUnsaved(s)
		}
	}
	l.retry = r.after(r.rooms.cfg.Retry, func() {
		l.retry = nil
		r.flush()
	})
}

// tellUnsaved tells a session, once, that its edits can't be saved at present.
func (r *room) tellUnsaved(s *Session) {
	if _, ok := r.told[s]; !ok && !s.ended {
		r.told[s] = struct{}{}
		s.recv.Unsaved(true)
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

// checkpointDue reports whether loading the document would read too much.
func (r *room) checkpointDue() bool {
	l := &r.log
	return len(l.since) > maxSinceRows || l.sinceBytes > max(minSinceBytes, len(r.content.base)/sinceShare)
}

// authorsOf adds to who wrote what, as it was at a checkpoint, the rows since.
func authorsOf(encoded []byte, since []store.Row) ([]byte, error) {
	m, err := authors.Of(&store.Document{Authors: encoded, Rows: since})
	if err != nil {
		return nil, fmt.Errorf("find out who wrote what: %w", err)
	}
	return m.Encode(), nil
}

// noteCheckpoint remembers the content's base, just made of all rows up to a
// mark, as what to store.
func (r *room) noteCheckpoint(at mark, authors []byte) {
	l := &r.log
	l.noted = &noted{store.Checkpoint{Doc: l.doc, Revision: at.revision, State: r.content.base, Authors: authors}, at.position}
	l.authors = authors
	l.since = slices.Clone(l.since[len(l.since)-int(l.added-at.position):])
	l.sinceBytes = 0
	for _, row := range l.since {
		l.sinceBytes += len(row.Data)
	}
	r.checkpoint()
}

// checkpoint begins to store the noted checkpoint, once the rows that it holds
// are saved.
func (r *room) checkpoint() {
	l := &r.log
	if l.noted == nil || l.checkpointing || l.saved < l.noted.at {
		return
	}
	c := l.noted.Checkpoint
	l.noted, l.checkpointing = nil, true
	r.background.Go(func() {
		err := r.rooms.cfg.Store.Checkpoint(r.rooms.ctx, c)
		r.post(func() { r.checkpointed(c, err) })
	})
}

func (r *room) checkpointed(c store.Checkpoint, err error) {
	r.log.checkpointing = false
	// What was loaded may be of an epoch that this room's own first row has ended.
	overtaken := errors.Is(err, store.ErrFenced) && c.Epoch < r.log.last.Epoch
	if err != nil && !overtaken { // the rows are all there; a checkpoint is due again later
		r.rooms.cfg.Report(fmt.Errorf("document %q: %w", r.name, err))
	}
	r.checkpoint()
	r.tryEnd()
}
