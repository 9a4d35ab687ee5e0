package hocuspocus

import (
	"fmt"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/gateway"
	"github.com/inkwire/inkwire/internal/room"
	"github.com/inkwire/inkwire/internal/ws"
	"github.com/inkwire/inkwire/lib0"
)

// A message is what follows a key and a type.
type message struct {
	kind  uint64
	body  lib0.Decoder
	frame []byte // all of it
}

// messageCost is what a waiting message takes beside its bytes.
const messageCost = 128

// cost is how many bytes a waiting message takes.
func (m message) cost() int { return cap(m.frame) + messageCost }

var pong = ws.Binary([]byte{messagePong}, nil)

// dispatch reads one frame (see the package's table) and gives it to its session.
// It fails only if there is no telling whose frame it is.
func (c *connection) dispatch(frame []byte) error {
	if len(frame) == 1 {
		switch frame[0] {
		case messagePing:
			c.say(pong)
			return nil
		case messagePong, 0: // a sign of life, which reading it was
			return nil
		}
	}
	d := lib0.NewDecoder(frame)
	name, err := d.Text()
	switch {
	case err != nil:
		return gateway.Malformed(err)
	case len(name) > maxKey:
		return access.Malformed.Because(fmt.Sprintf("a key of %d bytes, more than %d", len(name), maxKey))
	}
	s := c.sessions[string(name)]
	kind, err := d.Uvarint()
	m := message{kind, d, frame}
	switch {
	case err != nil:
		if s != nil {
			s.refuse(gateway.Refusal(gateway.Malformed(err)))
		}
	case kind == messageAuth && (s == nil || s.seat.Over()):
		c.open(string(name), m)
	case s == nil && kind == messageSync && len(d.Rest()) > 0 && d.Rest()[0] == syncStep1:
		if s := c.join(string(name), ""); s != nil {
			s.take(m)
		}
	case s == nil: // late, early or lost
	case kind == messageClose:
		s.seat.Vacate()
		s.cancel()
		s.seat.Leave()
		delete(c.sessions, s.key)
	default:
		s.take(m)
	}
	return nil
}

// open opens a session by its token, to which nobody is denied as yet.
func (c *connection) open(key string, m message) {
	token, err := readToken(&m.body)
	if err != nil {
		c.deny(key, gateway.Refusal(err))
		return
	}
	c.join(key, token)
}

// readToken reads a token and, from version 4 on, the client's version; later
// ones may say more.
func readToken(d *lib0.Decoder) (token string, err error) {
	kind, err := d.Uvarint()
	if err != nil {
		return "", gateway.Malformed(err)
	}
	if kind != authToken {
		return "", access.Malformed.Because(fmt.Sprintf("unknown auth message %d", kind))
	}
	text, err := d.Text()
	switch {
	case err != nil:
		return "", gateway.Malformed(err)
	case len(text) > maxToken:
		return "", access.BadToken.Because(fmt.Sprintf("it has %d bytes, more than %d", len(text), maxToken))
	case d.Remaining() == 0:
		return string(text), nil
	}
	version, err := d.Text()
	switch {
	case err != nil:
		return "", gateway.Malformed(err)
	case len(version) > maxVersion:
		return "", access.Malformed.Because(fmt.Sprintf("a version of %d bytes, more than %d", len(version), maxVersion))
	}
	return string(text), nil
}

// handle hands a message to the room. An error ends the session.
func (s *session) handle(m message) {
	err := s.seat.Do(func(r *room.Session) error { return s.call(r, m) })
	if m.kind == messageAwareness { // of which sessions keep nothing
		ws.Recycle(m.frame)
	}
	if err != nil {
		s.refuse(gateway.Refusal(err))
	}
}

func (s *session) call(r *room.Session, m message) error {
	d := &m.body
	switch m.kind {
	case messageSync:
		return s.sync(r, d)
	case messageAwareness:
		body, err := d.Bytes()
		if err != nil {
			return gateway.Malformed(err)
		}
		if err := gateway.End(d); err != nil {
			return err
		}
		return r.Presence(body)
	case messageAuth: // again: a client that asks is answered
		token, err := readToken(d)
		if err != nil {
			return err
		}
		return s.renew(r, token)
	case messageQueryAwareness:
		if err := gateway.End(d); err != nil {
			return err
		}
		r.QueryPresence()
		return nil
	case messageStateless:
		payload, err := d.Text()
		if err != nil {
			return gateway.Malformed(err)
		}
		if err := gateway.End(d); err != nil {
			return err
		}
		s.asked(r, payload)
		return nil
	default:
		return access.Malformed.Because(fmt.Sprintf("unknown message %d", m.kind))
	}
}

func (s *session) sync(r *room.Session, d *lib0.Decoder) error {
	kind, err := d.Uvarint()
	if err != nil {
		return gateway.Malformed(err)
	}
	if kind > syncUpdate {
		return access.Malformed.Because(fmt.Sprintf("unknown sync message %d", kind))
	}
	body, err := d.Bytes()
	if err != nil {
		return gateway.Malformed(err)
	}
	if err := gateway.End(d); err != nil {
		return err
	}
	if kind == syncStep1 {
		have, err := gateway.StateVector(body)
		if err != nil {
			return err
		}
		s.mu.Lock()
		s.saved.stepOne(have)
		s.mu.Unlock()
		r.Sync(have)
		return nil
	}
	u, err := r.ReadUpdate(body)
	if err != nil {
		s.mu.Lock()
		if kind == syncStep2 {
			s.saved.stepTwo()
		}
		s.mu.Unlock()
		s.settled(due{}, gateway.Refusal(err))
		return nil
	}
	s.mu.Lock()
	var d1 due
	if u.Answer = kind == syncStep2; u.Answer {
		d1 = s.saved.stepTwo()
	} else {
		d1 = s.saved.update(u.Info)
	}
	s.mu.Unlock()
	r.Update(u, func(refused *access.Refused) { s.settled(d1, refused) })
	return nil
}
