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
	s     *Session
	have  crdt.StateVector
	hasAt uint64 // the turns that it has; 0 if that isn't known
	state bool   // it wants a state, not just updates

	at     uint64  // the turns that the state has which answers it,
	pieces []piece // and what follows it
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
	floorAt uint64           // and these turns
	behind  bool             // nothing is queued for it until its receiver has drained
	has     crdt.StateVector // it has what is within, and no more
	hasAt   uint64           // the turns that it has; 0 if that isn't known
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
	r.ask(ask{s: s, have: have, state: true})
}

// synced follows a state: the room asks for what it lacks itself.
func (r *room) synced(s *Session) {
	again := s.unasked
	s.unasked = false
	r.query(s, r.vector())
	if again {
		s.owedAfter(s.asked)
	}
}

// ask finds what a session lacks, beside the room's goroutine: merging a large
// document takes time, and so does cutting a difference from it.
func (r *room) ask(a ask) {
	if a.s.ended || a.s.left.Load() {
		return
	}
	a.s.asking.active = true
	r.broadcast() // so that the answer has all that was sent before it
	if st := r.content.state; st != nil {
		if r.trail == nil || r.trail.st != st {
			r.trail = newTrail(st, r.turns)
		}
		a.at = r.turns
	} else if r.trail != nil {
		a.at = r.trail.from
	} else if m := r.making; m != nil && m.at == r.content.changes {
		a.s.asking.holding = true
		m.asks = append(m.asks, a)
		return
	} else {
		r.asks = append(r.asks, a)
		r.makeState()
		return
	}
	a.s.asking.holding = true
	if r.trail == nil {
		r.cut(r.content.state, a)
		return
	}
	var err error
	if a.pieces, err = r.trail.since(a.at); err != nil {
		r.fault(err)
		return
	}
	r.cut(r.trail.st, a)
}

// A making is a state that is being made, and who gets it.
type making struct {
	at    uint64 // the changes of the content that it has
	asks  []ask
	trail *trail // the state's, which begins meanwhile
}

// makeState makes the state for all who ask, unless one is being made: they get
// the one after it, which holds what has happened meanwhile.
func (r *room) makeState() {
	if r.making != nil || len(r.asks) == 0 {
		return
	}
	m := &making{r.content.changes, r.asks, &trail{from: r.turns, to: r.turns}}
	r.making, r.asks = m, nil
	for _, a := range m.asks {
		a.s.asking.holding = true
	}
	parts := r.content.parts()
	r.background.Go(func() {
		r.rooms.cutters <- struct{}{}
		st, err := newState(parts)
		if err == nil && len(st.update.Bytes) >= minTrail {
			_, err = st.gone() // or the room would wait for it
		}
		<-r.rooms.cutters
		r.post(func() {
			r.making = nil
			if err != nil {
				r.fault(err)
				return
			}
			if m.at == r.content.changes {
				r.content.state = st
			}
			if m.trail.begin(st) {
				r.trail = m.trail
			}
			for _, a := range m.asks {
				a.at = m.trail.from
				r.cut(st, a)
			}
			later := r.asks
			r.asks = nil
			for _, a := range later {
				r.ask(a)
			}
		})
	})
}

// cut answers an ask with a state, or what it lacks of it.
func (r *room) cut(st *state, a ask) {
	have := common(a.have, st.have) // so that more have the same
	if len(have) == 0 {
		r.trim(st, st.update, a)
		return
	}
	key := string(crdt.EncodeStateVector(have))
	c := st.cuts[key]
	switch {
	case c == nil:
	case c.update != nil:
		r.trim(st, c.update, a)
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
		update, err := crdt.DiffUpdate(st.update.Bytes, have)
		<-r.rooms.cutters
		r.post(func() {
			if err != nil {
				r.fault(fmt.Errorf("cut the document: %w", err))
				return
			}
			c.update = &Shared{Bytes: update}
			if n := len(st.update.Bytes); n >= minTrail && len(update) > n/2 {
				c.update = st.update // that is shared, and this isn't worth a body of its own
			} else if st.cutBytes += len(update); st.cutBytes > len(st.update.Bytes) {
				delete(st.cuts, key) // not kept for who may come
				st.cutBytes -= len(update)
			}
			waiting := c.waiting
			c.waiting = nil
			for _, a := range waiting {
				r.trim(st, c.update, a)
			}
		})
	})
}

// trim answers an ask with what it lacks of a state, which becomes one with what
// it lacks of the pieces that follow. The state whole isn't touched for that: it
// is shared.
func (r *room) trim(st *state, update *Shared, a ask) {
	if update == st.update || len(a.pieces) == 0 {
		r.give(st, update, a)
		return
	}
	pieces := make([][]byte, len(a.pieces))
	for i, p := range a.pieces {
		pieces[i] = p.update.Bytes
	}
	to := a.pieces[len(pieces)-1].to
	r.background.Go(func() {
		r.rooms.cutters <- struct{}{}
		all, err := merge(pieces)
		if err == nil {
			all, err = crdt.DiffUpdate(all, a.have)
		}
		if err == nil {
			all, err = merge([][]byte{update.Bytes, all})
		}
		<-r.rooms.cutters
		r.post(func() {
			if err != nil {
				r.fault(fmt.Errorf("cut the document's last updates: %w", err))
				return
			}
			a.at, a.pieces = to, nil
			r.give(st, &Shared{Bytes: all}, a)
		})
	})
}

// give answers an ask, and lets follow what has come since the state, and what was
// held. Who wants a state gets the last of the answer as one, and what comes before
// as updates: with a state its client takes itself for in sync.
func (r *room) give(st *state, update *Shared, a ask) {
	s, was := a.s, a.s.asking
	s.asking = asking{}
	if s.ended || s.left.Load() {
		return
	}
	gone := st.gone
	r.gave.Store(&gone)
	has, at, given := a.have, a.hasAt, true
	for i, p := range append([]piece{{update, a.at}}, a.pieces...) {
		send := s.recv.Update
		if a.state && i == len(a.pieces) {
			send = s.recv.State
		}
		if given = send(p.update); !given {
			r.leaveBehind(s, has, at)
			s.resync = a.state
			break
		}
		has, at = st.have, p.to
	}
	welcomed := s.synced
	s.floor, s.floorAt = has, at
	if given && a.state {
		s.synced = true
		r.synced(s)
	}
	if was.tooMany && !s.behind {
		r.catchUp(s, has, at)
	}
	for _, u := range was.held {
		r.deliver(s, u, func() crdt.StateVector { return st.have })
	}
	s.floor = nil
	switch {
	case !given:
	case !a.state:
		r.caughtUp(s)
	case welcomed:
		r.catchUpPresence(s)
	default:
		r.welcome(s)
	}
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
// Then the session gets what it lacks, having what is given here.
func (r *room) fallBehind(s *Session, has crdt.StateVector) {
	switch {
	case s.floor != nil:
		r.leaveBehind(s, s.floor, s.floorAt)
	case s.asking.active:
		r.leaveBehind(s, nil, 0)
	default:
		r.leaveBehind(s, r.turn.before(has), r.turns)
	}
}

func (r *room) leaveBehind(s *Session, has crdt.StateVector, at uint64) {
	if s.behind || s.ended {
		return
	}
	s.behind, s.has, s.hasAt = true, has, at
	r.rooms.cfg.Metrics.Behind.Inc()
	s.recv.Drained(func() { r.post(func() { r.drained(s) }) })
}

func (r *room) drained(s *Session) {
	has, at, resync := s.has, s.hasAt, s.resync
	s.behind, s.has, s.resync = false, nil, false
	switch {
	case resync:
		r.sync(s, has)
	case s.synced:
		r.catchUp(s, has, at)
	case s.unasked:
		r.requery(s)
	}
}

// catchUp gives a session that was behind what it lacks: the trail's last pieces,
// or one update.
func (r *room) catchUp(s *Session, has crdt.StateVector, at uint64) {
	if r.retrace(s, has, at) {
		return
	}
	r.ask(ask{s: s, have: has, hasAt: at})
}

// retrace gives a session that has these turns what follows in the trail, if that
// goes back so far.
func (r *room) retrace(s *Session, has crdt.StateVector, at uint64) bool {
	t := r.trail
	if t == nil || at < t.from || s.asking.active {
		return false
	}
	s.asking.active = true // what is broadcast now is among it
	r.broadcast()
	s.asking.active = false
	pieces, err := t.since(at)
	if err != nil {
		r.fault(err)
		return true
	}
	for _, p := range pieces {
		if !s.recv.Update(p.update) {
			r.leaveBehind(s, has, at)
			return true
		}
		at = p.to
	}
	r.caughtUp(s)
	return true
}

// caughtUp gives a session that has the document again what else it missed.
func (r *room) caughtUp(s *Session) {
	if s.behind {
		return // again: it comes later
	}
	r.catchUpPresence(s)
	if s.unasked {
		r.requery(s)
	}
}
