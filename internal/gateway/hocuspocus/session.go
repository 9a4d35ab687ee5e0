package hocuspocus

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/gateway"
	"github.com/inkwire/inkwire/internal/room"
)

// session is one key of a socket. One that is denied stays in the connection's
// list, so that what still comes for it is dropped.
type session struct {
	c      *connection
	key    string
	shown  access.Credentials
	seat   *gateway.Seat
	cancel context.CancelFunc // ends what waits for the room

	// Guarded by mu, under which the connection's may be taken.
	mu      sync.Mutex
	room    *room.Session // nil until the verdict
	waiting []message     // until the verdict, and for the log
	open    bool          // there is a verdict, and nothing waits
	opened  chan struct{} // closed once it is open
	saved   saved
	unsaved bool // the client was told that edits can't be saved
}

// join makes a session that enters its room with a token, or with what its socket
// showed, beside the reading goroutine. It returns nil if the socket has too many.
func (c *connection) join(key, token string) *session {
	if before := c.sessions[key]; before != nil {
		before.seat.Leave()
	} else if len(c.sessions) >= c.limits.Documents {
		c.deny(key, access.TooLarge.Because(fmt.Sprintf("%d documents on one connection are allowed (--max-documents-per-connection)", c.limits.Documents)))
		return nil
	} else if r := c.stranger.Document(); r != nil {
		c.deny(key, r)
		return nil
	}
	ctx, cancel := context.WithCancel(c.ctx)
	s := &session{c: c, key: key, shown: c.shown, seat: gateway.NewSeat(), cancel: cancel, opened: make(chan struct{})}
	s.shown.Token = token
	c.sessions[key] = s
	c.observer.Opens(documentOf(key))
	s.beside(s.opened, func() { s.join(ctx) })
	return s
}

// beside does something beside the reading goroutine, so that the socket's other
// documents go on, and then handles what came meanwhile.
func (s *session) beside(opened chan<- struct{}, do func()) {
	s.c.workers.Go(func() {
		defer close(opened)
		defer func() {
			// As in the reading goroutine, a fault of the program's ends one socket.
			if p := recover(); p != nil {
				s.c.end(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
			}
		}()
		do()
		for batch := s.next(); len(batch) > 0; batch = s.next() {
			for _, m := range batch {
				s.handle(m)
				s.c.waiting.Add(int64(-m.cost()))
				s.c.conn.Release(m.cost())
			}
		}
	})
}

// join waits for the room.
func (s *session) join(ctx context.Context) {
	r, err := s.c.door.Enter(ctx, s.shown, documentOf(s.key), s)
	switch {
	case err == nil:
		s.c.stranger.Known()
		s.c.conn.Restrict(false)
		s.mu.Lock()
		s.room = r
		s.mu.Unlock()
		s.seat.Take(r)
		// The room may have ended the session already, and then it was denied.
		if !s.seat.Over() {
			s.c.say(authenticated(s.key, r))
		}
	case isKnown(err):
		// Otherwise its socket would be closed, and come back to be told the same.
		s.c.stranger.Known()
		s.refuse(gateway.Refusal(err))
	case staysOut(err):
		// Closing would cut the socket's other documents off, again and again.
		s.deny(gateway.Refusal(err))
	default:
		s.refuse(gateway.Refusal(err))
	}
}

// documentOf is the name in a key, which may have the id of a session behind it.
func documentOf(key string) string {
	name, _, _ := strings.Cut(key, "\x00")
	return name
}

// next takes what waits. When nothing does, the session is open.
func (s *session) next() []message {
	s.mu.Lock()
	defer s.mu.Unlock()
	batch := s.waiting
	s.waiting, s.open = nil, len(batch) == 0
	return batch
}

// take handles a message now, or after those that wait for the verdict or the
// log. Too many bytes of them, or of all sockets' messages, stop the reading.
func (s *session) take(m message) {
	s.mu.Lock()
	open, room := s.open, s.room
	s.mu.Unlock()
	// One that is open stays so until this goroutine changes it.
	begins := open && room != nil && (m.kind == messageAuth || m.kind == messageSync && room.Waits(m.body.Remaining()))
	s.mu.Lock()
	if begins {
		s.open, s.opened = false, make(chan struct{})
	}
	opened := s.opened
	waits := !s.open && s.c.waiting.Load() < maxWaiting && s.c.conn.Keep(m.cost())
	if waits {
		s.waiting = append(s.waiting, m)
		s.c.waiting.Add(int64(m.cost()))
	}
	s.mu.Unlock()
	if begins {
		s.beside(opened, func() {})
	}
	if !waits {
		<-opened
		s.handle(m)
	}
}

// untilOpen waits until all that was taken is handled, or ctx ends.
func (s *session) untilOpen(ctx context.Context) error {
	s.mu.Lock()
	opened := s.opened
	s.mu.Unlock()
	select {
	case <-opened:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// refuse ends the session for good, or the socket for what passes. It may be
// called from anywhere; only the first counts.
func (s *session) refuse(r *access.Refused) {
	if !gateway.Passes(r) {
		s.deny(r)
	} else if s.seat.Vacate() {
		s.cancel()
		s.c.end(r)
	}
}

// deny tells a client that a session is refused.
func (c *connection) deny(key string, r *access.Refused) {
	c.observer.Denied(documentOf(key), r)
	c.say(denied(key, r))
}

// deny ends the session for good.
func (s *session) deny(r *access.Refused) {
	if s.seat.Vacate() {
		s.cancel()
		s.c.deny(s.key, r)
	}
}

// settled takes the room's verdict on an update: one that was taken is durable
// now.
func (s *session) settled(d due, r *access.Refused) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.seat.Over():
	case r == nil:
		s.sayStatus(s.saved.settle(d))
	case r.Label == access.OverBudget.Label:
		s.refuse(r)
	case r.Label == access.Unsaved.Label: // stays owed
	default:
		s.c.say(status(s.key, 0))
	}
}

// sayStatus says n times that something is saved.
func (s *session) sayStatus(n int) {
	for range n {
		s.c.say(status(s.key, 1))
	}
}

// isKnown tells of a refusal of somebody who has shown who it is.
func isKnown(err error) bool {
	var r *access.Refused
	return errors.As(err, &r) && (r.Label == access.Forbidden.Label || r.Label == access.Deleted.Label)
}

// staysOut tells of a refusal that passes, but is one document's.
func staysOut(err error) bool {
	var r *access.Refused
	return errors.As(err, &r) && (r.Label == access.ServerFault.Label || r.Label == access.Crowded.Label)
}

// Renew implements access.Watcher: it asks for another token.
func (s *session) Renew() {
	if !s.seat.Over() {
		s.c.say(askForToken(s.key))
	}
}

// Changed implements access.Watcher: it tells the scope.
func (s *session) Changed(access.Role) {
	s.seat.Tell(func(r *room.Session) {
		s.c.say(authenticated(s.key, r))
		r.Changed()
	})
}

// Ended implements access.Watcher.
func (s *session) Ended(r *access.Refused) { s.deny(r) }

// renew takes another token.
func (s *session) renew(r *room.Session, token string) error {
	if err := r.Pass().Renew(r.Context(), token); err != nil {
		return err
	}
	s.c.say(authenticated(s.key, r))
	r.Changed()
	return nil
}
