package room

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/inkwire/inkwire/crdt"
)

// picky is a client whose queue has no place for queries while noQuery is set.
type picky struct {
	*client
	noQuery bool
}

func (p *picky) Query(v *Shared) bool {
	if p.noQuery {
		return false
	}
	return p.client.Query(v)
}

func (p *picky) drain() {
	synctest.Wait()
	p.mu.Lock()
	fs := p.drained
	p.drained = nil
	p.mu.Unlock()
	for _, f := range fs {
		f()
	}
	synctest.Wait()
}

func (h *house) picky(id uint64) *picky { return &picky{client: h.client(id)} }

func (p *picky) enterPicky(name string) {
	s, err := p.rooms.Join(p.Context(), p.admit(name), p)
	if err != nil {
		p.Fatal(err)
	}
	p.session = s
}

// What was held for a session isn't lost if the state fits into its queue and the
// query behind it doesn't.
func TestHeldIsKept(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a := h.join("a", 1)
		a.send(a.write(0, "one "))
		x := h.picky(3)
		x.noQuery = true
		x.enterPicky("a")
		for range cap(h.rooms.cutters) {
			h.rooms.cutters <- struct{}{}
		}
		x.session.Sync(nil)
		synctest.Wait()
		a.send(a.write(4, "two"))
		for range cap(h.rooms.cutters) {
			<-h.rooms.cutters
		}
		synctest.Wait()
		x.noQuery = false
		x.drain()
		if got := x.text(); got != "one two" {
			t.Errorf("got %q", got)
		}
	})
}

// Nor is what the turn has brought and not yet broadcast.
func TestTurnIsKept(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a, x := h.join("a", 1), h.picky(3)
		x.enterPicky("a")
		x.session.Sync(nil)
		synctest.Wait()
		x.answer(x.queries[0])
		x.take()
		x.write(0, "1")
		pend := x.write(1, "2") // needs the first
		u1, _ := readUpdate(a.write(0, "A"), crdt.Limits{})
		u2, _ := readUpdate(pend, crdt.Limits{})
		x.noQuery = true
		block := make(chan struct{})
		a.session.room.post(func() { <-block }) // all come in one turn
		go func() {
			a.session.Update(u1, a.settled)
			x.session.Update(u2, x.settled)
			close(block)
		}()
		synctest.Wait()
		x.noQuery = false
		x.drain()
		x.take()
		if got := x.doc.StateVector()[1]; got != 1 {
			t.Errorf("it has %d of A's clocks", got)
		}
	})
}

// What a session's update releases of others' pending goes to it as well, and to
// those who fall behind then.
func TestReleasedPending(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		s, p, reader := h.join("a", 1), h.join("a", 2), h.join("a", 3)
		u1 := s.write(0, "one")
		if err := p.doc.ApplyUpdate(u1, "room"); err != nil {
			t.Fatal(err)
		}
		p.send(p.write(3, " two"))
		reader.mu.Lock()
		reader.full = true
		reader.mu.Unlock()
		s.send(u1)
		if got := s.text(); got != "one two" {
			t.Errorf("writer of the dependency has %q", got)
		}
		reader.mu.Lock()
		reader.full = false
		fs := reader.drained
		reader.drained = nil
		reader.mu.Unlock()
		for _, f := range fs {
			f()
		}
		if got := reader.text(); got != "one two" {
			t.Errorf("a reader that fell behind has %q", got)
		}
	})
}

// The sessions of a failed append are stored with the next.
func TestIntroducedAgain(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a := h.join("a", 1)
		h.log.fail(errors.New("disk"), nil)
		a.send(a.write(0, "x"))
		h.log.fail(nil, nil)
		h.pass(5 * time.Second)
		if a.saved != 1 {
			t.Fatal(a.saved)
		}
		ss, err := h.log.Sessions(t.Context(), h.stored("a").ID)
		if err != nil || len(ss) != 1 {
			t.Errorf("sessions %v %v", ss, err)
		}
	})
}

// A query that didn't fit needs no answer.
func TestQueryThatDidNotFit(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.join("a", 1)
		x := h.picky(3)
		x.enterPicky("a")
		x.session.Sync(nil)
		synctest.Wait()
		x.answer(x.queries[0])
		x.take()
		x.saved = 0
		x.write(0, "1")
		pend := x.write(1, "2")
		x.noQuery = true
		x.send(pend)
		x.noQuery = false
		x.drain()
		if len(x.queries) != 1 {
			t.Fatal(len(x.queries))
		}
		x.answer(x.queries[0])
		h.pass(time.Minute)
		if x.saved != 2 {
			t.Errorf("%d of 2 saved", x.saved)
		}
	})
}
