package room

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/inkwire/inkwire/crdt"
	"github.com/inkwire/inkwire/internal/store"
	"github.com/inkwire/inkwire/lib0"
)

// Rule: an acknowledgement waits for the room's whole log up to the moment its
// message was integrated, also when the message brought nothing new.
func TestAcknowledgementWaitsForWholeLog(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a, b, c := h.join("a", 1), h.join("a", 2), h.join("a", 3)
		h.log.hold = make(chan struct{})
		u := a.write(0, "text")
		a.send(u)
		b.send(u)            // a duplicate
		c.send([]byte{0, 0}) // nothing
		if a.saved+b.saved+c.saved != 0 {
			t.Fatal("acknowledged before the log has it: ", a.saved, b.saved, c.saved)
		}
		close(h.log.hold)
		synctest.Wait()
		if a.saved != 1 || b.saved != 1 || c.saved != 1 {
			t.Fatal(a.saved, b.saved, c.saved)
		}
		b.send(u)
		if b.saved != 2 || h.log.appends != 1 {
			t.Fatalf("a duplicate of what is stored: %d acknowledged, %d appends", b.saved, h.log.appends)
		}
	})
}

// Rule: the acknowledgement of a pending update stays owed until it is
// integrated and durable; its session is asked for what is missing at once.
func TestPendingIsOwed(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a, b := h.join("a", 1), h.join("a", 2)
		first, second := a.write(0, "1"), a.write(1, "2")
		a.send(second)
		if a.saved != 0 || len(a.queries) != 1 {
			t.Fatal(a.saved, len(a.queries))
		}
		b.send(b.write(0, "b")) // others aren't concerned
		if b.saved != 1 {
			t.Fatal("who sent nothing that waits is kept waiting")
		}
		h.log.hold = make(chan struct{})
		a.send(first)
		if a.saved != 0 {
			t.Fatal("acknowledged before the log has it")
		}
		close(h.log.hold)
		synctest.Wait()
		if a.saved != 2 {
			t.Fatal(a.saved)
		}
	})
}

// A deletion of what hasn't come is pending as well.
func TestPendingDeletesAreOwed(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a := h.join("a", 1)
		insert := a.write(0, "text")
		text, _ := a.doc.Text("text")
		if err := text.Delete(0, 2); err != nil {
			t.Fatal(err)
		}
		a.send(a.made[1])
		if a.saved != 0 {
			t.Fatal("a deletion without its text was acknowledged")
		}
		a.send(insert)
		if a.saved != 2 || h.join("a", 3).text() != "xt" {
			t.Fatal(a.saved)
		}
	})
}

// Rule: unsaved rows stay queued in order, at most MaxUnsaved bytes of them;
// beyond that edits are refused before integration. Readers go on. When the disk
// works again, each session whose edits were refused is asked, and what is owed
// is paid once the answer is durable.
func TestFailingLog(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.rooms.cfg.MaxUnsaved = 1200
		a, b, reader := h.join("a", 1), h.join("a", 2), h.join("a", 3)
		a.send(a.write(0, "1"))
		b.take()
		disk := errors.New("the disk is full")
		h.log.fail(disk, nil)
		a.send(a.write(1, "2"))
		a.send(a.write(2, "3"))
		if len(a.unsaved) != 1 || !a.unsaved[0] {
			t.Fatal("the writer was told ", a.unsaved)
		}
		if reader.unsaved != nil || b.unsaved != nil || h.rooms.Ready() == nil {
			t.Fatal("who didn't write was told, or the rooms are ready")
		}
		if got := reader.text(); got != "123" || a.saved != 1 {
			t.Fatalf("the reader has %q, %d are acknowledged", got, a.saved)
		}
		a.send(a.write(3, strings.Repeat("x", 1000)))
		b.take()
		long := b.write(0, strings.Repeat("0", 200))
		b.send(long)
		text, _ := b.doc.Text("text")
		if err := text.Delete(1, 1); err != nil {
			t.Fatal(err)
		}
		b.send(b.made[1])
		if len(b.unsaved) != 1 || reader.text() != a.text() {
			t.Fatal("an edit beyond the bound was integrated")
		}
		if len(h.reports) != 1 || !errors.Is(h.reports[0], disk) {
			t.Fatal(h.reports)
		}
		h.pass(5 * time.Second) // several attempts
		if h.stored("a").Revision.Seq != 1 || a.saved != 1 {
			t.Fatal(h.stored("a").Revision, a.saved)
		}
		b.take()
		h.log.fail(nil, nil)
		h.pass(5 * time.Second)
		if r := h.stored("a").Revision; r != (store.Revision{Epoch: 1, Seq: 4}) || a.saved != 4 || h.rooms.Ready() != nil {
			t.Fatal(r, a.saved)
		}
		if len(a.unsaved) != 2 || a.unsaved[1] || len(b.unsaved) != 2 || b.unsaved[1] {
			t.Fatal("the writers were told ", a.unsaved, b.unsaved)
		}
		if len(b.queries) != 1 || len(a.queries) != 0 || b.saved != 0 {
			t.Fatalf("%d and %d queries, %d acknowledged", len(b.queries), len(a.queries), b.saved)
		}
		b.answer(b.queries[0])
		if b.saved != 3 { // the answer, and what was refused
			t.Fatal("acknowledged: ", b.saved)
		}
		if got := h.join("a", 9).text(); got != b.text() || got != reader.text() {
			t.Fatalf("%q, %q, %q", got, b.text(), reader.text())
		}
	})
}

// What is refused twice is owed until the second answer.
func TestAnswerRefused(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.rooms.cfg.MaxUnsaved = 10
		a, b := h.join("a", 1), h.join("a", 2)
		a.send(a.write(0, "text"))
		b.take()
		text, _ := b.doc.Text("text")
		if err := text.Delete(0, 1); err != nil {
			t.Fatal(err)
		}
		disk := errors.New("the disk is full")
		for range 2 {
			h.log.fail(disk, nil)
			a.send(a.write(0, "a long line of text"))
			if b.queries == nil {
				b.send(b.made[0])
			} else {
				b.answer(b.queries[0])
			}
			h.log.fail(nil, nil)
			b.note(func() { b.queries = nil })
			h.pass(5 * time.Second)
			if b.saved != 0 || len(b.queries) != 1 {
				t.Fatalf("%d acknowledged, %d queries", b.saved, len(b.queries))
			}
		}
		b.answer(b.queries[0])
		if b.saved != 3 || h.join("a", 9).text() != b.text() {
			t.Fatal(b.saved, b.text())
		}
	})
}

// Rule: updates of one turn go out as one, to everyone who hasn't made all of
// them; a lone update waits for nothing and goes out as it came.
func TestTurn(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a, b, reader := h.join("a", 1), h.join("a", 2), h.join("a", 3)
		lone := a.write(0, "a")
		a.send(lone)
		if len(reader.updates) != 1 || &reader.updates[0][0] != &lone[0] || len(a.updates) != 0 {
			t.Fatal("a lone update was changed, or its writer got it")
		}
		reader.take()
		b.take()
		busy := make(chan struct{})
		a.session.room.post(func() { <-busy })
		for range 10 {
			a.post(a.write(0, "x"))
			b.post(b.write(0, "y"))
		}
		close(busy)
		h.pass(pace)
		if len(reader.updates) != 1 || len(a.updates) != 1 || len(b.updates) != 1 {
			t.Fatalf("%d, %d and %d updates", len(reader.updates), len(a.updates), len(b.updates))
		}
		if a.saved != 11 || b.saved != 10 || len(h.stored("a").Rows) != 21 {
			t.Fatal(a.saved, b.saved, len(h.stored("a").Rows))
		}
		if reader.text() != a.text() || a.text() != b.text() {
			t.Fatalf("%q, %q, %q", reader.text(), a.text(), b.text())
		}
	})
}

// Rule: a lone keystroke waits for nothing; what comes within pace of it goes
// out as one, and what has to come before something else at once.
func TestPace(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a, b, reader := h.join("a", 1), h.join("a", 2), h.join("a", 3)
		h.pass(pace)
		began := time.Now()
		a.post(a.write(0, "1"))
		synctest.Wait()
		if reader.got() != 1 || time.Since(began) != 0 {
			t.Fatal("a lone update waited")
		}
		a.post(a.write(1, "2"))
		h.pass(pace / 2)
		b.take()
		b.post(b.write(0, "0"))
		synctest.Wait()
		if reader.got() != 1 {
			t.Fatalf("%d updates", reader.got())
		}
		h.pass(pace / 2)
		if reader.got() != 2 || time.Since(began) != pace {
			t.Fatalf("%d updates after %v", reader.got(), time.Since(began))
		}
		for range largeTurn {
			b.post(b.write(0, "x"))
		}
		synctest.Wait()
		if reader.got() != 3 {
			t.Fatalf("%d updates after many within pace", reader.got())
		}
		b.post(b.write(0, "x"))
		synctest.Wait()
		b.session.Leave()
		synctest.Wait()
		if reader.got() != 4 || reader.text() != b.text() {
			t.Fatal("an update waited although its writer has left")
		}
	})
}

// Rule: updates that only delete pass the document's size limit, and what is
// known is acknowledged.
func TestDocumentLimit(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.rooms.cfg.MaxDocument = 1000
		a, b := h.join("a", 1), h.join("a", 2)
		full := a.write(0, strings.Repeat("x", 900))
		a.send(full)
		a.send(a.write(0, strings.Repeat("y", 200)))
		if len(a.refused) != 1 || a.refused[0].Yjs != 4413 || !strings.Contains(a.refused[0].Error(), "1000 bytes") {
			t.Fatal(a.refused)
		}
		a.send(full)
		b.take()
		text, _ := b.doc.Text("text")
		if err := text.Delete(0, 900); err != nil {
			t.Fatal(err)
		}
		b.send(b.made[0])
		if a.saved != 2 || b.saved != 1 || h.join("a", 9).text() != "" {
			t.Fatal(a.saved, b.saved)
		}
	})
}

// Rule: tail holds at most 256 updates; beyond that they are merged.
func TestTailIsShortened(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a := h.join("a", 1)
		for i := range 2000 {
			a.send(a.write(i/2, "x"))
			if n := len(a.session.room.content.tail); n > maxTail {
				t.Fatalf("after %d updates tail has %d", i+1, n)
			}
		}
		c := &a.session.room.content
		total := 0
		for _, u := range c.tail {
			total += len(u)
		}
		if total != c.tailBytes {
			t.Fatalf("tail has %d bytes, %d are counted", total, c.tailBytes)
		}
		if got := h.join("a", 2).text(); got != strings.Repeat("x", 2000) {
			t.Fatal(len(got))
		}
	})
}

// Rule: a base is encoded outside the room's goroutine. What is written
// meanwhile is kept.
func TestFoldBesideTheRoom(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a, reader := h.join("a", 1), h.join("a", 2)
		h.rooms.folders <- struct{}{} // none is made for now
		want := strings.Repeat("x", minTailBytes+1)
		a.send(a.write(0, want))
		for range 3 * maxTail {
			a.send(a.write(0, "y"))
			want = "y" + want
		}
		if a.saved != 1+3*maxTail || reader.text() != want || h.stored("a").Checkpoint != nil {
			t.Fatal("the room doesn't go on")
		}
		<-h.rooms.folders
		synctest.Wait()
		d := h.stored("a")
		if d.Checkpoint == nil || len(d.Rows) != 3*maxTail {
			t.Fatalf("checkpoint of %d bytes, %d rows", len(d.Checkpoint), len(d.Rows))
		}
		if h.join("a", 3).text() != want {
			t.Fatal("a newcomer reads something else")
		}
		h.restart()
		if h.join("a", 4).text() != want {
			t.Fatal("it loads as something else")
		}
	})
}

// A checkpoint leaves out what was deleted.
func TestCheckpointIsCollected(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a := h.join("a", 1)
		a.send(a.write(0, strings.Repeat("secret", minTailBytes/6)))
		text, _ := a.doc.Text("text")
		if err := text.Delete(0, text.Len()); err != nil {
			t.Fatal(err)
		}
		a.send(a.made[1])
		a.send(a.write(0, strings.Repeat("z", minTailBytes)))
		if d := h.stored("a"); d.Checkpoint == nil || strings.Contains(string(d.Checkpoint), "secret") {
			t.Fatalf("a checkpoint of %d bytes", len(d.Checkpoint))
		}
	})
}

// Rule: a document with a corrupt row is served read-only up to it, and never
// checkpointed.
func TestDamagedDocument(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		writer := h.client(9)
		u := writer.write(0, strings.Repeat("whole", minTailBytes))
		h.join("a", 1).send(u)
		h.restart()
		h.log.damage = &store.RowError{Name: "a", What: "row", Msg: "for a test"}
		a, b := h.join("a", 2), h.join("a", 3)
		if !a.session.ReadOnly() || a.text() != b.text() || a.text() == "" {
			t.Fatal("it isn't served read-only")
		}
		checkpoint, appends := h.stored("a").Checkpoint, h.log.appends
		a.send(a.write(0, "more"))
		a.send(u)
		if len(a.refused) != 1 || a.refused[0].Yjs != 4403 || a.saved != 1 || a.ended != nil {
			t.Fatal(a.refused, a.saved, a.ended)
		}
		if len(b.updates) != 0 || h.log.appends != appends || len(h.stored("a").Checkpoint) != len(checkpoint) {
			t.Fatal("it was written to")
		}
		if len(h.reports) != 1 || !errors.Is(h.reports[0], store.ErrCorrupt) {
			t.Fatal(h.reports)
		}
	})
}

// Rule: an update that costs more than its budget is refused whole, and what was
// there stays; budgets aren't for loading the log.
func TestOverBudget(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		const items, clients = 6000, 400
		a, b := h.join("a", 1), h.join("a", 2)
		text, _ := a.doc.Text("t")
		if err := a.doc.Transact(nil, func(*crdt.Transaction) error {
			for i := range items {
				if err := text.InsertEmbed(i, lib0.NewObject("i", float64(i)), nil); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		a.send(a.made[0])
		// Many clients that insert at the start, knowing of nothing: each passes all.
		costly := lib0.AppendUvarint(nil, clients)
		for i := range clients {
			costly = lib0.AppendUvarint(append(costly, 1), uint64(1000+clients-i))
			costly = append(costly, 0, 4, 1, 1, 't', 1, 'x')
		}
		b.send(append(costly, 0))
		if len(b.refused) != 1 || b.refused[0].Label != "over_budget" || b.saved != 0 || b.ended != nil {
			t.Fatal(b.refused, b.saved, b.ended)
		}
		b.send(b.write(0, "good"))
		h.restart()
		c := h.join("a", 3)
		c.take()
		if text, _ := c.doc.Text("t"); text.Len() != items || c.text() != "good" {
			t.Fatal(text.Len(), c.text())
		}
	})
}

// Flush waits for the log, also if the session was ended meanwhile.
func TestFlush(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a := h.join("a", 1)
		h.log.hold = make(chan struct{})
		a.send(a.write(0, "text"))
		flushed := false
		go func() {
			if err := a.session.Flush(t.Context()); err != nil {
				t.Error(err)
			}
			flushed = true
		}()
		synctest.Wait()
		if flushed {
			t.Fatal("the log doesn't have it yet")
		}
		a.session.room.post(func() { a.session.ended = true })
		close(h.log.hold)
		synctest.Wait()
		if !flushed {
			t.Fatal("it still waits")
		}
	})
}

// answer brings the client's answer to a query.
func (c *client) answer(vector []byte) {
	c.Helper()
	have, err := crdt.DecodeStateVector(vector)
	if err != nil {
		c.Fatal(err)
	}
	u, err := readUpdate(c.doc.EncodeStateAsUpdate(have), crdt.Limits{})
	if err != nil {
		c.Fatal(err)
	}
	u.Answer = true
	c.session.Update(u, c.settled)
	synctest.Wait()
}
