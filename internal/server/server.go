// Package server is Inkwire over HTTP: the sockets, routed by their raw path,
// the page, and health. It knows nothing of storage.
//
// A socket's upgrade is routed before anything looks at the URL: clients put
// document names into paths as they are, with "//", ".." or a lone "%", and
// don't follow the redirects by which net/http's mux would tidy them up.
//
// The server lists its sockets, for http.Server forgets them once they are
// upgraded. Each has one goroutine, which Shutdown awaits.
package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/gateway/yws"
	"github.com/inkwire/inkwire/internal/room"
	"github.com/inkwire/inkwire/internal/ws"
)

// Config is what a server is made of.
type Config struct {
	Rooms *room.Rooms // of all sockets
	Page  fs.FS       // index.html and its assets; nil for a server without a page
	WS    ws.Config   // limits and times of all sockets

	// Report tells the operator of a fault of the program's own.
	Report func(error)
}

// A Server answers HTTP requests and serves sockets.
type Server struct {
	cfg  Config
	http http.Server
	page *page

	ctx    context.Context // ends when Shutdown begins
	cancel context.CancelFunc

	// Guarded by mu.
	mu      sync.Mutex
	sockets map[*ws.Conn]struct{}
	closing bool

	wg sync.WaitGroup // the sockets' goroutines
}

// Bounds on a request before it is served.
const (
	headerTimeout  = 10 * time.Second
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 32 << 10
)

// New makes a server; Serve starts it.
func New(cfg Config) (*Server, error) {
	s := &Server{cfg: cfg, sockets: make(map[*ws.Conn]struct{})}
	// A Yjs client that offers subprotocols fails without one; what it means by it
	// makes no difference here.
	s.cfg.WS.Subprotocol = func(string) bool { return true }
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if cfg.Page != nil {
		var err error
		if s.page, err = newPage(cfg.Page); err != nil {
			return nil, err
		}
	}
	s.http = http.Server{
		Handler:           s,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
	}
	return s, nil
}

// Serve accepts connections until Shutdown, and then returns nil.
func (s *Server) Serve(l net.Listener) error {
	err := s.http.Serve(&lineListener{l})
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve %v: %w", l.Addr(), err)
}

// Shutdown accepts no more connections, tells the sockets that the server goes
// (1001) and returns when all have ended. If ctx ends first, HTTP requests may
// still be under way.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.closing = true
	r := access.ShuttingDown.Because("")
	for c := range s.sockets {
		c.Close(r.Close, r.Error())
	}
	s.mu.Unlock()
	s.cancel()
	err := s.http.Shutdown(ctx)
	s.wg.Wait() // sockets bound their own end
	if err != nil {
		return fmt.Errorf("shut down: %w", err)
	}
	return nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	err := access.CheckHost(r)
	switch {
	case err != nil:
		refuse(w, err)
	case ws.IsUpgrade(r):
		s.upgrade(w, r)
	case r.URL.Path == "/healthz":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		fmt.Fprintln(w, "ok")
	case s.page != nil:
		s.page.ServeHTTP(w, r)
	default:
		http.Error(w, "this inkwire was built without its page", http.StatusNotFound)
	}
}

// upgrade makes a socket of a request and serves it.
func (s *Server) upgrade(w http.ResponseWriter, r *http.Request) {
	if err := access.CheckOrigin(r); err != nil {
		refuse(w, err)
		return
	}
	name, err := documentName(r.RequestURI)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	if !s.begin() {
		refuse(w, access.ShuttingDown.Because(""))
		return
	}
	conn, err := ws.Accept(w, r, &s.cfg.WS)
	if err != nil {
		s.wg.Done()
		return // Accept has answered
	}
	s.mu.Lock()
	s.sockets[conn] = struct{}{}
	if s.closing {
		r := access.ShuttingDown.Because("")
		conn.Close(r.Close, r.Error())
	}
	s.mu.Unlock()
	// A goroutine of its own lets net/http's, with its buffers, go.
	go func() {
		defer s.wg.Done()
		s.serve(conn, name)
		s.mu.Lock()
		delete(s.sockets, conn)
		s.mu.Unlock()
	}()
}

// begin counts a socket that is about to be, unless the server is closing.
// Shutdown awaits it then, although net/http knows it no more.
func (s *Server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.wg.Add(1)
	return true
}

// serve serves a socket. A panic ends it alone, as net/http has it for requests.
func (s *Server) serve(conn *ws.Conn, name string) {
	defer func() {
		if p := recover(); p != nil {
			s.cfg.Report(fmt.Errorf("socket of %v: panic: %v\n%s", conn.RemoteAddr(), p, debug.Stack()))
			r := access.ServerFault.Because("")
			conn.Finish(r.Close, r.Error())
		}
	}()
	yws.Serve(s.ctx, conn, s.cfg.Rooms, name)
}

// Sockets is the number of open sockets.
func (s *Server) Sockets() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sockets)
}

// refuse answers a request with a row of the table of refusals.
func refuse(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	var refused *access.Refused
	if errors.As(err, &refused) {
		status = refused.HTTP
	}
	http.Error(w, err.Error(), status)
}
