package room

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/inkwire/inkwire/crdt"
	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/store"
)

func TestEmptyDocument(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		c := h.client(1)
		c.enter("a")
		c.session.Sync(nil)
		synctest.Wait()
		if len(c.states) != 1 || !bytes.Equal(c.states[0], []byte{0, 0}) || len(c.queries) != 1 || !bytes.Equal(c.queries[0], []byte{0}) {
			t.Fatal(c.states, c.queries)
		}
		if d := h.stored("a"); d.Revision != (store.Revision{}) {
			t.Fatal("a visit created the document")
		}
	})
}

// What one writes, others get as it came, once, and the log holds it.
func TestBroadcastAndLog(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a, b := h.join("a", 1), h.join("a", 2)
		elsewhere := h.join("b", 3)
		unsynced := h.client(4)
		unsynced.enter("a")
		u := a.write(0, "ink")
		a.send(u)
		if len(b.updates) != 1 || !bytes.Equal(b.updates[0], u) {
			t.Fatal("the other got ", b.updates)
		}
		if len(a.updates)+len(elsewhere.updates)+len(unsynced.updates) > 0 {
			t.Fatal("whom it doesn't concern got it too")
		}
		a.send(u) // again
		b.send(u) // from another
		if len(b.updates) != 1 || len(a.updates) != 0 {
			t.Fatal("what brought nothing new was broadcast")
		}
		if b.text() != "ink" {
			t.Fatal(b.text())
		}
		b.send(b.write(3, "wire"))
		if a.text() != "inkwire" {
			t.Fatal(a.text())
		}
		d := h.stored("a")
		if len(d.Rows) != 2 || d.Revision != (store.Revision{Epoch: 1, Seq: 2}) || !bytes.Equal(d.Rows[0].Data, u) ||
			d.Rows[0].Session != a.session.id || d.Rows[1].Session != b.session.id {
			t.Fatal(d.Rows)
		}
	})
}

func TestReload(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		for i := range 5 {
			c := h.join("a", uint64(i+1))
			if want := "ABCDE"[:i]; c.text() != want {
				t.Fatalf("round %d: %q, want %q", i, c.text(), want)
			}
			c.send(c.write(i, "ABCDE"[i:i+1]))
			h.restart()
		}
		if r := h.stored("a").Revision; r != (store.Revision{Epoch: 5, Seq: 1}) {
			t.Fatal(r)
		}
	})
}

// Who only reads answers the room's query all the same, with nothing new and
// the whole delete set; that costs no integration. Anything new does.
func TestReadingIntegratesNothing(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a := h.join("a", 1)
		a.send(a.write(0, "some text"))
		text, err := a.doc.Text("text")
		if err != nil {
			t.Fatal(err)
		}
		if err := text.Delete(0, 5); err != nil {
			t.Fatal(err)
		}
		a.send(a.made[len(a.made)-1])
		first := a.doc.EncodeStateAsUpdate(nil)
		h.restart()

		b := h.join("a", 2)
		content := &h.rooms.live["a"].content
		if b.text() != "text" {
			t.Fatal(b.text())
		}
		b.send(b.doc.EncodeStateAsUpdate(a.doc.StateVector())) // only the delete set
		b.send(b.doc.EncodeStateAsUpdate(nil))
		b.send([]byte{0, 0})
		b.send(first)
		b.send([]byte{0, 1, 1, 1, 2, 1}) // a part of the delete set
		if content.doc != nil {
			t.Fatal("reading integrated the document")
		}
		if h.stored("a").Revision.Seq != 2 {
			t.Fatal(h.stored("a").Revision)
		}
		b.send([]byte{0, 1, 1, 1, 4, 2}) // deletes one more: clocks 4 and 5 of client 1
		if content.doc == nil || h.stored("a").Revision != (store.Revision{Epoch: 2, Seq: 1}) {
			t.Fatal("a new delete was dropped: ", h.stored("a").Revision)
		}
		if got := h.join("a", 3).text(); got != "ext" {
			t.Fatal(got)
		}
	})
}

// Who has a part gets the difference, and is asked for what the room lacks.
func TestDifference(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a, b := h.join("a", 1), h.join("a", 2)
		a.send(a.write(0, "long text that b has already"))
		b.take()
		b.session.Leave()
		a.send(a.write(0, "new "))
		offline := b.write(0, "offline ")

		b = &client{house: h, doc: b.doc, made: b.made}
		b.enter("a")
		b.session.Sync(b.doc.StateVector())
		synctest.Wait()
		if len(b.states) != 1 || len(b.states[0]) > 25 {
			t.Fatalf("the difference has %d bytes", len(b.states[0]))
		}
		lacks, err := crdt.DecodeStateVector(b.queries[0])
		if err != nil || len(lacks) != 1 {
			t.Fatal(lacks, err)
		}
		b.take()
		b.send(offline)
		if a.text() != b.text() || !strings.Contains(a.text(), "new ") || !strings.Contains(a.text(), "offline ") {
			t.Fatal(a.text(), b.text())
		}
	})
}

// A bad update ends its sender's session and harms nobody else.
func TestBadUpdate(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a, b := h.join("a", 1), h.join("a", 2)
		a.send(a.write(0, "good"))
		var refused *access.Refused
		for _, u := range [][]byte{nil, {0}, {1, 1, 1, 0, 4, 1}, []byte("rubbish")} {
			if _, err := a.session.ReadUpdate(u); !errors.As(err, &refused) || refused.Yjs != 4400 {
				t.Fatalf("%x: %v", u, err)
			}
		}
		a.send(a.write(4, " text"))
		if b.text() != "good text" {
			t.Fatal(b.text())
		}
	})
}

// What needs updates that haven't come is not stored, not broadcast, and not in
// a state; its sender is asked for the rest.
func TestPending(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a, b := h.join("a", 1), h.join("a", 2)
		first, second := a.write(0, "1"), a.write(1, "2")
		a.send(second)
		if len(b.updates) != 0 || len(a.queries) != 1 {
			t.Fatalf("%d updates, %d queries", len(b.updates), len(a.queries))
		}
		a.send(second)
		if len(a.queries) != 1 {
			t.Fatal("it was asked again")
		}
		if h.join("a", 3).text() != "" || h.stored("a").Rows != nil {
			t.Fatal("what is pending got out")
		}
		a.send(first)
		if b.text() != "12" || h.join("a", 3).text() != "12" {
			t.Fatal(b.text())
		}
		h.restart()
		if got := h.join("a", 3).text(); got != "12" {
			t.Fatal(got)
		}
	})
}

// When its sender leaves, what is pending is forgotten, and the others are asked
// again.
func TestPendingSenderLeaves(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a, b, c := h.join("a", 1), h.join("a", 2), h.join("a", 3)
		a.write(0, "1")
		a.send(a.write(1, "2"))
		first, second := b.write(0, "3"), b.write(1, "4")
		b.send(second)
		if len(b.queries) != 1 {
			t.Fatal(len(b.queries))
		}
		a.session.Leave()
		synctest.Wait()
		if len(b.queries) != 2 {
			t.Fatal("the other wasn't asked again")
		}
		b.send(first)
		b.send(second)
		if c.text() != "34" {
			t.Fatal(c.text())
		}
	})
}

// Who joins during the load waits for it, and there is only one.
func TestLoadingIsAState(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.join("a", 1).send(h.client(9).write(0, "text"))
		h.restart()
		h.log.hold = make(chan struct{})
		h.log.loads = 0
		var clients []*client
		joined := make(chan error, 5)
		for i := range 5 {
			c := h.client(uint64(i + 10))
			clients = append(clients, c)
			go func() {
				s, err := h.rooms.Join(h.Context(), h.admit("a"), c)
				c.session = s
				if err == nil {
					s.Sync(nil)
				}
				joined <- err
			}()
		}
		synctest.Wait()
		if len(joined) > 0 {
			t.Fatal("somebody was answered before the load ended")
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := h.rooms.Join(ctx, h.admit("a"), h.client(20)); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		close(h.log.hold)
		synctest.Wait()
		for _, c := range clients {
			if err := <-joined; err != nil {
				t.Fatal(err)
			}
			if c.text() != "text" {
				t.Fatal(c.text())
			}
		}
		if h.log.loads != 1 {
			t.Fatalf("%d loads", h.log.loads)
		}
	})
}

// A failed load refuses everyone who waits, stores nothing, and is tried again
// by the next.
func TestFailedLoad(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.join("a", 1).send(h.client(9).write(0, "text"))
		h.restart()
		h.log.fail(nil, store.ErrCorrupt)
		var refused *access.Refused
		if _, err := h.rooms.Join(t.Context(), h.admit("a"), h.client(1)); !errors.As(err, &refused) || refused.Yjs != 1011 {
			t.Fatal(err)
		}
		if len(h.reports) != 1 || !errors.Is(h.reports[0], store.ErrCorrupt) {
			t.Fatal(h.reports)
		}
		h.log.fail(nil, nil)
		if got := h.join("a", 2).text(); got != "text" {
			t.Fatal(got)
		}
	})
}

// Close saves what can be saved, and names what can't.
func TestCloseWithFailingLog(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a, b := h.join("a", 1), h.join("b", 2)
		h.log.fail(errors.New("the disk is full"), nil)
		a.send(a.write(0, "lost"))
		b.take()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		err := h.rooms.Close(ctx)
		if err == nil || err.Error() != `document "a": 1 updates are not saved: context canceled` {
			t.Fatal(err)
		}
		if b.ended == nil || b.ended.Yjs != 1001 {
			t.Fatal(b.ended)
		}
		h.log.fail(nil, nil)
		h.rooms = New(h.rooms.cfg)
	})
}

// Appends wait for each other, and one takes all rows that gathered: the writer
// never waits.
func TestRowsGather(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a := h.join("a", 1)
		h.log.hold = make(chan struct{})
		const n = 100
		for i := range n {
			a.send(a.write(i, "x"))
		}
		if h.log.appends != 0 {
			t.Fatal(h.log.appends)
		}
		close(h.log.hold)
		synctest.Wait()
		if h.log.appends != 2 {
			t.Fatalf("%d appends", h.log.appends)
		}
		if r := h.stored("a").Revision; r.Seq != n {
			t.Fatal(r)
		}
	})
}

// A writer faster than the log waits for it, and loses nothing.
func TestFastWriterWaits(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.rooms.cfg.MaxUnsaved = 10_000
		a, b := h.join("a", 1), h.join("a", 2)
		h.log.hold = make(chan struct{})
		const n = 50
		done := 0
		go func() {
			for range n {
				a.post(a.write(0, strings.Repeat("x", 1000)))
				done++
			}
		}()
		synctest.Wait()
		if done < 5 || done > 10 {
			t.Fatalf("%d updates of 1000 bytes are on their way, 10000 bytes are allowed", done)
		}
		b.text() // readers don't wait
		close(h.log.hold)
		h.pass(pace)
		if done != n || h.stored("a").Revision.Seq != n || len(b.text()) != n*1000 || a.ended != nil {
			t.Fatal(done, h.stored("a").Revision, len(b.text()))
		}
		if h.rooms.live["a"].quota.used != 0 {
			t.Fatal("the quota isn't empty")
		}
		a.send(a.write(0, strings.Repeat("y", 20_000))) // larger than the bound
		if h.stored("a").Revision.Seq != n+1 {
			t.Fatal("a large update didn't pass")
		}
	})
}

// When the server goes, or the disk turns out to be broken, nobody waits for it.
func TestWaitingEnds(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.rooms.cfg.MaxUnsaved = 100
		h.log.hold = nil
		a, b := h.join("a", 1), h.client(2)
		ctx, cancel := context.WithCancel(t.Context())
		s, err := h.rooms.Join(ctx, h.admit("a"), b)
		if err != nil {
			t.Fatal(err)
		}
		b.session = s
		h.log.hold = make(chan struct{})
		a.send(a.write(0, strings.Repeat("x", 1000)))
		returned := 0
		for _, c := range []*client{a, b} {
			go func() {
				c.post(c.write(0, "more"))
				returned++
			}()
			synctest.Wait()
		}
		if returned != 0 {
			t.Fatal("they didn't wait")
		}
		cancel()
		synctest.Wait()
		if returned != 1 {
			t.Fatal("b still waits for the log")
		}
		h.log.fail(errors.New("the disk is broken"), nil)
		close(h.log.hold)
		synctest.Wait()
		if returned != 2 || len(a.unsaved) != 1 {
			t.Fatal("a still waits for the log: ", a.unsaved)
		}
		h.log.fail(nil, nil)
	})
}

// Another owner of the document, as of a second node, ends the room.
func TestFenced(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a := h.join("a", 1)
		a.send(a.write(0, "mine"))
		d := h.stored("a")
		other := store.Row{Revision: store.Revision{Epoch: d.Revision.Epoch + 1, Seq: 1}, Time: time.Now(), Data: h.client(7).write(0, "other ")}
		if err := h.log.Store.Append(t.Context(), []store.Entry{{Doc: d.ID, Name: "a", Rows: []store.Row{other}}}); err != nil {
			t.Fatal(err)
		}
		a.send(a.write(4, "!"))
		if a.ended == nil || a.ended.Yjs != 1013 {
			t.Fatal(a.ended)
		}
		again := h.join("a", 1) // loads the other's state
		if got := again.text(); !strings.Contains(got, "other ") || strings.Contains(got, "!") {
			t.Fatal(got)
		}
		if err := h.rooms.Close(t.Context()); !errors.Is(err, store.ErrFenced) {
			t.Fatal(err)
		}
		h.rooms = New(h.rooms.cfg)
	})
}

// A room outlives its last session for a while, and then ends.
func TestGrace(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		live := func() int {
			synctest.Wait()
			h.rooms.mu.Lock()
			defer h.rooms.mu.Unlock()
			return len(h.rooms.live)
		}
		a := h.join("a", 1)
		a.send(a.write(0, "x"))
		a.session.Leave()
		h.pass(20 * time.Second)
		b := h.join("a", 2)
		h.pass(time.Minute)
		if live() != 1 || h.log.loads != 1 {
			t.Fatal("the room ended under its session")
		}
		b.session.Leave()
		h.pass(29 * time.Second)
		if live() != 1 {
			t.Fatal("the room ended before its time")
		}
		h.pass(2 * time.Second)
		if live() != 0 {
			t.Fatal("the room lives on")
		}
		if h.join("a", 3).text() != "x" || h.log.loads != 2 {
			t.Fatal(h.log.loads)
		}
	})
}

// A room with unsaved rows doesn't end before they are saved.
func TestGraceWaitsForLog(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a := h.join("a", 1)
		h.log.fail(errors.New("the disk is full"), nil)
		a.send(a.write(0, "x"))
		a.session.Leave()
		h.pass(time.Hour)
		h.log.fail(nil, nil)
		h.pass(2 * time.Second)
		if h.stored("a").Revision.Seq != 1 || len(h.rooms.live) != 0 {
			t.Fatal(h.stored("a").Revision, len(h.rooms.live))
		}
	})
}

// A long tail becomes a base, and a checkpoint when much has come since the
// last; the document reads the same from either.
func TestCheckpoint(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a := h.join("a", 1)
		want := ""
		for i := range 300 {
			s := fmt.Sprintf("%04d ", i) + strings.Repeat("x", 500)
			a.send(a.write(len(want), s))
			want += s
		}
		d := h.stored("a")
		if d.Checkpoint == nil || len(d.Rows) > maxTail || d.Revision.Seq != 300 {
			t.Fatalf("checkpoint of %d bytes, %d rows, revision %v", len(d.Checkpoint), len(d.Rows), d.Revision)
		}
		if got := h.join("a", 2).text(); got != want {
			t.Fatal("a newcomer reads something else")
		}
		h.restart()
		if got := h.join("a", 3).text(); got != want {
			t.Fatal("it loads as something else")
		}
	})
}

// Everybody who joins at the same state gets the same bytes, encoded once.
func TestStateIsShared(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a := h.join("a", 1)
		a.send(a.write(0, "1"))
		a.send(a.write(1, "2"))
		b, c := h.client(2), h.client(3)
		for _, x := range []*client{b, c} {
			x.enter("a")
			x.session.Sync(nil)
		}
		synctest.Wait()
		if &b.states[0][0] != &c.states[0][0] {
			t.Fatal("the state was encoded twice")
		}
	})
}

// A panic ends its room alone, with what was saved, and the document can be
// opened again.
func TestPanic(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a, b, elsewhere := h.join("a", 1), h.join("a", 2), h.join("b", 3)
		a.send(a.write(0, "saved"))
		b.faulty = true
		a.send(a.write(5, " or not"))
		if a.ended == nil || a.ended.Yjs != 1011 || b.ended == nil || elsewhere.ended != nil {
			t.Fatal(a.ended, b.ended, elsewhere.ended)
		}
		if len(h.reports) != 1 || !strings.Contains(h.reports[0].Error(), "a fault in a receiver") {
			t.Fatal(h.reports)
		}
		again := h.client(1)
		again.doc = a.doc
		again.enter("a")
		again.session.Sync(again.doc.StateVector())
		again.send(again.doc.EncodeStateAsUpdate(nil))
		if got := h.join("a", 4).text(); got != "saved or not" || again.ended != nil {
			t.Fatal(got)
		}
	})
}

func TestRefusedName(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		var refused *access.Refused
		if _, err := h.rooms.Join(t.Context(), h.admit("a/../b"), h.client(1)); !errors.As(err, &refused) {
			t.Fatal(err)
		}
	})
}

// After Close nobody gets in.
func TestJoinAfterClose(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		if err := h.rooms.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		var refused *access.Refused
		if _, err := h.rooms.Join(t.Context(), h.admit("a"), h.client(1)); !errors.As(err, &refused) || refused.Yjs != 1001 {
			t.Fatal(err)
		}
	})
}
