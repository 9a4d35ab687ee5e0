package server_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/server"
)

// certificate makes one that signs itself, as PEM.
func certificate(t *testing.T, serial int64) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"docs.example.com"}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

// A safe is a house with TLS, and the client's configuration that trusts it.
type safe struct {
	*house
	client   *tls.Config
	redirect string
	metrics  *http.Client // one connection, whoever counts them
}

func openTLS(t *testing.T, change func(*server.Config)) *safe {
	t.Helper()
	cert, key := certificate(t, 1)
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	h := open(t, func(c *server.Config) {
		c.Site = access.Site{}
		c.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: append(server.NextProtocols, "acme-tls/1")}
		c.WS.MaxMessage = 1 << 20
		if change != nil {
			change(c)
		}
	})
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cert)
	return &safe{house: h, client: &tls.Config{RootCAs: roots, ServerName: "docs.example.com"}}
}

// asking is a client that speaks HTTP/2 if it may, and follows no redirect.
func (s *safe) asking(http2 bool) *http.Client {
	tr := &http.Transport{TLSClientConfig: s.client.Clone(), ForceAttemptHTTP2: http2}
	s.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (s *safe) ask(c *http.Client, path string) (*http.Response, string) {
	s.Helper()
	req, err := http.NewRequest("GET", "https://"+s.addr+path, nil)
	if err != nil {
		s.Fatal(err)
	}
	req.Host = "docs.example.com"
	resp, err := c.Do(req)
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatal(err)
	}
	return resp, string(body)
}

// shake makes a connection with TLS.
func (s *safe) shake(protocols ...string) *tls.Conn {
	s.Helper()
	cfg := s.client.Clone()
	cfg.NextProtos = protocols
	c, err := tls.Dial("tcp", s.addr, cfg)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return c
}

// wss opens a socket with a client that isn't ours.
func (s *safe) wss(path string) *websocket.Conn {
	s.Helper()
	c, _, err := websocket.Dial(s.Context(), "wss://"+s.addr+path, &websocket.DialOptions{HTTPClient: s.asking(false), Host: "docs.example.com"})
	if err != nil {
		s.Fatal(err)
	}
	c.SetReadLimit(-1)
	s.Cleanup(func() { c.CloseNow() })
	return c
}

func exchange(t *testing.T, c *websocket.Conn, say []byte, starts ...byte) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := c.Write(ctx, websocket.MessageBinary, say); err != nil {
		t.Fatal(err)
	}
	for {
		_, got, err := c.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.HasPrefix(got, starts) {
			return got
		}
	}
}

// The page comes over HTTP/2 and 1.1, whichever the client chooses, sockets over
// the latter; a request's line is mended as without TLS.
func TestTLS(t *testing.T) {
	s := openTLS(t, nil)
	for _, http2 := range []bool{true, false} {
		c := s.asking(http2)
		for _, path := range []string{"/", "/d/a", "/assets/x-1234.js", "/metrics", "/api/v1/docs"} {
			resp, body := s.ask(c, path)
			if (resp.ProtoMajor == 2) != http2 || body == "" || resp.TLS.Version != tls.VersionTLS13 {
				t.Errorf("%s: %s %s", path, resp.Proto, resp.Status)
			}
		}
		resp, body := s.ask(c, "/metrics")
		if !strings.Contains(body, "\ninkwire_handshakes 1\n") && !strings.Contains(body, "\ninkwire_handshakes 2\n") {
			t.Errorf("%s: %s", resp.Proto, body)
		}
	}
	plain := s.shake()
	r := bufio.NewReader(plain)
	for range 3 {
		fmt.Fprintf(plain, "GET /d/100%% HTTP/1.1\r\nHost: docs.example.com\r\n\r\n")
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != 200 {
			t.Fatal(resp.Status, err)
		}
	}
	a, b := s.wss("/yjs/a"), s.wss("/yjs/a")
	exchange(t, a, []byte{0, 0, 1, 0}, 0, 1)
	large := bytes.Repeat([]byte("0123456789abcdef"), 50_000) // longer than what is written at once
	update := append([]byte("\x01\x01\x07\x00\x04\x01\x04text\x80\xea\x30"), append(large, 0)...)
	message := append([]byte{0, 2, byte(len(update)) | 0x80, byte(len(update)>>7) | 0x80, byte(len(update) >> 14)}, update...)
	if err := a.Write(t.Context(), websocket.MessageBinary, message); err != nil {
		t.Fatal(err)
	}
	exchange(t, a, []byte{0, 0, 1, 0}, 0, 1) // the room has it
	if got := exchange(t, b, []byte{0, 0, 1, 0}, 0, 1); !bytes.Contains(got, large) {
		t.Errorf("it got %d bytes", len(got))
	}
	b.CloseNow()
	if e := s.ended(); e.Reason != "lost" || e.Protocol != "y-websocket" {
		t.Errorf("%+v", e)
	}
	// Shutting down tells a socket within TLS too.
	done := make(chan error, 1)
	go func() { done <- s.server.Shutdown(t.Context()) }()
	for {
		if _, _, err := a.Read(t.Context()); err != nil {
			if websocket.CloseStatus(err) != 1001 {
				t.Error(err)
			}
			break
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// What isn't TLS is told so; what is an authority's check is over with the
// handshake; old versions and protocols that nobody speaks are refused.
func TestOtherThanTLS(t *testing.T) {
	s := openTLS(t, nil)
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: docs.example.com\r\n\r\n")
	if got, err := io.ReadAll(c); err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 400 ") || !strings.Contains(string(got), "https") {
		t.Errorf("%q, %v", got, err)
	}
	acme := s.shake("acme-tls/1")
	fmt.Fprintf(acme, "GET / HTTP/1.1\r\nHost: docs.example.com\r\n\r\n")
	if got, _ := io.ReadAll(acme); len(got) > 0 {
		t.Errorf("an authority's check got %q", got)
	}
	for name, change := range map[string]func(*tls.Config){
		"TLS 1.1": func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 },
		"foreign": func(c *tls.Config) { c.NextProtos = []string{"xmpp-client"} },
	} {
		cfg := s.client.Clone()
		change(cfg)
		if c, err := tls.Dial("tcp", s.addr, cfg); err == nil {
			c.Close()
			t.Errorf("%s is served", name)
		}
	}
}

// Those who begin a handshake and don't go on take no places for long, nor do
// idle connections of HTTP/2.
func TestTLSGate(t *testing.T) {
	s := openTLS(t, func(c *server.Config) { c.MaxHandshakes = 20 })
	h2 := s.asking(true)
	if resp, _ := s.ask(h2, "/"); resp.ProtoMajor != 2 {
		t.Fatal(resp.Proto)
	}
	var begun []net.Conn
	for i := range 50 {
		c, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if i%2 == 0 {
			io.WriteString(c, "\x16")
		}
		begun = append(begun, c)
	}
	if resp, _ := s.ask(s.asking(false), "/healthz"); resp.StatusCode != 200 {
		t.Error(resp.Status)
	}
	begun[0].SetDeadline(time.Now().Add(patience))
	if got, _ := io.ReadAll(begun[0]); len(got) > 0 {
		t.Errorf("one without TLS got %q", got)
	}
	// It was closed, so this is another connection.
	if resp, _ := s.ask(h2, "/"); resp.StatusCode != 200 || resp.ProtoMajor != 2 {
		t.Error(resp.Status, resp.Proto)
	}
	if got, _ := s.metric("inkwire_refusals_total{reason=\"too_many\"}"); got == "0" {
		t.Error("nobody was refused")
	}
}

func (s *safe) metric(name string) (string, bool) {
	s.Helper()
	if s.metrics == nil {
		s.metrics = s.asking(false)
	}
	_, body := s.ask(s.metrics, "/metrics")
	_, after, ok := strings.Cut(body, "\n"+name+" ")
	value, _, _ := strings.Cut(after, "\n")
	return value, ok
}

// Many requests at once on one connection of HTTP/2 are answered, and the
// connection's place is free when it has gone.
func TestHTTP2(t *testing.T) {
	s := openTLS(t, nil)
	c := s.asking(true)
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			resp, err := c.Get("https://" + s.addr + "/d/a")
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "<title>Inkwire</title>" {
				t.Errorf("%q, %v", body, err)
			}
		})
	}
	all.Wait()
	deadline := time.Now().Add(patience)
	for { // the connections' end is noticed by itself; one may only be coming about that nobody needs any more
		c.CloseIdleConnections()
		if got, _ := s.metric("inkwire_handshakes"); got == "1" {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("%s handshakes are left", got)
		}
	}
}

// A pair's files may be replaced in any way while the server runs. Who is
// connected notices nothing; a pair that is no good is told once, and the one
// before serves on.
func TestKeyPair(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write := func(name string, b []byte) {
		t.Helper()
		if err := os.WriteFile(at(name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cert1, key1 := certificate(t, 1)
	write("cert", cert1)
	write("key", key1)
	told := make(chan string, 10)
	pair, err := server.LoadKeyPair(at("cert"), at("key"), func(err error) { told <- err.Error() })
	if err != nil {
		t.Fatal(err)
	}
	pair.LookAlways()
	s := openTLS(t, func(c *server.Config) {
		c.TLS = &tls.Config{GetCertificate: pair.GetCertificate, NextProtos: server.NextProtocols}
	})
	s.client.InsecureSkipVerify = true // they change
	serves := func(serial int64) {
		t.Helper()
		if got := s.shake().ConnectionState().PeerCertificates[0].SerialNumber.Int64(); got != serial {
			t.Errorf("it serves %d, want %d", got, serial)
		}
	}
	serves(1)
	socket := s.wss("/yjs/a")
	// In place, one after the other.
	cert2, key2 := certificate(t, 2)
	write("cert", cert2)
	serves(1)
	write("key", key2)
	serves(2)
	// By rename.
	cert3, key3 := certificate(t, 3)
	write("cert.new", cert3)
	write("key.new", key3)
	for _, name := range []string{"cert", "key"} {
		if err := os.Rename(at(name+".new"), at(name)); err != nil {
			t.Fatal(err)
		}
	}
	serves(3)
	isTold := func(says ...string) {
		t.Helper()
		if len(told) != len(says) {
			t.Fatalf("%d reports, want %d", len(told), len(says))
		}
		for _, want := range says {
			if got := <-told; !strings.Contains(got, want) || !strings.Contains(got, at("cert")) || !strings.Contains(got, "the pair before is still used") {
				t.Errorf("told %q", got)
			}
		}
	}
	isTold()
	// No good, for as long as it may be.
	write("cert", []byte("rubbish"))
	for range 5 {
		serves(3)
	}
	isTold("PEM")
	if err := os.Remove(at("cert")); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		serves(3)
	}
	isTold("no such file")
	write("cert", cert1)
	write("key", key1)
	serves(1)
	isTold()
	exchange(t, socket, []byte{0, 0, 1, 0}, 0, 1)
}

// Kubernetes swaps a link to a folder that the files' links lead through.
func TestKeyPairLinks(t *testing.T) {
	dir := t.TempDir()
	at := func(names ...string) string { return filepath.Join(append([]string{dir}, names...)...) }
	for i, folder := range []string{"one", "two"} {
		cert, key := certificate(t, int64(i))
		if err := os.Mkdir(at(folder), 0o700); err != nil {
			t.Fatal(err)
		}
		for name, b := range map[string][]byte{"tls.crt": cert, "tls.key": key} {
			if err := os.WriteFile(at(folder, name), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	link := func(to, name string) {
		t.Helper()
		if err := os.Symlink(to, at("new")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(at("new"), at(name)); err != nil {
			t.Fatal(err)
		}
	}
	link("one", "..data")
	link("..data/tls.crt", "tls.crt")
	link("..data/tls.key", "tls.key")
	pair, err := server.LoadKeyPair(at("tls.crt"), at("tls.key"), func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	pair.LookAlways()
	serial := func() int64 {
		c, err := pair.GetCertificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		return c.Leaf.SerialNumber.Int64()
	}
	if serial() != 0 {
		t.Error("not the first")
	}
	link("two", "..data")
	if serial() != 1 {
		t.Error("not the second")
	}
	if _, err := server.LoadKeyPair(at("tls.crt"), at("none"), nil); err == nil || !strings.Contains(err.Error(), at("none")) {
		t.Error(err)
	}
}
