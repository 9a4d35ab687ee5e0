package server

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/inkwire/inkwire/internal/access"
)

// pipes is a listener that accepts what is put into it.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// from is a connection with an address.
type from struct {
	net.Conn
	addr net.Addr
}

func (f from) RemoteAddr() net.Addr { return f.addr }

// A yard is a gate and those in front of it.
type yard struct {
	*testing.T
	gate    *gate
	in      pipes
	held    int
	refused []string
}

func newYard(t *testing.T, most, perAddr int) *yard {
	y := &yard{T: t, in: make(pipes, 100)}
	y.gate = newGate(y.in, most, perAddr, func(delta int) { y.held += delta },
		func(r access.Refusal) { y.refused = append(y.refused, r.Label) })
	return y
}

// come brings a connection of 192.0.2.host to the listener; what it gets is read.
func (y *yard) come(host int) (answer chan string) {
	client, srv := net.Pipe()
	y.in <- from{srv, &net.TCPAddr{IP: net.IPv4(192, 0, 2, byte(host)), Port: 1000}}
	answer = make(chan string, 1)
	go func() {
		b, _ := io.ReadAll(client)
		answer <- string(b)
	}()
	return answer
}

func (y *yard) accept() *httpConn {
	y.Helper()
	c, err := y.gate.Accept()
	if err != nil {
		y.Fatal(err)
	}
	return c.(*httpConn)
}

// When all places are taken, whoever has waited longest goes, but not before it
// is slow; the newcomer waits until then.
func TestGateFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t, 2, 2)
		begun := time.Now()
		slow := y.come(1)
		c1 := y.accept()
		time.Sleep(slowAfter / 2)
		y.come(2)
		c2 := y.accept()
		y.come(3)
		c3 := y.accept()
		if waited := time.Since(begun); waited != slowAfter {
			t.Errorf("the newcomer waited until %v", waited)
		}
		if got := <-slow; !strings.HasPrefix(got, "HTTP/1.1 503 ") || !strings.Contains(got, "Retry-After: 5\r\n") {
			t.Errorf("the slow one got %q", got)
		}
		if y.gate.begin(c1) {
			t.Error("the slow one is served")
		}
		y.gate.state(c1, http.StateClosed) // changes nothing
		// One that is being served keeps its place; a place that is given up is taken
		// at once.
		if !y.gate.begin(c2) || !y.gate.begin(c3) {
			t.Error("one that came in time isn't served")
		}
		time.Sleep(10 * slowAfter)
		begun = time.Now()
		y.come(4)
		time.AfterFunc(slowAfter/4, func() { y.gate.state(c3, http.StateHijacked) })
		c4 := y.accept()
		if waited := time.Since(begun); waited != slowAfter/4 {
			t.Errorf("waited %v", waited)
		}
		// One that has been served goes without a word.
		y.gate.state(c2, http.StateIdle)
		y.gate.begin(c4)
		y.come(5)
		c5 := y.accept()
		if y.gate.begin(c2) {
			t.Error("an idle connection keeps its place")
		}
		if y.held != 2 || len(y.refused) != 2 || y.refused[0] != "too_many" {
			t.Error(y.held, y.refused)
		}
		for _, c := range []*httpConn{c2, c4, c5} {
			c.Close()
			y.gate.state(c, http.StateClosed)
		}
		c3.Close()
		if y.held != 0 || y.gate.held != 0 || y.gate.waiting.Len() != 0 || len(y.gate.byAddr) != 0 {
			t.Error("held: ", y.held, y.gate.held, y.gate.waiting.Len(), y.gate.byAddr)
		}
	})
}

// Whoever takes too long over a request is told so, but not one who has asked for
// nothing, or is being answered.
func TestGateLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, tt := range map[string]struct {
			sent   string
			served bool
			want   string
		}{
			"a part of a line":   {"GET / HT", false, "HTTP/1.1 408 Request Timeout"},
			"a part of a header": {"GET / HTTP/1.1\r\nHo", false, "HTTP/1.1 408 Request Timeout"},
			"nothing":            {"", false, ""},
			"all of it":          {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true, ""},
		} {
			y := newYard(t, 1, 1)
			client, srv := net.Pipe()
			y.in <- from{srv, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}}
			c := y.accept()
			go io.WriteString(client, tt.sent)
			answer := make(chan string, 1)
			go func() {
				b, _ := io.ReadAll(client)
				answer <- string(b)
			}()
			c.SetReadDeadline(time.Now().Add(time.Hour))
			if tt.served {
				y.gate.begin(c)
			}
			io.ReadAll(c) // as net/http does
			c.Close()
			status, _, _ := strings.Cut(<-answer, "\r\n")
			if status != tt.want || len(y.refused) != len(tt.want)/len("HTTP/1.1 408 Request Timeout") {
				t.Errorf("%s is answered %q, refused %q", name, status, y.refused)
			}
		}
	})
}

// An address with more than its share loses its own, and nobody is waited for.
func TestGatePerAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t, 10, 2)
		var all []*httpConn
		other := y.come(2)
		all = append(all, y.accept())
		first := y.come(1)
		all = append(all, y.accept())
		for range 2 { // at once: more than two, as honest clients may be
			y.come(1)
			all = append(all, y.accept())
		}
		time.Sleep(slowAfter)
		begun := time.Now()
		y.come(1)
		all = append(all, y.accept())
		if time.Since(begun) != 0 {
			t.Error("somebody was waited for")
		}
		if got := <-first; !strings.HasPrefix(got, "HTTP/1.1 429 ") {
			t.Errorf("%q", got)
		}
		select {
		case got := <-other:
			t.Errorf("another address lost its place: %q", got)
		default:
		}
		for _, c := range all {
			c.Close()
			y.gate.state(c, http.StateClosed)
		}
		if y.held != 0 || len(y.gate.byAddr) != 0 {
			t.Error(y.held, y.gate.byAddr)
		}
	})
}

// A closed listener accepts nobody who waits.
func TestGateClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t, 1, 1)
		y.come(1)
		c := y.accept()
		y.gate.begin(c)
		y.come(2)
		time.AfterFunc(time.Hour, func() { y.gate.Close() })
		if _, err := y.gate.Accept(); err == nil {
			t.Error("accepted")
		}
		c.Close()
	})
}

// Five hundred who send one byte each hurt nobody.
func TestSlowHandshakes(t *testing.T) {
	s, err := New(Config{Report: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	for range 500 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, "G"); err != nil {
			t.Fatal(err)
		}
	}
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	begun := time.Now()
	fmt.Fprintf(c, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || resp.StatusCode != 200 {
		t.Fatal(resp, err)
	}
	t.Logf("answered after %v", time.Since(begun))
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// A trusted proxy's address has no share: it is all its clients'.
func TestGateProxy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t, 10, 2)
		y.gate.proxies = access.Proxies{netip.MustParsePrefix("192.0.2.1/32")}
		var all []*httpConn
		for range 5 {
			y.come(1)
			all = append(all, y.accept())
			time.Sleep(2 * slowAfter)
		}
		if len(y.refused) != 0 {
			t.Error(y.refused)
		}
		for _, c := range all {
			c.Close()
			y.gate.state(c, http.StateClosed)
		}
	})
}

func TestBackoffExpires(t *testing.T) {
	var b backoff
	now := time.Now()
	far, near := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("127.0.0.1")
	if b.left(far, now) != 0 {
		t.Error("it begins with somebody")
	}
	b.add(far, now)
	b.add(near, now)
	if b.left(far, now) != backoffTime || b.left(near, now) != backoffTimeLoopback {
		t.Error(b.left(far, now), b.left(near, now))
	}
	if b.left(far, now.Add(backoffTime)) != 0 || b.left(far, now) != 0 || len(b.until) != 1 {
		t.Error("it doesn't expire: ", b.until)
	}
	addr := netip.MustParseAddr("10.0.0.0")
	for range 2 * maxBackoff {
		addr = addr.Next()
		b.add(addr, now)
	}
	if len(b.until) != maxBackoff || b.left(addr, now) != 0 {
		t.Error(len(b.until))
	}
	b.add(addr, now.Add(2*backoffTime))
	if len(b.until) != 1 {
		t.Error(len(b.until))
	}
}
