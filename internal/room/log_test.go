package room

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/inkwire/inkwire/awareness"
	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/store/authors"
)

// Rule: a row names the session that submitted it, sessions their name when it
// is known; who wrote what is known from the session that a client id is bound
// to, else it is delivered; deletes belong to their submitter. Checkpoints keep
// it.
func TestWhoWroteWhat(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a, b := h.join("a", 1), h.join("a", 2)
		a.say(awareness.Entry{Client: 1, Clock: 1, State: []byte(`{"user":{"name":"Ada"}}`)})
		b.say(awareness.Entry{Client: 2, Clock: 1, State: []byte(`{"cursor":3}`)})
		a.send(a.write(0, "ada"))
		b.take()
		b.send(b.write(0, "bob"))
		a.take()
		c := h.client(3)
		b.send(c.write(0, "by nobody here"))
		a.take()
		text, _ := a.doc.Text("text")
		if err := text.Delete(0, 2); err != nil {
			t.Fatal(err)
		}
		a.send(a.made[len(a.made)-1])
		check := func(when string) {
			t.Helper()
			d := h.stored("a")
			m, err := authors.Of(d)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []struct {
				client uint64
				authors.Author
			}{{1, authors.Author{Session: a.session.id}}, {2, authors.Author{Session: b.session.id}}, {3, authors.Author{Session: b.session.id, Delivered: true}}} {
				if got, ok := m.Author(want.client, 0); !ok || got != want.Author {
					t.Errorf("%s: client %d is written by %v %v, want %v", when, want.client, got, ok, want.Author)
				}
			}
			deleted := 0
			for r := range m.Deleted() {
				deleted += int(r.To - r.From)
				if r.Session != a.session.id {
					t.Errorf("%s: %v", when, r)
				}
			}
			if deleted != 2 {
				t.Errorf("%s: %d are deleted", when, deleted)
			}
		}
		check("from rows")
		sessions, err := h.log.Sessions(t.Context(), h.stored("a").ID)
		if err != nil || len(sessions) != 2 {
			t.Fatal(sessions, err)
		}
		for _, s := range sessions {
			if want := map[int64]string{a.session.id: "Ada", b.session.id: ""}[s.ID]; s.Name != want || s.Start.IsZero() {
				t.Errorf("session %+v, its name is %q", s, want)
			}
		}
		a.send(a.write(0, strings.Repeat("x", minTailBytes+1)))
		if d := h.stored("a"); d.Authors == nil || len(d.Rows) > 0 {
			t.Fatalf("%d bytes of authors, %d rows", len(d.Authors), len(d.Rows))
		}
		check("from a checkpoint")
		h.restart()
		e := h.join("a", 5)
		e.send(e.write(0, strings.Repeat("y", minTailBytes+1)))
		check("after a restart and another checkpoint")
	})
}

// Rule: a deleted document's name refuses everyone until it is restored or
// created anew. A client with an old copy never revives it.
func TestDeleteAndRestore(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		var refused *access.Refused
		isRefused := func(err error, label string) {
			t.Helper()
			if !errors.As(err, &refused) || refused.Label != label {
				t.Fatalf("%v, want %s", err, label)
			}
		}
		isRefused(h.rooms.Delete(t.Context(), "a"), "unknown")
		a, b := h.join("a", 1), h.join("a", 2)
		a.send(a.write(0, "text"))
		b.take()
		if err := h.rooms.Delete(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		b.post(b.write(0, "more "))
		synctest.Wait()
		if a.ended == nil || a.ended.Label != "deleted" || a.ended.Yjs != 4403 || b.ended == nil || b.saved != 0 {
			t.Fatal(a.ended, b.ended, b.saved)
		}
		_, err := h.rooms.Join(t.Context(), h.admit("a"), h.client(3))
		isRefused(err, "deleted")
		h.restart()
		_, err = h.rooms.Join(t.Context(), h.admit("a"), h.client(3))
		isRefused(err, "deleted")
		if len(h.reports) > 0 {
			t.Fatal(h.reports)
		}
		if err := h.rooms.Restore(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		if got := h.join("a", 4).text(); got != "text" {
			t.Fatal(got)
		}
		isRefused(h.rooms.Create(t.Context(), "a"), "exists")
		if err := h.rooms.Delete(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		if err := h.rooms.Create(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		if got := h.join("a", 5).text(); got != "" {
			t.Fatal("a document created anew holds ", got)
		}
	})
}

// Who joins while the room of a deleted document ends is told so.
func TestJoinMeetsDelete(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a := h.join("a", 1)
		a.send(a.write(0, "text"))
		busy := make(chan struct{})
		a.session.room.post(func() { <-busy })
		a.session.room.post(func() { a.session.room.drop(access.Deleted.Because("")) }) // as Delete does
		joined := make(chan error, 1)
		go func() {
			_, err := h.rooms.Join(t.Context(), h.admit("a"), h.client(2))
			joined <- err
		}()
		synctest.Wait()
		close(busy)
		synctest.Wait()
		var refused *access.Refused
		if err := <-joined; !errors.As(err, &refused) {
			t.Fatal(err)
		}
	})
}

// An append that finds its document deleted, by another process or node, ends
// the room.
func TestDeletedMeanwhile(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a := h.join("a", 1)
		a.send(a.write(0, "text"))
		if err := h.log.Delete(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		a.send(a.write(0, "more"))
		if a.saved != 1 || a.ended == nil || a.ended.Label != "deleted" {
			t.Fatal(a.saved, a.ended)
		}
	})
}
