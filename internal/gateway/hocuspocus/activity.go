package hocuspocus

import (
	"encoding/json"

	"github.com/inkwire/inkwire/internal/room"
	"github.com/inkwire/inkwire/internal/ws"
)

// activityFrame is what happened, as a stateless message: one for all sockets that
// ask for it under one key.
var activityFrame = room.Encoding[ws.Frame]{Make: func(key string, entries *room.Shared) ws.Frame {
	payload := make([]byte, 0, len(entries.Bytes)+32)
	payload = append(append(payload, `{"type":"activity","entries":`...), entries.Bytes...)
	return textFrame(key, string(append(payload, '}')), messageStateless)
}}

// maxAsked is the longest payload that is looked at.
const maxAsked = 1000

// asked takes the payload of a client's stateless message. What is meant for
// others, or for another server, is none of this one's business.
func (s *session) asked(r *room.Session, payload []byte) {
	var asks struct {
		Type string `json:"type"`
		On   bool   `json:"on"`
	}
	switch {
	case len(payload) > maxAsked || json.Unmarshal(payload, &asks) != nil || asks.Type != "activity":
	case asks.On:
		r.WatchActivity(s.happened)
	default:
		r.WatchActivity(nil)
	}
}

// happened tells the client. It waits behind a full queue like an answer: a client
// that doesn't read is cut off before much gathers.
func (s *session) happened(entries *room.Shared) {
	if !s.seat.Over() {
		s.c.say(s.frame(&activityFrame, entries))
	}
}
