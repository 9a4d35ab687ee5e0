package room

import (
	"bytes"
	"encoding/json"
	"fmt"

	"golang.org/x/time/rate"

	"github.com/inkwire/inkwire/internal/access"
)

// honest makes a presence state of what a session says of itself: who has shown
// who it is has its name and id in "user", whatever it says there, and where people
// are told apart nobody else has an id. The rest stays as it is, and so does what
// is no object: no editor takes a person from that.
func (s *Session) honest(state []byte) []byte {
	who := s.pass.Identity()
	if state == nil || who.Subject == "" && who.Name == "" && !s.pass.Vouched() {
		return bytes.Clone(state)
	}
	var said, user map[string]json.RawMessage
	if json.Unmarshal(state, &said) != nil || said == nil { // null is said when a client goes
		return bytes.Clone(state)
	}
	if json.Unmarshal(said["user"], &user) != nil || user == nil {
		user = make(map[string]json.RawMessage, 2)
	}
	delete(user, "id")
	for member, value := range map[string]string{"name": who.Name, "id": who.Subject} {
		if value != "" {
			user[member], _ = json.Marshal(value) // a string can be marshalled
		}
	}
	if len(user) > 0 || said["user"] != nil {
		said["user"], _ = json.Marshal(user) // likewise what was read
	}
	honest, _ := json.Marshal(said)
	return honest
}

// pacing bounds the presence messages of a session.
type pacing struct {
	rate   *rate.Limiter // nil until the first
	slowed int           // how many in a row had to wait
}

// slowedFor is how long, in seconds, a session may say more than it may.
const slowedFor = 30

// pace waits until a presence message may come, so that its socket isn't read any
// faster; one that goes on so is refused.
func (s *Session) pace() error {
	limit := s.room.rooms.cfg.MaxPresenceRate
	if s.rate == nil {
		s.rate = rate.NewLimiter(rate.Limit(limit), 2*limit)
	}
	if s.rate.Allow() {
		s.slowed = 0
		return nil
	}
	if s.slowed++; s.slowed > slowedFor*limit {
		return access.Overload.Because(fmt.Sprintf("more than %d presence messages a second (--max-presence-rate)", limit))
	}
	return s.rate.Wait(s.ctx)
}
