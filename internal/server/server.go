// Package server is Inkwire over HTTP: the sockets, routed by their raw path,
// the page, the API, health and metrics. It knows nothing of storage.
//
// A socket's upgrade is routed before anything looks at the URL: clients put
// document names into paths as they are, with "//", ".." or a lone "%", and
// don't follow the redirects by which net/http's mux would tidy them up.
//
// A server answers from Serve on, so that health can be asked for, and has
// documents from Start on. It lists its sockets, for http.Server forgets them
// once they are upgraded. Each has one goroutine, which Shutdown awaits. What is
// no socket yet is bounded by the gate.
package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/api"
	"github.com/inkwire/inkwire/internal/gateway"
	"github.com/inkwire/inkwire/internal/gateway/hocuspocus"
	"github.com/inkwire/inkwire/internal/metrics"
	"github.com/inkwire/inkwire/internal/ws"
)

// Config is what a server is made of.
type Config struct {
	Page    fs.FS            // index.html and its assets; nil for a server without a page
	WS      ws.Config        // limits and times of all sockets
	Metrics *metrics.Metrics // nil for some that nobody else has

	// Ended, unless it's nil, is told of each socket's end, from many goroutines.
	Ended func(End)
	// Denied, unless it's nil, is told of what is refused other than by a socket's end,
	// likewise.
	Denied func(Denial)
	// Ready, unless it's nil, says why the program isn't ready for requests, beside
	// what the documents say.
	Ready func() error
	// Report tells the operator of a fault of the program's own.
	Report func(error)

	Hocuspocus hocuspocus.Limits // of its sockets; default hocuspocus.DefaultLimits
	Site       access.Site       // where it is reached
	// TLS, if it isn't nil, serves https and wss; it offers NextProtocols.
	TLS *tls.Config

	MaxConnections           int // sockets; default 50,000
	MaxConnectionsPerAddress int // of one address; default 10,000
	MaxHandshakes            int // connections that are no sockets; default 1024
	MaxHandshakesPerAddress  int // of one address; default 512
	MaxHandshakesPerMinute   int // upgrades of one address; default 12,000

	MaxHeader     int           // bytes of a request's header; default 32 KiB
	HeaderTimeout time.Duration // that it may take; default 10 s
	WriteTimeout  time.Duration // that an answer may take; default a minute
	IdleTimeout   time.Duration // between two requests; default two minutes
}

// A Server answers HTTP requests and serves sockets.
type Server struct {
	cfg      Config
	http     front // what Serve serves
	redirect front // what ServeRedirect serves
	page     *page
	metrics  http.Handler
	started  atomic.Pointer[started]
	backoff  backoff
	upgrades *access.Tally[netip.Addr]

	ctx    context.Context // ends when sockets shall wait for nothing more
	cancel context.CancelFunc

	// Guarded by mu.
	mu      sync.Mutex
	sockets map[*ws.Conn]struct{}
	open    int // sockets, and those that are about to be
	byAddr  map[netip.Addr]int
	closing bool

	wg sync.WaitGroup // the sockets' goroutines
}

// started is what a server has from Start on.
type started struct {
	door gateway.Door
	api  http.Handler // nil for none
}

// bodyTimeout is how long a request's body may take.
const bodyTimeout = 20 * time.Second

// maxStreams bounds the requests that are answered at once on a connection of
// HTTP/2. The page needs a few; each of a client that doesn't read takes memory.
const maxStreams = 32

// retryAfter is how long clients are told to wait when the server can't say
// better. Few of them listen.
const retryAfter = 5 * time.Second

// New makes a server.
func New(cfg Config) (*Server, error) {
	s := &Server{cfg: cfg, sockets: make(map[*ws.Conn]struct{}), byAddr: make(map[netip.Addr]int)}
	if cfg.Metrics == nil {
		s.cfg.Metrics = metrics.New()
	}
	s.cfg.MaxConnections = cmp.Or(cfg.MaxConnections, 50_000)
	if cfg.Hocuspocus == (hocuspocus.Limits{}) {
		s.cfg.Hocuspocus = hocuspocus.DefaultLimits
	}
	s.cfg.MaxConnectionsPerAddress = cmp.Or(cfg.MaxConnectionsPerAddress, 10_000)
	s.cfg.MaxHandshakes = cmp.Or(cfg.MaxHandshakes, 1024)
	s.cfg.MaxHandshakesPerAddress = cmp.Or(cfg.MaxHandshakesPerAddress, 512)
	s.cfg.MaxHandshakesPerMinute = cmp.Or(cfg.MaxHandshakesPerMinute, 12_000)
	s.cfg.MaxHeader = cmp.Or(cfg.MaxHeader, 32<<10)
	s.cfg.HeaderTimeout = cmp.Or(cfg.HeaderTimeout, 10*time.Second)
	s.cfg.WriteTimeout = cmp.Or(cfg.WriteTimeout, time.Minute)
	s.cfg.IdleTimeout = cmp.Or(cfg.IdleTimeout, 2*time.Minute)
	s.upgrades = access.NewTally[netip.Addr](access.PerMinute(s.cfg.MaxHandshakesPerMinute))
	s.metrics = s.cfg.Metrics.Handler()
	for _, protocol := range []string{yWebsocketProtocol, hocuspocusProtocol, undecided} {
		s.cfg.Metrics.Connections.WithLabelValues(protocol) // 0 is shown as well
	}
	for _, row := range access.Table {
		s.cfg.Metrics.Refusals.WithLabelValues(row.Label)
	}
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
	return s, nil
}

// Serve accepts connections until Shutdown, and then returns nil. It's called
// once.
func (s *Server) Serve(l net.Listener) error { return s.serveOn(&s.http, l, s.cfg.TLS, s) }

// Start gives the server its documents, and who decides about them; until then it
// refuses whoever asks for one. Without Documents there is no API.
func (s *Server) Start(door gateway.Door, contents api.Contents) {
	p := &started{door: door}
	if contents.Documents != nil {
		p.api = api.New(api.Config{Contents: contents, Guard: door.Guard, Site: &s.cfg.Site, Report: s.cfg.Report, Refused: func(r *http.Request, refused *access.Refused) {
			s.denied(Denial{Remote: s.cfg.Site.ClientAddr(r), Address: r.URL.Path, Refused: refused})
		}})
	}
	s.started.Store(p)
}

// Shutdown accepts no more connections, and lets the sockets read no more, take
// what was read to the log, and tell their clients of the end (1001). It returns
// when all have ended. When ctx ends first, they wait for the log no more; the
// error is of those that don't end even then.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.closing = true
	for c := range s.sockets {
		c.Interrupt()
	}
	s.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		s.wg.Wait()
		close(ended)
	}()
	var fronts sync.WaitGroup
	for _, f := range []*front{&s.http, &s.redirect} {
		fronts.Go(func() { f.shutdown(ctx) })
	}
	fronts.Wait()
	select {
	case <-ended:
		s.cancel()
		return nil
	case <-ctx.Done():
	}
	s.cancel()
	s.mu.Lock()
	for c := range s.sockets {
		r := access.ShuttingDown
		c.Abort(r.Close, r.Sentence)
	}
	s.mu.Unlock()
	select {
	case <-ended:
		return nil
	case <-time.After(s.cfg.WS.CloseTimeout + time.Second):
		return fmt.Errorf("shut down: %d sockets don't end", s.Sockets())
	}
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !admitted(r) {
		return
	}
	setHeaders(w, r)
	if err := s.cfg.Site.CheckHost(r); err != nil {
		s.refuse(w, r, err)
		return
	}
	if ws.IsUpgrade(r) {
		s.upgrade(w, r)
		return
	}
	switch path := r.URL.Path; {
	case path == "/healthz":
		plain(w, http.StatusOK, "ok")
	case path == "/readyz":
		if err := s.ready(); err != nil {
			plain(w, http.StatusServiceUnavailable, err.Error())
		} else {
			plain(w, http.StatusOK, "ready")
		}
	case path == "/metrics":
		s.metrics.ServeHTTP(w, r)
	case strings.HasPrefix(path, api.Prefix):
		s.serveAPI(w, r)
	case s.page != nil:
		s.page.ServeHTTP(w, r)
	default:
		http.Error(w, "this inkwire was built without its page", http.StatusNotFound)
	}
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// An error means that whoever asked has gone.
	_, _ = fmt.Fprintln(w, text)
}

// ready says why the server shouldn't get requests at present.
func (s *Server) ready() error {
	s.mu.Lock()
	closing := s.closing
	s.mu.Unlock()
	p := s.started.Load()
	switch {
	case closing:
		return access.ShuttingDown.Because("")
	case p == nil:
		return access.Starting.Because("")
	}
	if err := p.door.Rooms.Ready(); err != nil || s.cfg.Ready == nil {
		return err
	}
	return s.cfg.Ready()
}

func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	s.allowOrigin(w, r)
	if err := s.cfg.Site.CheckOrigin(r); err != nil {
		w.Header().Del("Access-Control-Allow-Origin")
		s.refuse(w, r, err)
		return
	}
	if preflight(w, r) {
		return
	}
	p := s.started.Load()
	switch {
	case p == nil:
		s.refuse(w, r, access.Starting.Because(""))
	case p.api == nil:
		s.refuse(w, r, access.NoAddress.Because(""))
	default:
		p.api.ServeHTTP(w, r)
	}
}

// refuse answers a request with a row of the table of refusals.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var refused *access.Refused
	if !errors.As(err, &refused) {
		refused = access.ServerFault.Because("")
	}
	s.denied(Denial{Remote: s.cfg.Site.ClientAddr(r), Address: r.URL.Path, Refused: refused})
	switch refused.HTTP {
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		if w.Header().Get("Retry-After") == "" {
			setRetryAfter(w, retryAfter)
		}
	}
	if strings.HasPrefix(r.URL.Path, api.Prefix) {
		api.Refuse(w, refused)
	} else {
		http.Error(w, refused.Error(), refused.HTTP)
	}
}

func setRetryAfter(w http.ResponseWriter, d time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(d.Seconds()))))
}
