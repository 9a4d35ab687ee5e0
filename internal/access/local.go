package access

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// Local reports whether an address to listen on is this machine's loopback, which
// nobody else reaches.
func Local(addr *net.TCPAddr) bool { return addr.IP.IsLoopback() }

// CheckHost refuses a request whose Host isn't this machine's loopback. A
// foreign site can make its name lead here (DNS rebinding); its Host betrays it.
func CheckHost(r *http.Request) error {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	} else {
		host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	if !loopback(host) {
		return ForeignHost.Because("Host " + clip(r.Host))
	}
	return nil
}

// CheckOrigin refuses a browser's request that a page of another site makes. A
// page from this machine may be on any port: it is a developer's. Programs
// other than browsers send no Origin.
func CheckOrigin(r *http.Request) error {
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return nil
	}
	u, err := url.Parse(origins[0])
	if len(origins) > 1 || err != nil || u.Scheme != "http" && u.Scheme != "https" || !loopback(u.Hostname()) {
		return ForeignOrigin.Because("Origin " + clip(strings.Join(origins, ", ")))
	}
	return nil
}

// loopback reports whether a host is this machine whatever a resolver says.
func loopback(host string) bool {
	if a, err := netip.ParseAddr(host); err == nil {
		return a.Unmap().IsLoopback()
	}
	host = strings.ToLower(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") // RFC 6761, 6.3
}

// clip shortens what a stranger sent, so that it can be repeated.
func clip(s string) string {
	const most = 60
	if len(s) > most {
		s = s[:most] + "..."
	}
	return fmt.Sprintf("%q", s)
}
