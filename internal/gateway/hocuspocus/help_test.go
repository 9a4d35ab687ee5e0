package hocuspocus_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/gateway"
	"github.com/inkwire/inkwire/internal/gateway/hocuspocus"
	"github.com/inkwire/inkwire/internal/gateway/yws"
	"github.com/inkwire/inkwire/internal/room"
	"github.com/inkwire/inkwire/internal/store"
	"github.com/inkwire/inkwire/internal/store/sqlite"
	"github.com/inkwire/inkwire/internal/ws"
	"github.com/inkwire/inkwire/lib0"
)

const patience = time.Minute

// A server serves Hocuspocus's protocol at /hocuspocus, and y-websocket's at
// /yjs/NAME for the real clients that write together.
type server struct {
	addr      string
	keepalive time.Duration
	ws        ws.Config

	rooms  *room.Rooms
	guard  *access.Guard
	access access.Config
	limits hocuspocus.Limits

	mu    sync.Mutex
	conns map[*ws.Conn]struct{}
	ended []error
}

func serve(t *testing.T, wrap func(store.Store) store.Store, set func(*server)) *server {
	t.Helper()
	log, err := sqlite.Open(t.TempDir(), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &server{keepalive: gateway.KeepaliveAfter, ws: ws.Defaults, access: access.Config{Open: access.Owner}, limits: hocuspocus.DefaultLimits, conns: make(map[*ws.Conn]struct{})}
	if set != nil {
		set(s)
	}
	var logged store.Store = log
	report := func(err error) { t.Error(err) }
	if wrap != nil {
		logged, report = wrap(log), func(err error) { t.Log(err) }
	}
	rooms := room.New(room.Config{Store: logged, Report: report, Retry: 50 * time.Millisecond})
	s.rooms = rooms
	s.guard = access.NewGuard(s.access)
	door := gateway.Door{Guard: s.guard, Rooms: rooms}
	ctx, cancel := context.WithCancel(context.Background())
	var sockets sync.WaitGroup
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sockets.Add(1)
		defer sockets.Done()
		conn, err := ws.Accept(w, r, &s.ws)
		if err != nil {
			return
		}
		if name, ok := strings.CutPrefix(r.URL.Path, "/yjs/"); ok {
			ended := make(chan error, 1)
			gateway.Serve(conn, yws.Open(ctx, conn, door, access.Credentials{Token: r.URL.Query().Get("token")}, name, false), func(err error) { ended <- err })
			<-ended
			return
		}
		s.mu.Lock()
		s.conns[conn] = struct{}{}
		s.mu.Unlock()
		ended := make(chan error, 1)
		gateway.Serve(conn, hocuspocus.OpenTimed(ctx, conn, door, access.Credentials{}, s.limits, s.keepalive), func(err error) { ended <- err })
		err = <-ended
		s.mu.Lock()
		delete(s.conns, conn)
		s.ended = append(s.ended, err)
		s.mu.Unlock()
	}))
	t.Cleanup(func() {
		cancel()
		srv.Close()
		sockets.Wait()
		if err := errors.Join(rooms.Close(context.Background()), log.Close()); err != nil {
			t.Error(err)
		}
	})
	s.addr = "ws" + strings.TrimPrefix(srv.URL, "http")
	return s
}

// A client is a socket whose bytes the test makes and reads by hand.
type client struct {
	*testing.T
	ctx  context.Context
	conn *websocket.Conn
}

func dial(t *testing.T, s *server) *client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	conn, _, err := websocket.Dial(ctx, s.addr+"/hocuspocus", nil)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadLimit(64 << 20)
	t.Cleanup(func() { conn.CloseNow(); cancel() })
	return &client{t, ctx, conn}
}

func (c *client) send(parts ...[]byte) {
	c.Helper()
	if err := c.conn.Write(c.ctx, websocket.MessageBinary, cat(parts...)); err != nil {
		c.Fatal(err)
	}
}

func (c *client) next() []byte {
	c.Helper()
	kind, b, err := c.conn.Read(c.ctx)
	if err != nil || kind != websocket.MessageBinary {
		c.Fatal(kind, err)
	}
	return b
}

// gets checks the next message byte for byte.
func (c *client) gets(parts ...[]byte) {
	c.Helper()
	if got, want := c.next(), cat(parts...); !bytes.Equal(got, want) {
		c.Fatalf("got  %q\nwant %q", got, want)
	}
}

// isClosed checks the close frame.
func (c *client) isClosed(code int, reason string) {
	c.Helper()
	messages := 0
	for {
		_, _, err := c.conn.Read(c.ctx)
		if err == nil {
			messages++
			continue // what was under way
		}
		var closed websocket.CloseError
		if !errors.As(err, &closed) || int(closed.Code) != code || !strings.Contains(closed.Reason, reason) {
			c.Fatalf("closed with %v, want %d %q", err, code, reason)
		}
		if messages == 0 {
			c.Fatal("closed before any message: version 3 begins a second loop of attempts")
		}
		return
	}
}

// isDenied checks the denied message, and that the socket lives.
func (c *client) isDenied(key, reason string) {
	c.Helper()
	m := c.next()
	head := cat(str(key), []byte{2, 1})
	if !bytes.HasPrefix(m, head) || !bytes.Contains(m, []byte(reason)) || int(m[len(head)]) != len(m)-len(head)-1 || m[len(head)] > 123 {
		c.Fatalf("got %q, want denied: %q", m, reason)
	}
	c.lives()
}

// lives checks that nothing more came, and that the socket is served.
func (c *client) lives() {
	c.Helper()
	c.send([]byte{9})
	c.gets([]byte{10})
}

// open opens a session with a token and step 1, and reads what is due for an empty
// document.
func (c *client) open(key string) {
	c.Helper()
	c.send(str(key), []byte{2, 0, 0})
	c.gets(str(key), []byte{2, 2}, str("read-write"))
	c.sync(key)
}

func (c *client) sync(key string) {
	c.Helper()
	c.send(str(key), []byte{0, 0, 1, 0})
	c.gets(str(key), []byte{0, 1, 2, 0, 0})
	c.gets(str(key), []byte{0, 0, 1, 0})
}

func cat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
func str(s string) []byte        { return lib0.AppendString(nil, s) }

// text is the update of a one-letter item of client 7 in the root "text".
func text(clock uint64, letter string) []byte {
	u := lib0.AppendUvarint([]byte{1, 1, 7}, clock)
	if clock == 0 {
		u = append(u, 4, 1, 4, 't', 'e', 'x', 't')
	} else {
		u = lib0.AppendUvarint(append(u, 0x84, 7), clock-1)
	}
	return append(append(u, str(letter)...), 0)
}

func sync1(have ...byte) []byte     { return append([]byte{0, 0, byte(len(have))}, have...) }
func sync2(update []byte) []byte    { return lib0.AppendBytes([]byte{0, 1}, update) }
func updating(update []byte) []byte { return lib0.AppendBytes([]byte{0, 2}, update) }

var (
	empty   = []byte{0, 0}
	saved   = []byte{8, 1}
	refused = []byte{8, 0}
)

// damaged is a store whose documents are.
type damaged struct{ store.Store }

func (s *damaged) Load(ctx context.Context, name string) (*store.Document, error) {
	d, err := s.Store.Load(ctx, name)
	if err == nil {
		d.Damage = &store.RowError{}
	}
	return d, err
}

// stalled is a store whose calls wait.
type stalled struct {
	store.Store
	load, append func()
}

func (s *stalled) Load(ctx context.Context, name string) (*store.Document, error) {
	if s.load != nil {
		s.load()
	}
	return s.Store.Load(ctx, name)
}

func (s *stalled) Append(ctx context.Context, entries []store.Entry) error {
	if s.append != nil {
		s.append()
	}
	return s.Store.Append(ctx, entries)
}

// failing is a store that may fail to append.
type failing struct {
	store.Store
	mu  sync.Mutex
	err error
}

func (f *failing) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *failing) Append(ctx context.Context, entries []store.Entry) error {
	f.mu.Lock()
	err := f.err
	f.mu.Unlock()
	if err != nil {
		return err
	}
	return f.Store.Append(ctx, entries)
}
