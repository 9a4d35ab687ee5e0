package gateway

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/inkwire/inkwire/internal/access"
)

// Unauthenticated bounds a socket from which no valid token has come yet.
type Unauthenticated struct {
	Time      time.Duration
	Messages  int
	Bytes     int
	Documents int
}

// A Stranger is a socket from which no valid token has come yet. Its methods may
// be called on nil, which is no stranger; those but Known by one goroutine.
type Stranger struct {
	limits                     Unauthenticated
	known                      atomic.Bool
	messages, bytes, documents int

	mu    sync.Mutex
	timer *time.Timer
}

// NewStranger makes one who is told its end, unless it is Known in time.
func NewStranger(limits Unauthenticated, end func(*access.Refused)) *Stranger {
	s := &Stranger{limits: limits}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timer = time.AfterFunc(limits.Time, func() {
		if !s.known.Load() {
			end(access.Unauthenticated.Because(fmt.Sprintf("within %v (--unauthenticated-time)", limits.Time)))
		}
	})
	return s
}

// Known says that the stranger is none any more.
func (s *Stranger) Known() {
	if s != nil && s.known.CompareAndSwap(false, true) {
		s.mu.Lock()
		s.timer.Stop()
		s.mu.Unlock()
	}
}

// Message counts a message, and refuses one too many.
func (s *Stranger) Message(size int) error {
	if s == nil || s.known.Load() {
		return nil
	}
	s.messages++
	s.bytes += size
	switch {
	case s.messages > s.limits.Messages:
		return access.Unauthenticated.Because(fmt.Sprintf("in %d messages (--max-unauthenticated-messages)", s.limits.Messages))
	case s.bytes > s.limits.Bytes:
		return access.Unauthenticated.Because(fmt.Sprintf("in %d bytes (--max-unauthenticated-bytes)", s.limits.Bytes))
	}
	return nil
}

// Document counts a document that a session is wanted in, and refuses one too many.
func (s *Stranger) Document() *access.Refused {
	if s == nil || s.known.Load() {
		return nil
	}
	if s.documents++; s.documents > s.limits.Documents {
		return access.Unauthenticated.Because(fmt.Sprintf("for %d documents (--max-unauthenticated-documents)", s.limits.Documents))
	}
	return nil
}
