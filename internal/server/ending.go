package server

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/ws"
)

// An End is the end of a socket.
type End struct {
	Remote   net.Addr // of the client, without a port where a proxy is between
	Protocol string   // y-websocket, hocuspocus, or undecided when no message came
	// Documents are those that it opened, by name; of many the first few, and
	// MoreDocuments counts the others.
	Documents     []string
	MoreDocuments int
	Subjects      []string // whose tokens it showed, likewise the first few
	Duration      time.Duration
	Traffic       ws.Traffic

	// Reason is the label of a row of access's table, or one of those below.
	Reason         string
	Sent, Received int   // close codes, 0 for none
	Err            error // nil if Reason says all
	Fault          bool  // Err is a fault of the program's own

	refused bool // Reason is a row
}

// Reasons that aren't refusals.
const (
	reasonClosed = "closed" // the client closed it
	reasonSilent = "silent" // the client answered no ping
	reasonLost   = "lost"   // the network or the client's process failed
)

// documents are the names of what a socket opened: so many of them that a line of
// the log has room for.
type documents struct {
	names []string
	more  int // that were opened beside those, again counting again
}

const maxNames = 5

func (d *documents) add(name string) {
	switch {
	case slices.Contains(d.names, name):
	case len(d.names) < maxNames:
		d.names = append(d.names, name)
	default:
		d.more++
	}
}

// subjects are who came in over a socket.
type subjects struct {
	mu    sync.Mutex
	names []string
}

func (s *subjects) add(who access.Identity) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if who.Subject != "" && len(s.names) < maxNames && !slices.Contains(s.names, who.Subject) {
		s.names = append(s.names, who.Subject)
	}
}

func (s *subjects) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.names
}

// end makes of a gateway's error what there is to tell of a socket's end.
func (k *socket) end(err error) End {
	if k.protocol != hocuspocusProtocol && k.name != "" { // which has them in its messages, whatever the address says
		k.documents.add(k.name)
	}
	e := End{
		Remote: k.remote, Protocol: k.protocol, Documents: k.documents.names, MoreDocuments: k.documents.more, Subjects: k.subjects.all(),
		Duration: time.Since(k.begun), Traffic: k.conn.Traffic(), Err: err,
	}
	var closed *ws.Closed
	switch {
	case errors.As(err, &closed):
		e.Reason, e.Received, e.Err = reasonClosed, closed.Code, nil
	case errors.Is(err, ws.ErrSilent):
		e.Reason, e.Err = reasonSilent, nil
	case errors.Is(err, errPanic):
		e.Fault = true
		fallthrough
	case err != nil && known(err):
		r := refusal(err)
		e.Reason, e.Sent, e.refused = r.Label, k.code(r), true
		if r.Detail == "" && !e.Fault {
			e.Err = nil
		}
	default:
		e.Reason = reasonLost
	}
	return e
}

// code is the close code of a row for a socket's protocol.
func (k *socket) code(r *access.Refused) int {
	if k.protocol == yWebsocketProtocol {
		return r.Yjs
	}
	return r.Close
}

// known reports whether an error is a refusal, or leads to one.
func known(err error) bool {
	var refused *access.Refused
	var breach *ws.Error
	return errors.As(err, &refused) || errors.As(err, &breach) || errors.Is(err, ws.ErrInterrupted) || errors.Is(err, context.Canceled)
}

// refusal is the row of the table that an error of a socket is.
func refusal(err error) *access.Refused {
	var refused *access.Refused
	var breach *ws.Error
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.Is(err, ws.ErrInterrupted), errors.Is(err, context.Canceled):
		return access.ShuttingDown.Because("")
	case !errors.As(err, &breach):
		return access.ServerFault.Because("")
	}
	switch breach.Code {
	case access.TooLarge.Close:
		return access.TooLarge.Because(breach.Msg)
	case access.BadUTF8.Close:
		return access.BadUTF8.Because("")
	case access.Overload.Close:
		return access.Overload.Because(breach.Msg)
	default:
		return access.Malformed.Because(breach.Msg)
	}
}

// cutOff reports whether a socket's end is one after which its client would only
// be cut off again. A client that repeats such a code was told it.
func cutOff(e End) bool {
	for _, r := range []access.Refusal{access.TooLarge, access.Overload, access.Unsaved} {
		if e.Reason == r.Label || e.Received != 0 && (e.Received == r.Yjs || e.Received == r.Close) {
			return true
		}
	}
	return false
}
