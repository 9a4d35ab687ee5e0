package room

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/inkwire/inkwire/awareness"
	"github.com/inkwire/inkwire/crdt"
	"github.com/inkwire/inkwire/internal/access"
)

// A Receiver is what a room calls of a session's gateway. The calls come one at
// a time from the room's goroutine and must not block: a receiver with too much
// in its queue ends its session by itself.
type Receiver interface {
	// State gives what the client lacks, the answer to Session.Sync.
	State(update *Shared)
	// Query asks the client for what the room lacks: all that is not within
	// this encoded state vector.
	Query(vector *Shared)
	// Update gives an update made by another session.
	Update(update *Shared)
	// Presence gives an awareness update about others.
	Presence(update *Shared)
	// Ping asks for a sign of life; pong may be called from anywhere, or never.
	Ping(pong func())
	// End refuses the session any more; the gateway must leave soon.
	End(r *access.Refused)
}

// Shared is immutable bytes that many receivers get, with what Encodings made
// of them.
type Shared struct {
	Bytes []byte

	mu   sync.Mutex
	made []made
}

type made struct{ encoding, result any }

// An Encoding makes of shared bytes what one kind of receiver sends, once for
// all of that kind.
type Encoding[T any] struct{ Make func(b []byte) T }

// Of returns what the encoding makes of s.
func (e *Encoding[T]) Of(s *Shared) T {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.made {
		if m.encoding == any(e) {
			return m.result.(T)
		}
	}
	result := e.Make(s.Bytes)
	s.made = append(s.made, made{e, result})
	return result
}

// A Session is one client in one document, as its gateway sees it. Its methods
// may wait while the room is busy, Update also for the log. After Leave none may
// be called.
type Session struct {
	room *room
	ctx  context.Context // ends the waiting
	recv Receiver
	id   int64 // in the log's rows

	left atomic.Bool // what it asked for before isn't worth an answer

	// Owned by the room's goroutine.
	synced  bool             // gets updates and presence
	ended   bool             // was told so: what it still sends is dropped
	cutting bool             // its difference is being made; held goes out after it
	held    []*Shared        // updates meanwhile
	next    crdt.StateVector // what it has asked for meanwhile
	presenceOf
}

// Sync asks for what the client lacks, knowing its state vector: the receiver
// gets State, then Query, then the presence of others, and from now on every
// update.
func (s *Session) Sync(have crdt.StateVector) {
	s.room.post(func() { s.room.sync(s, have) })
}

// Update brings the client's update or its answer to a query, whose bytes the
// room keeps. Its error is an *access.Refused, for bytes that are no update.
func (s *Session) Update(update []byte) error {
	info, err := crdt.Validate(update, crdt.Limits{})
	if err != nil {
		return refused(err)
	}
	r, cost := s.room, len(update)
	if r.quota.take(s.ctx, cost, r.gone) {
		r.post(func() {
			if !r.update(s, update, info, cost) {
				r.quota.give(cost)
			}
		})
	}
	return nil
}

// Presence brings the client's awareness update.
func (s *Session) Presence(update []byte) error {
	entries, err := awareness.Decode(update, awareness.Limits{StateBytes: s.room.rooms.cfg.MaxPresence})
	if err != nil {
		return refused(err)
	}
	s.room.post(func() { s.room.presenceFrom(s, entries) })
	return nil
}

// QueryPresence asks for the presence of all others.
func (s *Session) QueryPresence() {
	s.room.post(func() { s.room.sendPresenceTo(s) })
}

// Leave ends the session.
func (s *Session) Leave() {
	s.left.Store(true)
	s.room.post(func() { s.room.leave(s) })
	s.room.rooms.release(s.room)
}

// refused makes of a decoder's error the refusal of its bytes.
func refused(err error) *access.Refused { return access.Malformed.Because(err.Error()) }
