package room

import (
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/inkwire/inkwire/crdt"
	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/store"
)

// A room is one live document.
type room struct {
	// Static after construction.
	rooms  *Rooms
	name   string
	inbox  chan func()
	loaded chan struct{} // closed when the load has ended, either way
	gone   chan struct{} // closed when the room's goroutine has ended
	quota  *quota

	// For sessions, in their goroutines.
	preparing chan struct{}                                  // held by the one whose update is being prepared
	gave      atomic.Pointer[func() (crdt.DeleteSet, error)] // finds what is deleted in the state given last

	// Written before loaded is closed.
	refusal *access.Refused // the load has failed
	damage  error           // what is damaged; the document is read-only
	begun   bool            // somebody has used the document, or may; later the room's goroutine's

	holders int // sessions, and those waiting to become one; guarded by Rooms.mu

	// Owned by the room's goroutine.
	sessions map[*Session]struct{}
	writers  map[*Session]struct{} // of rows since the last append began
	former   []store.Session       // that some of them were under another subject, and the log doesn't know
	content  content
	log      log
	presence presence
	facts    facts
	turn     turn
	lastTurn time.Time             // when the last broadcast was
	pacing   bool                  // the next waits for its time
	folds    bool                  // a new base is being made
	indebted map[*Session]struct{} // are owed for updates that aren't integrated

	attendance attendance
	happenings happenings

	asks   []ask   // wait for a state that isn't being made yet
	making *making // the one that is; nil if none is
	trail  *trail  // nil if there is none
	turns  uint64  // broadcasts so far, and 1

	// While the log fails: who was told so, and whose edits were refused.
	told, refusedEdits map[*Session]struct{}

	state   string          // as it is counted
	why     *access.Refused // the end of the sessions when closing
	grace   *time.Timer
	ending  bool // ends as soon as everything is saved and nobody holds it
	closing bool // as ending, whoever holds it
	ended   bool

	background sync.WaitGroup // appends and checkpoints
}

// inboxSize is how many calls may wait in a room before callers do. It lets a
// writer prepare its next update while the room integrates the last.
const inboxSize = 64

func newRoom(rs *Rooms, name string) *room {
	return &room{
		rooms: rs, name: name,
		inbox:  make(chan func(), inboxSize),
		loaded: make(chan struct{}),
		gone:   make(chan struct{}),
		quota:  newQuota(rs.cfg.MaxUnsaved),

		preparing: make(chan struct{}, 1),
		sessions:  make(map[*Session]struct{}),
		writers:   make(map[*Session]struct{}),
		indebted:  make(map[*Session]struct{}),
		presence:  newPresence(),
		turns:     1, // 0 is for none

		attendance: attendance{people: make(map[string]*member)},

		told:         make(map[*Session]struct{}),
		refusedEdits: make(map[*Session]struct{}),
	}
}

// post hands a function to the room's goroutine, and reports whether the room
// still takes any.
func (r *room) post(f func()) bool {
	select {
	case <-r.gone: // even if there is room in the inbox
		return false
	default:
	}
	select {
	case r.inbox <- f:
		return true
	case <-r.gone:
		return false
	}
}

// call hands a function to the room's goroutine and waits for it. It reports
// false if the room has ended before.
func (r *room) call(f func()) bool {
	done := make(chan struct{})
	if !r.post(func() { defer close(done); f() }) {
		return false
	}
	select {
	case <-done:
		return true
	case <-r.gone:
		select {
		case <-done:
			return true
		default:
			return false
		}
	}
}

// after posts a function some time later.
func (r *room) after(d time.Duration, f func()) *time.Timer {
	return time.AfterFunc(d, func() { r.post(f) })
}

func (r *room) run() {
	defer r.background.Wait()
	defer close(r.gone)
	defer func() {
		r.setState("")
		r.rooms.cfg.Metrics.Sessions.Sub(float64(len(r.sessions)))
	}()
	r.setState("loading")
	if err := r.load(); err != nil {
		r.refusal = access.ServerFault.Because("the document can't be loaded")
		if errors.Is(err, store.ErrDeleted) {
			r.refusal = access.Deleted.Because("")
		} else {
			r.rooms.cfg.Report(err)
		}
		r.rooms.forget(r, true)
		close(r.loaded)
		return
	}
	if r.damage != nil {
		r.rooms.cfg.Report(fmt.Errorf("%w; it is read-only until it is repaired", r.damage))
		r.setState("damaged")
	} else {
		r.setState("live")
	}
	close(r.loaded)
	for !r.ended {
		select {
		case f := <-r.inbox:
			r.do(f)
		case <-r.rooms.ctx.Done():
			r.abandon(r.rooms.ctx.Err())
			return
		}
		for n := 1; n < maxCalls && len(r.inbox) > 0 && !r.ended; n++ {
			r.do(<-r.inbox)
		}
		r.do(r.endCalls)
	}
}

// do calls a function. A panic is a fault of this program that one document has
// brought to light, and must not end the others: the room saves what it has
// and ends, and who comes back loads the document anew.
func (r *room) do(f func()) {
	defer func() {
		if p := recover(); p != nil {
			defer func() {
				if recover() != nil { // in the clean-up as well
					r.rooms.forget(r, true)
					r.stop()
				}
			}()
			r.turn = turn{} // it has been appended, or it is the fault's cause
			r.fault(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	f()
}

func (r *room) load() error {
	d, err := r.rooms.cfg.Store.Load(r.rooms.ctx, r.name)
	if err != nil {
		return err
	}
	tail := make([][]byte, 0, len(d.Rows))
	for _, row := range d.Rows {
		if row.Kind == store.KindUpdate {
			tail = append(tail, row.Data)
		}
	}
	if r.content, err = newContent(d.Checkpoint, tail); err != nil {
		return fmt.Errorf("document %q: %w", r.name, err)
	}
	r.content.maxItems = r.rooms.cfg.MaxItems
	r.log = newLog(d)
	r.begun = d.Revision != store.Revision{}
	if d.Damage != nil {
		r.damage = d.Damage
	}
	r.loadFacts(d)
	r.expect(d)
	if d.Recovered != nil {
		r.rooms.cfg.Report(fmt.Errorf("%w; an older checkpoint and the rows since made up for it", d.Recovered))
	}
	return nil
}

// setState counts the room among those of a state; "" for none.
func (r *room) setState(state string) {
	rooms := r.rooms.cfg.Metrics.Rooms
	if r.state != "" {
		rooms.WithLabelValues(r.state).Dec()
	}
	if state != "" {
		rooms.WithLabelValues(state).Inc()
	}
	if (r.state == "unsaved") != (state == "unsaved") {
		r.rooms.countFailing(state == "unsaved")
	}
	r.state = state
}

// join takes a session, or tells why not.
func (r *room) join(s *Session) *access.Refused {
	if limit := r.rooms.cfg.MaxSessions; len(r.sessions) >= limit {
		return access.Crowded.Because(fmt.Sprintf("max-sessions is %d", limit))
	}
	r.ending = false
	if r.grace != nil {
		r.grace.Stop()
	}
	r.sessions[s] = struct{}{}
	r.rooms.cfg.Metrics.Sessions.Inc()
	if r.closing {
		r.end(s, r.why)
	}
	return nil
}

func (r *room) leave(s *Session) {
	if _, ok := r.sessions[s]; !ok {
		return
	}
	delete(r.sessions, s)
	delete(r.told, s)
	delete(r.refusedEdits, s)
	delete(r.indebted, s)
	delete(r.happenings.watchers, s)
	r.rooms.cfg.Metrics.Sessions.Dec()
	r.broadcast() // its last edits come before its going
	r.presenceLeave(s)
	if s.waits {
		r.dropPending()
	}
}

// end tells a session that it is over; its gateway will leave.
func (r *room) end(s *Session, refusal *access.Refused) {
	if !s.ended {
		s.ended = true
		s.recv.End(refusal)
	}
}

// fault ends the room's sessions after a failure that is the server's own. What
// is saved is loaded anew by whoever comes back.
func (r *room) fault(err error) {
	r.rooms.cfg.Report(fmt.Errorf("document %q: %w", r.name, err))
	r.facts.state = factsStored // the document may be what is at fault
	r.close(access.ServerFault.Because(""))
}

// emptied is called when nobody holds the room any more.
func (r *room) emptied() {
	if r.grace != nil {
		r.grace.Stop()
	}
	r.grace = r.after(r.rooms.cfg.Grace, func() {
		if len(r.sessions) == 0 {
			r.attendNow(true)
		}
		r.ending = true
		r.tryEnd()
	})
}

// close ends the sessions for a reason, and the room as soon as everything is
// saved.
func (r *room) close(why *access.Refused) {
	if r.closing {
		return
	}
	r.closing, r.why = true, why
	r.broadcast()
	for s := range r.sessions {
		r.end(s, why)
	}
	r.endCalls()
	r.tryEnd()
}

// tryEnd ends the room if it is time to, everything is saved and nobody came.
func (r *room) tryEnd() {
	if !r.ending && !r.closing || r.log.busy() || r.flushFacts() {
		return
	}
	if r.rooms.forget(r, r.closing) {
		r.stop()
	} else {
		r.ending = false // whoever holds it will let it know
	}
}

// drop ends the room of a document that is no more, with what is unsaved.
func (r *room) drop(why *access.Refused) {
	r.closing, r.why = true, why
	for s := range r.sessions {
		r.end(s, why)
	}
	r.rooms.forget(r, true)
	r.stop()
}

// abandon ends the room although rows may be unsaved.
func (r *room) abandon(err error) {
	if n := len(r.log.unsaved); n > 0 {
		r.rooms.lose(r.name, n, err)
	}
	r.drop(access.Overload.Because(""))
}

func (r *room) stop() {
	r.ended = true
	for _, t := range []*time.Timer{r.grace, r.log.retry, r.presence.timer, r.attendance.timer} {
		if t != nil {
			t.Stop()
		}
	}
}
