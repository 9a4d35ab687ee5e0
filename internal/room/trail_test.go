package room

import (
	"bytes"
	"maps"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/inkwire/inkwire/crdt"
)

// large is a text whose state has a trail.
var large = strings.Repeat("a large text, ", minTrail/10)

// enterLarge makes a document "a" with a large text, and who wrote it.
func enterLarge(t *testing.T, h *house) *client {
	a := h.join("a", 1)
	a.send(a.write(0, large))
	return a
}

// bodies counts the large ones that those clients got and that aren't the same
// bytes.
func bodies(all []*client) int {
	seen := map[*byte]bool{}
	for _, c := range all {
		for _, s := range append(c.states, c.updates...) {
			if len(s) > len(large)/2 {
				seen[&s[0]] = true
			}
		}
	}
	return len(seen)
}

// Rule: while one writes, hundreds join a large document and don't read on. What
// is on its way to them all is few bodies: a state, and what came after it as
// updates that they share too.
func TestStatesAreShared(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a := enterLarge(t, h)
		var all []*client
		for i := range 60 {
			c := h.client(uint64(100 + i))
			c.enter("a")
			c.session.Sync(nil)
			a.send(a.write(0, strings.Repeat("x", 1000)))
			all = append(all, c)
		}
		h.pass(presenceTick)
		if n := bodies(all); n > 3 {
			t.Errorf("%d different states are on their way", n)
		}
		own := map[*byte]int{}
		for _, c := range all {
			if len(c.states) != 1 || len(c.queries) != 1 {
				t.Fatalf("it got %d states and %d queries", len(c.states), len(c.queries))
			}
			for _, u := range append(c.states, c.updates...) {
				if len(u) <= len(large)/2 {
					own[&u[0]] = len(u)
				}
			}
		}
		total := 0
		for _, n := range own {
			total += n
		}
		if total > 60*(pieceSize+2000) {
			t.Errorf("the updates on their way have %d bytes of their own", total)
		}
		want := a.text()
		for _, c := range all {
			if c.text() != want {
				t.Fatal("one doesn't have the text")
			}
		}
	})
}

// Rule: a client that takes itself for in sync, which is when it gets a state, has
// all that was there when it came.
func TestStateIsLast(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a := enterLarge(t, h)
		h.join("a", 2) // which begins the trail
		a.send(a.write(0, "first"))
		a.send(a.write(0, "second"))
		c := h.client(3)
		c.enter("a")
		c.session.Sync(nil)
		synctest.Wait()
		if len(c.states) != 1 || c.before == 0 {
			t.Fatalf("%d states after %d updates", len(c.states), c.before)
		}
		got, err := crdt.MergeUpdates(append(c.updates[:c.before:c.before], c.states...))
		if err != nil {
			t.Fatal(err)
		}
		have, err := crdt.StateVectorFromUpdate(got)
		if err != nil || !maps.Equal(have, a.doc.StateVector()) {
			t.Fatalf("it has %v, the document %v: %v", have, a.doc.StateVector(), err)
		}
	})
}

// narrow is a client whose queue takes one update, and then nothing until it is
// drained.
type narrow struct{ *client }

func (n narrow) Update(u *Shared) bool {
	defer n.fill()
	return n.client.Update(u)
}

// A newcomer whose queue takes the shared state alone gets what follows once it
// has drained, and is in sync only then.
func TestStateWithoutItsLast(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a := enterLarge(t, h)
		h.join("a", 2) // which begins the trail
		a.send(a.write(0, "first"))
		n := narrow{h.client(3)}
		s, err := h.rooms.Join(t.Context(), h.admit("a"), n)
		if err != nil {
			t.Fatal(err)
		}
		n.session = s
		s.Sync(nil)
		synctest.Wait()
		if len(n.updates) != 1 || len(n.states) != 0 || len(n.drained) != 1 {
			t.Fatalf("%d updates, %d states, %d waits", len(n.updates), len(n.states), len(n.drained))
		}
		a.send(a.write(0, "second"))
		n.drain()
		if len(n.updates) != 1 || len(n.states) != 1 || len(n.states[0]) > 200 || len(n.queries) != 1 {
			t.Fatalf("%d updates, %d states, %d queries", len(n.updates), len(n.states), len(n.queries))
		}
		got, err := crdt.MergeUpdates(append(n.updates, n.states...))
		if err != nil {
			t.Fatal(err)
		}
		if have, err := crdt.StateVectorFromUpdate(got); err != nil || !maps.Equal(have, a.doc.StateVector()) {
			t.Fatalf("it has %v, the document %v: %v", have, a.doc.StateVector(), err)
		}
	})
}

// Who comes back with a part of a large document gets what it lacks, and little
// more, although the state that is shared is older.
func TestReturnToLargeDocument(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a, other := enterLarge(t, h), h.join("a", 2) // whose coming began the trail
		for range 20 {
			a.send(a.write(0, strings.Repeat("x", 1000)))
		}
		other.take()
		old := other.doc.EncodeStateAsUpdate(nil)
		a.send(a.write(0, "yz"))
		back := h.client(3)
		if err := back.doc.ApplyUpdate(old, "room"); err != nil {
			t.Fatal(err)
		}
		back.enter("a")
		back.session.Sync(back.doc.StateVector())
		synctest.Wait()
		if len(back.states) != 1 || len(back.states[0]) > 100 || len(back.updates) != 0 {
			t.Fatalf("it got %d states and %d updates", len(back.states), len(back.updates))
		}
		if len(back.queries) != 1 || !bytes.Equal(back.queries[0], crdt.EncodeStateVector(a.doc.StateVector())) {
			t.Fatal("it is asked for what the room has")
		}
		if back.text() != a.text() {
			t.Fatal("it doesn't have the text")
		}
		a.send(a.write(0, "!"))
		if back.text() != a.text() {
			t.Fatal("it doesn't get what comes after")
		}
	})
}

// Who is behind in a large document gets what it missed from the trail, the same
// bytes as others, however often; and once the trail has ended, a difference.
func TestSlowReceiversOfLargeDocument(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a := enterLarge(t, h)
		slow := []*client{h.join("a", 2), h.join("a", 3)}
		write := func(n int) {
			for range n {
				a.send(a.write(0, strings.Repeat("y", 1000)))
				h.pass(presenceTick)
			}
		}
		check := func(most int) {
			t.Helper()
			for _, c := range slow {
				total := 0
				for _, u := range c.updates {
					total += len(u)
				}
				if len(c.states) > 0 || total > most {
					t.Fatalf("it got %d states, and %d bytes in %d updates", len(c.states), total, len(c.updates))
				}
				if c.text() != a.text() {
					t.Fatal("it doesn't have the text")
				}
			}
		}
		for range 2 {
			slow[0].fill()
			slow[1].fill()
			write(20)
			slow[0].drain()
			slow[1].drain()
			if len(slow[0].updates) == 0 || &slow[0].updates[0][0] != &slow[1].updates[0][0] {
				t.Fatal("they got bytes of their own")
			}
			check(20*1100 + pieceSize)
		}
		for _, c := range slow {
			c.fill()
		}
		write(len(large) / trailShare / 1000)
		for _, c := range slow {
			c.drain()
		}
		check(len(large) / 2)
	})
}

// Clients that name changes the room doesn't know get no difference of their own.
func TestUnknownVector(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a := enterLarge(t, h)
		var all []*client
		for i := range 20 {
			c := h.client(uint64(100 + i))
			c.write(0, "mine")
			c.enter("a")
			c.session.Sync(c.doc.StateVector())
			synctest.Wait()
			all = append(all, c)
		}
		if n := bodies(all); n != 1 {
			t.Errorf("%d different states are on their way", n)
		}
		if c := all[0]; !strings.HasSuffix(c.text(), a.text()) && !strings.HasPrefix(c.text(), a.text()) {
			t.Error("it doesn't have the text")
		}
	})
}
