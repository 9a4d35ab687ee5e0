package yws

import (
	"fmt"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/gateway"
	"github.com/inkwire/inkwire/internal/room"
	"github.com/inkwire/inkwire/lib0"
)

// dispatch reads one message (see the package's table) and hands it to the
// session. Nobody looks at what a session that has ended still sends.
func (c *connection) dispatch(message []byte) error {
	return c.seat.Do(func(s *room.Session) error { return c.call(s, message) })
}

func (c *connection) call(s *room.Session, message []byte) error {
	d := lib0.NewDecoder(message)
	kind, err := d.Uvarint()
	if err != nil {
		return gateway.Malformed(err)
	}
	switch kind {
	case messageSync:
		return c.sync(s, &d)
	case messageAwareness:
		body, err := d.Bytes()
		if err != nil {
			return gateway.Malformed(err)
		}
		if err := gateway.End(&d); err != nil {
			return err
		}
		return s.Presence(body)
	case messageQueryAwareness:
		if err := gateway.End(&d); err != nil {
			return err
		}
		s.QueryPresence()
		return nil
	default:
		return access.Malformed.Because(fmt.Sprintf("byte 0: unknown message %d", kind))
	}
}

func (c *connection) sync(s *room.Session, d *lib0.Decoder) error {
	kind, err := d.Uvarint()
	if err != nil {
		return gateway.Malformed(err)
	}
	if kind > syncUpdate {
		return access.Malformed.Because(fmt.Sprintf("byte 1: unknown sync message %d", kind))
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
		s.Sync(have)
		return nil
	}
	u, err := s.ReadUpdate(body)
	if err != nil {
		return err
	}
	u.Answer = kind == syncStep2
	s.Update(u, c.settled)
	return nil
}
