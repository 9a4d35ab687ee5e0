package room

import (
	"testing"
	"testing/synctest"
)

// While a difference is being made the room goes on. What is written meanwhile
// goes out after it, who asks again is answered once more, who has left isn't,
// and all who have the same get the same difference.
func TestDifferenceBesideTheRoom(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a, reader := h.join("a", 1), h.join("a", 2)
		a.send(a.write(0, "hello"))
		reader.take()
		old := reader.doc.EncodeStateAsUpdate(nil)
		a.send(a.write(5, " world"))
		reader.take()

		back := func(id uint64) *client {
			c := h.client(id)
			if err := c.doc.ApplyUpdate(old, "room"); err != nil {
				t.Fatal(err)
			}
			c.enter("a")
			return c
		}
		x, y, gone := back(3), back(4), back(5)
		for range cap(h.rooms.cutters) {
			h.rooms.cutters <- struct{}{} // no difference is made for now
		}
		for _, c := range []*client{x, y, gone} {
			c.session.Sync(c.doc.StateVector())
		}
		y.session.Sync(y.doc.StateVector())
		a.send(a.write(11, "!"))
		gone.session.Leave()
		if reader.take(); reader.text() != "hello world!" {
			t.Fatalf("meanwhile the others have %q", reader.text())
		}
		if len(x.states)+len(x.updates)+len(y.states) > 0 {
			t.Fatal("something came before the difference")
		}
		for range cap(h.rooms.cutters) {
			<-h.rooms.cutters
		}
		synctest.Wait()
		if len(x.states) != 1 || len(x.updates) != 1 || len(y.states) != 2 || len(gone.states) != 0 {
			t.Fatalf("states and updates: %d and %d, %d, %d", len(x.states), len(x.updates), len(y.states), len(gone.states))
		}
		if &x.states[0][0] != &y.states[0][0] {
			t.Error("two who have the same got two differences")
		}
		for _, c := range []*client{x, y} {
			if got := c.text(); got != "hello world!" {
				t.Errorf("in the end it has %q", got)
			}
		}
	})
}
