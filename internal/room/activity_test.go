package room

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/inkwire/inkwire/internal/store"
)

// isNamed has a client say who it is.
func (c *client) isNamed(id, name string) {
	c.Helper()
	c.clock++
	state, _ := json.Marshal(map[string]any{"user": map[string]any{"id": id, "name": name, "color": "#0B6BCB"}})
	c.say(is(c.doc.ClientID(), c.clock, string(state)))
}

// happenedIn is the activity in a document's log: "type person", joined by commas.
func (h *house) happenedIn(name string) string {
	h.Helper()
	synctest.Wait()
	var all []string
	d := h.stored(name)
	rows, err := h.log.Store.Rows(h.Context(), d.ID, store.Revision{}, 0)
	if err != nil {
		h.Fatal(err)
	}
	for _, row := range rows {
		if row.Kind != store.KindActivity {
			continue
		}
		a, err := ReadActivity(&row)
		if err != nil {
			h.Fatal(err)
		}
		all = append(all, strings.TrimSpace(a.Type+" "+a.Person))
	}
	return strings.Join(all, ", ")
}

func (h *house) happens(name, want string) {
	h.Helper()
	if got := h.happenedIn(name); got != want {
		h.Fatalf("in %q happened %q, want %q", name, got, want)
	}
}

// areHere checks who is in a live document, and who is by the log.
func (h *house) areHere(name, live, logged string) {
	h.Helper()
	synctest.Wait()
	var keys []string
	for _, p := range h.rooms.Here([]string{name, "no such document"})[name] {
		keys = append(keys, p.Key)
	}
	if got := strings.Join(keys, " "); got != live {
		h.Errorf("%q are in %q, want %q", got, name, live)
	}
	keys = nil
	for _, p := range h.stored(name).Here {
		keys = append(keys, p.Key)
	}
	if got := strings.Join(keys, " "); got != logged {
		h.Errorf("%q are in %q by the log, want %q", got, name, logged)
	}
}

// Rule: somebody joins when they are first named, edits at most once in five
// minutes, and leaves when they have had no session for a while.
func TestActivity(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		if err := h.rooms.Create(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		a, tab, b := h.join("a", 1), h.join("a", 2), h.join("a", 3)
		h.happens("a", "created")
		a.isNamed("ann", "Ann")
		h.happens("a", "created, joined ann")
		tab.isNamed("ann", "Ann")
		b.isNamed("bob", "Bob") // who only reads
		h.happens("a", "created, joined ann, joined bob")
		h.areHere("a", "ann bob", "ann bob")
		a.send(a.write(0, "x"))
		a.send(a.write(0, "y"))
		tab.take()
		tab.send(tab.write(0, "z"))
		h.happens("a", "created, joined ann, joined bob, edited ann")
		h.pass(editedEvery)
		a.take()
		a.send(a.write(0, "y"))
		h.happens("a", "created, joined ann, joined bob, edited ann, edited ann")
		// One face until the last tab is closed, and then for a while.
		a.session.Leave()
		h.pass(time.Minute)
		tab.session.Leave()
		h.areHere("a", "bob", "ann bob")
		h.pass(leftAfter - time.Second)
		h.happens("a", "created, joined ann, joined bob, edited ann, edited ann")
		again := h.join("a", 4)
		again.isNamed("ann", "Ann")
		h.pass(time.Minute)
		h.happens("a", "created, joined ann, joined bob, edited ann, edited ann")
		again.session.Leave()
		h.pass(leftAfter + time.Second)
		h.happens("a", "created, joined ann, joined bob, edited ann, edited ann, left ann")
		h.areHere("a", "bob", "bob")
		b.session.Leave()
		h.pass(time.Minute)
		h.happens("a", "created, joined ann, joined bob, edited ann, edited ann, left ann, left bob")
		h.areHere("a", "", "")
	})
}

// What a row of activity holds, beside what its session does.
func TestActivityRows(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a := h.join("a", 1)
		a.isNamed("ann", "  Ann\n\u202e  Smith ")
		a.send(a.write(0, "x"))
		d := h.stored("a")
		if len(d.Rows) != 3 {
			t.Fatal(d.Rows)
		}
		for i, kind := range []store.RowKind{store.KindActivity, store.KindUpdate, store.KindActivity} {
			if row := d.Rows[i]; row.Kind != kind || row.Session != a.session.id || row.Revision != (store.Revision{Epoch: 1, Seq: uint64(i + 1)}) {
				t.Errorf("row %d: %+v", i, row)
			}
		}
		if got, want := string(d.Rows[0].Data), `{"type":"joined","person":"ann","name":"Ann Smith","color":"#0b6bcb"}`; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if d.Edited.Revision.Seq != 2 {
			t.Errorf("edited at %v", d.Edited.Revision)
		}
		if all, err := h.log.Sessions(t.Context(), d.ID); err != nil || len(all) != 1 || all[0].Name != "Ann Smith" {
			t.Error(all, err)
		}
		if h.log.appends != 1 {
			t.Errorf("%d appends: the edit and its activity are one", h.log.appends)
		}
	})
}

// Rule: a document that nobody has written in stores nothing; what happened there
// is stored with the first update.
func TestActivityBeforeTheDocument(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a, b := h.join("a", 1), h.join("a", 2)
		a.isNamed("ann", "Ann")
		b.isNamed("bob", "Bob")
		b.session.Leave()
		h.pass(time.Minute)
		h.areHere("a", "ann", "")
		if d := h.stored("a"); d.Revision != (store.Revision{}) || h.log.appends != 0 {
			t.Fatal("a visit created the document")
		}
		a.send(a.write(0, "x"))
		h.happens("a", "joined ann, joined bob, left bob, edited ann")
		h.areHere("a", "ann", "ann")
		// Who visits a name without writing leaves no trace there.
		c := h.join("b", 3)
		c.isNamed("cleo", "Cleo")
		c.session.Leave()
		h.pass(time.Hour)
		if d := h.stored("b"); d.Revision != (store.Revision{}) {
			t.Fatal("a visit created the document")
		}
	})
}

// Rule: a restart of the server neither joins nor leaves those who are back soon.
func TestActivityAcrossRestart(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		for id, name := range []string{"ann", "bob", "cleo"} {
			c := h.join("a", uint64(id+1))
			c.isNamed(name, name)
			if id == 0 {
				c.send(c.write(0, "x"))
			}
		}
		const before = "joined ann, edited ann, joined bob, joined cleo"
		h.happens("a", before)
		h.restart()
		h.areHere("a", "", "ann bob cleo")
		h.pass(10 * time.Second)
		a := h.join("a", 4)
		a.isNamed("ann", "ann")
		a.send(a.write(0, "y")) // it was told that she edits
		h.pass(10 * time.Second)
		b := h.join("a", 5)
		b.isNamed("bob", "bob")
		h.happens("a", before)
		h.pass(backWithin)
		h.happens("a", before+", left cleo")
		h.areHere("a", "ann bob", "ann bob")
		// Nobody comes back for long: they left when the server ended, and that is
		// told when somebody looks.
		h.pass(time.Minute)
		h.restart()
		stopped := time.Now()
		h.pass(time.Hour)
		h.join("a", 6)
		h.happens("a", before+", left cleo, left ann, left bob")
		rows := h.stored("a").Rows
		if at := rows[len(rows)-1].Time; at.Sub(stopped).Abs() > time.Second {
			t.Errorf("they left at %v, want %v", at, stopped)
		}
		h.areHere("a", "", "")
	})
}

// A room that ends leaves nobody there.
func TestActivityBeforeTheRoomEnds(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.rooms.cfg.Grace = time.Second
		a := h.join("a", 1)
		a.isNamed("ann", "Ann")
		a.send(a.write(0, "x"))
		a.session.Leave()
		h.pass(5 * time.Second)
		if h.rooms.live["a"] != nil {
			t.Fatal("the room hasn't ended")
		}
		h.happens("a", "joined ann, edited ann, left ann")
		h.areHere("a", "", "")
	})
}

// Rule: who types their name without an id doesn't join at each letter.
func TestActivityWhileTypingAName(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a := h.join("a", 1)
		a.send(a.write(0, "x"))
		for _, name := range []string{"A", "An", "Ann", "Anna"} {
			a.isNamed("", name)
			h.pass(time.Second)
		}
		h.areHere("a", "Anna", "A")
		h.happens("a", "joined A")
		h.pass(time.Minute)
		h.happens("a", "joined A, left A, joined Anna")
		h.areHere("a", "Anna", "Anna")
		// With an id, another name is the same person's.
		a.isNamed("ann", "Anna")
		h.pass(time.Minute)
		before := h.happenedIn("a")
		a.isNamed("ann", "Anne")
		h.pass(time.Minute)
		h.happens("a", before)
		if here := h.rooms.Here([]string{"a"})["a"]; len(here) != 1 || here[0].Name != "Anne" {
			t.Error(here)
		}
	})
}

// Rule: a subject is who a token says, whatever the state says.
func TestActivityOfSubjects(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		b := newClub()
		w := b.join(h, "writer", "a", 1)
		w.send(w.write(0, "x")) // without any presence
		h.happens("a", "edited w")
		h.areHere("a", "", "")
		w.say(is(1, 1, `{"user":{"name":"Somebody","id":"o","color":"red"}}`))
		r := b.join(h, "reader", "a", 2)
		r.say(is(2, 1, `{}`))
		h.happens("a", "edited w, joined w, joined r")
		for _, p := range h.rooms.Here([]string{"a"})["a"] {
			if p.Name != "Name of "+p.Key || p.Color != "" {
				t.Error(p)
			}
		}
	})
}

// Rule: what others say of themselves is bounded, and nobody is who has no name.
func TestUser(t *testing.T) {
	long := strings.Repeat("ä", 3000)
	for _, tt := range []struct {
		state string
		want  user
	}{
		{`{"user":{"name":"Ann","id":"i","color":"#AbCdEf"}}`, user{"i", "Ann", "#abcdef"}},
		{`{"user":{"name":" A\n\tB ","color":"abcdef"}}`, user{"", "A B", ""}},
		{`{"user":{"name":"A","color":"#12345g"}}`, user{"", "A", ""}},
		{`{"user":{"name":"A","color":"#1234567"}}`, user{"", "A", ""}},
		{`{"user":{"name":"` + long + `","id":"` + long + `"}}`, user{"", strings.Repeat("ä", maxUserText/2), ""}},
		{`{"user":{"name":"x\u202Ey\ud800"}}`, user{"", "xy\uFFFD", ""}},
		{`{"user":{"name":7,"id":{},"color":[]}}`, user{}},
		{`{"user":"Ann"}`, user{}},
		{`{"name":"Ann"}`, user{}},
		{`null`, user{}},
		{`"`, user{}},
		{``, user{}},
	} {
		if got := userIn([]byte(tt.state)); got != tt.want {
			t.Errorf("%.80s: %+v, want %+v", tt.state, got, tt.want)
		}
	}
}

// Rule: while the disk fails, readers' activity takes no room from edits and ends
// nobody's session; it is stored once the disk works again.
func TestActivityWhileLogFails(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a := h.join("a", 1)
		a.isNamed("ann", "Ann")
		a.send(a.write(0, "x"))
		h.log.fail(errors.New("disk"), nil)
		r := h.join("a", 2)
		r.isNamed("bob", "Bob") // its row fails
		h.pass(time.Second)
		if len(r.unsaved) > 0 {
			t.Error("one who only reads is told that its edits aren't saved")
		}
		for i := range 3 * maxHappenings { // many come and go
			c := h.client(uint64(100 + i))
			c.enter("a")
			c.isNamed("", fmt.Sprint("guest ", i))
			c.session.Leave()
		}
		h.pass(time.Minute)
		rm := h.rooms.live["a"]
		rm.call(func() {
			if n := len(rm.log.unsaved); n > 10 {
				t.Errorf("%d rows are unsaved", n)
			}
			if n := len(rm.happenings.waiting); n != maxHappenings {
				t.Errorf("%d activities wait", n)
			}
		})
		h.log.fail(nil, nil)
		h.pass(time.Minute)
		h.areHere("a", "ann bob", "ann bob")
		if got := h.happenedIn("a"); strings.Count(got, ",") != 3+maxHappenings-1 {
			t.Errorf("%d activities are stored", 1+strings.Count(got, ","))
		}
		if a.ended != nil || r.ended != nil {
			t.Error(a.ended, r.ended)
		}
	})
}

// A damaged document takes no activity either, and still knows who is there.
func TestActivityInDamagedDocument(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a := h.join("a", 1)
		a.send(a.write(0, "x"))
		h.restart()
		h.log.damage = &store.RowError{}
		b := h.join("a", 2)
		appends := h.log.appends
		b.isNamed("bob", "Bob")
		h.areHere("a", "bob", "")
		b.session.Leave()
		h.pass(time.Hour)
		if h.log.appends != appends {
			t.Error("something was appended")
		}
	})
}

// Rule: who asks is told what happens, once it is saved, and nobody else.
func TestWatchActivity(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a, b := h.join("a", 1), h.join("a", 2)
		var told []Activity
		a.session.WatchActivity(func(s *Shared) {
			var some []Activity
			if err := json.Unmarshal(s.Bytes, &some); err != nil {
				t.Error(err)
			}
			told = append(told, some...)
		})
		tells := func(want ...string) {
			t.Helper()
			h.pass(time.Second)
			var got []string
			for _, a := range told {
				got = append(got, a.Revision+" "+a.Type+" "+a.Name)
				if a.At.Location() != time.UTC || time.Since(a.At) > time.Minute {
					t.Errorf("at %v", a.At)
				}
			}
			if told = nil; !slices.Equal(got, want) {
				t.Fatalf("told %q, want %q", got, want)
			}
		}
		b.isNamed("bob", "Bob")
		tells() // nothing is stored yet
		h.log.mu.Lock()
		hold := make(chan struct{})
		h.log.hold = hold
		h.log.mu.Unlock()
		b.send(b.write(0, "x"))
		tells() // nor saved
		h.log.mu.Lock()
		h.log.hold = nil
		h.log.mu.Unlock()
		close(hold)
		tells("1.1 joined Bob", "1.3 edited Bob")
		a.isNamed("ann", "Ann")
		tells("1.4 joined Ann")
		a.session.WatchActivity(nil)
		c := h.join("a", 3)
		c.isNamed("cleo", "Cleo")
		tells()
	})
}

// A document that many read for long is still loaded quickly.
func TestCheckpointOfActivity(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a := h.join("a", 1)
		a.send(a.write(0, "x"))
		for i := range 1000 {
			c := h.client(uint64(100 + i))
			c.enter("a")
			c.isNamed("", fmt.Sprint("guest ", i))
			c.session.Leave()
		}
		h.pass(time.Minute)
		d := h.stored("a")
		if size := len(d.Rows); d.Checkpoint == nil || size > 1000 {
			t.Errorf("%d rows after the checkpoint", size)
		}
		h.restart()
		if got := h.join("a", 2).text(); got != "x" {
			t.Error(got)
		}
	})
}

// Rule: states are made once for who joins at the same time, though each of them
// is news to the log.
func TestActivityMakesNoStates(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a := h.join("a", 1)
		a.send(a.write(0, "x"))
		a.send(a.write(0, "y"))
		for range cap(h.rooms.cutters) {
			h.rooms.cutters <- struct{}{}
		}
		var joining []*client
		for id := range 3 {
			c := h.client(uint64(id + 2))
			c.enter("a")
			c.session.Sync(nil)
			c.isNamed("", fmt.Sprint("guest ", id))
			joining = append(joining, c)
		}
		for range cap(h.rooms.cutters) {
			<-h.rooms.cutters
		}
		synctest.Wait()
		made := map[*byte]bool{}
		for _, c := range joining {
			made[&c.states[0][0]] = true
		}
		if len(made) != 1 {
			t.Errorf("%d states were made", len(made))
		}
	})
}
