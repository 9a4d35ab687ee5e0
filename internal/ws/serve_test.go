package ws_test

import (
	"errors"
	"runtime/metrics"
	"testing"

	"github.com/inkwire/inkwire/internal/ws"
)

// A handler echoes, and uses as much stack for it as it is told.
type handler struct {
	conn  *ws.Conn
	depth int
	ended chan error
}

var errEnough = errors.New("enough")

func (h *handler) Message(m ws.Message) error {
	if string(m.Data) == "enough" {
		return errEnough
	}
	deep(h.depth)
	return h.conn.Send(ws.Text(nil, ws.NewBody(m.Data)))
}

func (h *handler) End(err error) {
	h.conn.Finish(1000, "")
	h.ended <- err
}

// deep uses n kB of stack.
//
//go:noinline
func deep(n int) (sum byte) {
	var kb [1 << 10]byte
	if n > 0 {
		kb[n] = deep(n - 1)
	}
	for _, b := range kb {
		sum += b
	}
	return sum
}

// serveHandlers is serve for connections that Serve reads.
func serveHandlers(t *testing.T, depth int, check func(error)) string {
	return serve(t, config(), func(c *ws.Conn) {
		h := &handler{c, depth, make(chan error, 1)}
		c.Serve(h)
		check(<-h.ended)
	})
}

// A handler gets messages in order, however they come, and then the end's reason.
func TestServe(t *testing.T) {
	ends := make(chan error, 2)
	addr := serveHandlers(t, 0, func(err error) { ends <- err })
	r := dial(t, addr)
	r.says(text("one"), textReply("one"))
	// At once, in parts, and with a ping between them.
	r.says(cat(text("two"), textPart("thr"), ping("p"), last("ee"), text("four")),
		textReply("two"), pongReply("p"), textReply("three"), textReply("four"))
	r.Write(text("enough"))
	if b0, _ := r.next(); b0 != 0x88 {
		t.Fatalf("got %#x, want a close frame", b0)
	}
	if err := <-ends; err != errEnough {
		t.Fatal(err)
	}
	r = dial(t, addr)
	r.Write(closing(4000, ""))
	var closed *ws.Closed
	if err := <-ends; !errors.As(err, &closed) || closed.Code != 4000 {
		t.Fatal(err)
	}
}

// What a message takes of stack isn't kept by its connection, nor by one that has
// answered a ping since.
func TestIdleStack(t *testing.T) {
	const conns, depth = 200, 40
	addr := serveHandlers(t, depth, func(error) {})
	stacks := func() int {
		s := []metrics.Sample{{Name: "/memory/classes/heap/stacks:bytes"}}
		metrics.Read(s)
		return int(s[0].Value.Uint64())
	}
	before := stacks()
	var all []*raw
	for range conns {
		r := dial(t, addr)
		all = append(all, r)
		r.says(text("x"), textReply("x"))
		r.says(ping("p"), pongReply("p"))
	}
	// net/http's goroutines wait in their handlers here, with some kilobytes each.
	if each := (stacks() - before) / conns; each > 32<<10 {
		t.Errorf("%d bytes of stack for each connection, whose handler needs %d", each, depth<<10)
	}
	for _, r := range all {
		r.Close()
	}
}
