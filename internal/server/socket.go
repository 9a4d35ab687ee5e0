package server

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/gateway"
	"github.com/inkwire/inkwire/internal/gateway/hocuspocus"
	"github.com/inkwire/inkwire/internal/gateway/yws"
	"github.com/inkwire/inkwire/internal/ws"
)

// upgrade makes a socket of a request and serves it. What is refused here, before
// the upgrade, makes every client wait before it comes back.
func (s *Server) upgrade(w http.ResponseWriter, r *http.Request) {
	if err := s.cfg.Site.CheckOrigin(r); err != nil {
		s.refuse(w, r, err)
		return
	}
	to, err := route(r.RequestURI)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	client := s.cfg.Site.ClientAddr(r)
	addr := access.Household(client)
	if left := s.backoff.left(addr, time.Now()); left > 0 {
		setRetryAfter(w, left)
		s.refuse(w, r, access.TooOften.Because(""))
		return
	}
	if !s.upgrades.Take(addr) {
		s.refuse(w, r, access.TooFast.Because(fmt.Sprintf("max-handshakes-per-minute is %d", s.cfg.MaxHandshakesPerMinute)))
		return
	}
	p := s.started.Load()
	if p == nil {
		s.refuse(w, r, access.Starting.Because(""))
		return
	}
	if err := p.door.Guard.Blocked(addr); err != nil {
		s.refuse(w, r, err)
		return
	}
	shown := s.cfg.Site.SocketCredentials(r)
	shown.Header = p.door.Guard.Wanted(shown.Header)
	if refused := s.begin(addr); refused != nil {
		s.refuse(w, r, refused)
		return
	}
	conn, err := ws.Accept(w, r, &s.cfg.WS)
	if err != nil {
		s.done(nil, addr)
		return // Accept has answered
	}
	conn.Restrict(p.door.Guard.RequiresToken()) // until the gateway lets somebody in
	s.mu.Lock()
	s.sockets[conn] = struct{}{}
	if s.closing {
		conn.Interrupt()
	}
	s.mu.Unlock()
	// A goroutine of its own lets net/http's, with its buffers, go.
	go s.serve(&socket{server: s, conn: conn, door: p.door, shown: shown, scope: r.URL.Query().Has("scope"), destination: to, remote: remote(r, client), addr: addr, begun: time.Now()})
}

// remote is where a request came from: the connection's other end, with its port,
// unless that is a proxy's.
func remote(r *http.Request, client netip.Addr) net.Addr {
	if a, err := netip.ParseAddrPort(r.RemoteAddr); err == nil && a.Addr().Unmap() == client {
		return net.TCPAddrFromAddrPort(a)
	}
	return &net.IPAddr{IP: client.AsSlice(), Zone: client.Zone()}
}

// begin counts a socket that is about to be, unless the server is closing or has
// as many as it may, of this address or at all. Shutdown awaits it then, although
// net/http knows it no more.
func (s *Server) begin(addr netip.Addr) *access.Refused {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closing:
		return access.ShuttingDown.Because("")
	case s.open >= s.cfg.MaxConnections:
		return access.TooMany.Because(fmt.Sprintf("max-connections is %d", s.cfg.MaxConnections))
	case s.byAddr[addr] >= s.cfg.MaxConnectionsPerAddress:
		return access.TooMuch.Because(fmt.Sprintf("max-connections-per-address is %d", s.cfg.MaxConnectionsPerAddress))
	}
	s.open++
	s.byAddr[addr]++
	s.wg.Add(1)
	return nil
}

// done is the end of what begin began; conn is nil if it became no socket.
func (s *Server) done(conn *ws.Conn, addr netip.Addr) {
	s.mu.Lock()
	delete(s.sockets, conn)
	s.open--
	if s.byAddr[addr]--; s.byAddr[addr] == 0 {
		delete(s.byAddr, addr)
	}
	s.mu.Unlock()
	s.wg.Done()
}

// Sockets is the number of open sockets.
func (s *Server) Sockets() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sockets)
}

// A socket is a connection with what it's for. It is a gateway.Socket, which
// lets the protocol's gateway serve it once the protocol is known. A panic ends it
// alone, as net/http has it for requests.
type socket struct {
	server *Server
	conn   *ws.Conn
	door   gateway.Door
	shown  access.Credentials
	destination
	scope   bool // is told to a y-websocket client
	remote  net.Addr
	addr    netip.Addr // as limits count it
	begun   time.Time
	gateway gateway.Socket // nil until the protocol is known
	// Until then, where a token is required; nil elsewhere. It may have said why the
	// socket ends.
	stranger *gateway.Stranger
	late     atomic.Pointer[access.Refused]

	subjects  subjects
	documents documents // that it opened, if its address names none
}

// serve serves a socket until it ends, and tells of its end.
func (s *Server) serve(k *socket) {
	m := s.cfg.Metrics
	m.Connections.WithLabelValues(k.protocol).Inc()
	gateway.Serve(k.conn, k, func(err error) {
		defer s.done(k.conn, k.addr)
		m.Connections.WithLabelValues(k.protocol).Dec()
		e := k.end(err)
		m.Ends.WithLabelValues(e.Protocol, e.Reason).Inc()
		if e.refused {
			m.Refusals.WithLabelValues(e.Reason).Inc()
		}
		if cutOff(e) {
			s.backoff.add(k.addr, time.Now())
		}
		if s.cfg.Ended != nil {
			s.cfg.Ended(e)
		}
	})
}

// panicked makes an error of a panic.
func panicked(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v\n%s", errPanic, p, debug.Stack())
	}
}

// Begin implements gateway.Socket.
func (k *socket) Begin() (err error) {
	defer panicked(&err)
	if k.protocol != undecided {
		return k.open()
	}
	if k.door.Guard.RequiresToken() {
		k.stranger = gateway.NewStranger(k.server.cfg.Hocuspocus.Unauthenticated, func(r *access.Refused) {
			k.late.Store(r)
			k.conn.Close(r.Close, r.Error())
		})
	}
	return nil
}

// open lets the protocol's gateway begin.
func (k *socket) open() error {
	s := k.server
	k.door.Entered = k.subjects.add
	if k.protocol == hocuspocusProtocol {
		k.gateway = hocuspocus.Open(s.ctx, k.conn, k.door, k.shown, s.cfg.Hocuspocus, k)
	} else {
		k.gateway = yws.Open(s.ctx, k.conn, k.door, k.shown, k.name, k.scope)
	}
	return k.gateway.Begin()
}

// Message implements gateway.Socket.
func (k *socket) Message(m ws.Message) (err error) {
	defer panicked(&err)
	if k.gateway == nil {
		if err := k.decide(m); err != nil {
			return err
		}
	}
	return k.gateway.Message(m)
}

// Finish implements gateway.Socket.
func (k *socket) Finish(err error) (end error) {
	defer func() {
		if errors.Is(end, errPanic) { // which may have been the gateway's Finish
			k.conn.Finish(access.ServerFault.Close, access.ServerFault.Sentence)
		}
	}()
	defer panicked(&end)
	k.stranger.Known()
	if k.gateway == nil {
		if late := k.late.Load(); late != nil {
			err = late
		}
		r := refusal(err)
		k.conn.Finish(k.code(r), r.Error())
		return err
	}
	end = k.gateway.Finish(err)
	if errors.Is(err, errPanic) {
		return err
	}
	return end
}

// decide takes a socket's protocol from its first message: y-websocket begins
// with a sync message, 00; Hocuspocus with a name, which isn't empty. Until then
// the client gets pings only.
func (k *socket) decide(first ws.Message) error {
	switch {
	case first.Text:
		return access.TextFrame.Because("only Yjs clients are served at this address")
	case len(first.Data) == 0:
		return access.Malformed.Because("an empty message")
	}
	k.stranger.Known()
	m := k.server.cfg.Metrics
	m.Connections.WithLabelValues(k.protocol).Dec()
	k.protocol = hocuspocusProtocol
	if first.Data[0] == 0 {
		k.protocol = yWebsocketProtocol
	}
	m.Connections.WithLabelValues(k.protocol).Inc()
	if k.protocol == yWebsocketProtocol && k.name == "" {
		return access.Malformed.Because("the address names no document: connect to /yjs/NAME")
	}
	return k.open()
}

var errPanic = errors.New("panic")
