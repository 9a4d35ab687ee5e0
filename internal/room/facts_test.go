package room

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/inkwire/inkwire/crdt"
	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/store"
	"github.com/inkwire/inkwire/richtext"
)

// titled gives the client's document a title, and returns the update.
func (c *client) titled(title string) []byte {
	c.Helper()
	if err := richtext.SetTitle(c.doc, title); err != nil {
		c.Fatal(err)
	}
	return c.made[len(c.made)-1]
}

// isCalled checks the title in the log, and whether it is that of the last update.
func (h *house) isCalled(name, title string, current bool) {
	h.Helper()
	synctest.Wait()
	d := h.stored(name)
	if d.Facts.Title != title {
		h.Errorf("%q is called %q, want %q", name, d.Facts.Title, title)
	}
	if is := !d.Facts.At.Before(d.Edited.Revision); is != current {
		h.Errorf("the facts of %q are at %v, and the last edit at %v", name, d.Facts.At, d.Edited.Revision)
	}
}

// Rule: a title goes to the log with the edit that makes it, then at most every two
// seconds, and at the latest two seconds after it has changed.
func TestFacts(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a := h.join("a", 1)
		a.send(a.titled("One"))
		h.isCalled("a", "One", true)
		if h.log.appends != 1 {
			t.Errorf("%d appends", h.log.appends)
		}
		a.send(a.titled("Two"))
		a.send(a.titled("Three"))
		h.isCalled("a", "One", false)
		h.pass(factsEvery)
		h.isCalled("a", "Three", true)
		if h.log.appends != 4 {
			t.Errorf("%d appends, want 4", h.log.appends)
		}
		h.pass(time.Minute)
		// What doesn't change them costs no append of its own.
		a.send(a.write(0, "x"))
		a.send(a.write(0, "y"))
		h.pass(time.Minute)
		if h.log.appends != 6 {
			t.Errorf("%d appends, want 6", h.log.appends)
		}
		h.isCalled("a", "Three", false)
		// Until the room ends: the next one needn't look.
		a.session.Leave()
		h.pass(time.Minute)
		h.isCalled("a", "Three", true)
		appends := h.log.appends
		b := h.join("a", 2)
		h.pass(time.Minute)
		if h.log.appends != appends || b.session.room.content.doc != nil {
			t.Error("the facts were found out again")
		}
	})
}

// Rule: facts that the log lacks are found out beside the room, of a document that
// nobody has opened.
func TestFactsBehind(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		d := h.stored("a")
		c := h.client(1)
		row := store.Row{Revision: store.Revision{Epoch: 1, Seq: 1}, Time: time.Now(), Data: c.titled("Old")}
		other := row
		other.Data = h.client(2).write(0, "x")
		if err := h.log.Store.Append(t.Context(), []store.Entry{{Doc: d.ID, Name: "a", Rows: []store.Row{row}},
			{Doc: h.stored("b").ID, Name: "b", Rows: []store.Row{other}}}); err != nil {
			t.Fatal(err)
		}
		a, b := h.join("a", 3), h.join("b", 3)
		h.isCalled("a", "", false)
		h.pass(2 * factsEvery)
		h.isCalled("a", "Old", true)
		h.isCalled("b", "", true) // it holds no such text
		for _, c := range []*client{a, b} {
			if c.session.room.content.doc != nil || c.session.room.log.owned {
				t.Error("the room has opened the document, or owns it")
			}
		}
		// Somebody writes while they are found out.
		h.restart()
		for range cap(h.rooms.heavy) {
			h.rooms.heavy <- struct{}{}
		}
		row.Revision.Seq++
		row.Data = c.titled("Older")
		if err := h.log.Store.Append(t.Context(), []store.Entry{{Doc: d.ID, Name: "a", Rows: []store.Row{row}}}); err != nil {
			t.Fatal(err)
		}
		a = h.join("a", 4)
		h.pass(factsEvery + time.Second)
		a.send(a.titled("New"))
		for range cap(h.rooms.heavy) {
			<-h.rooms.heavy
		}
		h.pass(2 * factsEvery)
		h.isCalled("a", "New", true)
	})
}

// Facts that can't be stored hold nobody up.
func TestFactsWhileLogFails(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a := h.join("a", 1)
		a.send(a.titled("One"))
		a.send(a.titled("Two"))
		h.log.fail(errors.New("disk"), nil)
		h.pass(time.Minute)
		if err := h.rooms.Ready(); err != nil {
			t.Error("edits can't be saved:", err)
		}
		a.session.Leave()
		h.pass(time.Hour)
		if h.rooms.live["a"] != nil {
			t.Error("the room hasn't ended")
		}
		h.log.fail(nil, nil)
		h.isCalled("a", "One", false)
		h.join("a", 2)
		h.pass(time.Minute)
		h.isCalled("a", "Two", true)
		// With rows, they go along when it works again.
		b := h.join("a", 3)
		h.log.fail(errors.New("disk"), nil)
		b.send(b.titled("Three"))
		h.pass(time.Minute)
		h.log.fail(nil, nil)
		h.pass(time.Minute)
		h.isCalled("a", "Three", true)
	})
}

// Rule: a new title is an edit like any other: durable when Rename returns, and
// with everybody who is there.
func TestRename(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		who := access.Identity{Subject: "ann", Name: "Ann"}
		rename := func(title, label string) {
			t.Helper()
			err := h.rooms.Rename(t.Context(), "a", title, who)
			var refused *access.Refused
			if label == "" && err != nil || label != "" && (!errors.As(err, &refused) || refused.Label != label) {
				t.Fatalf("%v, want %q", err, label)
			}
		}
		rename("One", "unknown")
		if err := h.rooms.Create(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		rename("One", "")
		h.isCalled("a", "One", true)
		h.happens("a", "created, edited ann")
		a := h.join("a", 1)
		if got := richtext.Title(a.doc); got != "One" {
			t.Error(got)
		}
		rename("Two", "")
		a.take()
		if got := richtext.Title(a.doc); got != "Two" {
			t.Error(got)
		}
		h.isCalled("a", "Two", true)
		h.happens("a", "created, edited ann")
		d := h.stored("a")
		all, err := h.log.Sessions(t.Context(), d.ID)
		if err != nil || d.Edited.Session != all[len(all)-1].ID || all[len(all)-1].Name != "Ann" {
			t.Error(all, d.Edited, err)
		}
		revision := d.Revision
		rename("Two", "") // nothing new
		if h.stored("a").Revision != revision {
			t.Error("a row was added")
		}
		rename("\xff", "malformed")
		h.log.fail(errors.New("disk"), nil)
		a.send(a.write(0, "x"))
		rename("Three", "unsaved")
		h.log.fail(nil, nil)
		h.pass(time.Minute)
		h.rooms.cfg.MaxDocument = 10
		rename("Three", "too_large")
		h.rooms.cfg.MaxDocument = 1 << 20
		// What is written meanwhile is kept.
		a.post(a.write(0, "y"))
		rename("Four", "")
		a.send(a.write(0, "z"))
		if doc := h.loaded("a"); richtext.Title(doc) != "Four" || a.text() != "zyx" {
			t.Error(richtext.Title(doc), a.text())
		}
		if err := h.rooms.Delete(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		h.pass(time.Minute)
		rename("Five", "deleted")
	})
}

// loaded is the document as the log has it.
func (h *house) loaded(name string) *crdt.Doc {
	h.Helper()
	doc := crdt.New(crdt.Options{})
	if state := h.stored(name).Checkpoint; state != nil {
		if err := doc.LoadState(state); err != nil {
			h.Fatal(err)
		}
	}
	for _, row := range h.updates(name) {
		if err := doc.LoadState(row.Data); err != nil {
			h.Fatal(err)
		}
	}
	return doc
}
