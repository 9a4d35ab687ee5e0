package room

import (
	"testing"
	"testing/synctest"

	"github.com/inkwire/inkwire/awareness"
)

// drain lets a client's queue take frames again.
func (c *client) drain() {
	c.mu.Lock()
	c.full = false
	drained := c.drained
	c.drained = nil
	c.mu.Unlock()
	for _, f := range drained {
		f()
	}
	synctest.Wait()
}

func (c *client) fill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.full = true
}

// Rule: a receiver who can't keep up costs bounded memory: it gets one
// difference against what it last got. Nobody waits for it.
func TestSlowReceiver(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a, slow, other := h.join("a", 1), h.join("a", 2), h.join("a", 3)
		a.send(a.write(0, "0"))
		slow.take()
		slow.fill()
		for range 50 {
			a.send(a.write(0, "x"))
		}
		if len(slow.drained) != 1 || len(slow.updates) != 0 {
			t.Fatalf("%d waits, %d updates", len(slow.drained), len(slow.updates))
		}
		if other.text() != a.text() || a.saved != 51 {
			t.Fatal("somebody waited for it")
		}
		slow.drain()
		if len(slow.updates) != 1 || len(slow.states) != 0 {
			t.Fatalf("%d updates, %d states", len(slow.updates), len(slow.states))
		}
		if got := slow.text(); got != a.text() {
			t.Fatal(got)
		}
		a.send(a.write(0, "y"))
		if len(slow.updates) != 1 || slow.text() != a.text() {
			t.Fatal("it doesn't get what comes after")
		}
	})
}

// A slow receiver's difference holds what it missed alone, not what it has.
func TestSlowReceiverGetsDifference(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a, slow := h.join("a", 1), h.join("a", 2)
		a.send(a.write(0, string(make([]byte, 10_000))))
		slow.take()
		slow.fill()
		a.send(a.write(0, "x"))
		a.send(a.write(0, "y"))
		slow.drain()
		if len(slow.updates) != 1 || len(slow.updates[0]) > 100 {
			t.Fatalf("%d updates, the first of %d bytes", len(slow.updates), len(slow.updates[0]))
		}
		if slow.text() != a.text() {
			t.Fatal("it doesn't have the text")
		}
	})
}

// Who asks for a state while it is behind gets a state.
func TestSlowReceiverAsks(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a, slow := h.join("a", 1), h.join("a", 2)
		slow.fill()
		a.send(a.write(0, "x"))
		slow.session.Sync(slow.doc.StateVector())
		synctest.Wait()
		slow.drain()
		if len(slow.states) != 1 || len(slow.queries) != 1 {
			t.Fatalf("%d states, %d queries", len(slow.states), len(slow.queries))
		}
		if slow.text() != a.text() {
			t.Fatal("it doesn't have the text")
		}
	})
}

// A newcomer whose queue is full at once gets its state later, and counts as in
// sync only then.
func TestSlowNewcomer(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a, slow := h.join("a", 1), h.client(2)
		a.send(a.write(0, "x"))
		slow.fill()
		slow.enter("a")
		slow.session.Sync(nil)
		synctest.Wait()
		a.send(a.write(0, "y"))
		slow.drain()
		if len(slow.states) != 1 || slow.text() != a.text() {
			t.Fatal("it doesn't have the text")
		}
	})
}

// Who was behind learns who came and who went.
func TestSlowReceiverPresence(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a, b, slow := h.join("a", 1), h.join("a", 2), h.join("a", 3)
		a.say(awareness.Entry{Client: 1, Clock: 1, State: []byte(`{"a":1}`)})
		h.pass(presenceTick)
		slow.take()
		slow.fill()
		b.say(awareness.Entry{Client: 2, Clock: 1, State: []byte(`{"b":1}`)})
		h.pass(presenceTick)
		a.session.Leave()
		synctest.Wait()
		slow.drain()
		seen := map[uint64]string{}
		for _, message := range slow.presence {
			for _, e := range message {
				seen[e.Client] = string(e.State)
			}
		}
		if state, ok := seen[1]; !ok || state != "" || seen[2] != `{"b":1}` {
			t.Fatal(seen)
		}
	})
}
