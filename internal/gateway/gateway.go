// Package gateway is what all gateways share: how an error becomes a row of the
// table of refusals, the reading of messages that several protocols have, and
// the end of a session, which may come from either side.
//
// A gateway is one package below this one, named after its protocol. Each has
// the same files: one named after the package with Open and the table of its
// messages, dispatch.go for what comes, receiver.go for what goes out.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/inkwire/inkwire/crdt"
	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/room"
	"github.com/inkwire/inkwire/internal/ws"
	"github.com/inkwire/inkwire/lib0"
)

// KeepaliveAfter is less than the 25 s of silence that no client may see: all
// connect anew when no message came for 30 s.
const KeepaliveAfter = 20 * time.Second

// FlushWithin bounds the wait for the log at a shutdown.
const FlushWithin = 8 * time.Second

// A Socket is a gateway's part of one connection. Its methods are called one at a
// time.
type Socket interface {
	// Begin does what has to be done before the first message. An error ends the
	// socket, as that of Message does.
	Begin() error
	// Message takes a message.
	Message(m ws.Message) error
	// Finish is called last, whatever happened, with why the socket ends as far as
	// the caller knows. It ends the connection, and returns why that was.
	Finish(err error) error
}

// Serve serves a socket. Begin is the caller's; what follows is not, and ended is
// called at last with what Finish returned.
func Serve(conn *ws.Conn, s Socket, ended func(error)) {
	h := &served{s, ended}
	if err := s.Begin(); err != nil {
		h.End(err)
		return
	}
	conn.Serve(h)
}

type served struct {
	Socket
	ended func(error)
}

// End implements ws.Handler.
func (s *served) End(err error) { s.ended(s.Finish(err)) }

// Refusal is the row of the table that an error of the connection or the
// protocol is answered with. For a peer that is gone it makes no difference.
func Refusal(err error) *access.Refused {
	var refused *access.Refused
	var breach *ws.Error
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, ws.ErrInterrupted):
		return access.ShuttingDown.Because("")
	case !errors.As(err, &breach):
		return access.ServerFault.Because("")
	}
	switch breach.Code {
	case ws.CodeTooLarge:
		return access.TooLarge.Because(breach.Msg)
	case ws.CodeTryLater:
		return access.Overload.Because(breach.Msg)
	case ws.CodeUTF8:
		return access.BadUTF8.Because("")
	default:
		return access.Malformed.Because(breach.Msg)
	}
}

// Denied reports whether a refusal says who may do what: coming back with the
// same token is of no use.
func Denied(r *access.Refused) bool { return r.Yjs == 4401 || r.Yjs == 4403 }

// Passes reports whether a refusal is over some time later.
func Passes(r *access.Refused) bool {
	switch r.Close {
	case access.ShuttingDown.Close, access.ServerFault.Close, access.Overload.Close:
		return true
	}
	return false
}

// Reason is a refusal's sentence, of at most ws.MaxReason bytes in a message as
// in a close frame.
func Reason(r *access.Refused) string {
	reason := r.Error()
	if n := ws.MaxReason; len(reason) > n {
		for !utf8.RuneStart(reason[n]) {
			n--
		}
		reason = reason[:n]
	}
	return reason
}

// Malformed refuses a message by a decoder's error.
func Malformed(err error) error { return access.Malformed.Because(err.Error()) }

// End refuses what follows a message: clients read only the first of a frame.
func End(d *lib0.Decoder) error {
	if n := d.Remaining(); n > 0 {
		return access.Malformed.Because(fmt.Sprintf("byte %d: %d bytes after the message", d.Offset(), n))
	}
	return nil
}

// bodies are the same for all gateways, so that they are deflated once.
var bodies = room.Encoding[*ws.Body]{Make: func(_ string, s *room.Shared) *ws.Body { return ws.NewBody(s.Bytes) }}

// Body is shared bytes as the body of frames.
func Body(s *room.Shared) *ws.Body { return bodies.Of("", s) }

// MaxVector is how many clients a state vector may name: as many as a document may
// have. It is read into memory many times its size.
const MaxVector = 250_000

// StateVector reads what a client's step 1 says that it has.
func StateVector(b []byte) (crdt.StateVector, error) {
	d := lib0.NewDecoder(b)
	if n, err := d.Uvarint(); err == nil && n > MaxVector {
		return nil, access.Malformed.Because(fmt.Sprintf("a state vector of %d clients, more than %d", n, MaxVector))
	}
	have, err := crdt.DecodeStateVector(b)
	if err != nil {
		return nil, Malformed(err)
	}
	return have, nil
}
