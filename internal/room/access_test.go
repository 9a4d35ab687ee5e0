package room

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/inkwire/inkwire/awareness"
	"github.com/inkwire/inkwire/internal/access"
)

// tokens are people by the tokens that they have, which can change.
type tokens struct {
	mu    sync.Mutex
	known map[string]access.Identity
}

func (ts *tokens) Identify(_ context.Context, token string) (access.Identity, error) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	who, ok := ts.known[token]
	if !ok {
		return who, access.BadToken.Because("")
	}
	return who, nil
}

func (ts *tokens) set(token string, who access.Identity) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	ts.known[token] = who
}

// A club is a guard with some people.
type club struct {
	tokens *tokens
	guard  *access.Guard
}

func person(subject string, r access.Role) access.Identity {
	return access.Identity{Subject: subject, Name: "Name of " + subject, Docs: access.Grants{{Pattern: "**", Role: r}}}
}

func newClub() *club {
	ts := &tokens{known: map[string]access.Identity{
		"writer": person("w", access.Writer), "reader": person("r", access.Reader), "other": person("o", access.Writer),
	}}
	return &club{ts, access.NewGuard(access.Config{Tokens: ts, Limits: access.Limits{DocumentsPerHour: 2}})}
}

// watched passes on that a role changes, as a gateway does.
type watched struct {
	unwatched
	c *client
}

func (w watched) Changed(access.Role) { w.c.session.Changed() }

// join makes a client of somebody, in sync.
func (b *club) join(h *house, token, name string, id uint64) *client {
	h.Helper()
	c := h.client(id)
	pass, err := b.guard.Admit(h.Context(), access.Credentials{Token: token, Addr: netip.MustParseAddr("192.0.2.1")}, name, watched{c: c})
	if err != nil {
		h.Fatal(err)
	}
	if c.session, err = h.rooms.Join(h.Context(), pass, c); err != nil {
		h.Fatal(err)
	}
	c.session.Sync(nil)
	synctest.Wait()
	query := c.queries[0]
	c.take()
	c.answer(query)
	h.pass(greetWait)
	return c
}

// Rule: a reader's answer to a query that brings nothing new is acknowledged, and
// nothing of what else it writes is taken; it isn't thrown out for that.
func TestReaderCannotWrite(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		b := newClub()
		w := b.join(h, "writer", "a", 1)
		w.send(w.write(0, "hello"))
		text, _ := w.doc.Text("text")
		if err := text.Delete(0, 1); err != nil {
			t.Fatal(err)
		}
		w.send(w.made[len(w.made)-1])
		r := b.join(h, "reader", "a", 2)
		if r.text() != "ello" || r.saved != 1 || len(r.refused) != 0 || !r.session.ReadOnly() {
			t.Fatal(r.text(), r.saved, r.refused)
		}
		// Also when no state of the document is made, as others write.
		w.send(w.write(0, "o"))
		r.take()
		r.send(r.doc.EncodeStateAsUpdate(nil))
		if r.saved != 2 || len(r.refused) != 0 {
			t.Fatal(r.saved, r.refused)
		}
		appends := h.log.appends
		r.send(r.write(0, "no"))
		own, _ := r.doc.Text("text")
		if err := own.Delete(2, 2); err != nil {
			t.Fatal(err)
		}
		r.send(r.made[len(r.made)-1])
		if len(r.refused) != 2 || r.refused[0].Label != access.Forbidden.Label || r.refused[1].Label != access.Forbidden.Label || r.ended != nil {
			t.Fatal(r.refused, r.ended)
		}
		if w.take(); w.text() != "oello" || h.log.appends != appends {
			t.Fatal(w.text(), h.log.appends-appends)
		}
	})
}

// A heavy update of a reader's isn't integrated either.
func TestReaderCannotWriteMuch(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		b := newClub()
		b.join(h, "writer", "a", 1).send(h.client(3).write(0, "x"))
		r := b.join(h, "reader", "a", 2)
		r.send(r.write(0, string(bytes.Repeat([]byte("much "), maxBytes/5+1))))
		if len(r.refused) != 1 || r.refused[0].Label != access.Forbidden.Label {
			t.Fatal(r.refused)
		}
		if n := len(h.updates("a")); n != 1 {
			t.Fatal(n)
		}
	})
}

// Rule: nothing of an expired session is written. The edits of somebody who may
// write again are asked for.
func TestRoleChanges(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		b := newClub()
		w, other := b.join(h, "writer", "a", 1), b.join(h, "other", "a", 2)
		w.send(w.write(0, "one "))
		b.tokens.set("writer", person("w", access.Reader))
		all := func(access.Identity) bool { return true }
		b.guard.Recheck(t.Context(), "", all)
		w.send(w.write(0, "two "))
		if other.take(); len(w.refused) != 1 || other.text() != "one " {
			t.Fatal(w.refused, other.text())
		}
		w.take()
		b.tokens.set("writer", person("w", access.Writer))
		b.guard.Recheck(t.Context(), "", all)
		synctest.Wait()
		if len(w.queries) != 1 {
			t.Fatalf("asked %d times for what was refused", len(w.queries))
		}
		w.answer(w.queries[0])
		if other.take(); other.text() != "two one " {
			t.Fatal(other.text())
		}
		b.tokens.set("writer", access.Identity{})
		b.guard.Recheck(t.Context(), "", all)
		rows := len(h.stored("a").Rows)
		w.send(w.write(0, "three "))
		if other.take(); other.text() != "two one " || len(h.stored("a").Rows) != rows {
			t.Fatal(other.text())
		}
	})
}

// Rule: what waits for others isn't written when they bring what it needs, if its
// writer may not write any more by then.
func TestRoleChangesWhileUpdatesWait(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		b := newClub()
		w, other := b.join(h, "writer", "a", 1), b.join(h, "other", "a", 2)
		first := other.write(0, "first ") // which its client keeps to itself
		if err := w.doc.ApplyUpdate(first, "room"); err != nil {
			t.Fatal(err)
		}
		w.send(w.write(6, "late"))
		if len(w.queries) != 1 {
			t.Fatal("it doesn't wait: ", len(w.queries))
		}
		b.tokens.set("writer", person("w", access.Reader))
		b.guard.Recheck(t.Context(), "a", func(access.Identity) bool { return true })
		synctest.Wait()
		if len(w.refused) != 1 || w.refused[0].Label != access.Forbidden.Label {
			t.Fatal(w.refused)
		}
		other.send(first)
		if other.take(); other.text() != "first " || len(h.updates("a")) != 1 {
			t.Fatal(other.text())
		}
	})
}

// An update that waited for the log, or was prepared beside the room, isn't
// written once its writer may not.
func TestExpiresMeanwhile(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		b := newClub()
		who := person("w", access.Writer)
		who.Expires = time.Now().Add(time.Minute)
		b.tokens.set("writer", who)
		w := b.join(h, "writer", "a", 1)
		w.send(w.write(0, "in time"))
		h.pass(time.Minute)
		w.send(w.write(0, "late"))
		if len(w.refused) != 1 || w.refused[0].Label != access.Expired.Label || len(h.updates("a")) != 1 {
			t.Fatal(w.refused)
		}
	})
}

// Rule: with a token, the name and id that others see come from it, and the rest
// from the client.
func TestHonestPresence(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		b := newClub()
		w, r := b.join(h, "writer", "a", 1), b.join(h, "reader", "a", 2)
		for said, want := range map[string]string{
			`{"user":{"name":"somebody else","id":"x","color":"#123456"},"cursor":{"anchor":1}}`: `{"cursor":{"anchor":1},"user":{"color":"#123456","id":"w","name":"Name of w"}}`,
			`{"user":"somebody else","n":[1, 2]}`:                                                `{"n":[1, 2],"user":{"id":"w","name":"Name of w"}}`,
			`{"user":{"name":"a","name":"b"},"user":{"name":"c"}}`:                               `{"user":{"id":"w","name":"Name of w"}}`,
			`{"a":1}`: `{"a":1,"user":{"id":"w","name":"Name of w"}}`,
		} {
			r.take()
			r.presence = nil
			w.say(awareness.Entry{Client: 1, Clock: uint64(time.Now().UnixMicro()), State: []byte(said)})
			h.pass(slowestTick)
			if len(r.presence) != 1 || len(r.presence[0]) != 1 || !sameJSON(r.presence[0][0].State, want) {
				t.Errorf("%s: %s, want %s", said, fmt.Sprint(r.presence), want)
			}
		}
		// A guest without a subject has a name of its own, and no id.
		b.tokens.set("guest", access.Identity{Docs: access.Grants{{Pattern: "**", Role: access.Reader}}})
		guest := b.join(h, "guest", "a", 3)
		for said, want := range map[string]string{
			`{"user":{"name":"Guest","id":"w"}}`: `{"user":{"name":"Guest"}}`,
			`{"cursor":null}`:                    `{"cursor":null}`,
		} {
			if got := guest.session.honest([]byte(said)); !sameJSON(got, want) {
				t.Errorf("a guest: %s, want %s", got, want)
			}
		}
		// What is no object names nobody.
		if got := string(w.session.honest([]byte(`["name"]`))); got != `["name"]` {
			t.Error(got)
		}
		if got := w.session.honest(nil); got != nil {
			t.Error(got)
		}
		if len(h.stored("a").Rows) != 0 {
			t.Error("presence is written")
		}
	})
}

func sameJSON(a []byte, b string) bool {
	var x, y bytes.Buffer
	return json.Compact(&x, a) == nil && json.Compact(&y, []byte(b)) == nil && x.String() == y.String()
}

// Rule: a bound id that the same subject names over another connection is its at
// once; another subject has to wait until the holder shows no sign of life.
func TestSameSubjectTakesItsID(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		b := newClub()
		watching := b.join(h, "reader", "a", 9)
		old := b.join(h, "writer", "a", 1)
		old.say(awareness.Entry{Client: 5, Clock: 1, State: []byte(`{"at":"old"}`)})
		again := b.join(h, "writer", "a", 2)
		again.say(awareness.Entry{Client: 5, Clock: 1, State: []byte(`{"at":"new"}`)})
		h.pass(slowestTick)
		if len(old.pings) != 0 {
			t.Error("its holder is asked whether it lives")
		}
		last := watching.presence[len(watching.presence)-1]
		if len(last) != 1 || last[0].Client != 5 || !bytes.Contains(last[0].State, []byte(`"new"`)) {
			t.Fatal(watching.presence)
		}
		thief := b.join(h, "other", "a", 3)
		thief.say(awareness.Entry{Client: 5, Clock: 1, State: []byte(`{"at":"stolen"}`)})
		if h.pass(slowestTick); len(again.pings) != 1 {
			t.Error("an id is taken by another subject")
		}
	})
}

// The rows of a document name who wrote them.
func TestSubjectInTheLog(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		b := newClub()
		w := b.join(h, "writer", "a", 1)
		w.send(w.write(0, "x"))
		d := h.stored("a")
		sessions, err := h.log.Store.Sessions(t.Context(), d.ID)
		if err != nil || len(sessions) != 1 || sessions[0].Subject != "w" {
			t.Fatal(sessions, err)
		}
	})
}

// Also when a session shows another token: what it brought before stays the first
// one's, on disk or not.
func TestSubjectsOfOneSession(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		b := newClub()
		w := b.join(h, "writer", "a", 1)
		w.send(w.write(0, "x"))
		w.post(w.write(0, "y"))
		if err := w.session.Pass().Renew(t.Context(), "other"); err != nil {
			t.Fatal(err)
		}
		w.session.Changed()
		w.send(w.write(0, "z"))
		d := h.stored("a")
		sessions, err := h.log.Store.Sessions(t.Context(), d.ID)
		if err != nil {
			t.Fatal(err)
		}
		subjects := make(map[int64]string)
		for _, s := range sessions {
			subjects[s.ID] = s.Subject
		}
		got := ""
		for _, row := range h.updates("a") {
			got += subjects[row.Session]
		}
		if got != "wwo" {
			t.Fatal(got, len(d.Rows))
		}
	})
}

// Rule: new documents of each subject are limited; documents that exist aren't.
func TestNewDocumentsAreLimited(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		b := newClub() // two an hour
		for i, name := range []string{"a", "b", "c"} {
			w := b.join(h, "writer", name, 1)
			w.send(w.write(0, "x"))
			w.send(w.write(0, "y"))
			if refused := len(w.refused) > 0; refused != (i == 2) || refused && w.refused[0].Label != access.TooManyDocuments.Label {
				t.Fatal(name, w.refused)
			}
		}
		other := b.join(h, "other", "c", 2)
		other.send(other.write(0, "x"))
		if len(other.refused) != 0 {
			t.Fatal(other.refused)
		}
		h.restart()
		w := b.join(h, "writer", "c", 3)
		w.send(w.write(0, "z"))
		if len(w.refused) != 0 {
			t.Fatal("a document that exists counts as new: ", w.refused)
		}
	})
}

// A document takes so many sessions and no more, until one leaves.
func TestSessionsAreLimited(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.rooms.cfg.MaxSessions = 2
		a := h.join("a", 1)
		h.join("a", 2)
		c := h.client(3)
		_, err := h.rooms.Join(t.Context(), h.admit("a"), c)
		if refused, ok := err.(*access.Refused); !ok || refused.Label != access.Crowded.Label {
			t.Fatal(err)
		}
		a.session.Leave()
		h.join("a", 4)
	})
}

// Presence that comes too fast is waited for, and refused when that goes on.
func TestPresenceRate(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a := h.join("a", 1)
		begun := time.Now()
		say := func(i int) error {
			return a.session.Presence(awareness.Append(nil, awareness.Entry{Client: 1, Clock: uint64(i) + 1, State: []byte("{}")}))
		}
		const rate = 100
		for i := range 2 * rate {
			if err := say(i); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begun); took != 0 {
			t.Fatal("a burst takes ", took)
		}
		var err error
		i := 2 * rate
		for ; err == nil; i++ {
			err = say(i)
		}
		refused, ok := err.(*access.Refused)
		if took := time.Since(begun).Round(time.Second); !ok || refused.Label != access.Overload.Label || took != slowedFor*time.Second {
			t.Fatal(err, took)
		}
	})
}
