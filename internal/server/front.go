package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync"

	"github.com/inkwire/inkwire/internal/access"
)

// A front is what net/http serves on one listener, behind a gate.
type front struct {
	mu     sync.Mutex
	ended  bool
	server *http.Server // nil until it serves
	gate   *gate
}

type connKey struct{}

// serveOn serves on a listener until that is shut down.
func (s *Server) serveOn(f *front, l net.Listener, secure *tls.Config, h http.Handler) error {
	m := s.cfg.Metrics
	g := newGate(l, s.cfg.MaxHandshakes, s.cfg.MaxHandshakesPerAddress,
		func(delta int) { m.Handshakes.Add(float64(delta)) },
		func(r access.Refusal) { m.Refusals.WithLabelValues(r.Label).Inc() })
	g.tls, g.proxies, g.header = secure, s.cfg.Site.Proxies, s.cfg.HeaderTimeout
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(secure != nil) // within the TLS: see secured
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: s.cfg.HeaderTimeout,
		ReadTimeout:       s.cfg.HeaderTimeout + bodyTimeout,
		WriteTimeout:      s.cfg.WriteTimeout,
		IdleTimeout:       s.cfg.IdleTimeout,
		MaxHeaderBytes:    s.cfg.MaxHeader,
		Protocols:         &protocols,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		ErrorLog:          log.New(&httpLog{report: s.cfg.Report}, "", 0),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, c)
		},
		ConnState: g.state,
	}
	f.mu.Lock()
	ended := f.ended
	f.server, f.gate = server, g
	f.mu.Unlock()
	if ended {
		return g.Close()
	}
	err := server.Serve(g)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve %v: %w", l.Addr(), err)
}

// shutdown accepts no more connections, and ends those that there are, also the
// requests under way that ctx doesn't wait for.
func (f *front) shutdown(ctx context.Context) {
	f.mu.Lock()
	f.ended = true
	server, g := f.server, f.gate
	f.mu.Unlock()
	if server == nil {
		return
	}
	g.closeWaiting()
	// The only other error is of closing the listener, which is gone either way.
	if server.Shutdown(ctx) != nil {
		_ = server.Close()
	}
}

// admitted marks that a request is answered from now on. It reports false, and has
// closed the connection, if that was turned away.
func admitted(r *http.Request) bool {
	c, ok := r.Context().Value(connKey{}).(*httpConn)
	if !ok {
		return true
	}
	if !c.gate.begin(c) {
		panic(http.ErrAbortHandler)
	}
	if c.tls != nil {
		state := c.tls.ConnectionState()
		r.TLS = &state
	}
	return true
}
