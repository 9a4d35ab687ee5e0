package awareness

import (
	"bytes"
	"maps"
	"slices"
	"time"

	"github.com/inkwire/inkwire/lib0"
)

// Timeout is how long after its last higher clock receivers take a client for
// gone. Clients renew theirs after half of it.
const Timeout = 30 * time.Second

// known is what States remembers of a client, one that is gone included: an
// older state of it may still be under way.
type known struct {
	clock   uint64
	state   []byte // nil: gone
	changed time.Time
}

// States is the latest state of each client. The zero States is empty.
type States struct {
	clients map[uint64]known
	present int
}

// A Change names the clients that an update changed.
type Change struct {
	Added   []uint64
	Updated []uint64 // renewals of the same state included
	Changed []uint64 // those of Updated whose state is another
	Removed []uint64
}

// Empty reports whether nothing changed, renewals included.
func (c Change) Empty() bool {
	return len(c.Added) == 0 && len(c.Updated) == 0 && len(c.Removed) == 0
}

// Accepts reports whether an entry would replace what is known of its client. A
// client of which nothing is known counts as gone at clock 0.
func (s *States) Accepts(e Entry) bool {
	k := s.clients[e.Client]
	return e.Clock > k.clock || e.Clock == k.clock && e.State == nil && k.state != nil
}

// Apply takes over the entries that are accepted and says what changed. It keeps
// copies of the states.
func (s *States) Apply(entries []Entry, now time.Time) Change {
	var c Change
	for _, e := range entries {
		if !s.Accepts(e) {
			continue
		}
		before := s.clients[e.Client].state
		switch {
		case before == nil && e.State == nil:
			// Gone before; only the clock is news.
		case before == nil:
			c.Added = append(c.Added, e.Client)
		case e.State == nil:
			c.Removed = append(c.Removed, e.Client)
		default:
			c.Updated = append(c.Updated, e.Client)
			if !sameState(before, e.State) {
				c.Changed = append(c.Changed, e.Client)
			}
		}
		s.put(e, now)
	}
	return c
}

// put replaces what is known of a client.
func (s *States) put(e Entry, now time.Time) {
	if s.clients == nil {
		s.clients = make(map[uint64]known)
	}
	if s.clients[e.Client].state != nil {
		s.present--
	}
	if e.State != nil {
		s.present++
	}
	s.clients[e.Client] = known{e.Clock, bytes.Clone(e.State), now}
}

// sameState compares the values that two texts stand for.
func sameState(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	x, err := lib0.ParseJSON(a)
	if err != nil {
		return false
	}
	y, err := lib0.ParseJSON(b)
	return err == nil && lib0.Equal(x, y)
}

// Remove takes a client for gone. It returns the entry to tell others, whose
// clock is one higher so that all accept it, and false if the client isn't
// there.
func (s *States) Remove(client uint64, now time.Time) (Entry, bool) {
	k := s.clients[client]
	if k.state == nil {
		return Entry{}, false
	}
	e := Entry{Client: client, Clock: k.clock + 1}
	s.put(e, now)
	return e, true
}

// Expire takes those clients for gone whose last higher clock is Timeout old,
// and forgets those that have been gone as long. It returns the entries to tell
// others, in the order of the clients.
func (s *States) Expire(now time.Time) []Entry {
	var gone []Entry
	for client, k := range s.clients {
		if now.Sub(k.changed) < Timeout {
			continue
		}
		if k.state == nil {
			delete(s.clients, client)
		} else if e, ok := s.Remove(client, now); ok {
			gone = append(gone, e)
		}
	}
	slices.SortFunc(gone, byClient)
	return gone
}

func byClient(a, b Entry) int {
	if a.Client < b.Client {
		return -1
	}
	return 1
}

// Get returns a client's state, unless it is gone. The state must not be
// changed.
func (s *States) Get(client uint64) (Entry, bool) {
	k := s.clients[client]
	return Entry{client, k.clock, k.state}, k.state != nil
}

// Len is the number of clients that are there.
func (s *States) Len() int { return s.present }

// All returns the states of the clients that are there, in the order of the
// clients. They must not be changed.
func (s *States) All() []Entry {
	all := make([]Entry, 0, s.present)
	for _, client := range slices.Sorted(maps.Keys(s.clients)) {
		if e, ok := s.Get(client); ok {
			all = append(all, e)
		}
	}
	return all
}
