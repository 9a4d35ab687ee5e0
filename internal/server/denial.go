package server

import (
	"net/netip"

	"github.com/inkwire/inkwire/internal/access"
)

// A Denial is something that was refused while its socket, if there is one, goes
// on: a request, or one document of a Hocuspocus socket.
type Denial struct {
	Remote   netip.Addr
	Document string // "" for a request,
	Address  string // whose path this is, without its query, which may hold a token
	Refused  *access.Refused
}

// denied counts a denial, and tells of it.
func (s *Server) denied(d Denial) {
	s.cfg.Metrics.Refusals.WithLabelValues(d.Refused.Label).Inc()
	if s.cfg.Denied != nil {
		s.cfg.Denied(d)
	}
}

// Opens implements hocuspocus.Observer.
func (k *socket) Opens(document string) { k.documents.add(document) }

// Denied implements hocuspocus.Observer.
func (k *socket) Denied(document string, r *access.Refused) {
	k.server.denied(Denial{Remote: k.shown.Addr, Document: document, Refused: r})
}
