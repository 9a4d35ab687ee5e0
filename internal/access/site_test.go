package access

import (
	"crypto/tls"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

// A yonder is a request with what matters of it.
type yonder struct {
	from   string // RemoteAddr
	tls    bool
	method string
	host   string
	header http.Header
}

func (y yonder) request() *http.Request {
	r := &http.Request{Method: y.method, Host: y.host, RemoteAddr: y.from, Header: y.header}
	if y.method == "" {
		r.Method = "GET"
	}
	if y.tls {
		r.TLS = new(tls.ConnectionState)
	}
	return r
}

func headers(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

func proxies(t *testing.T, all ...string) (p Proxies) {
	t.Helper()
	for _, s := range all {
		one, err := ParseProxy(s)
		if err != nil {
			t.Fatal(err)
		}
		p = append(p, one)
	}
	return p
}

func origins(t *testing.T, all ...string) (o []Origin) {
	t.Helper()
	for _, s := range all {
		one, err := ParseOrigin(s)
		if err != nil {
			t.Fatal(err)
		}
		o = append(o, one)
	}
	return o
}

func is403(err error, row Refusal) bool {
	var refused *Refused
	return errors.As(err, &refused) && refused.Label == row.Label && refused.HTTP == 403
}

// A server on loopback is asked by loopback names only, but for a trusted proxy.
func TestCheckHost(t *testing.T) {
	local := Site{Loopback: true, Proxies: proxies(t, "127.0.0.2")}
	foreign := []string{"", "evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example",
		"evillocalhost", "10.0.0.1", "127.1", "0.0.0.0", "[::]:80", "localhost:80:80", "127.0.0.1@evil.example"}
	for _, host := range []string{"localhost", "LOCALHOST:80", "a.localhost:1", "127.0.0.1", "127.1.2.3:8000", "[::1]:8000", "[::1]", "::1"} {
		if err := local.CheckHost(&http.Request{Host: host}); err != nil {
			t.Errorf("%q: %v", host, err)
		}
	}
	forwarded := headers("X-Forwarded-For", "192.0.2.1")
	for _, host := range foreign {
		for _, y := range []yonder{
			{from: "127.0.0.1:1", host: host},
			{from: "127.0.0.1:1", host: host, header: forwarded}, // nobody trusts this one
			{from: "127.0.0.2:1", host: host},                    // which forwards nothing
		} {
			if err := local.CheckHost(y.request()); !is403(err, ForeignHost) {
				t.Errorf("%+v: %v", y, err)
			}
		}
		if err := local.CheckHost(yonder{from: "127.0.0.2:1", host: host, header: forwarded}.request()); err != nil {
			t.Errorf("%q of a proxy: %v", host, err)
		}
		if err := new(Site).CheckHost(&http.Request{Host: host}); err != nil {
			t.Errorf("%q on a public address: %v", host, err)
		}
	}
}

func TestCheckOrigin(t *testing.T) {
	listed := origins(t, "https://app.example.com", "https://*.apps.example.com:8443", "HTTPS://Shop.example.com:443", "capacitor://localhost", "http://[2001:db8::1]:80")
	proxied := headers("X-Forwarded-For", "192.0.2.1", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "docs.example.com")
	with := func(h http.Header, pairs ...string) http.Header {
		h = h.Clone()
		for k, v := range headers(pairs...) {
			h[k] = v
		}
		return h
	}
	public := Site{Origins: listed}
	local := Site{Loopback: true, Proxies: proxies(t, "127.0.0.2")}
	for _, tt := range []struct {
		name     string
		site     Site
		y        yonder
		admitted []string
		refused  []string
	}{
		{
			"a public address", public, yonder{host: "docs.example.com"},
			[]string{"http://docs.example.com", "HTTP://DOCS.EXAMPLE.COM:80", "https://app.example.com", "https://app.example.com:443", "https://a.apps.example.com:8443",
				"https://shop.example.com", "capacitor://localhost", "http://[2001:db8::1]"},
			[]string{"", "null", "https://docs.example.com", "http://docs.example.com:81", "http://app.example.com", "https://app.example.com:8443", "https://app.example.com/",
				"https://app.example.com.evil.example", "https://evil.example/app.example.com", "https://apps.example.com:8443", "https://.apps.example.com:8443",
				"https://a.b.apps.example.com:8443", "https://a.apps.example.com", "https://evil:1.apps.example.com:8443", "http://localhost", "https://*.apps.example.com:8443",
				"https://app.example.com@evil.example", "https://u@app.example.com", "https://app.example.com?x", "https://app.example.com#x", "://", "https://"},
		}, {
			"a public address with TLS and a port", public, yonder{host: "docs.example.com:8443", tls: true},
			[]string{"https://docs.example.com:8443"}, []string{"https://docs.example.com", "http://docs.example.com:8443"},
		}, {
			"loopback", local, yonder{from: "127.0.0.1:1", host: "127.0.0.1:8000"},
			[]string{"http://localhost:5173", "https://localhost", "http://127.0.0.1:8000", "http://[::1]:3000"},
			[]string{"", "null", "https://evil.example", "http://localhost.evil.example", "http://evil.example:8000", "chrome-extension://abcdef", "file://",
				"localhost:8000", "http://", "http://127.0.0.1@evil.example", "capacitor://localhost"},
		}, {
			"loopback behind a proxy", local, yonder{from: "127.0.0.2:1", host: "127.0.0.1:8000", header: proxied},
			[]string{"https://docs.example.com"}, []string{"http://docs.example.com", "http://localhost:5173", "http://127.0.0.1:8000", "https://evil.example"},
		}, {
			"a chain of proxies", local, yonder{from: "127.0.0.2:1", host: "x", header: with(proxied, "X-Forwarded-Proto", "http, wss", "X-Forwarded-Host", "evil.example, docs.example.com")},
			[]string{"https://docs.example.com"}, []string{"https://evil.example"},
		}, {
			"somebody who says that he is a proxy", public, yonder{from: "192.0.2.9:1", host: "a.example.com", header: proxied},
			[]string{"http://a.example.com"}, []string{"https://docs.example.com"},
		}, {
			"any", Site{Origins: origins(t, "https://a.example.com", "*")}, yonder{host: "docs.example.com"}, []string{"null", "https://evil.example", "file://"}, nil,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			check := func(all ...string) error {
				y := tt.y
				y.header = with(y.header)
				if y.header == nil {
					y.header = http.Header{}
				}
				y.header["Origin"] = all
				return tt.site.CheckOrigin(y.request())
			}
			for _, o := range tt.admitted {
				if err := check(o); err != nil {
					t.Errorf("%q: %v", o, err)
				}
				if err := check(o, o); !is403(err, ForeignOrigin) {
					t.Errorf("%q twice: %v", o, err)
				}
			}
			for _, o := range tt.refused {
				if err := check(o); !is403(err, ForeignOrigin) || !strings.Contains(err.Error(), "allow-origin") {
					t.Errorf("%q: %v", o, err)
				}
			}
		})
	}
}

// Whoever changes something from another page without an Origin is refused; who
// reads is not, since the other page gets nothing to read.
func TestNoOrigin(t *testing.T) {
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE"} {
		for from, own := range map[string]bool{"": true, "none": true, "same-origin": true, "same-site": false, "cross-site": false} {
			y := yonder{method: method, host: "docs.example.com"}
			if from != "" {
				y.header = headers("Sec-Fetch-Site", from)
			}
			writes := method == "POST" || method == "PUT" || method == "DELETE"
			if err := new(Site).CheckOrigin(y.request()); own || !writes {
				if err != nil {
					t.Errorf("%s from %q: %v", method, from, err)
				}
			} else if !is403(err, ForeignOrigin) {
				t.Errorf("%s from %q: %v", method, from, err)
			}
			if got, want := new(Site).OwnOrigin(y.request()), from == "same-origin" || own && !writes; got != want {
				t.Errorf("%s from %q: its own: %v", method, from, got)
			}
		}
	}
}

// A cookie counts for the server's own page alone, whoever else may connect.
func TestOwnOrigin(t *testing.T) {
	site := Site{Loopback: true, Origins: origins(t, "*"), Proxies: proxies(t, "127.0.0.2")}
	for origin, want := range map[string]bool{
		"http://127.0.0.1:8000": true, "http://localhost:8000": false, "https://127.0.0.1:8000": false, "https://a.example.com": false, "null": false, "": false,
	} {
		if got := site.OwnOrigin(yonder{host: "127.0.0.1:8000", header: headers("Origin", origin, "Sec-Fetch-Site", "same-origin")}.request()); got != want {
			t.Errorf("%q: %v", origin, got)
		}
	}
	twice := headers("Origin", "http://127.0.0.1:8000", "Origin", "http://127.0.0.1:8000")
	if site.OwnOrigin(yonder{host: "127.0.0.1:8000", header: twice}.request()) {
		t.Error("two origins")
	}
	behind := headers("Origin", "https://docs.example.com", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "docs.example.com:443")
	if !site.OwnOrigin(yonder{from: "127.0.0.2:9", host: "127.0.0.1:8000", header: behind}.request()) {
		t.Error("the page behind a proxy isn't its own")
	}
}

// The client is the last on the way that is no trusted proxy.
func TestClientAddr(t *testing.T) {
	site := Site{Proxies: proxies(t, "127.0.0.1", "10.0.0.0/8", "2001:db8:5::/48")}
	for _, tt := range []struct {
		from string
		way  []string
		want string
	}{
		{"192.0.2.1:5", nil, "192.0.2.1"},
		{"192.0.2.1:5", []string{"198.51.100.1"}, "192.0.2.1"},
		{"127.0.0.1:5", nil, "127.0.0.1"},
		{"127.0.0.1:5", []string{"198.51.100.1"}, "198.51.100.1"},
		{"[::ffff:127.0.0.1]:5", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		{"127.0.0.1:5", []string{"203.0.113.5, 198.51.100.1"}, "198.51.100.1"},
		{"127.0.0.1:5", []string{"203.0.113.5", "198.51.100.1 ,10.1.2.3"}, "198.51.100.1"},
		{"127.0.0.1:5", []string{"10.9.9.9,10.1.2.3"}, "10.9.9.9"},
		{"127.0.0.1:5", []string{"198.51.100.1:4711"}, "198.51.100.1"},
		{"127.0.0.1:5", []string{"[2001:db8::1]:4711"}, "2001:db8::1"},
		{"[2001:db8:5::1]:5", []string{"2001:db8::1"}, "2001:db8::1"},
		{"127.0.0.1:5", []string{"198.51.100.1, unknown"}, "127.0.0.1"},
		{"127.0.0.1:5", []string{"198.51.100.1, 10.0.0.1, \"x"}, "127.0.0.1"},
		{"127.0.0.1:5", []string{",,"}, "127.0.0.1"},
	} {
		h := http.Header{"X-Forwarded-For": tt.way}
		if got := site.ClientAddr(yonder{from: tt.from, header: h}.request()); got.String() != tt.want {
			t.Errorf("%s, %q: %v, want %s", tt.from, tt.way, got, tt.want)
		}
	}
	if got := site.ClientAddr(yonder{from: "@"}.request()); got.IsValid() {
		t.Error(got)
	}
}

func TestHousehold(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::", "::1": "::1", "fe80::1%eth0": "fe80::",
	} {
		if got := Household(netip.MustParseAddr(in)).String(); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestParseSite(t *testing.T) {
	for _, s := range []string{"", "app.example.com", "https://", "https://app.example.com/", "https://app.example.com/x", "https://*", "https://*.", "https://*.*.example.com",
		"https://a*.example.com", "https://a.*.example.com", "https://u@example.com", "**", "null"} {
		if o, err := ParseOrigin(s); err == nil {
			t.Errorf("%q is the origin %q", s, o)
		}
	}
	for _, s := range []string{"", "localhost", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/", "fe80::1%eth0", "::ffff:10.0.0.0/104"} {
		if p, err := ParseProxy(s); err == nil {
			t.Errorf("%q is the proxy %v", s, p)
		}
	}
	for _, s := range []string{"10.0.0.0/8", "::1/128", "192.0.2.1/32"} {
		if p, err := ParseProxy(s); err != nil || p.String() != s {
			t.Errorf("%q: %v, %v", s, p, err)
		}
	}
}
