package access

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// A Site is where the server is reached: from which pages, and through whom. What
// it answers is about a browser that obeys somebody else's page, or about a
// proxy; whoever writes requests himself says in them what he likes, and gains
// nothing by it.
type Site struct {
	// Loopback says that the server listens where its own machine alone reaches it.
	Loopback bool
	Origins  []Origin // of other sites, whose pages may connect
	Proxies  Proxies  // whose word counts for who a client is
}

// CheckHost refuses a request to a server on loopback whose Host isn't that. A
// foreign site can make its name lead here (DNS rebinding); its Host betrays it.
// A trusted proxy is asked by any name.
//
// A server that other machines reach has names that it doesn't know of, so any
// Host will do. A page whose name leads here then counts as the server's own,
// but it has no cookie and no token of the real name's: it may do what anybody
// may who reaches the server.
func (s *Site) CheckHost(r *http.Request) error {
	if !s.Loopback || loopback(Hostname(r.Host)) || s.proxied(r) {
		return nil
	}
	return ForeignHost.Because("Host " + clip(r.Host) + "; see trusted-proxies")
}

// CheckOrigin refuses a browser's request that a page of another site makes,
// unless that may connect. On loopback pages from the same machine may, on any
// port: they are a developer's. Programs other than browsers send no Origin.
func (s *Site) CheckOrigin(r *http.Request) error {
	origins := r.Header["Origin"]
	if len(origins) == 0 {
		// Browsers send Origin with whatever changes something; this is the second lock.
		if from := r.Header.Get("Sec-Fetch-Site"); !reads(r) && (from == "cross-site" || from == "same-site") {
			return ForeignOrigin.Because("Sec-Fetch-Site " + clip(from))
		}
		return nil
	}
	if len(origins) == 1 && s.admits(r, origins[0]) {
		return nil
	}
	return ForeignOrigin.Because("Origin " + clip(strings.Join(origins, ", ")) + " isn't in allow-origin")
}

func (s *Site) admits(r *http.Request, text string) bool {
	for _, o := range s.Origins {
		if o == anyOrigin {
			return true
		}
	}
	origin, u := parseOrigin(text)
	if u == nil {
		return false
	}
	if origin == s.own(r) {
		return true
	}
	for _, o := range s.Origins {
		if o.matches(origin) {
			return true
		}
	}
	return s.Loopback && !s.proxied(r) && (u.Scheme == "http" || u.Scheme == "https") && loopback(u.Hostname())
}

// OwnOrigin reports whether a request that a browser makes is made by the
// server's own page, or changes nothing and gives no other page anything to read:
// then a cookie counts. Reading from one's own page a browser sends no Origin,
// and over plain HTTP no Sec-Fetch-Site either.
func (s *Site) OwnOrigin(r *http.Request) bool {
	switch origins := r.Header["Origin"]; len(origins) {
	case 0:
		from := r.Header.Get("Sec-Fetch-Site")
		return from == "same-origin" || reads(r) && (from == "" || from == "none")
	case 1:
		origin, u := parseOrigin(origins[0])
		return u != nil && origin == s.own(r)
	}
	return false
}

// reads reports whether a request changes nothing, as its method has it.
func reads(r *http.Request) bool {
	return r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions
}

// own is the origin of the server's own page, as the client sees it.
func (s *Site) own(r *http.Request) Origin {
	scheme, host := "http", r.Host
	if r.TLS != nil {
		scheme = "https"
	}
	if s.Proxies.Trust(peer(r)) {
		switch strings.ToLower(last(r.Header["X-Forwarded-Proto"])) {
		case "http", "ws": // Traefik names the protocol of an upgrade so
			scheme = "http"
		case "https", "wss":
			scheme = "https"
		}
		if h := last(r.Header["X-Forwarded-Host"]); h != "" {
			host = h
		}
	}
	return canonical(scheme, host)
}

// ClientAddr is the address of the client, as far as it can be believed: the
// last one on a request's way here that is no trusted proxy's. Of what a
// trusted proxy can't have meant, the proxy's own address is made.
func (s *Site) ClientAddr(r *http.Request) netip.Addr {
	addr := peer(r)
	way := strings.Join(r.Header["X-Forwarded-For"], ",")
	for way != "" && s.Proxies.Trust(addr) {
		i := strings.LastIndexByte(way, ',')
		before, err := parseAddr(strings.TrimSpace(way[i+1:]))
		if err != nil {
			break
		}
		addr, way = before, way[:max(i, 0)]
	}
	return addr
}

// proxied reports whether a trusted proxy hands a request on.
func (s *Site) proxied(r *http.Request) bool {
	for _, h := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if len(r.Header[h]) > 0 {
			return s.Proxies.Trust(peer(r))
		}
	}
	return false
}

// peer is the address at the other end of a request's connection.
func peer(r *http.Request) netip.Addr {
	a, err := parseAddr(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return a
}

// parseAddr reads an address with or without a port.
func parseAddr(s string) (netip.Addr, error) {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap(), nil
	}
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	return a.Unmap(), err
}

// last is the last element of a header that is a list: each proxy adds its own to
// what came, so the nearest one's.
func last(values []string) string {
	if len(values) == 0 {
		return ""
	}
	v := values[len(values)-1]
	return strings.TrimSpace(v[strings.LastIndexByte(v, ',')+1:])
}

// Household is whom limits count an address for: whoever has an IPv6 address has
// all those that differ in their last 64 bits.
func Household(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if addr.Is6() && !addr.IsLoopback() {
		if p, err := addr.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return addr
}

// Proxies are the addresses of proxies that are trusted.
type Proxies []netip.Prefix

// ParseProxy reads an address or a range of them (CIDR).
func ParseProxy(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil || p != p.Masked() || p.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("want addresses such as 127.0.0.1 or ranges such as 10.0.0.0/8")
	}
	return p, nil
}

// Trust reports whether an address is one of them.
func (p Proxies) Trust(a netip.Addr) bool {
	for _, prefix := range p {
		if prefix.Contains(a.WithZone("")) {
			return true
		}
	}
	return false
}

// An Origin is a scheme and a host, with a port unless that is the scheme's own,
// as browsers send it; or one with "*" for its host's first label; or "*" for any.
type Origin string

const anyOrigin = Origin("*")

func (o Origin) String() string { return string(o) }

// ParseOrigin reads an origin.
func ParseOrigin(s string) (Origin, error) {
	if s == "*" {
		return anyOrigin, nil
	}
	scheme, host, _ := strings.Cut(s, "://")
	o, u := parseOrigin(scheme + "://" + strings.TrimPrefix(host, "*."))
	if u == nil || strings.Contains(u.Host, "*") {
		return "", fmt.Errorf("want origins such as https://app.example.com or https://*.example.com, without a path, or * for any")
	}
	if strings.HasPrefix(host, "*.") {
		scheme, host, _ := strings.Cut(string(o), "://")
		o = Origin(scheme + "://*." + host)
	}
	return o, nil
}

// matches reports whether an origin is what o stands for.
func (o Origin) matches(origin Origin) bool {
	before, after, wild := strings.Cut(string(o), "*")
	if !wild {
		return o == origin
	}
	label, begins := strings.CutPrefix(string(origin), before)
	label, ends := strings.CutSuffix(label, after)
	return begins && ends && label != "" && !strings.ContainsAny(label, ".:*")
}

// parseOrigin reads a single origin; u is nil for what isn't one.
func parseOrigin(s string) (_ Origin, u *url.URL) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" || u.Hostname() == "" || !strings.EqualFold(u.Scheme+"://"+u.Host, s) {
		return "", nil
	}
	return canonical(u.Scheme, u.Host), u
}

func canonical(scheme, host string) Origin {
	scheme, host = strings.ToLower(scheme), strings.ToLower(host)
	switch scheme {
	case "http":
		host = strings.TrimSuffix(host, ":80")
	case "https":
		host = strings.TrimSuffix(host, ":443")
	}
	return Origin(scheme + "://" + host)
}

// Hostname is a Host without its port.
func Hostname(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		return h
	}
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}

// LoopbackHost reports whether a Host is this machine, whatever a resolver says.
func LoopbackHost(host string) bool { return loopback(Hostname(host)) }

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
