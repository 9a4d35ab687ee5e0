package room

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/inkwire/inkwire/crdt"
)

// The differences that are kept for others take no more than the document.
func TestCuts(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a, x := h.join("a", 1), h.join("a", 2)
		a.send(a.write(0, strings.Repeat("x", 1<<20)))
		for i := range 100 {
			x.session.Sync(crdt.StateVector{uint64(1000 + i): 1})
			synctest.Wait()
			x.mu.Lock()
			x.states = nil
			x.mu.Unlock()
		}
		n := 0
		x.session.room.post(func() {
			for _, c := range a.session.room.content.state.cuts {
				n += len(c.update.Bytes)
			}
		})
		synctest.Wait()
		if n > 10<<20 {
			t.Errorf("%d MiB kept for a document of 1", n>>20)
		}
	})
}

// Two sessions whose pending updates don't fit together aren't asked in turns for
// ever.
func TestPendingPingPong(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.join("a", 9)
		var cs []*client
		for i := range 2 {
			c := h.join("a", uint64(1+i))
			src := h.client(uint64(100 + i))
			src.write(0, "1")
			u := src.write(1, strings.Repeat("x", 700<<10)) // its first is lost
			if err := c.doc.ApplyUpdate(u, "room"); err != nil {
				t.Fatal(err)
			}
			cs = append(cs, c)
			c.send(u)
		}
		n := 0
		for range 50 {
			for _, c := range cs {
				c.mu.Lock()
				qs := c.queries
				c.queries = nil
				c.mu.Unlock()
				for _, q := range qs {
					n++
					c.answer(q)
				}
			}
		}
		if n > 10 {
			t.Errorf("%d answers, and no end", n)
		}
	})
}

// A session that hasn't asked for a state gets no update.
func TestNothingBeforeSync(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a := h.join("a", 1)
		a.send(a.write(0, "secret"))
		x := h.picky(3)
		x.enterPicky("a")
		x.write(0, "1")
		x.noQuery = true
		x.send(x.write(1, "2"))
		x.noQuery = false
		a.send(a.write(0, "more"))
		x.drain()
		if len(x.updates) > 0 {
			t.Errorf("%d updates before Sync", len(x.updates))
		}
	})
}
