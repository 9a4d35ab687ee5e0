package room

import (
	"fmt"

	"github.com/inkwire/inkwire/crdt"
)

// A cut is the difference between a state and one older one.
type cut struct {
	update  *Shared    // nil while it is being made
	waiting []*Session // who gets it then
}

// maxCuts is how many differences of one state are kept for others who ask for
// the same. After a restart, all clients do.
const maxCuts = 256

// sync answers a session's state vector. All of a document is at hand; a
// difference takes time in a large one, so it is cut from the state's bytes
// beside the room's goroutine. What happens meanwhile goes out after it.
func (r *room) sync(s *Session, have crdt.StateVector) {
	switch {
	case s.ended || s.left.Load():
		return
	case s.cutting:
		s.next = have // one at a time, and the latest counts
		return
	}
	if err := r.content.merge(); err != nil {
		r.fault(err)
		return
	}
	st := r.content.state
	if len(have) == 0 {
		r.answer(s, st, st.update)
		return
	}
	key := string(crdt.EncodeStateVector(have))
	c := st.cuts[key]
	if c != nil && c.update != nil {
		r.answer(s, st, c.update)
		return
	}
	s.cutting = true
	if c != nil {
		c.waiting = append(c.waiting, s)
		return
	}
	c = &cut{waiting: []*Session{s}}
	if st.cuts == nil {
		st.cuts = make(map[string]*cut)
	}
	if len(st.cuts) < maxCuts {
		st.cuts[key] = c
	}
	r.background.Go(func() {
		r.rooms.cutters <- struct{}{}
		update, err := crdt.DiffUpdate(st.update.Bytes, have)
		<-r.rooms.cutters
		r.post(func() { r.haveCut(st, c, update, err) })
	})
}

// haveCut takes a difference and answers all who wait for it.
func (r *room) haveCut(st *state, c *cut, update []byte, err error) {
	if err != nil {
		r.fault(fmt.Errorf("cut the document: %w", err))
		return
	}
	c.update = &Shared{Bytes: update}
	for _, s := range c.waiting {
		held, next := s.held, s.next
		s.cutting, s.held, s.next = false, nil, nil
		if s.ended || s.left.Load() {
			continue
		}
		r.answer(s, st, c.update)
		for _, u := range held {
			s.recv.Update(u)
		}
		if next != nil {
			r.sync(s, next)
		}
	}
	c.waiting = nil
}

// answer gives a session what it lacks of a state, and asks it for what the room
// lacks.
func (r *room) answer(s *Session, st *state, update *Shared) {
	s.recv.State(update)
	s.recv.Query(st.vector)
	if !s.synced {
		s.synced = true
		r.sendPresenceTo(s)
	}
}
