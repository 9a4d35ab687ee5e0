package server

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/gateway/hocuspocus"
	"github.com/inkwire/inkwire/internal/gateway/yws"
	"github.com/inkwire/inkwire/internal/room"
	"github.com/inkwire/inkwire/internal/ws"
)

// upgrade makes a socket of a request and serves it. What is refused here, before
// the upgrade, makes every client wait before it comes back.
func (s *Server) upgrade(w http.ResponseWriter, r *http.Request) {
	if err := access.CheckOrigin(r); err != nil {
		s.refuse(w, r, err)
		return
	}
	to, err := route(r.RequestURI)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	var addr net.Addr
	if c, ok := r.Context().Value(connKey{}).(*httpConn); ok {
		addr = c.RemoteAddr()
		if left := s.backoff.left(c.addr, time.Now()); left > 0 {
			setRetryAfter(w, left)
			s.refuse(w, r, access.TooOften.Because(""))
			return
		}
	}
	p := s.started.Load()
	if p == nil {
		s.refuse(w, r, access.Starting.Because(""))
		return
	}
	if refused := s.begin(); refused != nil {
		s.refuse(w, r, refused)
		return
	}
	conn, err := ws.Accept(w, r, &s.cfg.WS)
	if err != nil {
		s.done(nil)
		return // Accept has answered
	}
	s.mu.Lock()
	s.sockets[conn] = struct{}{}
	if s.closing {
		conn.Interrupt()
	}
	s.mu.Unlock()
	// A goroutine of its own lets net/http's, with its buffers, go.
	go func() {
		defer s.done(conn)
		s.serve(&socket{conn: conn, rooms: p.rooms, destination: to, remote: addr, begun: time.Now()})
	}()
}

// begin counts a socket that is about to be, unless the server is closing or has
// as many as it may. Shutdown awaits it then, although net/http knows it no more.
func (s *Server) begin() *access.Refused {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closing:
		return access.ShuttingDown.Because("")
	case s.open >= s.cfg.MaxConnections:
		return access.TooMany.Because(fmt.Sprintf("max-connections is %d", s.cfg.MaxConnections))
	}
	s.open++
	s.wg.Add(1)
	return nil
}

// done is the end of what begin began; conn is nil if it became no socket.
func (s *Server) done(conn *ws.Conn) {
	s.mu.Lock()
	delete(s.sockets, conn)
	s.open--
	s.mu.Unlock()
	s.wg.Done()
}

// Sockets is the number of open sockets.
func (s *Server) Sockets() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sockets)
}

// A socket is a connection with what it's for.
type socket struct {
	conn  *ws.Conn
	rooms *room.Rooms
	destination
	remote net.Addr
	begun  time.Time
}

// serve serves a socket until it ends, and tells of its end. A panic ends it
// alone, as net/http has it for requests.
func (s *Server) serve(k *socket) {
	m := s.cfg.Metrics
	m.Connections.WithLabelValues(k.protocol).Inc()
	err := s.decided(k)
	m.Connections.WithLabelValues(k.protocol).Dec()
	e := k.end(err)
	m.Ends.WithLabelValues(e.Protocol, e.Reason).Inc()
	if e.refused {
		m.Refusals.WithLabelValues(e.Reason).Inc()
	}
	if cutOff(e) {
		s.backoff.add(addrOf(k.remote), time.Now())
	}
	if s.cfg.Ended != nil {
		s.cfg.Ended(e)
	}
}

// decided lets the protocol's gateway serve a socket, once the protocol is known.
func (s *Server) decided(k *socket) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v\n%s", errPanic, p, debug.Stack())
			r := access.ServerFault
			k.conn.Finish(r.Close, r.Sentence)
		}
	}()
	if k.protocol == undecided {
		if err := s.decide(k); err != nil {
			r := refusal(err)
			k.conn.Finish(k.code(r), r.Error())
			return err
		}
	}
	if k.protocol == hocuspocusProtocol {
		return hocuspocus.Serve(s.ctx, k.conn, k.rooms, s.cfg.MaxDocumentsPerConnection)
	}
	return yws.Serve(s.ctx, k.conn, k.rooms, k.name)
}

// decide waits for a socket's first message and takes the protocol from it:
// y-websocket begins with a sync message, 00; Hocuspocus with a name, which isn't
// empty. Until then the client gets pings only.
func (s *Server) decide(k *socket) error {
	first, err := k.conn.Peek()
	switch {
	case err != nil:
		return err
	case first.Text:
		return access.TextFrame.Because("only Yjs clients are served at this address")
	case len(first.Data) == 0:
		return access.Malformed.Because("an empty message")
	}
	m := s.cfg.Metrics
	m.Connections.WithLabelValues(k.protocol).Dec()
	k.protocol = hocuspocusProtocol
	if first.Data[0] == 0 {
		k.protocol = yWebsocketProtocol
	}
	m.Connections.WithLabelValues(k.protocol).Inc()
	if k.protocol == yWebsocketProtocol && k.name == "" {
		return access.Malformed.Because("the address names no document: connect to /yjs/NAME")
	}
	return nil
}

var errPanic = errors.New("panic")
