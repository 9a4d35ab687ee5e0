package server_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/api"
	"github.com/inkwire/inkwire/internal/gateway"
	"github.com/inkwire/inkwire/internal/server"
)

// proxied is a house behind a trusted proxy at 127.0.0.2; it is on loopback.
func proxied(t *testing.T, change func(*server.Config)) *house {
	return open(t, func(c *server.Config) {
		c.Site.Proxies = access.Proxies{netip.MustParsePrefix("127.0.0.2/32")}
		if change != nil {
			change(c)
		}
	})
}

var theProxy = net.IPv4(127, 0, 0, 2)

// counts checks a row's count in the metrics.
func (h *house) counts(row string, want int) {
	h.Helper()
	_, text := h.get("/metrics")
	if line := fmt.Sprintf("\ninkwire_refusals_total{reason=%q} %d\n", row, want); !strings.Contains(text, line) {
		h.Errorf("no %s", line)
	}
}

// An address has so many sockets and no more, however many there may be in all;
// behind a trusted proxy each client has its own.
func TestMaxConnectionsPerAddress(t *testing.T) {
	h := proxied(t, func(c *server.Config) { c.MaxConnectionsPerAddress = 2 })
	from := func(client string) *socket { return h.dialFrom(theProxy, "/yjs/a", "X-Forwarded-For: "+client) }
	first := from("2001:db8::1")
	from("2001:db8::2").refused(101)
	third := from("2001:db8::3") // of the same network
	if body := third.refused(429); !strings.Contains(body, "max-connections-per-address is 2") || third.resp.Header.Get("Retry-After") == "" {
		t.Error(body, third.resp.Header)
	}
	from("2001:db8:0:1::1").refused(101)
	// Who isn't trusted counts by his own address, whatever he says.
	liar := nextAddr()
	for i, want := range []int{101, 101, 429} {
		h.dialFrom(liar, "/yjs/a", fmt.Sprintf("X-Forwarded-For: 192.0.2.%d", i)).refused(want)
	}
	h.counts("too_many_of_address", 2)
	first.Close()
	if e := h.ended(); e.Remote.String() != "2001:db8::1" {
		t.Errorf("%+v", e)
	}
	deadline := time.Now().Add(patience)
	for h.server.Sockets() > 4 && time.Now().Before(deadline) { // the place is free a moment later
	}
	from("2001:db8::3").refused(101)
}

// An address begins so many sockets in a minute and no more.
func TestMaxHandshakesPerMinute(t *testing.T) {
	h := proxied(t, func(c *server.Config) { c.MaxHandshakesPerMinute = 3 })
	for i := range 4 {
		s := h.dialFrom(theProxy, "/yjs/a", "X-Forwarded-For: 192.0.2.1")
		if i < 3 {
			s.refused(101)
			s.Close()
		} else if body := s.refused(429); !strings.Contains(body, "max-handshakes-per-minute is 3") || s.resp.Header.Get("Retry-After") == "" {
			t.Error(body, s.resp.Header)
		}
	}
	h.dialFrom(theProxy, "/yjs/a", "X-Forwarded-For: 192.0.2.2").refused(101)
	h.counts("too_fast", 1)
}

// A client behind a proxy that is cut off waits alone.
func TestBackoffBehindProxy(t *testing.T) {
	h := proxied(t, nil)
	s := h.dialFrom(theProxy, "/yjs/a", "X-Forwarded-For: 192.0.2.1", "Host: docs.example.com")
	s.send(make([]byte, 1001)...)
	s.isClosed(4413)
	s.Close()
	h.ended()
	h.dialFrom(theProxy, "/yjs/a", "X-Forwarded-For: 192.0.2.1").refused(429)
	h.dialFrom(theProxy, "/yjs/a", "X-Forwarded-For: 192.0.2.2").refused(101)
	h.dialFrom(theProxy, "/yjs/a").refused(101)
	h.counts("too_often", 1)
}

type noTokens struct{}

func (noTokens) Identify(context.Context, string) (access.Identity, error) {
	return access.Identity{}, access.BadToken.Because("")
}

// Who shows too much that isn't valid is refused before the upgrade.
func TestBlocked(t *testing.T) {
	h := proxied(t, nil)
	guard := access.NewGuard(access.Config{Tokens: noTokens{}, Limits: access.Limits{FailuresPerMinute: 2}})
	h.server.Start(gateway.Door{Guard: guard, Rooms: h.rooms}, api.Contents{})
	from := func(client string) *socket { return h.dialFrom(theProxy, "/yjs/a", "X-Forwarded-For: "+client) }
	for range 2 {
		from("192.0.2.1").refused(101)
		_, err := guard.Check(t.Context(), access.Credentials{Token: "x", Addr: netip.MustParseAddr("192.0.2.1")}, "a", access.Read)
		var refused *access.Refused
		if !errors.As(err, &refused) || refused.Label != "bad_token" {
			t.Fatal(err)
		}
	}
	if body := from("192.0.2.1").refused(429); !strings.Contains(body, "too many tokens") {
		t.Error(body)
	}
	from("192.0.2.2").refused(101)
	h.counts("failures", 1)
}

// A request's header has bounds in bytes and in time, and an idle connection
// in time.
func TestHeaderBounds(t *testing.T) {
	hasty := open(t, func(c *server.Config) { c.HeaderTimeout = 50 * time.Millisecond })
	h := open(t, func(c *server.Config) { c.MaxHeader, c.IdleTimeout = 1<<10, 50*time.Millisecond })
	say := func(h *house, text string) string {
		t.Helper()
		c, err := net.Dial("tcp", h.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(patience))
		go io.WriteString(c, text)
		got, err := io.ReadAll(c)
		if err != nil {
			t.Errorf("%.40q: %v", text, err)
		}
		return string(got)
	}
	const request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
	if got := say(hasty, request); !strings.HasPrefix(got, "HTTP/1.1 408 ") || !strings.Contains(got, "header-timeout is 50ms") {
		t.Errorf("half a request got %q", got)
	}
	if got := say(h, request+"X: "+strings.Repeat("x", 10<<10)+"\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 431 ") {
		t.Errorf("a long header got %q", got)
	}
	if got := say(h, request+"\r\n"); strings.Count(got, "HTTP/1.1") != 1 || !strings.Contains(got, "200 OK") {
		t.Errorf("a whole one got %q", got)
	}
	var counted dto.Metric
	if err := hasty.metrics.Refusals.WithLabelValues("too_slow").Write(&counted); err != nil || counted.Counter.GetValue() != 1 {
		t.Error(counted.Counter, err)
	}
}

// Each answer has the same headers, whatever it is of.
func TestHeaders(t *testing.T) {
	h := prepare(t, nil)
	check := func(what string, header http.Header) {
		t.Helper()
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin", "Strict-Transport-Security": "",
		} {
			if got := header[name]; len(got) > 1 || header.Get(name) != want {
				t.Errorf("%s: %s: %q", what, name, got)
			}
		}
		policy := header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "frame-ancestors 'none'") || !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe-eval") ||
			header.Get("Permissions-Policy") == "" {
			t.Errorf("%s: %v", what, header)
		}
	}
	for _, path := range []string{"/", "/d/a", "/assets/x-1234.js", "/favicon.svg", "/none", "/healthz", "/readyz", "/metrics", "/api/v1/docs", "/api/none"} {
		resp, _ := h.get(path)
		check(path, resp.Header)
	}
	check("a refused socket", h.dial("/yjs/a").resp.Header)
	check("a foreign host", h.dial("/yjs/a", "Host: evil.example").resp.Header)
	resp, _ := h.get("/")
	for _, part := range strings.Split(resp.Header.Get("Content-Security-Policy"), "; ") {
		if strings.Contains(part, "unsafe") && part != "style-src 'self' 'unsafe-inline'" {
			t.Error(part)
		}
	}
	s := openTLS(t, nil)
	for _, path := range []string{"/", "/metrics", "/none", "/api/v1/docs"} {
		if resp, _ := s.ask(s.asking(true), path); resp.Header.Get("Strict-Transport-Security") != "max-age=31536000" {
			t.Error(path, resp.Header)
		}
	}
	resp, err := s.asking(true).Get("https://" + s.addr + "/") // by the name of a developer's machine
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.Header.Get("Strict-Transport-Security") != "" {
		t.Error(resp.Header)
	}
}

// The page of another site may use the API if it's listed, and a browser is told
// so, but never sends a cookie.
func TestCORS(t *testing.T) {
	h := prepare(t, func(c *server.Config) { c.Site = access.Site{Origins: []access.Origin{"https://app.example.com"}} })
	h.server.Start(h.door(), api.Contents{Documents: noDocuments{}})
	do := func(method, origin string, headers ...string) *http.Response {
		t.Helper()
		req, err := http.NewRequest(method, "http://"+h.addr+"/api/v1/docs/a", nil)
		if err != nil {
			t.Fatal(err)
		}
		if origin != "" {
			req.Header.Set("Origin", origin)
		}
		for i := 0; i < len(headers); i += 2 {
			req.Header.Set(headers[i], headers[i+1])
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if v := resp.Header.Get("Vary"); v != "Origin" {
			t.Errorf("Vary: %s", v)
		}
		if resp.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Error("cookies are sent")
		}
		return resp
	}
	for _, tt := range []struct {
		method, origin, asks string
		status               int
		allowed              string
	}{
		{"DELETE", "https://app.example.com", "", 204, "https://app.example.com"},
		{"OPTIONS", "https://app.example.com", "DELETE", 204, "https://app.example.com"},
		{"OPTIONS", "https://app.example.com", "", 405, "https://app.example.com"},
		{"GET", "https://app.example.com", "", 404, "https://app.example.com"}, // errors can be read too
		{"DELETE", "https://evil.example", "", 403, ""},
		{"OPTIONS", "https://evil.example", "DELETE", 403, ""},
		{"DELETE", "null", "", 403, ""},
		{"DELETE", "http://" + h.addr, "", 204, ""}, // its own
		{"DELETE", "", "", 204, ""},                 // no browser's
	} {
		headers := []string{}
		if tt.asks != "" {
			headers = []string{"Access-Control-Request-Method", tt.asks, "Access-Control-Request-Headers", "authorization"}
		}
		resp := do(tt.method, tt.origin, headers...)
		if got := resp.Header.Get("Access-Control-Allow-Origin"); resp.StatusCode != tt.status || got != tt.allowed {
			t.Errorf("%s from %q: %s, allowed %q", tt.method, tt.origin, resp.Status, got)
		}
		if allow := resp.Header.Get("Access-Control-Allow-Headers"); tt.asks != "" && tt.status == 204 && !strings.Contains(allow, "Authorization") {
			t.Errorf("headers allowed: %q", allow)
		}
	}
	if resp := do("DELETE", "", "Sec-Fetch-Site", "cross-site"); resp.StatusCode != 403 {
		t.Error(resp.Status)
	}
	h.counts("foreign_origin", 4)
}

// A second listener leads to https, does nothing else, and ends with the server.
func TestRedirect(t *testing.T) {
	s := openTLS(t, func(c *server.Config) { c.HeaderTimeout = time.Second })
	for i, tt := range []struct {
		request  string
		status   int
		location string
	}{
		{"GET /d/a%2Fb?x=1 HTTP/1.1\r\nHost: docs.example.com", 308, "https://docs.example.com:8443/d/a%2Fb?x=1"},
		{"HEAD //evil.example/ HTTP/1.1\r\nHost: docs.example.com:80", 308, "https://docs.example.com:8443//evil.example/"},
		{"GET http://docs.example.com/a HTTP/1.1\r\nHost: docs.example.com", 308, "https://docs.example.com:8443/a"},
		{"GET / HTTP/1.1\r\nHost: [2001:db8::1]", 308, "https://[2001:db8::1]:8443/"},
		{"GET /yjs/a HTTP/1.1\r\nHost: docs.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket", 308, "https://docs.example.com:8443/yjs/a"},
		{"POST /api/v1/docs HTTP/1.1\r\nHost: docs.example.com\r\nContent-Length: 0", 403, ""},
		{"DELETE / HTTP/1.1\r\nHost: docs.example.com", 403, ""},
		{"GET / HTTP/1.0", 400, ""},
	} {
		if i == 0 {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			served := make(chan error, 1)
			go func() { served <- s.server.ServeRedirect(l, 8443, nil) }()
			t.Cleanup(func() {
				if err := s.server.Shutdown(context.Background()); err != nil {
					t.Error(err)
				}
				if err := <-served; err != nil {
					t.Error(err)
				}
			})
			s.redirect = l.Addr().String()
		}
		c, err := net.Dial("tcp", s.redirect)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(patience))
		fmt.Fprintf(c, "%s\r\n\r\n", tt.request)
		method, _, _ := strings.Cut(tt.request, " ")
		resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
		if err != nil {
			t.Fatal(tt.request, err)
		}
		body, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != tt.status || resp.Header.Get("Location") != tt.location || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%q: %s %v", tt.request, resp.Status, resp.Header)
		}
		if tt.status == 403 && !strings.Contains(string(body), "leads to https") {
			t.Errorf("%q: %s", tt.request, body)
		}
	}
	if got, _ := s.metric(`inkwire_refusals_total{reason="plain_http"}`); got != "2" {
		t.Error("counted: ", got)
	}
	// A listener that comes after the end isn't served.
	other, err := server.New(server.Config{TLS: &tls.Config{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := other.ServeRedirect(l, 443, nil); err != nil {
		t.Error(err)
	}
	if _, err := net.Dial("tcp", l.Addr().String()); err == nil {
		t.Error("it is open")
	}
}
