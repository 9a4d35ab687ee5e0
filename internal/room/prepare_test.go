package room

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/inkwire/inkwire/crdt"
	"github.com/inkwire/inkwire/internal/access"
)

// rewrite makes so many items and returns what brings them.
func (c *client) rewrite(items int) []byte {
	c.Helper()
	before := c.doc.StateVector()
	text, err := c.doc.Text("text")
	for i := 0; i < items && err == nil; i++ {
		err = text.Insert(0, "x", nil) // before the last one, so that they aren't joined
	}
	if err != nil {
		c.Fatal(err)
	}
	return c.doc.EncodeStateAsUpdate(before)
}

// A heavy update that waits for its document's log is in nobody's way.
func TestHeavyUpdateWaitsAlone(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.rooms.cfg.MaxUnsaved = 100
		a := h.join("a", 1)
		h.log.hold = make(chan struct{})
		a.send(a.write(0, "x")) // is on its way to the log
		heavy := a.rewrite(2 * maxParts)
		done := make(chan struct{})
		go func() {
			defer close(done)
			a.post(heavy)
		}()
		synctest.Wait()
		if len(h.rooms.heavy) != 0 {
			t.Error("large updates of all documents wait for one document's log")
		}
		close(h.log.hold)
		<-done
		synctest.Wait()
		if a.saved != 2 {
			t.Fatalf("%d saved", a.saved)
		}
	})
}

// While a heavy update is prepared the others of the room go on, and its own
// session's later ones follow it.
func TestHeavyUpdate(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a, b := h.join("a", 1), h.join("a", 2)
		for range cap(h.rooms.heavy) {
			h.rooms.heavy <- struct{}{}
		}
		heavy := a.rewrite(2 * maxParts)
		last := a.write(0, "last")
		done := make(chan struct{})
		go func() {
			defer close(done)
			a.post(heavy)
			a.post(last)
		}()
		synctest.Wait()
		b.send(b.write(0, "meanwhile"))
		if a.saved != 0 || b.saved != 1 || len(a.updates) != 1 {
			t.Fatalf("%d and %d saved, %d updates", a.saved, b.saved, len(a.updates))
		}
		for range cap(h.rooms.heavy) {
			<-h.rooms.heavy
		}
		<-done
		h.pass(pace)
		if a.saved != 2 || len(b.updates) != 2 || len(a.queries) > 0 {
			t.Fatalf("%d saved, %d updates, %d queries", a.saved, len(b.updates), len(a.queries))
		}
		if x, y := a.text(), b.text(); x != y || len(x) != 2*maxParts+len("last")+len("meanwhile") {
			t.Fatalf("%d and %d characters", len(x), len(y))
		}
		h.restart()
		if got, want := h.join("a", 3).text(), a.text(); got != want {
			t.Errorf("%d characters are stored, not %d", len(got), len(want))
		}
	})
}

// A heavy update that is refused doesn't touch the room's document, and what
// others have waiting there goes on waiting.
func TestHeavyUpdateRefused(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a, b := h.join("a", 1), h.join("a", 2)
		a.send(a.write(0, "a"))
		a.write(1, "b")
		a.send(a.write(2, "c")) // waits for b
		r := a.session.room
		doc := r.content.doc
		// It waits for a first struct, and takes more than may wait.
		b.rewrite(200_000)
		second := b.rewrite(200_000)
		b.send(second)
		if len(b.refused) != 1 || b.refused[0].Label != access.OverBudget.Label || r.content.doc != doc || !r.content.pending {
			t.Fatalf("refused %v, the document is another: %v", b.refused, r.content.doc != doc)
		}
		a.send(a.made[1])
		if a.saved != 3 || a.ended != nil {
			t.Fatalf("%d saved, ended: %v", a.saved, a.ended)
		}
	})
}

// The prepared document gets what the room integrated meanwhile, and what waited
// there, in each order.
func TestPreparedDocument(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a, b := h.client(1), h.client(2)
		first, heavy := a.write(0, "first"), a.rewrite(10)
		second := a.write(3, "second")
		other, third := b.write(0, "b"), b.write(1, "c")
		for name, order := range map[string][3][][]byte{ // before, meanwhile, after
			"meanwhile":                {{first}, {other, third}, {second}},
			"nothing meanwhile":        {{first, other, third}, nil, {second}},
			"it waits for before":      {{second, third}, {first}, {other}},
			"it waits for meanwhile":   {{third}, {first, other}, {second}},
			"it waits for what is due": {nil, {third}, {second, other, first}},
			"what waits needs it":      {{first, second, other}, {third}, nil},
			"known already":            {{first, heavy, second}, {other, third}, nil},
		} {
			var c content
			take := func(b []byte, p *preparation) []byte {
				u, err := readUpdate(b, crdt.Limits{})
				if err != nil {
					t.Fatal(err)
				}
				u.prepared = p
				news, err := c.integrate(u)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				return news
			}
			var all [][]byte
			for _, u := range order[0] {
				all = append(all, take(u, nil))
			}
			u, err := readUpdate(heavy, crdt.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			p := &preparation{}
			parts := c.parts()
			c.preparing = p
			for _, u := range order[1] {
				all = append(all, take(u, nil))
			}
			if err := p.integrate(parts, u, crdt.Limits{}); err != nil || p.err != nil {
				t.Fatal(err, p.err)
			}
			c.preparing = nil
			all = append(all, take(heavy, p))
			for _, u := range order[2] {
				all = append(all, take(u, nil))
			}
			want := crdt.New(crdt.Options{})
			for _, u := range [][]byte{first, heavy, second, other, third} {
				if err := want.ApplyUpdate(u, nil); err != nil {
					t.Fatal(err)
				}
			}
			got := crdt.New(crdt.Options{}) // of what was broadcast
			for _, u := range slices.DeleteFunc(all, func(u []byte) bool { return u == nil }) {
				if err := got.ApplyUpdate(u, nil); err != nil {
					t.Fatal(err)
				}
			}
			state := want.EncodeStateAsUpdate(nil)
			if !bytes.Equal(c.doc.EncodeStateAsUpdate(nil), state) || !bytes.Equal(got.EncodeStateAsUpdate(nil), state) {
				t.Errorf("%s: the document differs", name)
			}
			if err := errors.Join(c.doc.Check(), got.Check()); err != nil || c.pending {
				t.Errorf("%s: %v, pending: %v", name, err, c.pending)
			}
		}
	})
}

// Rule: an answer whose deletes are known costs no integration, however many they
// are and whatever has been written since.
func TestKnownDeletesAreSkipped(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a := h.join("a", 1)
		a.send(a.rewrite(4 * maxParts))
		text, _ := a.doc.Text("text")
		for i := range 2 * maxParts {
			if err := text.Delete(i, 1); err != nil {
				t.Fatal(err)
			}
		}
		a.send(a.doc.EncodeStateAsUpdate(a.doc.StateVector()))
		h.restart()
		b := h.client(2)
		b.enter("a")
		b.session.Sync(nil)
		synctest.Wait()
		query := b.queries[0]
		b.take()
		c := h.join("a", 3)
		c.send(c.write(0, "c"))
		have, err := crdt.DecodeStateVector(query)
		if err != nil {
			t.Fatal(err)
		}
		u, err := readUpdate(b.doc.EncodeStateAsUpdate(have), crdt.Limits{})
		if err != nil || !u.heavy() {
			t.Fatalf("%d ranges of deletes: %v", u.Info.Deletes, err)
		}
		u.Answer = true
		b.session.Update(u, b.settled)
		synctest.Wait()
		if u.Info.Deletes != 0 || u.prepared != nil || b.saved != 1 {
			t.Errorf("%d deletes are left, prepared: %v, saved: %d", u.Info.Deletes, u.prepared != nil, b.saved)
		}
	})
}
