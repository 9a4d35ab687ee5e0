package room

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/inkwire/inkwire/awareness"
	"github.com/inkwire/inkwire/internal/access"
)

// is makes an entry; an empty state means gone.
func is(client, clock uint64, state string) awareness.Entry {
	e := awareness.Entry{Client: client, Clock: clock}
	if state != "" {
		e.State = []byte(state)
	}
	return e
}

// sees checks what presence comes within a tick and came since the last look:
// for each message, its entries as "client state"; and that clocks only rise.
func (c *client) sees(want ...string) {
	c.Helper()
	c.pass(presenceTick)
	c.mu.Lock()
	defer c.mu.Unlock()
	var got []string
	for _, m := range c.presence {
		var entries []string
		for _, e := range m {
			state := string(e.State)
			if e.State == nil {
				state = "gone"
			}
			entries = append(entries, fmt.Sprintf("%d %s", e.Client, state))
			if c.clocks == nil {
				c.clocks = map[uint64]uint64{}
			}
			if e.Clock <= c.clocks[e.Client] {
				c.Errorf("client %d: clock %d after %d", e.Client, e.Clock, c.clocks[e.Client])
			}
			c.clocks[e.Client] = e.Clock
		}
		got = append(got, strings.Join(entries, ", "))
	}
	c.presence = nil
	if strings.Join(got, "; ") != strings.Join(want, "; ") {
		c.Fatalf("it sees %q, want %q", got, want)
	}
}

func TestPresence(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a, b := h.join("a", 1), h.join("a", 2)
		elsewhere := h.join("b", 3)
		a.say(is(1, 1, `"a"`))
		b.sees(`1 "a"`)
		b.say(is(2, 1, `"b"`))
		a.sees(`2 "b"`)
		b.sees()
		// A newcomer gets everybody's, after its state.
		c := h.client(3)
		c.enter("a")
		c.say(is(3, 1, `"c"`))
		c.sees()
		c.session.Sync(nil)
		c.sees(`1 "a", 2 "b"`)
		h.pass(time.Second)
		a.sees(`3 "c"`)
		b.sees(`3 "c"`)
		// Somebody leaves, and is gone for all at once.
		a.session.Leave()
		b.sees(`1 gone`)
		c.sees(`1 gone`)
		// Somebody hides and comes back.
		h.pass(time.Second)
		b.say(is(2, 2, ""))
		c.sees(`2 gone`)
		h.pass(time.Second)
		b.say(is(2, 2, "")) // again
		c.sees()
		b.say(is(2, 3, `"b again"`))
		c.sees(`2 "b again"`)
		elsewhere.sees()
		c.session.QueryPresence()
		c.sees(`2 "b again"`)
		if h.stored("a").Revision.Seq != 0 {
			t.Fatal("presence created the document")
		}
	})
}

// Who says that it goes, and goes before anybody was told, is gone for all.
func TestPresenceGoneWithinTick(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a, b := h.join("a", 1), h.join("a", 2)
		a.say(is(1, 1, `"a"`))
		b.sees(`1 "a"`)
		h.pass(time.Second)
		b.say(is(2, 1, `"b"`)) // goes out at once; what follows waits for the tick
		a.say(is(1, 2, ""))
		a.session.Leave()
		b.sees(`1 gone`)
		h.pass(time.Minute)
		b.sees()
	})
}

// What a session says of others is ignored, whatever it is.
func TestPresenceOfOthers(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a, b, c := h.join("a", 1), h.join("a", 2), h.join("a", 3)
		a.say(is(1, 1, `"a"`))
		b.say(is(2, 1, `"b"`))
		h.pass(time.Second)
		c.sees(`1 "a"`, `2 "b"`)
		b.say(is(1, 99, ""), is(2, 99, ""), is(7, 1, `"x"`)) // a tab that lost its socket
		c.sees(`2 gone`)
		b.say(is(1, 100, `"stolen"`))
		h.pass(time.Minute)
		a.sees(`2 "b"`, `2 gone`)
		c.sees()
		if a.ended != nil || b.ended != nil {
			t.Fatal("it ended a session")
		}
	})
}

// A first message with several ids is an echo of others' and not a claim: only
// an id that nobody owns is bound.
func TestPresenceOfUnboundSession(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a, b := h.join("a", 1), h.join("a", 2)
		a.say(is(1, 1, `"a"`))
		b.say(is(1, 1, `"a"`), is(9, 0, "")) // an echo, and one that is gone
		h.pass(10 * time.Second)
		b.sees(`1 "a"`)
		b.say(is(1, 2, `"stolen"`), is(2, 5, `"b"`))
		a.sees(`2 "b"`)
		b.sees()
	})
}

// Clocks count within a session: lower ones are ignored, and a null needs only
// an equal one.
func TestPresenceClocks(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a, b := h.join("a", 1), h.join("a", 2)
		a.say(is(1, 5, `"5"`))
		h.pass(time.Second)
		a.say(is(1, 4, `"4"`))
		a.say(is(1, 5, `"5 again"`))
		b.sees(`1 "5"`)
		a.say(is(1, 5, ""))
		b.sees(`1 gone`)
		a.session.Leave()
		// Back with a clock that began again: everyone sees it at once.
		again := h.join("a", 1)
		again.say(is(1, 0, `"back"`))
		h.pass(time.Second)
		b.sees(`1 "back"`)
	})
}

// Renewals are forwarded, but may wait for each other; differences go out once
// a tick.
func TestPresenceRenewals(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		a, b, c := h.join("a", 1), h.join("a", 2), h.join("a", 3)
		a.say(is(1, 1, `"a"`))
		b.say(is(2, 1, `"b"`))
		h.pass(time.Second)
		c.sees(`1 "a"`, `2 "b"`)
		a.say(is(1, 2, `"a"`))
		h.pass(3 * time.Second)
		b.say(is(2, 2, `"b"`))
		c.sees()
		h.pass(7 * time.Second)
		c.sees(`1 "a", 2 "b"`)
		a.sees(`2 "b"`, `2 "b"`)
		b.sees(`1 "a"`, `1 "a"`)
		// A difference takes waiting renewals along.
		a.say(is(1, 3, `"a"`))
		b.say(is(2, 3, `"moved"`))
		c.sees(`1 "a", 2 "moved"`)
		for i := range 10 {
			b.say(is(2, uint64(4+i), fmt.Sprint(i)))
		}
		c.sees(`2 0`, `2 9`)
		h.pass(time.Minute)
		c.sees()
	})
}

// A bound id that another session names first of all is claimed: its owner is
// asked for a sign of life.
func TestPresenceClaim(t *testing.T) {
	claimed := func(t *testing.T, h *house) (owner, claimer, other *client) {
		owner, other = h.join("a", 1), h.join("a", 9)
		owner.say(is(1, 7, `"owner"`))
		other.sees(`1 "owner"`)
		claimer = h.join("a", 1)
		claimer.say(is(1, 1, `"claimer"`))
		if len(owner.pings) != 1 {
			t.Fatalf("%d pings", len(owner.pings))
		}
		other.sees()
		return owner, claimer, other
	}
	t.Run("the owner lives", func(t *testing.T) {
		inHouse(t, func(t *testing.T, h *house) {
			owner, claimer, other := claimed(t, h)
			h.pass(time.Second)
			owner.pings[0]()
			h.pass(10 * time.Second)
			claimer.say(is(1, 2, `"claimer"`))
			owner.say(is(1, 8, `"still owner"`))
			other.sees(`1 "still owner"`)
			// It frees the id, and the other's next renewal gets it.
			owner.session.Leave()
			claimer.say(is(1, 3, `"claimer"`))
			h.pass(time.Second)
			other.sees(`1 gone`, `1 "claimer"`)
		})
	})
	t.Run("the owner is dead", func(t *testing.T) {
		inHouse(t, func(t *testing.T, h *house) {
			owner, claimer, other := claimed(t, h)
			claimer.say(is(1, 2, `"claimer moved"`))
			h.pass(1800 * time.Millisecond)
			other.sees()
			h.pass(300 * time.Millisecond)
			other.sees(`1 "claimer moved"`)
			owner.say(is(1, 9, `"too late"`))
			owner.pings[0]()
			owner.session.Leave()
			h.pass(time.Second)
			other.sees()
		})
	})
	t.Run("the owner leaves", func(t *testing.T) {
		inHouse(t, func(t *testing.T, h *house) {
			owner, _, other := claimed(t, h)
			owner.session.Leave()
			h.pass(time.Second)
			other.sees(`1 "claimer"`)
		})
	})
	t.Run("the claimer leaves", func(t *testing.T) {
		inHouse(t, func(t *testing.T, h *house) {
			owner, claimer, other := claimed(t, h)
			claimer.session.Leave()
			h.pass(10 * time.Second)
			owner.say(is(1, 8, `"owner moved"`))
			other.sees(`1 "owner moved"`)
		})
	})
}

func TestBadPresence(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.rooms.cfg.MaxPresence = 100
		a := h.join("a", 1)
		for name, b := range map[string][]byte{
			"empty":    nil,
			"cut":      awareness.Append(nil, is(1, 1, `"a"`))[:4],
			"not JSON": awareness.Append(nil, is(1, 1, `{"a`)),
			"long":     awareness.Append(nil, is(1, 1, `"`+strings.Repeat("x", 100)+`"`)),
			"rubbish":  []byte("rubbish"),
		} {
			var refused *access.Refused
			if err := a.session.Presence(b); !errors.As(err, &refused) || refused.Yjs != 4400 {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// Rule: a client never gets its own id, also before it has said which one that
// is, and while an older connection of its still holds it.
func TestReturnerIsNotSentItself(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		old, other := h.join("a", 1), h.join("a", 2)
		old.say(awareness.Entry{Client: 1, Clock: 1, State: []byte(`{"old":1}`)})
		h.pass(presenceTick)
		other.take()
		back := h.client(1)
		back.enter("a")
		back.session.Sync(nil)
		synctest.Wait()
		back.say(awareness.Entry{Client: 1, Clock: 5, State: []byte(`{"new":1}`)})
		other.say(awareness.Entry{Client: 2, Clock: 1, State: []byte(`{"other":1}`)})
		old.say(awareness.Entry{Client: 1, Clock: 2, State: []byte(`{"old":2}`)})
		h.pass(claimWait + presenceTick)
		for _, message := range back.presence {
			for _, e := range message {
				if e.Client == 1 {
					t.Fatalf("it was sent itself: %s", e.State)
				}
			}
		}
		if len(back.presence) == 0 {
			t.Fatal("it doesn't see the other")
		}
		last := ""
		for _, message := range other.presence {
			for _, e := range message {
				if e.Client == 1 {
					last = string(e.State)
				}
			}
		}
		if last != `{"new":1}` {
			t.Fatal("the other sees ", last)
		}
	})
}
