package gateway

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/inkwire/inkwire/internal/room"
)

// A Seat is a gateway's hold on a session. The goroutine that reads the socket
// calls the session and leaves it; the room may end it at any time from its own
// goroutine. The seat sees to it that the session is left once, soon, and not
// called after that.
type Seat struct {
	over atomic.Bool
	left chan struct{} // closed once the session has been left

	mu      sync.Mutex                   // held while the session is called, which may wait for the room
	session atomic.Pointer[room.Session] // nil before Take and once left
}

// NewSeat returns a seat nobody sits on yet.
func NewSeat() *Seat { return &Seat{left: make(chan struct{})} }

// Take gives the seat the session that Rooms.Join gave. One that ended meanwhile
// is left at once.
func (s *Seat) Take(session *room.Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over.Load() {
		session.Leave()
		return
	}
	s.session.Store(session)
}

// Over reports whether the session has ended.
func (s *Seat) Over() bool { return s.over.Load() }

// Do calls f with the session, unless there is none or it has ended.
func (s *Seat) Do(f func(*room.Session) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	session := s.session.Load()
	if session == nil || s.over.Load() {
		return nil
	}
	return f(session)
}

// Tell calls f with the session, unless there is none or it has ended. It may be
// called from anywhere and doesn't wait for what else the session is called for,
// which may be stuck until a disk works again. So f mustn't wait for that either.
func (s *Seat) Tell(f func(*room.Session)) {
	if session := s.session.Load(); session != nil && !s.over.Load() {
		f(session)
	}
}

// Flush waits until all that the session brought is settled, or ctx ends.
func (s *Seat) Flush(ctx context.Context) error {
	return s.Do(func(session *room.Session) error { return session.Flush(ctx) })
}

// Vacate ends the session and has it left beside the caller, who may be the
// room's goroutine. It reports false if it had ended before. Leave awaits it.
func (s *Seat) Vacate() bool {
	if !s.over.CompareAndSwap(false, true) {
		return false
	}
	go s.leave()
	return true
}

// Leave ends the session, if it hasn't ended, and returns once it has been left.
func (s *Seat) Leave() {
	if s.over.CompareAndSwap(false, true) {
		s.leave()
	}
	<-s.left
}

func (s *Seat) leave() {
	defer close(s.left)
	s.mu.Lock()
	defer s.mu.Unlock()
	if session := s.session.Swap(nil); session != nil {
		session.Leave()
	}
}
