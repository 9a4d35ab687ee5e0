package room

import (
	"fmt"

	"github.com/inkwire/inkwire/crdt"
)

// A cut is the difference between a state and one older one.
type cut struct {
	update  *Shared // nil while it is being made
	waiting []ask   // who gets it then
}

// An ask is a session's wish for what it lacks. From the moment at which the
// state that answers it was taken, the session's updates are held, and go out
// after the answer.
type ask struct {
	s    *Session
	have crdt.StateVector
	give func(st *state, update *Shared)
}

// asking is a session's part of it.
type asking struct {
	active  bool             // there is an ask
	holding bool             // the state that answers it is taken
	held    []*Shared        // updates since
	tooMany bool             // more than are held: it gets a difference instead
	again   bool             // it has asked for a state meanwhile,
	have    crdt.StateVector // having this
}

// lag is a session's part of not keeping up.
type lag struct {
	floor   crdt.StateVector // while an ask is being answered: falling behind, it has this
	behind  bool             // nothing is queued for it until its receiver has drained
	has     crdt.StateVector // it has what is within, and no more
	resync  bool             // it has asked for a state meanwhile
	unasked bool             // a query didn't fit
}

// maxCuts is how many differences of one state are kept for others who ask for
// the same. After a restart, all clients do.
const maxCuts = 256

// maxHeld is how many updates are held for a session.
const maxHeld = 4096

// sync answers a session's state vector.
func (r *room) sync(s *Session, have crdt.StateVector) {
	switch {
	case s.behind:
		s.has, s.resync = have, true
		return
	case s.asking.active:
		s.asking.again, s.asking.have = true, have // one at a time, and the latest counts
		return
	}
	r.ask(ask{s, have, func(st *state, update *Shared) {
		if !s.recv.State(update) {
			s.floor = have
			r.fallBehind(s, have)
			s.resync = true
			return
		}
		again := s.unasked
		s.unasked = false
		r.query(s, st.vector)
		if again {
			s.owedAfter(s.asked)
		}
		if s.synced {
			r.catchUpPresence(s)
		} else {
			s.synced = true
			r.welcome(s)
		}
	}})
}

// ask finds what a session lacks, beside the room's goroutine: merging a large
// document takes time, and so does cutting a difference from it.
func (r *room) ask(a ask) {
	if a.s.ended || a.s.left.Load() {
		return
	}
	a.s.asking.active = true
	r.broadcast() // so that the state has all that was sent before it
	if r.content.state != nil {
		a.s.asking.holding = true
		r.cut(r.content.state, a)
		return
	}
	if r.making != nil && r.making.at == r.log.added {
		a.s.asking.holding = true
		r.making.asks = append(r.making.asks, a)
		return
	}
	r.asks = append(r.asks, a)
	r.makeState()
}

// A making is a state that is being made, and who gets it.
type making struct {
	at   position
	asks []ask
}

// makeState makes the state for all who ask, unless one is being made: they get
// the one after it, which holds what has happened meanwhile.
func (r *room) makeState() {
	if r.making != nil || len(r.asks) == 0 {
		return
	}
	m := &making{r.log.added, r.asks}
	r.making, r.asks = m, nil
	for _, a := range m.asks {
		a.s.asking.holding = true
	}
	parts := r.content.parts()
	r.background.Go(func() {
		r.rooms.cutters <- struct{}{}
		st, err := newState(parts)
		<-r.rooms.cutters
		r.post(func() {
			r.making = nil
			if err != nil {
				r.fault(err)
				return
			}
			if m.at == r.log.added {
				r.content.state = st
			}
			for _, a := range m.asks {
				r.cut(st, a)
			}
			r.makeState()
		})
	})
}

// cut answers an ask with a state, or what it lacks of it.
func (r *room) cut(st *state, a ask) {
	a.have = st.within(a.have)
	if len(a.have) == 0 {
		r.give(st, st.update, a)
		return
	}
	key := string(crdt.EncodeStateVector(a.have))
	c := st.cuts[key]
	switch {
	case c == nil:
	case c.update != nil:
		r.give(st, c.update, a)
		return
	default:
		c.waiting = append(c.waiting, a)
		return
	}
	c = &cut{waiting: []ask{a}}
	if st.cuts == nil {
		st.cuts = make(map[string]*cut)
	}
	if len(st.cuts) < maxCuts {
		st.cuts[key] = c
	}
	r.background.Go(func() {
		r.rooms.cutters <- struct{}{}
		update, err := crdt.DiffUpdate(st.update.Bytes, a.have)
		<-r.rooms.cutters
		r.post(func() {
			if err != nil {
				r.fault(fmt.Errorf("cut the document: %w", err))
				return
			}
			c.update = &Shared{Bytes: update}
			if st.cutBytes += len(update); st.cutBytes > len(st.update.Bytes) {
				delete(st.cuts, key) // not kept for who may come
				st.cutBytes -= len(update)
			}
			waiting := c.waiting
			c.waiting = nil
			for _, a := range waiting {
				r.give(st, c.update, a)
			}
		})
	})
}

// within is what a state vector says of the state's clients: it may name many
// that nobody has heard of.
func (st *state) within(have crdt.StateVector) crdt.StateVector {
	if len(have) <= len(st.have) {
		return have
	}
	known := make(crdt.StateVector, len(st.have))
	for client := range st.have {
		if clock, ok := have[client]; ok {
			known[client] = clock
		}
	}
	return known
}

// give answers an ask, and lets what was held follow.
func (r *room) give(st *state, update *Shared, a ask) {
	s, was := a.s, a.s.asking
	s.asking = asking{}
	if s.ended || s.left.Load() {
		return
	}
	s.floor = st.have
	gone := st.gone
	r.gave.Store(&gone)
	a.give(st, update)
	if was.tooMany && !s.behind {
		r.catchUp(s, st.have)
	}
	for _, u := range was.held {
		r.deliver(s, u, func() crdt.StateVector { return st.have })
	}
	s.floor = nil
	if was.again {
		r.sync(s, was.have)
	}
}

// deliver queues an update for a session, and reports whether it did. If its
// queue is full the session falls behind, having what before returns.
func (r *room) deliver(s *Session, update *Shared, before func() crdt.StateVector) bool {
	switch {
	case s.ended || s.behind || s.asking.active && !s.asking.holding:
		return false // it gets none, or will get it within a state
	case s.asking.active && len(s.asking.held) < maxHeld && !s.asking.tooMany:
		s.asking.held = append(s.asking.held, update)
		return false
	case s.asking.active:
		s.asking.tooMany, s.asking.held = true, nil
		return false
	case !s.synced:
		return false
	case s.recv.Update(update):
		return true
	}
	r.fallBehind(s, before())
	return false
}

// fallBehind queues nothing more for a session until its receiver has drained.
// Then the session gets in one what it lacks, having what is given here.
func (r *room) fallBehind(s *Session, has crdt.StateVector) {
	if s.behind || s.ended {
		return
	}
	if s.floor != nil {
		has = s.floor
	} else if s.asking.active {
		has = nil
	} else {
		has = r.turn.before(has)
	}
	s.behind, s.has = true, has
	r.rooms.cfg.Metrics.Behind.Inc()
	s.recv.Drained(func() { r.post(func() { r.drained(s) }) })
}

func (r *room) drained(s *Session) {
	has, resync := s.has, s.resync
	s.behind, s.has, s.resync = false, nil, false
	switch {
	case resync:
		r.sync(s, has)
	case s.synced:
		r.catchUp(s, has)
	case s.unasked:
		r.requery(s)
	}
}

// catchUp gives a session that was behind one update with all that it lacks.
func (r *room) catchUp(s *Session, has crdt.StateVector) {
	r.ask(ask{s, has, func(_ *state, update *Shared) {
		if !s.recv.Update(update) {
			s.floor = has
			r.fallBehind(s, has)
			return
		}
		r.catchUpPresence(s)
		if s.unasked {
			r.requery(s)
		}
	}})
}
