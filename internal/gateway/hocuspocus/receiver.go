package hocuspocus

import (
	"encoding/binary"
	"errors"
	"strings"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/gateway"
	"github.com/inkwire/inkwire/internal/room"
	"github.com/inkwire/inkwire/internal/ws"
	"github.com/inkwire/inkwire/lib0"
)

// A frame is the same for all sockets that get it under one key, and made once
// for them.
var (
	stateFrame    = room.Encoding[ws.Frame]{Make: framer(messageSync, syncStep2)}
	queryFrame    = room.Encoding[ws.Frame]{Make: framer(messageSync, syncStep1)}
	updateFrame   = room.Encoding[ws.Frame]{Make: framer(messageSync, syncUpdate)}
	presenceFrame = room.Encoding[ws.Frame]{Make: framer(messageAwareness)}
)

// framer makes messages of a key, these bytes and a body.
func framer(head ...byte) func(string, *room.Shared) ws.Frame {
	return func(key string, body *room.Shared) ws.Frame {
		return ws.Binary(lengthAfter(key, len(body.Bytes), head...), gateway.Body(body))
	}
}

// lengthAfter is a key, a message's first bytes and the length of what follows.
func lengthAfter(key string, n int, head ...byte) []byte {
	b := make([]byte, 0, len(key)+len(head)+2*binary.MaxVarintLen64)
	return lib0.AppendUvarint(append(lib0.AppendString(b, key), head...), uint64(n))
}

// textFrame makes a message of a key, these bytes and a text.
func textFrame(key, text string, head ...byte) ws.Frame {
	return ws.Binary(append(lengthAfter(key, len(text), head...), text...), nil)
}

func denied(key string, r *access.Refused) ws.Frame {
	return textFrame(key, gateway.Reason(r), messageAuth, authDenied)
}

func authenticated(key string, r *room.Session) ws.Frame {
	scope := "read-write"
	if r.ReadOnly() {
		scope = "readonly"
	}
	return textFrame(key, scope, messageAuth, authAuthenticated)
}

func askForToken(key string) ws.Frame {
	return ws.Binary(append(lib0.AppendString(nil, key), messageAuth, authToken), nil)
}

func status(key string, saved byte) ws.Frame {
	return ws.Binary(append(lib0.AppendString(nil, key), messageSyncStatus, saved), nil)
}

var _ gateway.Client = (*session)(nil)

func (s *session) State(u *room.Shared) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.send(&stateFrame, u) {
		return false // it comes again
	}
	s.sayStatus(s.saved.tell())
	return true
}

func (s *session) Query(v *room.Shared) bool    { return s.send(&queryFrame, v) }
func (s *session) Update(u *room.Shared) bool   { return s.send(&updateFrame, u) }
func (s *session) Presence(u *room.Shared) bool { return s.send(&presenceFrame, u) }
func (s *session) Drained(f func())             { s.c.conn.Drained(f) }
func (s *session) Ping(pong func())             { s.c.conn.Ping(pong) }
func (s *session) End(r *access.Refused)        { s.refuse(r) }

// Unsaved tells the client's program, once an outage.
func (s *session) Unsaved(unsaved bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unsaved == unsaved || s.seat.Over() {
		return
	}
	s.unsaved = unsaved
	notice := `{"inkwire":"saved"}`
	if unsaved {
		notice = `{"inkwire":"unsaved"}`
	}
	s.c.say(textFrame(s.key, notice, messageStateless))
}

// send queues a frame, and reports false if it doesn't fit.
func (s *session) send(e *room.Encoding[ws.Frame], shared *room.Shared) bool {
	if s.seat.Over() {
		return true
	}
	return !errors.Is(s.c.conn.Send(s.frame(e, shared)), ws.ErrOverflow)
}

// frame makes a frame, or finds it.
func (s *session) frame(e *room.Encoding[ws.Frame], shared *room.Shared) ws.Frame {
	if strings.Contains(s.key, "\x00") {
		return e.Make(s.key, shared) // nobody else has this key
	}
	return e.Of(s.key, shared)
}
