package server

import (
	"container/list"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/inkwire/inkwire/internal/access"
)

// A gate is a listener that bounds the connections that are no sockets: those of
// handshakes, and of other requests. Who connects and then says nothing, or one
// byte a second, takes no place from others for long:
//
//   - When all places are taken, the connection that has waited longest for its
//     request is turned away, once it has waited for slow. Until then nobody is
//     accepted; the system's queue holds those who come.
//   - An address that holds more than its share is turned away likewise, but
//     isn't waited for: many honest clients may come from one address at once.
//     A trusted proxy's is everybody's, and has no share.
type gate struct {
	net.Listener
	tls          *tls.Config // nil for none
	proxies      access.Proxies
	max, perAddr int
	slow         time.Duration
	header       time.Duration   // that a request's header may take
	count        func(delta int) // of connections held
	refused      func(access.Refusal)

	freed  chan struct{} // has one when a place became free
	closed chan struct{}
	once   sync.Once

	// Guarded by mu; nothing but count is called under it.
	mu      sync.Mutex
	held    int
	waiting list.List // the *httpConn without a request to be answered, by since
	byAddr  map[netip.Addr]int
}

// slowAfter is how long an honest client's request may take to come.
const slowAfter = time.Second

// An httpConn is a connection that is no socket.
type httpConn struct {
	lineConn
	tls  *secured // what lineConn reads, or nil
	gate *gate
	addr netip.Addr // as limits count it; none for a trusted proxy's

	begun bool // some of a request has come; owned by whoever reads

	// Guarded by the gate's mu.
	since  time.Time     // it began to wait
	place  *list.Element // in waiting; nil while a request is answered, and in the end
	served bool          // a request has been answered
	gone   bool          // it holds no place any more
}

func newGate(l net.Listener, max, perAddr int, count func(int), refused func(access.Refusal)) *gate {
	return &gate{
		Listener: l, max: max, perAddr: perAddr, slow: slowAfter, count: count, refused: refused,
		freed: make(chan struct{}, 1), closed: make(chan struct{}), byAddr: make(map[netip.Addr]int),
	}
}

// Accept implements net.Listener.
func (g *gate) Accept() (net.Conn, error) {
	nc, err := g.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &httpConn{lineConn: lineConn{Conn: nc}, gate: g, addr: g.addrOf(nc.RemoteAddr())}
	if g.tls != nil {
		c.tls = &secured{Conn: tls.Server(nc, g.tls)}
		c.Conn = c.tls
	}
	if !g.admit(c) {
		nc.Close()
		return nil, net.ErrClosed
	}
	return c, nil
}

// Close implements net.Listener.
func (g *gate) Close() error {
	g.once.Do(func() { close(g.closed) })
	return g.Listener.Close()
}

// admit waits for a place; it reports false when the listener is closed.
func (g *gate) admit(c *httpConn) bool {
	for {
		late, row, in, wait := g.try(c)
		if late != nil {
			late.turnAway(row)
		}
		if in {
			g.count(1)
			return true
		}
		if late != nil {
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-g.freed:
		case <-timer.C:
		case <-g.closed:
			return false
		}
		timer.Stop()
	}
}

// try gives c a place if there is one; otherwise wait is how long until one can
// be taken from somebody. It may take the place of a connection that is late,
// which is to be turned away for the reason of row.
func (g *gate) try(c *httpConn) (late *httpConn, row *access.Refused, in bool, wait time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	wait = g.slow
	switch {
	case g.held >= g.max:
		late, row = g.oldest(netip.Addr{}), access.TooMany.Because(fmt.Sprintf("max-handshakes is %d", g.max))
	case c.addr.IsValid() && g.byAddr[c.addr] >= g.perAddr:
		late, row = g.oldest(c.addr), access.TooSlow.Because(fmt.Sprintf("max-handshakes-per-address is %d", g.perAddr))
	}
	if late != nil {
		if waited := now.Sub(late.since); waited < g.slow {
			late, wait = nil, g.slow-waited
		} else {
			g.leaveLocked(late)
		}
	}
	if g.held >= g.max {
		return late, row, false, wait
	}
	g.held++
	g.waitLocked(c)
	return late, row, true, 0
}

// oldest is the connection that has waited longest, of an address if it's given.
func (g *gate) oldest(addr netip.Addr) *httpConn {
	for e := g.waiting.Front(); e != nil; e = e.Next() {
		if c := e.Value.(*httpConn); !addr.IsValid() || c.addr == addr {
			return c
		}
	}
	return nil
}

func (g *gate) waitLocked(c *httpConn) {
	c.since = time.Now()
	c.place = g.waiting.PushBack(c)
	g.byAddr[c.addr]++
}

func (g *gate) unwaitLocked(c *httpConn) {
	if c.place == nil {
		return
	}
	g.waiting.Remove(c.place)
	c.place = nil
	if g.byAddr[c.addr]--; g.byAddr[c.addr] == 0 {
		delete(g.byAddr, c.addr)
	}
}

// leaveLocked gives a connection's place up.
func (g *gate) leaveLocked(c *httpConn) {
	g.unwaitLocked(c)
	c.gone = true
	g.held--
	g.count(-1)
}

// begin marks that a connection's request is answered now, unless it was turned
// away.
func (g *gate) begin(c *httpConn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	// One with HTTP/2 may be between requests again: that of this handler was given
	// up. See state.
	if !c.http2.Load() {
		g.unwaitLocked(c)
	}
	return !c.gone
}

// state follows what net/http does with a connection.
func (g *gate) state(nc net.Conn, to http.ConnState) {
	c := nc.(*httpConn)
	switch to {
	case http.StateActive:
		if c.http2.Load() { // otherwise only a part of a request has come
			g.mu.Lock()
			g.unwaitLocked(c)
			g.mu.Unlock()
		}
	case http.StateIdle:
		if !c.http2.Load() {
			c.next()
			c.begun = false
		}
		g.mu.Lock()
		if !c.gone && c.place == nil {
			c.served = true
			g.waitLocked(c)
		}
		g.mu.Unlock()
	case http.StateHijacked, http.StateClosed:
		g.mu.Lock()
		if !c.gone {
			g.leaveLocked(c)
		}
		g.mu.Unlock()
		select {
		case g.freed <- struct{}{}:
		default:
		}
	}
}

// closeWaiting closes all connections on which no request is answered.
func (g *gate) closeWaiting() {
	g.mu.Lock()
	var all []*httpConn
	for e := g.waiting.Front(); e != nil; e = e.Next() {
		all = append(all, e.Value.(*httpConn))
	}
	g.mu.Unlock()
	for _, c := range all {
		c.cut()
	}
}

// Read implements net.Conn. When a request doesn't come in time net/http closes
// the connection without a word; whoever has begun one is told.
func (c *httpConn) Read(p []byte) (int, error) {
	if c.tls != nil && !c.tls.done.Load() {
		if err := c.tls.handshake(); err != nil {
			return 0, err
		}
	}
	n, err := c.lineConn.Read(p)
	if n > 0 {
		c.begun = true
	} else if c.begun && errors.Is(err, os.ErrDeadlineExceeded) && c.gate.awaits(c) {
		row := access.TooSlow.Because(fmt.Sprintf("header-timeout is %v", c.gate.header))
		row.HTTP = http.StatusRequestTimeout
		c.turnAway(row)
	}
	return n, err
}

// awaits reports whether a connection's request hasn't come whole.
func (g *gate) awaits(c *httpConn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return c.place != nil
}

// turnAway closes a connection that is late, and says why unless it merely
// waited for another request.
func (c *httpConn) turnAway(row *access.Refused) {
	c.gate.refused(row.Refusal)
	if !c.served && !c.http2.Load() && (c.tls == nil || c.tls.done.Load()) {
		// An error means that the client has gone, or reads nothing.
		_ = c.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
		_, _ = fmt.Fprintf(c.Conn, "HTTP/1.1 %d %s\r\nConnection: close\r\nRetry-After: %d\r\nX-Content-Type-Options: nosniff\r\n"+
			"Content-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n\r\n%s\n",
			row.HTTP, http.StatusText(row.HTTP), int(retryAfter.Seconds()), len(row.Error())+1, row)
		if c.tls == nil {
			_ = c.CloseWrite()
		}
	}
	c.cut()
}

// addrOf is whom a connection counts for.
func (g *gate) addrOf(a net.Addr) netip.Addr {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil || g.proxies.Trust(ap.Addr().Unmap()) {
		return netip.Addr{}
	}
	return access.Household(ap.Addr())
}
