package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/api"
	"github.com/inkwire/inkwire/internal/gateway"
	"github.com/inkwire/inkwire/internal/room"
	"github.com/inkwire/inkwire/internal/server"
	"github.com/inkwire/inkwire/internal/store"
	"github.com/inkwire/inkwire/internal/store/sqlite"
	"github.com/inkwire/inkwire/internal/ws"
)

// slowDisk is a store whose disk can be made to take its time.
type slowDisk struct {
	store.Store

	mu    sync.Mutex
	held  chan struct{} // closed when the disk goes on; nil if it isn't held
	waits chan struct{} // gets one when an append begins to wait
}

func (d *slowDisk) Append(ctx context.Context, batch []store.Entry) error {
	d.mu.Lock()
	held := d.held
	d.mu.Unlock()
	if held != nil {
		select {
		case d.waits <- struct{}{}:
		default:
		}
		select {
		case <-held:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return d.Store.Append(ctx, batch)
}

func (d *slowDisk) hold() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.held, d.waits = make(chan struct{}), make(chan struct{}, 1)
}

func (d *slowDisk) release() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.held != nil {
		close(d.held)
		d.held = nil
	}
}

// serveFrom serves a store's documents from within the test.
func serveFrom(t *testing.T, s store.Store) (addr string) {
	t.Helper()
	report := func(err error) { t.Log("fault: ", err) }
	rooms := room.New(room.Config{Store: s, Report: report})
	srv, err := server.New(server.Config{WS: ws.Defaults, Report: report})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start(gateway.Door{Guard: access.NewGuard(access.Config{Open: access.Owner}), Rooms: rooms}, api.Contents{Documents: rooms})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		for _, err := range []error{srv.Shutdown(ctx), <-served, rooms.Close(ctx), s.Close()} {
			if err != nil {
				t.Error(err)
			}
		}
	})
	return l.Addr().String()
}

// A client that comes back while its edit isn't on disk yet isn't told that it
// is: its edit is no news to the room any more, but unsaved all the same. So it
// is for who only reads it meanwhile.
func TestReconnectWhileDiskIsSlow(t *testing.T) {
	t.Parallel()
	for _, kind := range hocuspocuses {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			log, err := sqlite.Open(t.TempDir(), sqlite.Options{})
			if err != nil {
				t.Fatal(err)
			}
			disk := &slowDisk{Store: log}
			t.Cleanup(disk.release)
			addr := serveFrom(t, disk)
			p := newPuppets(t)
			for _, name := range []string{"writer", "other"} {
				p.open(name, kind, addr, "doc")
				p.do(name, "say", name)
				p.do(name, "untilSynced")
				p.do(name, "untilSaved")
			}
			p.do("other", "untilNames", "other", "writer")
			disk.hold()
			p.do("writer", "insert", 0, "on its way")
			p.do("other", "untilText", "on its way")
			<-disk.waits
			p.do("writer", "disconnect")
			p.do("writer", "untilDown")
			p.do("other", "untilNames", "other")
			p.do("writer", "connect")
			p.do("writer", "untilUp", 2)
			p.open("reader", kind, addr, "doc")
			p.do("reader", "say", "reader")
			p.do("reader", "untilText", "on its way")
			// There and back: what the server had to say to these clients before
			// the names has come when the names have.
			p.do("writer", "say", "writer is back")
			p.do("other", "untilNames", "other", "reader", "writer is back")
			p.do("other", "say", "other answers")
			for _, name := range []string{"writer", "reader"} {
				p.do(name, "untilNames", "other answers", "reader", "writer is back")
				if n := p.number(name, "unsaved"); n <= 0 {
					t.Errorf("the %s has %d unsaved edits, but nothing is on disk", name, n)
				}
			}
			disk.release()
			for _, name := range []string{"writer", "reader", "other"} {
				p.do(name, "untilSaved")
			}
		})
	}
}

// Two authors make overlapping stretches bold at once. Whoever opens the
// document, however it is put together, integrates it whole, finds nothing to
// tidy up, and sends nothing back.
func TestOpeningBringsNothing(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	srv := start(t, os.Args[0], "127.0.0.1:0", data)
	addr := srv.addr
	p := newPuppets(t)
	authors := []string{"ann", "bob"}
	for i, name := range authors {
		p.open(name, []string{"hocuspocus-4", "y-websocket-3"}[i], addr, "doc")
		p.do(name, "untilSynced")
	}
	bold, plain := map[string]any{"bold": true}, map[string]any{"bold": nil}
	p.do("ann", "insert", 0, "AA The quick brown fox jumps over the lazy dog")
	p.do("ann", "paragraph", "and the dog sleeps on")
	p.do("ann", "format", 0, 2, bold)
	p.do("bob", "untilSame", "ann")
	// Only bob's letter is left between ann's marks, which without it seem to
	// enclose nothing.
	p.do("bob", "insert", 1, "B")
	p.do("ann", "untilSame", "bob")
	p.do("ann", "delete", 0, 1)
	p.do("ann", "delete", 1, 1)
	p.do("bob", "untilSame", "ann")
	before := p.text("bob", "state")
	both := func(step string) {
		for _, name := range authors {
			p.do(name, step)
		}
	}
	both("disconnect")
	both("untilDown")
	p.do("ann", "format", 5, 20, bold)
	p.do("ann", "format", 10, 3, plain)
	p.do("ann", "formatParagraph", 0, 0, 12, bold)
	p.do("bob", "format", 15, 20, bold)
	p.do("bob", "format", 30, 10, map[string]any{"italic": true})
	p.do("bob", "formatParagraph", 0, 4, 14, bold)
	both("connect")
	p.do("ann", "untilUp", 2)
	p.do("bob", "untilUp", 2)
	p.do("ann", "untilSaved")
	p.do("bob", "untilSame", "ann")
	if !result[bool](p, "", "tempts", p.text("ann", "state")) {
		t.Error("a client that gets the document in parts has nothing to tidy up: this test proves nothing")
	}

	opened := 0
	openAll := func(how string) {
		t.Helper()
		state := p.text("ann", "state")
		var names []string
		for _, kind := range allKinds {
			for _, part := range []map[string]any{{}, {"state": before}} {
				opened++
				name := fmt.Sprintf("%s %d, %s, %d bytes before", how, opened, kind, len(part))
				p.open(name, kind, addr, "doc", part)
				names = append(names, name)
			}
		}
		for _, name := range names {
			p.do(name, "untilSynced")
			p.do(name, "untilAnswered")
			p.do(name, "untilSame", "ann")
			for _, brought := range result[[]string](p, name, "brought", state) {
				t.Errorf("%s: it sent %s", name, brought)
			}
		}
		for _, name := range names {
			p.do(name, "leave")
		}
	}
	openAll("tail")
	p.do("ann", "fill", 300)
	p.do("bob", "untilSame", "ann")
	openAll("base and tail")
	p.do("ann", "fill", 3, 100_000)
	p.do("ann", "untilSaved")
	p.do("bob", "untilSame", "ann")
	openAll("base")
	for _, again := range []struct {
		how string
		end func()
	}{{"after a crash", srv.kill}, {"after a restart", func() { srv.stop() }}} {
		p.do("ann", "untilSaved")
		again.end()
		both("disconnect")
		both("untilDown")
		srv = start(t, os.Args[0], addr, data)
		// The first to come finds it cold, with nobody there; ann compares later.
		p.open(again.how, "hocuspocus-3", addr, "doc")
		p.do(again.how, "untilSynced")
		p.do(again.how, "untilAnswered")
		for _, brought := range result[[]string](p, again.how, "brought", p.text("ann", "state")) {
			t.Errorf("%s: it sent %s", again.how, brought)
		}
		both("connect")
		p.do(again.how, "untilSame", "ann")
		openAll(again.how)
		p.do(again.how, "leave")
	}
	both("leave")
	srv.stop()
}

// Two tabs of one browser speak to each other as well. When one loses its
// socket it makes the other say that everybody is gone, which nobody else must
// believe; what it writes meanwhile is there once when it comes back.
func TestTabLosesItsSocket(t *testing.T) {
	t.Parallel()
	srv := start(t, os.Args[0], "127.0.0.1:0", t.TempDir())
	for _, kind := range yWebsockets {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			way := newProxy(t, srv.addr)
			p := newPuppets(t)
			p.open("other", "y-websocket-3", srv.addr, "tabs "+kind)
			p.do("other", "say", "other")
			tabs := map[string]any{"tabs": true}
			for _, name := range []string{"tab 1", "tab 2"} {
				p.open(name, kind, way.addr, "tabs "+kind, tabs)
				p.do(name, "say", name)
				p.do(name, "untilSynced")
			}
			everybody := []any{"other", "tab 1", "tab 2"}
			for _, name := range []string{"other", "tab 1", "tab 2"} {
				p.do(name, "untilNames", everybody...)
			}
			way.refuse(true)
			way.cut(0)
			p.do("tab 1", "untilDown")
			p.do("other", "untilNames", "other", "tab 2")
			p.do("tab 1", "insert", 0, "one ")
			p.do("tab 2", "untilText", "one ")
			p.do("tab 2", "insert", 4, "two ")
			p.do("other", "insert", 0, "three ")
			words := []any{"one", "three", "two"} // where they stand is Yjs's to say
			p.do("tab 2", "untilWords", words...)
			p.do("other", "say", "other 2") // it arrives after all that the tabs said
			p.do("tab 2", "say", "tab 2 still")
			p.do("other", "untilNames", "other 2", "tab 2 still")
			way.refuse(false)
			p.do("tab 1", "untilUp", 2)
			for _, name := range []string{"other", "tab 1", "tab 2"} {
				p.do(name, "untilWords", words...)
				p.do(name, "untilNames", "other 2", "tab 1", "tab 2 still")
			}
			if got := result[[]string](p, "", "warned"); len(got) > 0 {
				t.Errorf("a client warned: %q", got)
			}
		})
	}
	t.Cleanup(srv.stop)
}

// A person whose cable was pulled comes back while the server still takes the
// old connection for alive. The others see the person again within moments, and
// never twice.
func TestReconnectBeforeOldSocketIsDead(t *testing.T) {
	t.Parallel()
	srv := start(t, os.Args[0], "127.0.0.1:0", t.TempDir())
	for _, kind := range allKinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			way := newProxy(t, srv.addr)
			p := newPuppets(t)
			p.open("other", "y-websocket-2", srv.addr, "cable "+kind)
			p.do("other", "say", "other")
			p.open("person", kind, way.addr, "cable "+kind)
			p.do("person", "say", "person")
			p.do("other", "untilNames", "other", "person")
			way.refuse(true)
			way.freeze(0)
			p.do("person", "untilDown")
			p.do("person", "say", "person again")
			p.do("person", "insert", 0, "I am back")
			way.refuse(false)
			begun := time.Now()
			p.do("other", "untilText", "I am back")
			if names := result[[]string](p, "other", "names"); len(names) > 2 {
				t.Errorf("the other sees %q", names)
			}
			p.do("other", "untilNames", "other", "person again")
			took := time.Since(begun)
			t.Logf("seen again after %v", took.Round(time.Millisecond))
			if took > 10*time.Second { // 2 s wait for a pong; the rest is a slow machine's
				t.Errorf("seen again only after %v", took)
			}
			p.do("person", "untilNames", "other", "person again")
		})
	}
	t.Cleanup(srv.stop)
}

// idleTime is longer than any client's patience with silence, several times.
const idleTime = 2 * time.Minute

// A client alone in its document, to whom nobody has anything to say, stays
// connected.
func TestIdleClientsStay(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes two minutes")
	}
	t.Parallel()
	srv := start(t, os.Args[0], "127.0.0.1:0", t.TempDir())
	p := newPuppets(t)
	for _, kind := range allKinds {
		p.open(kind, kind, srv.addr, "idle "+kind)
	}
	for _, kind := range allKinds {
		p.do(kind, "untilSynced")
	}
	<-time.After(idleTime)
	for _, kind := range allKinds {
		if n := p.number(kind, "sockets"); n != 1 {
			t.Errorf("%s made %d sockets: %s", kind, n, p.do(kind, "closes"))
		}
		p.do(kind, "insert", 0, "still here")
		p.open("after "+kind, kind, srv.addr, "idle "+kind)
		p.do("after "+kind, "untilText", "still here")
	}
	if got := result[[]string](p, "", "warned"); len(got) > 0 {
		t.Errorf("a client warned: %q", slices.Compact(got))
	}
	t.Cleanup(srv.stop)
}
