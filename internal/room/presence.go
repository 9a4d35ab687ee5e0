package room

import (
	"bytes"
	"slices"
	"time"

	"github.com/inkwire/inkwire/awareness"
	"github.com/inkwire/inkwire/lib0"
)

// presence is who is in the document: the latest awareness state of each
// session's client id.
//
// Clients send other clients' ids in normal life, echoes and tidying up, so an
// id is bound to one session, and what others say of it is ignored. Everything
// goes out with a clock of the room's own, later than any clock that a client
// can remember of the id, so that who returns is seen at once. A client never
// gets its own id.
type presence struct {
	entries map[uint64]*entry
	clock   uint64 // the last one sent of an id that is no more
	dirty   map[uint64]struct{}
	timer   *time.Timer // sends dirty
	due     time.Time   // when the timer fires; zero if it isn't set
	sent    time.Time   // when dirty was last sent
}

// entry is the state of one client id.
type entry struct {
	client uint64
	owner  *Session
	state  []byte  // JSON; nil if it has none
	who    user    // in it
	member *member // whose that is; nil for nobody's
	clock  uint64  // the last one sent
	claim  *claim
}

// said is what a session says of an id.
type said struct {
	awareness.Entry
	who user
}

// claim is another session's wish to own an id: its owner came back over a new
// connection, or somebody took the id.
type claim struct {
	by    *Session
	said  said // the latest
	entry *entry
}

// presenceOf is a session's part of presence.
type presenceOf struct {
	spoke bool   // its first awareness message has come
	named bool   // it has been somebody's
	own   *entry // the id bound to it
	heard uint64 // the clock of its last state of its own id
	claim *claim

	greeted bool                // has got the states of the others, and gets what changes
	unheard map[*entry]struct{} // who went while it was behind
}

const (
	// presenceTick is the shortest time between two messages about states, each of
	// which goes to everyone: in a room of many it is tickEach for each session,
	// up to slowestTick.
	presenceTick = 50 * time.Millisecond
	tickEach     = time.Millisecond
	slowestTick  = 500 * time.Millisecond
	// renewalDelay is how long a state that was sent again unchanged may wait
	// for company. Clients forget an id 30 s after its last clock, and renew it
	// every 15 to 18 s.
	renewalDelay = 8 * time.Second
	// claimWait is how long the owner of a claimed id has to show that it lives.
	claimWait = 2 * time.Second
	// greetWait is how long a newcomer's first awareness message is waited for,
	// which names its id: before that, it could be sent its own state of an older
	// connection, and would take that for its state.
	greetWait = 200 * time.Millisecond
)

func newPresence() presence {
	return presence{entries: make(map[uint64]*entry), dirty: make(map[uint64]struct{})}
}

// presenceFrom takes a session's awareness message.
func (r *room) presenceFrom(s *Session, said []said) {
	if s.ended {
		return
	}
	if s.own == nil && s.claim == nil {
		r.bind(s, said)
	}
	if s.spoke = true; s.synced {
		r.greet(s)
	}
	for _, e := range said {
		switch {
		case s.own != nil && e.Client == s.own.client:
			r.hear(s, e)
		case s.claim != nil && e.Client == s.claim.said.Client && e.Clock > s.claim.said.Clock:
			s.claim.said = e
		}
	}
}

// bind finds out which id is the session's. A client's first message holds its
// own id alone. If none came, because it had no state yet, it is the first id
// with a state that nobody owns: the others are echoes.
func (r *room) bind(s *Session, said []said) {
	for _, e := range said {
		if e.State == nil {
			continue
		}
		owned := r.presence.entries[e.Client]
		if owned == nil {
			s.setOwn(&entry{client: e.Client, owner: s, clock: r.presence.clock})
			r.presence.entries[e.Client] = s.own
			return
		}
		if subject := s.written.Subject; subject != "" && subject == owned.owner.written.Subject {
			if owned.claim != nil {
				owned.claim.drop()
			}
			r.grant(&claim{by: s, said: e, entry: owned})
			return
		}
		if !s.spoke && len(said) == 1 && owned.claim == nil {
			r.claimFor(s, owned, e)
			return
		}
	}
}

// claimFor lets the session have another's id if that one shows no sign of life.
func (r *room) claimFor(s *Session, owned *entry, said said) {
	c := &claim{by: s, said: said, entry: owned}
	s.claim, owned.claim = c, c
	owned.owner.recv.Ping(func() { r.post(func() { r.reject(c) }) })
	r.after(claimWait, func() {
		if owned.claim == c {
			r.grant(c)
		}
	})
}

// drop ends a claim.
func (c *claim) drop() {
	if c.entry.claim == c {
		c.entry.claim, c.by.claim = nil, nil
	}
}

// reject ends a claim whose owner lives. Who made it gets the state, which isn't
// its own.
func (r *room) reject(c *claim) {
	if c.entry.claim == c {
		c.drop()
		r.sendPresenceTo(c.by)
	}
}

// grant gives the id to who claims it.
func (r *room) grant(c *claim) {
	c.drop()
	c.entry.owner.setOwn(nil)
	c.entry.owner = c.by
	c.by.setOwn(c.entry)
	r.hear(c.by, c.said)
}

// hear takes what a session says of its own id.
func (r *room) hear(s *Session, said said) {
	e := s.own
	// As clients accept it: a higher clock, or an equal one that says gone. The
	// clock counts within the session alone.
	if said.Clock < s.heard || said.Clock == s.heard && s.heard != 0 && said.State != nil {
		return
	}
	s.heard = said.Clock
	var wait time.Duration
	switch {
	case said.State == nil && e.state == nil:
		return
	case said.State != nil && bytes.Equal(said.State, e.state):
		wait = renewalDelay
	}
	e.state, e.who = said.State, said.who
	r.attend(e)
	r.presence.dirty[e.client] = struct{}{}
	r.sendPresenceIn(wait)
}

// sendPresenceIn sees to it that dirty is sent after at most that time, and not
// within a tick after it was last sent.
func (r *room) sendPresenceIn(wait time.Duration) {
	p := &r.presence
	due := time.Now().Add(wait)
	if soonest := p.sent.Add(r.tick()); due.Before(soonest) {
		due = soonest
	}
	if !p.due.IsZero() {
		if !due.Before(p.due) {
			return
		}
		p.timer.Stop()
	}
	if wait = time.Until(due); wait <= 0 {
		r.sendPresence()
		return
	}
	p.due = due
	p.timer = r.after(wait, func() {
		if p.due.Equal(due) {
			r.sendPresence()
		}
	})
}

// tick is the shortest time between two messages about states.
func (r *room) tick() time.Duration {
	return min(max(presenceTick, tickEach*time.Duration(len(r.sessions))), slowestTick)
}

// sendPresence sends dirty to all, each without its own.
func (r *room) sendPresence() {
	p := &r.presence
	p.due, p.sent = time.Time{}, time.Now()
	var all []*entry
	for client := range p.dirty {
		all = append(all, p.entries[client])
	}
	clear(p.dirty)
	r.tell(all)
}

// tell sends entries to all sessions, each without its own.
func (r *room) tell(all []*entry) {
	if len(all) == 0 {
		return
	}
	r.broadcast() // they may point into what the turn brought
	body := encodePresence(all)
	for s := range r.sessions {
		mine := slices.IndexFunc(all, s.isOwn)
		switch {
		case !s.greeted || s.ended:
		case s.behind || s.asking.active:
			// It gets all states when it has caught up.
			for _, e := range all {
				if e.state == nil && !s.isOwn(e) {
					s.unhear(e)
				}
			}
		case mine < 0:
			r.present(s, body.whole)
		case len(all) > 1:
			r.present(s, body.without(mine))
		}
	}
}

// present queues presence for a session.
func (r *room) present(s *Session, p *Shared) {
	if !s.recv.Presence(p) {
		r.fallBehind(s, r.content.vector())
	}
}

func (s *Session) unhear(e *entry) {
	if s.unheard == nil {
		s.unheard = make(map[*entry]struct{})
	}
	s.unheard[e] = struct{}{}
}

// catchUpPresence sends a session what it may have missed of the others.
func (r *room) catchUpPresence(s *Session) {
	var gone []*entry
	for e := range s.unheard {
		if e.state == nil && (s.own == nil || s.own.client != e.client) {
			gone = append(gone, e)
		}
	}
	s.unheard = nil
	if len(gone) > 0 {
		r.present(s, encodePresence(gone).whole)
	}
	r.sendPresenceTo(s)
}

// isOwn reports whether an entry is the session's, or may be.
func (s *Session) isOwn(e *entry) bool {
	return e == s.own || s.claim != nil && e == s.claim.entry
}

// welcome greets a session that is in sync, once it is known which id is its own.
func (r *room) welcome(s *Session) {
	if s.spoke {
		r.greet(s)
	} else {
		r.after(greetWait, func() { r.greet(s) })
	}
}

// greet sends a session the states of all others, once.
func (r *room) greet(s *Session) {
	if !s.greeted {
		s.greeted = true
		r.sendPresenceTo(s)
	}
}

// sendPresenceTo sends a session the states of all others.
func (r *room) sendPresenceTo(s *Session) {
	if !s.greeted || s.ended || s.left.Load() || s.behind {
		return
	}
	var all []*entry
	for _, e := range r.presence.entries {
		if !s.isOwn(e) && e.state != nil {
			all = append(all, e)
		}
	}
	if len(all) > 0 {
		r.present(s, encodePresence(all).whole)
	}
}

// presenceLeave takes a session's id from the document at once, or gives it to
// who claims it.
func (r *room) presenceLeave(s *Session) {
	if s.claim != nil {
		s.claim.drop()
	}
	e := s.own
	switch {
	case e == nil:
		return
	case e.claim != nil:
		r.grant(e.claim)
		return
	}
	p := &r.presence
	_, unsent := p.dirty[e.client] // it may have said itself that it goes
	delete(p.entries, e.client)
	delete(p.dirty, e.client)
	s.setOwn(nil)
	if e.state != nil || unsent {
		e.state = nil
		r.attend(e)
		r.tell([]*entry{e})
	}
	p.clock = max(p.clock, e.clock)
}

// setOwn binds an id to a session, or none.
func (s *Session) setOwn(e *entry) {
	s.own = e
	if e == nil {
		s.ownClient.Store(nil)
	} else {
		s.ownClient.Store(&e.client)
	}
}

// tick gives the entry the clock with which it goes out next.
func (e *entry) tick() {
	e.clock = max(e.clock+1, uint64(time.Now().UnixMilli()))
}

// presenceBody is an encoded awareness update, whose parts can be left out.
type presenceBody struct {
	whole *Shared
	ends  []int // of the number of entries, and then of each entry
}

// encodePresence encodes entries, each with its next clock.
func encodePresence(all []*entry) presenceBody {
	b := lib0.AppendUvarint(nil, uint64(len(all)))
	ends := append(make([]int, 0, len(all)+1), len(b))
	for _, e := range all {
		e.tick()
		b = awareness.AppendEntry(b, awareness.Entry{Client: e.client, Clock: e.clock, State: e.state})
		ends = append(ends, len(b))
	}
	return presenceBody{&Shared{Bytes: b}, ends}
}

// without is the update without its i-th entry.
func (p presenceBody) without(i int) *Shared {
	b := p.whole.Bytes
	but := lib0.AppendUvarint(make([]byte, 0, len(b)), uint64(len(p.ends)-2))
	but = append(but, b[p.ends[0]:p.ends[i]]...)
	return &Shared{Bytes: append(but, b[p.ends[i+1]:]...)}
}
