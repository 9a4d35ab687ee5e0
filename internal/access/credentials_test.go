package access

import (
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// asked is a request to https://ink.example:8443, or without TLS, with some headers.
func asked(encrypted bool, target string, header ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Host = "ink.example:8443"
	if encrypted {
		r.TLS = &tls.ConnectionState{}
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

// A request shows the token of its header, a socket's that of its query, and both
// the cookie of the page alone.
func TestCredentials(t *testing.T) {
	site, addr := &Site{}, netip.MustParseAddr("192.0.2.1")
	own := []string{"Origin", "https://ink.example:8443", "Cookie", "a=b; __Host-inkwire-session=secret; inkwire-session=planted"}
	r := asked(true, "/?token=T", append(own, "Authorization", "bEARER H")...)
	c, err := site.RequestCredentials(r)
	if err != nil || c.Token != "H" || c.Session != "secret" || c.Addr != addr || c.Header.Get("Cookie") == "" {
		t.Errorf("%+v, %v", c, err)
	}
	if c := site.SocketCredentials(r); c.Token != "T" || c.Session != "secret" || c.Addr != addr {
		t.Errorf("%+v", c)
	}
	if c := site.SocketCredentials(asked(true, "/?token=", own[2:]...)); c.Token != "" || c.Session != "" {
		t.Errorf("%+v", c)
	}
	if c, err := site.RequestCredentials(asked(false, "/", "Sec-Fetch-Site", "same-origin", "Cookie", own[3])); err != nil || c.Session != "planted" {
		t.Errorf("%+v, %v", c, err)
	}
	for _, bad := range [][]string{{"Authorization", ""}, {"Authorization", "Bearer"}, {"Authorization", "Basic eA=="},
		{"Authorization", "Bearer a", "Authorization", "Bearer b"}} {
		var refused *Refused
		if _, err := site.RequestCredentials(asked(true, "/", bad...)); !errors.As(err, &refused) || refused.HTTP != 401 {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// Over TLS the cookie is for TLS and this host alone.
func TestSessionCookie(t *testing.T) {
	until := time.Now().Add(time.Hour)
	set := new(Site).SessionCookie(asked(true, "/"), "secret", until).String()
	for _, want := range []string{"__Host-inkwire-session=secret;", "Path=/", "HttpOnly", "Secure", "SameSite=Strict", "Max-Age=3"} {
		if !strings.Contains(set, want) || strings.Contains(set, "Domain") {
			t.Errorf("%s: want %s", set, want)
		}
	}
	if plain := new(Site).SessionCookie(asked(false, "/"), "secret", until).String(); !strings.HasPrefix(plain, "inkwire-session=secret;") || strings.Contains(plain, "Secure") {
		t.Error(plain)
	}
	if gone := new(Site).SessionCookie(asked(true, "/"), "", time.Time{}).String(); !strings.Contains(gone, "Max-Age=0") {
		t.Error(gone)
	}
}
