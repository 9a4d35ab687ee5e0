package room

import (
	"errors"
	"fmt"
	"time"

	"github.com/inkwire/inkwire/crdt"
	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/store"
)

// A turn is the updates between two broadcasts. They go out as one, so that a
// busy room writes to each socket once a turn; a lone update is a turn by itself.
type turn struct {
	updates [][]byte
	by      *Session // who brought all of them; nil if it was more than one
	info    []crdt.Info
}

// pace is the time between two broadcasts at least, but for those that have to
// come before something else. Each costs a system call for each receiver, which
// is most of what a delivery costs, and within a screen's frame nobody sees the
// difference.
const pace = 16 * time.Millisecond

// largeTurn is how many updates don't wait for more: the system calls are then a
// small part of what each costs, and who waits for an answer gets on.
const largeTurn = 32

// maxCalls is how many calls are taken before the room looks whether a broadcast
// or an append is due.
const maxCalls = 256

// A debt is a verdict that a session waits for.
type debt struct {
	s      *Session // nil if it's none of a session that may have ended
	settle func(*access.Refused)
	since  time.Time
	at     position // of the log, that must be durable
}

// owed is a debt for an update that the room hasn't integrated: it needs others
// first, or the disk failed.
type owed struct {
	debt
	needs   crdt.Info
	answers int // how many answers of its session must have come before
}

// update takes an update. It reports whether a row was added, which keeps its
// cost until it's saved.
func (r *room) update(s *Session, u *Update, cost int, settle func(*access.Refused)) bool {
	if s.ended {
		return false
	}
	d := debt{s: s, settle: settle, since: time.Now()}
	return !r.verdict(s, u, d) && r.integrate(s, u, cost, d)
}

// verdict deals with an update that needn't, or mustn't, be integrated. It
// reports whether it did.
func (r *room) verdict(s *Session, u *Update, d debt) bool {
	if st := r.lastState(); st != nil {
		// Every client answers the room's query, those who only read too, with the
		// whole delete set. That alone must not cost an integration.
		known, err := st.knows(u.Info)
		if err != nil {
			r.fault(err)
			return true
		}
		if known {
			r.owe(d)
			r.answered(s, u)
			return true
		}
	}
	if refusal := r.refuses(s, u); refusal != nil {
		if s.ReadOnly() && r.content.has(u.Info) {
			r.owe(d)
			r.answered(s, u)
			return true
		}
		r.refuse(s, u, d.settle, refusal)
		return true
	}
	if r.log.failing {
		if _, before := r.refusedEdits[s]; before || r.quota.over() {
			r.tellUnsaved(s)
			r.refusedEdits[s] = struct{}{}
			if u.Answer {
				s.answers++
			}
			for i := range s.owed {
				if s.owed[i].answers > 0 { // this may be the answer
					s.owed[i].answers = s.asked + 1
				}
			}
			r.hold(owed{d, u.Info, s.asked + 1})
			return true
		}
	}
	return false
}

// integrate integrates an update. It reports whether a row was added.
func (r *room) integrate(s *Session, u *Update, cost int, d debt) bool {
	waited, others := r.content.pending, false
	for other := range r.indebted {
		others = others || waited && other.waits && other != s
	}
	news, err := r.content.integrate(u)
	if errors.Is(err, crdt.ErrPending) {
		// What others left waiting mustn't keep this one out.
		r.dropPending()
		news, err = r.content.integrate(u)
	}
	var bad *badUpdate
	switch {
	case errors.As(err, &bad):
		refusal := refused(bad)
		if errors.Is(bad, crdt.ErrItems) {
			refusal = access.TooLarge.Because(bad.Error() + " (--max-items)")
		} else if errors.Is(bad, crdt.ErrLimit) {
			refusal = access.OverBudget.Because(bad.Error())
		}
		r.refuse(s, u, d.settle, refusal)
		return false
	case err != nil:
		r.fault(err)
		return false
	}
	if news != nil {
		r.rooms.cfg.Metrics.Updates.Inc()
		r.wrote(s, news, cost)
		by, info := s, u.Info
		if waited { // the news may hold what had been sent before, and by others
			var err error
			if info, err = crdt.Validate(news, crdt.Limits{}); err != nil {
				r.fault(err)
				return true
			}
			if others {
				by = nil
			}
		}
		r.turn.add(by, news, info)
		if r.log.failing {
			r.tellUnsaved(s)
		}
	}
	if r.content.pending && !covers(r.content.vector(), u.Info) {
		r.hold(owed{d, u.Info, 0})
		if !s.waits {
			s.waits = true
			r.query(s, &Shared{Bytes: crdt.EncodeStateVector(r.content.vector())})
		}
	} else {
		r.owe(d)
	}
	r.answered(s, u)
	if news != nil {
		r.payWaiting()
	}
	if waited && !r.content.pending {
		// What is still owed was given up as impossible.
		r.askWaiting()
	}
	return news != nil
}

// wrote gives a session's update its place in the log, behind what has happened
// before, and with the news that its writer edits.
func (r *room) wrote(s *Session, news []byte, cost int) {
	row := store.Row{Session: s.id, Time: time.Now(), Data: news}
	if s.own != nil {
		row.Client = s.own.client
	}
	r.recordWaiting()
	r.log.add(row, cost)
	r.writers[s] = struct{}{}
	r.factsChanged()
	if m := r.editor(s); m != nil {
		r.edits(m, s.id, s)
	}
}

// answered pays what an answer that was taken may have brought.
func (r *room) answered(s *Session, u *Update) {
	if u.Answer {
		s.answers++
		r.pay(s)
	}
}

// refuse refuses an update, and if it is an answer, also what it was to bring
// again.
func (r *room) refuse(s *Session, u *Update, settle func(*access.Refused), refusal *access.Refused) {
	settle(refusal)
	if !u.Answer {
		return
	}
	s.answers++
	left := s.owed[:0]
	for _, o := range s.owed {
		if o.answers > 0 && o.answers <= s.answers {
			o.settle(refusal)
		} else {
			left = append(left, o)
		}
	}
	r.keepOwed(s, left)
}

// refuses tells why a session's update, which brings something new as far as is
// known, isn't taken; or nil.
func (r *room) refuses(s *Session, u *Update) *access.Refused {
	if refusal := s.pass.May(access.Write); refusal != nil {
		s.barred = true
		return refusal
	}
	if !r.begun {
		if refusal := s.pass.MayBegin(); refusal != nil {
			return refusal
		}
		r.begun = true
	}
	switch limit := r.rooms.cfg.MaxDocument; {
	case r.damage != nil:
		return damaged()
	case len(u.Info.Clients) > 0 && r.content.size()+len(u.Bytes) > limit:
		// What only deletes passes, and so does what is known.
		have := r.content.vector()
		for _, c := range u.Info.Clients {
			if c.To > have[c.Client] {
				return tooLarge(limit)
			}
		}
	}
	return nil
}

// owe settles a debt once the log so far is durable.
func (r *room) owe(d debt) {
	d.at = r.log.added
	if d.at <= r.log.saved {
		r.settle(d)
		return
	}
	r.log.debts = append(r.log.debts, d)
}

func (r *room) settle(d debt) {
	r.rooms.cfg.Metrics.Ack.Observe(time.Since(d.since).Seconds())
	if d.s == nil || !d.s.ended && !d.s.left.Load() {
		d.settle(nil)
	}
}

// maxOwed bounds what a session is owed for updates that aren't integrated.
const maxOwed = 10_000

// hold keeps a debt for an update that isn't integrated.
func (r *room) hold(o owed) {
	s := o.s
	if len(s.owed) == maxOwed {
		r.end(s, access.Overload.Because("too many updates wait for others"))
		return
	}
	s.owed = append(s.owed, o)
	r.indebted[s] = struct{}{}
}

// pay turns what a session is owed, and what is integrated now, into debts that
// wait for the log alone.
func (r *room) pay(s *Session) {
	if len(s.owed) == 0 || s.ended {
		return
	}
	have := r.content.vector()
	left := s.owed[:0]
	for _, o := range s.owed {
		if s.answers >= o.answers && covers(have, o.needs) {
			r.owe(o.debt)
		} else {
			left = append(left, o)
		}
	}
	r.keepOwed(s, left)
}

// keepOwed keeps the first of what a session is owed.
func (r *room) keepOwed(s *Session, left []owed) {
	clear(s.owed[len(left):])
	s.owed = left
	if len(left) == 0 {
		delete(r.indebted, s)
		s.waits, s.asks = false, 0
	}
}

// payWaiting pays everyone whose updates what came now may have completed.
func (r *room) payWaiting() {
	for s := range r.indebted {
		r.pay(s)
	}
}

// query asks a session for what the room lacks.
func (r *room) query(s *Session, vector *Shared) {
	s.asked++
	if !s.recv.Query(vector) {
		s.asked--
		s.unasked = true
		r.fallBehind(s, r.content.vector())
	}
}

// requery asks a session for updates that the room couldn't take, or didn't
// keep. What the session is owed is paid once it has answered.
func (r *room) requery(s *Session) {
	s.unasked = false
	r.query(s, &Shared{Bytes: crdt.EncodeStateVector(r.content.vector())})
	s.owedAfter(s.asked)
}

// owedAfter lets what a session is owed wait for so many answers.
func (s *Session) owedAfter(answers int) {
	for i := range s.owed {
		s.owed[i].answers = max(s.owed[i].answers, answers)
	}
}

// dropPending forgets what couldn't be integrated yet, and asks those who sent
// it again. It is due when one of them has left, for nobody will bring the rest
// of it then, and when there is too much of it.
func (r *room) dropPending() {
	r.content.dropPending()
	r.askWaiting()
}

// disown forgets what a session may not write any more and that waits for others,
// who would bring it into the document later.
func (r *room) disown(s *Session, refusal *access.Refused) {
	left := s.owed[:0]
	for _, o := range s.owed {
		if o.answers > 0 { // the disk failed
			left = append(left, o)
		} else {
			o.settle(refusal)
		}
	}
	r.keepOwed(s, left)
	s.waits, s.barred = false, true
	r.dropPending()
}

// maxAsks is how often a session is asked for the same updates again.
const maxAsks = 3

// askWaiting asks all again whose updates waited and aren't kept any more.
func (r *room) askWaiting() {
	for s := range r.indebted {
		switch {
		case !s.waits || s.ended:
		case s.asks == maxAsks:
			r.end(s, access.OverBudget.Because("its updates wait for others that nobody brings"))
		default:
			s.asks++
			r.requery(s)
		}
	}
}

// add notes an update to go out at the turn's end.
func (t *turn) add(s *Session, news []byte, info crdt.Info) {
	if len(t.updates) == 0 {
		t.by = s
	} else if t.by != s {
		t.by = nil
	}
	t.updates = append(t.updates, news)
	t.info = append(t.info, info)
}

// broadcast sends the turn's updates to everyone who hasn't made all of them.
func (r *room) broadcast() {
	t := r.turn
	if len(t.updates) == 0 {
		return
	}
	r.turn = turn{}
	r.lastTurn = time.Now()
	merged, err := merge(t.updates)
	if err != nil {
		r.fault(err)
		return
	}
	shared := &Shared{Bytes: merged}
	n := 0
	before := func() crdt.StateVector { return t.before(r.content.vector()) }
	for s := range r.sessions {
		if s != t.by && r.deliver(s, shared, before) {
			n++
		}
	}
	r.rooms.cfg.Metrics.Deliveries.Add(float64(n))
	r.follow(shared)
}

// before is a state vector that a document had before the turn, or a lower one.
func (t *turn) before(after crdt.StateVector) crdt.StateVector {
	before := make(crdt.StateVector, len(after))
	for client, clock := range after {
		before[client] = clock
	}
	for _, info := range t.info {
		for _, c := range info.Clients {
			if c.From < before[c.Client] {
				before[c.Client] = c.From
			}
		}
	}
	return before
}

// broadcastPaced broadcasts now if the last time is long enough ago or there is
// much, else soon.
func (r *room) broadcastPaced() {
	if len(r.turn.updates) == 0 || r.pacing && len(r.turn.updates) < largeTurn {
		return
	}
	wait := pace - time.Since(r.lastTurn)
	if wait <= 0 || len(r.turn.updates) >= largeTurn {
		r.broadcast()
		return
	}
	r.pacing = true
	r.after(wait, func() {
		r.pacing = false
		r.broadcast()
	})
}

// endCalls sees to what the calls that were taken together have made due.
func (r *room) endCalls() {
	r.broadcastPaced()
	r.flush()
	if err := r.content.shorten(); err != nil {
		r.fault(err)
		return
	}
	r.fold()
}

// fold begins to make a new base, beside the room's goroutine, if tail has grown
// long or a checkpoint is due.
func (r *room) fold() {
	if r.folds || r.damage != nil || !r.content.long() && !r.checkpointDue() {
		return
	}
	parts, at := r.content.parts(), r.log.mark()
	if len(parts) == 0 {
		return // nobody has written anything
	}
	r.folds = true
	known, since := r.log.authors, r.log.since[:len(r.log.since):len(r.log.since)]
	r.content.folding = len(r.content.tail)
	r.background.Go(func() {
		r.rooms.folders <- struct{}{}
		rest := yielder{ctx: r.rooms.ctx, since: time.Now()}
		base, err := newBase(parts, rest.pause)
		var authors []byte
		if err == nil {
			authors, err = authorsOf(known, since)
		}
		<-r.rooms.folders
		r.post(func() {
			r.folds = false
			if err != nil {
				r.content.folding = 0
				r.fault(fmt.Errorf("make a checkpoint: %w", err))
				return
			}
			r.content.rebase(base)
			r.noteCheckpoint(at, authors)
		})
	})
}
