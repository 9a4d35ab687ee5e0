package gateway_test

import (
	"testing"

	"github.com/inkwire/inkwire/internal/gateway"
	"github.com/inkwire/inkwire/internal/room"
)

// Whoever tells a session of something doesn't wait until it has done what takes
// long.
func TestTellDoesNotWait(t *testing.T) {
	s, in, out, done := gateway.NewSeat(), make(chan struct{}), make(chan struct{}), make(chan struct{})
	told := 0
	tell := func() { s.Tell(func(*room.Session) { told++ }) }
	tell()
	s.Take(new(room.Session))
	go func() {
		defer close(done)
		_ = s.Do(func(*room.Session) error { close(in); <-out; return nil })
	}()
	<-in
	if tell(); told != 1 {
		t.Error(told)
	}
	close(out)
	<-done
}
