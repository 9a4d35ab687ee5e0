package yws_test

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
	"go.uber.org/goleak"

	"github.com/inkwire/inkwire/awareness"
	"github.com/inkwire/inkwire/crdt"
	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/gateway"
	"github.com/inkwire/inkwire/internal/gateway/yws"
	"github.com/inkwire/inkwire/internal/room"
	"github.com/inkwire/inkwire/internal/store"
	"github.com/inkwire/inkwire/internal/store/sqlite"
	"github.com/inkwire/inkwire/internal/ws"
	"github.com/inkwire/inkwire/lib0"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 30 * time.Second

// serve starts a server of the document "doc" and returns its address.
func serve(t *testing.T, cfg ws.Config) string {
	addr, _ := serveTimed(t, cfg, gateway.KeepaliveAfter, nil)
	return addr
}

// holdFor is how long denied clients are held here.
const holdFor = 300 * time.Millisecond

// serveTimed is serve with another time, and a store that wrap makes of the real
// one.
func serveTimed(t *testing.T, cfg ws.Config, keepaliveAfter time.Duration, wrap func(store.Store) store.Store) (string, *room.Rooms) {
	t.Helper()
	return serveTo(t, access.Config{Open: access.Owner}, cfg, keepaliveAfter, wrap)
}

// serveTo is serveTimed for those whom a guard lets in.
func serveTo(t *testing.T, who access.Config, cfg ws.Config, keepaliveAfter time.Duration, wrap func(store.Store) store.Store) (string, *room.Rooms) {
	t.Helper()
	log, err := sqlite.Open(t.TempDir(), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	logged, report := store.Store(log), func(err error) { t.Error(err) }
	if wrap != nil {
		logged, report = wrap(log), func(err error) { t.Log(err) }
	}
	rooms := room.New(room.Config{Store: logged, Report: report})
	door := gateway.Door{Guard: access.NewGuard(who), Rooms: rooms}
	ctx, cancel := context.WithCancel(context.Background())
	var sockets sync.WaitGroup
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sockets.Add(1)
		defer sockets.Done()
		if conn, err := ws.Accept(w, r, &cfg); err == nil {
			ended := make(chan error, 1)
			gateway.Serve(conn, yws.OpenTimed(ctx, conn, door, access.Credentials{Token: r.URL.Query().Get("token")}, "doc", r.URL.Query().Has("scope"), keepaliveAfter, holdFor), func(err error) { ended <- err })
			<-ended
		}
	}))
	t.Cleanup(func() {
		cancel()
		srv.Close()
		sockets.Wait()
		if err := errors.Join(rooms.Close(context.Background()), log.Close()); err != nil {
			t.Error(err)
		}
	})
	return "ws" + strings.TrimPrefix(srv.URL, "http"), rooms
}

// A client is a socket whose bytes the test makes and reads by hand.
type client struct {
	*testing.T
	ctx  context.Context
	conn *websocket.Conn
}

func dial(t *testing.T, addr string) *client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	conn, _, err := websocket.Dial(ctx, addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadLimit(64 << 20)
	t.Cleanup(func() { conn.CloseNow(); cancel() })
	return &client{t, ctx, conn}
}

func (c *client) send(b ...byte) {
	c.Helper()
	if err := c.conn.Write(c.ctx, websocket.MessageBinary, b); err != nil {
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
func (c *client) gets(want ...byte) {
	c.Helper()
	if got := c.next(); !bytes.Equal(got, want) {
		c.Fatalf("got  %x\nwant %x", got, want)
	}
}

// isClosed checks the close frame.
func (c *client) isClosed(code int, reason string) {
	c.Helper()
	for {
		_, _, err := c.conn.Read(c.ctx)
		if err == nil {
			continue // what was under way
		}
		var closed websocket.CloseError
		if !errors.As(err, &closed) || int(closed.Code) != code || !strings.Contains(closed.Reason, reason) {
			c.Fatalf("closed with %v, want %d %q", err, code, reason)
		}
		return
	}
}

func cat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// update is the text "hi" by client 7: one struct at clock 0, an item of a string,
// without origins, in the root "text"; no deletes.
var update = cat([]byte{1, 1, 7, 0, 4, 1, 4}, []byte("text"), []byte{2}, []byte("hi"), []byte{0})

func TestMessages(t *testing.T) {
	addr := serve(t, ws.Defaults)
	a := dial(t, addr)
	a.send(0, 0, 1, 0)    // step 1, nothing known
	a.gets(0, 1, 2, 0, 0) // step 2, nothing
	a.gets(0, 0, 1, 0)    // its own step 1
	b := dial(t, addr)
	b.send(0, 0, 1, 0)
	b.gets(0, 1, 2, 0, 0)
	b.gets(0, 0, 1, 0)

	a.send(cat([]byte{0, 2, byte(len(update))}, update)...)
	b.gets(cat([]byte{0, 2, byte(len(update))}, update)...)

	// Step 2 is an update too; a repeated one isn't broadcast.
	a.send(cat([]byte{0, 1, byte(len(update))}, update)...)
	b.send(0, 0, 3, 1, 7, 2) // step 1, knowing all
	b.gets(0, 1, 2, 0, 0)
	b.gets(0, 0, 3, 1, 7, 2)
	b.send(0, 0, 3, 1, 7, 1) // knowing the first letter
	b.gets(cat([]byte{0, 1, 10, 1, 1, 7, 1, 0x84, 7, 0, 1}, []byte("i"), []byte{0})...)
	b.gets(0, 0, 3, 1, 7, 2)

	c := dial(t, addr)
	c.send(0, 0, 1, 0)
	c.gets(cat([]byte{0, 1, byte(len(update))}, update)...)
	c.gets(0, 0, 3, 1, 7, 2)
}

func TestAwareness(t *testing.T) {
	addr := serve(t, ws.Defaults)
	a, b := dial(t, addr), dial(t, addr)
	for _, c := range []*client{a, b} {
		c.send(0, 0, 1, 0)
		c.gets(0, 1, 2, 0, 0)
		c.gets(0, 0, 1, 0)
	}
	presence := func(c *client) awareness.Entry {
		t.Helper()
		m := c.next()
		if m[0] != 1 || int(m[1]) != len(m)-2 {
			t.Fatalf("%x is no awareness message", m)
		}
		entries, err := awareness.Decode(m[2:], awareness.Limits{})
		if err != nil || len(entries) != 1 {
			t.Fatal(entries, err)
		}
		return entries[0]
	}
	a.send(1, 6, 1, 5, 1, 2, '{', '}')
	before := uint64(time.Now().Add(-time.Minute).UnixMilli())
	first := presence(b)
	if first.Client != 5 || first.Clock < before || string(first.State) != "{}" {
		t.Fatal(first)
	}
	b.send(3)
	if again := presence(b); again.Client != 5 || again.Clock <= first.Clock {
		t.Fatal(again)
	}
	a.conn.Close(1000, "")
	if gone := presence(b); gone.Client != 5 || gone.State != nil {
		t.Fatal(gone)
	}
}

func TestRefusals(t *testing.T) {
	cfg := ws.Defaults
	cfg.MaxMessage = 10_000
	cfg.CloseTimeout = time.Second
	addr := serve(t, cfg)
	witness := dial(t, addr)
	witness.send(0, 0, 1, 0)
	witness.next()
	witness.next()
	for _, tt := range []struct {
		name    string
		message []byte
		code    int
		reason  string
	}{
		{"nothing", nil, 4400, "malformed message"},
		{"unknown", []byte{2, 0}, 4400, "unknown message 2"},
		{"rubbish", []byte("rubbish"), 4400, "unknown message 114"},
		{"an endless number", bytes.Repeat([]byte{0xff}, 20), 4400, "malformed"},
		{"unknown sync", []byte{0, 3, 0}, 4400, "unknown sync message 3"},
		{"sync alone", []byte{0}, 4400, "malformed"},
		{"no body", []byte{0, 0}, 4400, "malformed"},
		{"a cut body", []byte{0, 0, 5, 0}, 4400, "malformed"},
		{"an absurd body", []byte{0, 2, 0xff, 0xff, 0xff, 0xff, 0x7f}, 4400, "malformed"},
		{"more than one message", []byte{0, 0, 1, 0, 3}, 4400, "1 bytes after the message"},
		{"query and more", []byte{3, 3}, 4400, "1 bytes after the message"},
		{"a bad state vector", []byte{0, 0, 2, 5, 1}, 4400, "state vector"},
		{"a bad update", []byte{0, 2, 3, 1, 1, 1}, 4400, "update"},
		{"a cut update", cat([]byte{0, 2, byte(len(update) - 3)}, update[:len(update)-3]), 4400, "update"},
		{"a bad step 2", []byte{0, 1, 1, 9}, 4400, "update"},
		{"bad awareness", []byte{1, 1, 9}, 4400, "malformed"},
		{"awareness that isn't JSON", []byte{1, 5, 1, 5, 1, 1, '{'}, 4400, "awareness"},
		{"too large", make([]byte, 10_001), 4413, "10000 bytes allowed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := dial(t, addr)
			c.send(0, 0, 1, 0)
			c.send(tt.message...)
			c.isClosed(tt.code, tt.reason)
		})
	}
	t.Run("text", func(t *testing.T) {
		c := dial(t, addr)
		c.conn.Write(c.ctx, websocket.MessageText, []byte("{}"))
		c.isClosed(1003, "text where binary is due")
	})
	// Nobody else noticed.
	witness.send(0, 0, 1, 0)
	witness.gets(0, 1, 2, 0, 0)
}

// A client that doesn't read falls behind, and nobody waits for it; once it reads
// again, it gets all it lacks in one update.
func TestSlowClient(t *testing.T) {
	cfg := ws.Defaults
	cfg.MaxQueue = 64 << 10
	addr := serve(t, cfg)
	slow, writer, witness := dial(t, addr), dial(t, addr), dial(t, addr)
	for _, c := range []*client{slow, writer, witness} {
		c.send(0, 0, 1, 0)
		c.gets(0, 1, 2, 0, 0)
		c.gets(0, 0, 1, 0)
	}
	// More than the kernel's buffers and the queue hold: items of bytes in the root
	// "text". Only the sum of what the slow one gets tells that none is missing.
	const updates = 200
	content := make([]byte, 100_000)
	for clock := uint64(0); clock < updates; clock++ {
		update := lib0.AppendUvarint([]byte{1, 1, 7}, clock)
		update = cat(update, []byte{3, 1, 4}, []byte("text"), lib0.AppendBytes(nil, content), []byte{0})
		writer.send(lib0.AppendBytes([]byte{0, 2}, update)...)
		witness.next()
	}
	got, messages := uint32(0), 0
	for got < updates {
		m := slow.next()
		messages++
		d := lib0.NewDecoder(m[2:])
		body, err := d.Bytes()
		if err != nil || m[0] != 0 || m[1] != 2 {
			t.Fatalf("%x: %v", m[:2], err)
		}
		info, err := crdt.Validate(body, crdt.Limits{})
		if err != nil || len(info.Clients) != 1 || info.Clients[0].From > got {
			t.Fatalf("has %d, got %v: %v", got, info.Clients, err)
		}
		got = info.Clients[0].To
	}
	if messages == updates {
		t.Error("it was never behind")
	}
	t.Logf("%d updates in %d messages", updates, messages)
}
