package server

import (
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/inkwire/inkwire/internal/access"
)

// ServeRedirect leads whoever asks at a listener to the same address over https,
// at a port, until Shutdown; it returns as Serve does, and is called once. Wrap, if
// it isn't nil, may answer some requests otherwise.
func (s *Server) ServeRedirect(l net.Listener, port int, wrap func(http.Handler) http.Handler) error {
	var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.lead(w, r, port) })
	if wrap != nil {
		h = wrap(h)
	}
	return s.serveOn(&s.redirect, l, nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if admitted(r) {
			setHeaders(w, r)
			h.ServeHTTP(w, r)
		}
	}))
}

// lead leads a request to https. What was sent in the clear isn't sent again: its
// client has to learn the right address.
func (s *Server) lead(w http.ResponseWriter, r *http.Request, port int) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		s.refuse(w, r, access.PlainHTTP.Because(""))
		return
	}
	host := access.Hostname(r.Host)
	switch {
	case host == "" || strings.ContainsAny(host, "/\\?#@"):
		s.refuse(w, r, access.Malformed.Because("the header Host"))
		return
	case port != 443:
		host = net.JoinHostPort(host, strconv.Itoa(port))
	case strings.Contains(host, ":"):
		host = "[" + host + "]"
	}
	w.Header().Set("Location", "https://"+host+r.URL.RequestURI())
	w.WriteHeader(http.StatusPermanentRedirect)
}
