package room

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/inkwire/inkwire/awareness"
)

// Readers go on while the log fails.
func TestReadersGoOn(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a := h.join("a", 1)
		h.log.fail(errors.New("disk"), nil)
		a.send(a.write(0, "x"))
		reader := h.join("a", 2) // answers the query with nothing new
		if len(reader.unsaved) > 0 {
			t.Errorf("one who only reads is told %v", reader.unsaved)
		}
		h.log.fail(nil, nil)
		h.pass(5 * time.Second)
	})
}

// Presence that changes while a second Sync is answered isn't missed.
func TestPresenceDuringResync(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a, b := h.join("a", 1), h.join("a", 2)
		a.send(a.write(0, "x"))
		b.take()
		a.say(awareness.Entry{Client: 1, Clock: 1, State: []byte(`{}`)})
		h.pass(time.Second)
		b.take()
		for range cap(h.rooms.cutters) {
			h.rooms.cutters <- struct{}{}
		}
		b.session.Sync(b.doc.StateVector())
		synctest.Wait()
		a.session.Leave()
		synctest.Wait()
		for range cap(h.rooms.cutters) {
			<-h.rooms.cutters
		}
		h.pass(time.Minute)
		if len(b.states) != 1 {
			t.Fatal(len(b.states))
		}
		if len(b.presence) == 0 {
			t.Error("who left meanwhile is never taken away")
		}
	})
}

// Sessions of a room that ends before they leave are counted no more.
func TestSessionsGauge(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a := h.join("a", 1)
		a.send(a.write(0, "x"))
		if err := h.rooms.Delete(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		h.pass(time.Minute)
		m := &dto.Metric{}
		_ = h.rooms.cfg.Metrics.Sessions.Write(m)
		if n := m.GetGauge().GetValue(); n != 0 {
			t.Errorf("%v sessions", n)
		}
	})
}

// An answer that is refused doesn't pay for what it was to bring again.
func TestRefusedAnswerPaysNothing(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.rooms.cfg.MaxUnsaved = 10
		a := h.join("a", 1)
		a.send(a.write(0, "text"))
		h.log.fail(errors.New("disk"), nil)
		a.send(a.write(4, "more"))
		a.saved = 0
		text, _ := a.doc.Text("text")
		if err := text.Delete(0, 2); err != nil {
			t.Fatal(err)
		}
		a.send(a.made[len(a.made)-1]) // refused: beyond the bound
		h.log.fail(nil, nil)
		h.rooms.cfg.MaxDocument = 10
		h.pass(5 * time.Second)
		t.Log("saved", a.saved, "queries", len(a.queries))
		a.saved = 0
		a.write(6, "a long one that makes it too large")
		if len(a.queries) < 2 { // the first was taken by join
			t.Log(len(a.queries))
		}
		a.answer(a.queries[len(a.queries)-1])
		if a.saved > 0 {
			t.Errorf("the delete is settled as saved (%d); refused %v", a.saved, a.refused)
		}
	})
}

// Close ends with its context, also while a load hangs and the inbox is full.
func TestCloseEndsWithContext(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.log.mu.Lock()
		hold := make(chan struct{})
		h.log.hold = hold
		h.log.mu.Unlock()
		for range inboxSize + 1 {
			go func() {
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				h.rooms.Join(ctx, h.admit("a"), h.client(1))
			}()
			synctest.Wait()
		}
		r := h.rooms.live["a"]
		t.Log("in the inbox", len(r.inbox))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go func() { h.rooms.Close(ctx) }()
		h.pass(time.Minute)
		if h.rooms.ctx.Err() == nil {
			t.Error("Close is still waiting, a minute after its context ended, and hasn't given up on the log")
		}
		close(hold)
		synctest.Wait()
	})
}

// Who comes and goes while a session is behind is told it once, and never its
// own id.
func TestUnheard(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a, b := h.join("a", 1), h.join("a", 2)
		b.mu.Lock()
		b.full = true
		b.mu.Unlock()
		b.say(awareness.Entry{Client: 2, Clock: 1, State: []byte(`{}`)})
		a.send(a.write(0, "x")) // b falls behind
		for i := range 1000 {
			a.say(awareness.Entry{Client: 1, Clock: uint64(2*i + 1), State: []byte(`{}`)})
			a.say(awareness.Entry{Client: 1, Clock: uint64(2*i + 2)})
			h.pass(300 * time.Millisecond)
		}
		b.say(awareness.Entry{Client: 2, Clock: 2})
		h.pass(time.Second)
		var n int
		b.session.room.post(func() { n = len(b.session.unheard) })
		synctest.Wait()
		if n > 2 {
			t.Errorf("%d entries kept", n)
		}
		b.say(awareness.Entry{Client: 2, Clock: 3, State: []byte(`{"new":1}`)})
		b.mu.Lock()
		b.full = false
		fs := b.drained
		b.drained = nil
		b.mu.Unlock()
		for _, f := range fs {
			f()
		}
		synctest.Wait()
		for _, p := range b.presence {
			for _, e := range p {
				if e.Client == 2 {
					t.Errorf("b gets its own id: %d %s", e.Clock, e.State)
					return
				}
			}
		}
	})
}

// A session that asked for a state while it was behind learns who has left.
func TestDrainedResync(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a, b, c := h.join("a", 1), h.join("a", 2), h.join("a", 3)
		a.say(awareness.Entry{Client: 1, Clock: 1, State: []byte(`{}`)})
		h.pass(time.Second)
		b.take()
		b.mu.Lock()
		b.full = true
		b.mu.Unlock()
		c.send(c.write(0, "x"))
		a.session.Leave()
		b.session.Sync(b.doc.StateVector())
		synctest.Wait()
		b.mu.Lock()
		b.full = false
		fs := b.drained
		b.drained = nil
		b.mu.Unlock()
		for _, f := range fs {
			f()
		}
		h.pass(time.Minute)
		if len(b.states) != 1 || len(b.presence) == 0 {
			t.Errorf("states %d, presence %d", len(b.states), len(b.presence))
		}
	})
}
