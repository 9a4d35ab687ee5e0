package room

import (
	"errors"

	"github.com/inkwire/inkwire/crdt"
	"github.com/inkwire/inkwire/internal/access"
)

// A preparation is a document of its own in which a heavy update is integrated
// beside the room's goroutine, so that the others of the room don't wait for it.
// The room then takes it in place of the one it has. Nothing has to be taken
// back from the room's document when the update is refused.
type preparation struct {
	doc   *crdt.Doc
	news  [][]byte // what the update changed in it, and what waited for that
	err   error    // why the update is refused
	since [][]byte // what the room has integrated and doc hasn't; the room's goroutine's
}

// What a room integrates by itself is bounded so that it takes 20 ms at the
// worst, even if each struct is of the most expensive kind.
const (
	maxParts   = 5_000  // structs and ranges of deletes
	maxBytes   = 2e6    // of all
	maxValues  = 128e3  // bytes of values
	maxDeleted = 50_000 // units
)

// limit bounds what comes to the document that the room's goroutine integrates
// into.
func (c *content) limit(doc *crdt.Doc) {
	doc.SetLimits(crdt.Limits{Work: 250_000, PendingBytes: 256 << 10, Items: c.maxItems})
}

// heavy reports whether an update might keep the room from others for long.
func (u *Update) heavy() bool {
	i := &u.Info
	if i.Structs+i.Deletes > maxParts || len(u.Bytes) > maxBytes || i.Values > maxValues {
		return true
	}
	units := 0
	for r := range i.DeleteSet.All() {
		units += int(r.Len)
	}
	return units > maxDeleted
}

// lighten takes those deletes out of an answer that are known: every client
// answers with the whole delete set, and that of an old document is long. What is
// deleted stays so, thus any state of the document serves.
func (s *Session) lighten(u *Update) {
	if gone := s.room.gave.Load(); u.Answer && gone != nil && !u.Info.DeleteSet.Empty() {
		if known, err := (*gone)(); err == nil { // it isn't the update that is to blame
			u.drop(known)
		}
	}
}

// prepare has a heavy update integrated beside the room, and then has it taken
// there, unless the session's context or the room ends before.
func (s *Session) prepare(u *Update, settle func(*access.Refused)) {
	r, p := s.room, &preparation{}
	select {
	case r.preparing <- struct{}{}:
		defer func() { <-r.preparing }()
	case <-s.ctx.Done():
		return
	case <-r.gone:
		return
	}
	var parts [][]byte
	done := false
	if !r.call(func() {
		if done = !r.integrates(s, u); done {
			r.update(s, u, 0, settle) // the verdict alone
			return
		}
		parts, r.content.preparing = r.content.parts(), p
	}) || done {
		return
	}
	defer r.post(func() { r.content.preparing = nil }) // whatever happens
	var err error
	r.rooms.inTurn(func() { err = p.integrate(parts, u, crdt.Limits{Items: r.rooms.cfg.MaxItems}) })
	cost := 0
	if err == nil && p.err == nil {
		// Only now: others needn't wait for an update that is being prepared.
		for _, news := range p.news {
			cost += len(news)
		}
		if !r.quota.take(s.ctx, cost, r.gone) {
			return
		}
	}
	for round := 1; err == nil && !done; round++ {
		var since [][]byte
		if !r.call(func() {
			if p.err == nil && !p.near() && round < maxRounds {
				since, p.since = p.since, nil
				return
			}
			done, u.prepared, r.content.preparing = true, p, nil
			r.broadcast() // merging it with a heavy update would take long
			r.take(s, u, cost, settle)
			r.broadcast()
		}) {
			return
		}
		r.rooms.inTurn(func() { err = p.follow(since) })
	}
	if err != nil {
		r.post(func() { r.fault(err) })
	}
}

// maxRounds is how often a preparation tries to catch up with its room.
const maxRounds = 20

// near reports whether the room can quickly integrate what came meanwhile.
func (p *preparation) near() bool {
	size := 0
	for _, u := range p.since {
		size += len(u)
	}
	return len(p.since) <= 64 && size <= maxBytes
}

// integrates reports whether the room would integrate an update.
func (r *room) integrates(s *Session, u *Update) bool {
	if s.ended || r.refuses(s, u) != nil || r.log.failing && r.quota.over() {
		return false
	}
	st := r.lastState()
	if st == nil {
		return true
	}
	known, err := st.knows(u.Info)
	return err == nil && !known
}

// integrate integrates an update into a document made of parts.
func (p *preparation) integrate(parts [][]byte, u *Update, limits crdt.Limits) error {
	var err error
	if p.doc, err = load(parts); err != nil {
		return err
	}
	p.doc.SetLimits(limits)
	cancel := p.listen()
	defer cancel()
	if err := p.doc.ApplyUpdate(u.Bytes, nil); err != nil {
		p.err = err
		// What waits is this update's own, and no other's.
		if bad, ok := errors.AsType[*crdt.Error](err); ok && errors.Is(err, crdt.ErrPending) {
			own := *bad
			own.Err = crdt.ErrLimit
			p.err = &own
		}
	}
	return nil
}

// listen has news noted.
func (p *preparation) listen() (cancel func()) {
	return p.doc.OnUpdate(func(update []byte, _ *crdt.Transaction) { p.news = append(p.news, update) })
}

// follow integrates what the room has integrated meanwhile. If the update waits
// for some of it, that makes news of it.
func (p *preparation) follow(since [][]byte) error {
	if _, waits := p.doc.Pending(); waits {
		cancel := p.listen()
		defer cancel()
	}
	for _, u := range since {
		if err := p.doc.LoadState(u); err != nil {
			return err
		}
	}
	return nil
}

// adopt is integrate for an update that was prepared.
func (c *content) adopt(u *Update) ([]byte, error) {
	p := u.prepared
	if p.err != nil {
		return nil, &badUpdate{p.err}
	}
	if err := p.follow(p.since); err != nil {
		return nil, err
	}
	waited := c.pending
	if waited { // what waits goes along, and may have waited for this update
		cancel := p.listen()
		waiting := c.doc.EncodeStateAsUpdate(c.doc.StateVector())
		err := p.doc.LoadState(waiting)
		cancel()
		if err != nil {
			return nil, err
		}
	}
	var news []byte
	if len(p.news) > 0 {
		var err error
		if news, err = merge(p.news); err != nil {
			return nil, err
		}
	}
	c.use(p.doc)
	return c.took(u, news, waited), nil
}
