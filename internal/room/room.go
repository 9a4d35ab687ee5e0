package room

import (
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
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

	loadFailed bool // written before loaded is closed

	holders int // sessions, and those waiting to become one; guarded by Rooms.mu

	// Owned by the room's goroutine.
	sessions map[*Session]struct{}
	content  content
	log      log
	presence presence
	waiting  map[*Session]struct{} // sent what can't be integrated yet, and were asked for the rest
	grace    *time.Timer
	ending   bool // ends as soon as everything is saved and nobody holds it
	closing  bool // as ending, whoever holds it
	ended    bool

	background sync.WaitGroup // appends and checkpoints
}

// inboxSize is how many calls may wait in a room before callers do. It lets a
// writer prepare its next update while the room integrates the last.
const inboxSize = 64

func newRoom(rs *Rooms, name string) *room {
	return &room{
		rooms: rs, name: name,
		inbox:    make(chan func(), inboxSize),
		loaded:   make(chan struct{}),
		gone:     make(chan struct{}),
		quota:    newQuota(rs.cfg.MaxUnsaved),
		sessions: make(map[*Session]struct{}),
		waiting:  make(map[*Session]struct{}),
		presence: newPresence(),
	}
}

// post hands a function to the room's goroutine, and reports whether the room
// still takes any.
func (r *room) post(f func()) bool {
	select {
	case r.inbox <- f:
		return true
	case <-r.gone:
		return false
	}
}

// after posts a function some time later.
func (r *room) after(d time.Duration, f func()) *time.Timer {
	return time.AfterFunc(d, func() { r.post(f) })
}

func (r *room) run() {
	defer r.background.Wait()
	defer close(r.gone)
	if err := r.load(); err != nil {
		r.rooms.cfg.Report(err)
		r.loadFailed = true
		r.rooms.forget(r, true)
		close(r.loaded)
		return
	}
	close(r.loaded)
	for !r.ended {
		select {
		case f := <-r.inbox:
			r.do(f)
		case <-r.rooms.ctx.Done():
			r.abandon(r.rooms.ctx.Err())
		}
	}
}

// do calls a function. A panic is a fault of this program that one document has
// brought to light, and must not end the others: the room saves what it has
// and ends, and who comes back loads the document anew.
func (r *room) do(f func()) {
	defer func() {
		if p := recover(); p != nil {
			r.fault(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
			r.close()
		}
	}()
	f()
}

func (r *room) load() error {
	d, err := r.rooms.cfg.Store.Load(r.rooms.ctx, r.name)
	if err != nil {
		return err
	}
	if d.Damage != nil {
		return d.Damage
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
	r.log = newLog(d)
	return nil
}

func (r *room) join(s *Session) {
	r.ending = false
	if r.grace != nil {
		r.grace.Stop()
	}
	r.sessions[s] = struct{}{}
	if r.closing {
		r.end(s, access.ShuttingDown.Because(""))
	}
}

func (r *room) leave(s *Session) {
	delete(r.sessions, s)
	r.presenceLeave(s)
	if _, ok := r.waiting[s]; ok {
		delete(r.waiting, s)
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

// update takes an update. It reports whether a row was added, which keeps its
// cost until it's saved.
func (r *room) update(s *Session, update []byte, info crdt.Info, cost int) bool {
	if s.ended {
		return false
	}
	if r.log.failing {
		r.end(s, access.Overload.Because("edits can't be saved at present"))
		return false
	}
	news, err := r.content.integrate(update, info)
	if errors.Is(err, crdt.ErrPending) {
		// What others left waiting mustn't keep this one out.
		r.dropPending()
		news, err = r.content.integrate(update, info)
	}
	var bad *badUpdate
	switch {
	case errors.As(err, &bad):
		r.end(s, refused(bad))
		return false
	case err != nil:
		r.fault(err)
		return false
	}
	if !r.content.pending {
		clear(r.waiting)
	} else if _, asked := r.waiting[s]; !asked {
		r.waiting[s] = struct{}{}
		r.query(s)
	}
	if news == nil {
		return false
	}
	shared := &Shared{Bytes: news}
	for other := range r.sessions {
		switch {
		case other == s || other.ended:
		case other.cutting:
			other.held = append(other.held, shared)
		case other.synced:
			other.recv.Update(shared)
		}
	}
	r.log.add(s.id, news, cost)
	r.flush()
	folded, err := r.content.fold()
	if err != nil {
		r.fault(err)
	} else if folded {
		r.noteCheckpoint()
	}
	return true
}

func (r *room) query(s *Session) {
	vector, err := r.content.vector()
	if err != nil {
		r.fault(err)
		return
	}
	s.recv.Query(vector)
}

// dropPending forgets what couldn't be integrated yet, and asks those who sent
// it again. It is due when one of them has left, for nobody will bring the rest
// of it then, and when there is too much of it.
func (r *room) dropPending() {
	r.content.dropPending()
	for other := range r.waiting {
		r.query(other)
	}
}

// fault ends the room's sessions after a failure that is the server's own. What
// is saved is loaded anew by whoever comes back.
func (r *room) fault(err error) {
	r.rooms.cfg.Report(fmt.Errorf("document %q: %w", r.name, err))
	r.content.forgetDoc()
	for s := range r.sessions {
		r.end(s, access.ServerFault.Because(""))
	}
}

// emptied is called when nobody holds the room any more.
func (r *room) emptied() {
	if r.grace != nil {
		r.grace.Stop()
	}
	r.grace = r.after(r.rooms.cfg.Grace, func() {
		r.ending = true
		r.tryEnd()
	})
}

// close ends the room as soon as everything is saved.
func (r *room) close() {
	r.closing = true
	for s := range r.sessions {
		r.end(s, access.ShuttingDown.Because(""))
	}
	r.tryEnd()
}

// tryEnd ends the room if it is time to, everything is saved and nobody came.
func (r *room) tryEnd() {
	if !r.ending && !r.closing || r.log.busy() {
		return
	}
	if r.rooms.forget(r, r.closing) {
		r.stop()
	} else {
		r.ending = false // whoever holds it will let it know
	}
}

// abandon ends the room although rows may be unsaved.
func (r *room) abandon(err error) {
	if n := len(r.log.unsaved); n > 0 {
		r.rooms.lose(r.name, n, err)
	}
	for s := range r.sessions {
		r.end(s, access.Overload.Because(""))
	}
	r.rooms.forget(r, true)
	r.stop()
}

func (r *room) stop() {
	r.ended = true
	for _, t := range []*time.Timer{r.grace, r.log.retry, r.presence.timer} {
		if t != nil {
			t.Stop()
		}
	}
}
