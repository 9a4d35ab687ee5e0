package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A running is the program within the test's process.
type running struct {
	*testing.T
	end    context.CancelFunc
	status chan int
}

// runTLS runs the program until stop.
func runTLS(t *testing.T, out *output, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &running{t, cancel, make(chan int, 1)}
	args = append([]string{"--addr", "127.0.0.1:0", "--log-format", "text"}, args...)
	go func() { p.status <- Run(ctx, args, out, out) }()
	t.Cleanup(func() {
		cancel()
		if status, ok := <-p.status; ok && status != 0 {
			t.Errorf("it ended with status %d:\n%s", status, out)
		}
	})
	return p
}

func (p *running) stop() {
	p.Helper()
	p.end()
	if status := <-p.status; status != 0 {
		p.Errorf("it ended with status %d", status)
	}
	close(p.status)
}

// pairIn makes a certificate for this machine, and returns its files.
func pairIn(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	for name, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// The program serves the page and real clients' sockets over TLS, and leads from
// http to it.
func TestServeTLS(t *testing.T) {
	if err := install(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key := pairIn(t, dir)
	out := &output{}
	p := runTLS(t, out, "--data", filepath.Join(dir, "data"), "--tls-cert", cert, "--tls-key", key, "--http-redirect-addr", "127.0.0.1:0")
	<-out.has("msg=serving")
	<-out.has("redirect=")
	addr := strings.TrimPrefix(attribute(out.String(), "url"), "https://")

	roots := x509.NewCertPool()
	pemText, err := os.ReadFile(cert)
	if err != nil || !roots.AppendCertsFromPEM(pemText) {
		t.Fatal(err)
	}
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	defer tr.CloseIdleConnections()
	resp, err := (&http.Client{Transport: tr}).Get("http://" + attribute(out.String(), "redirect") + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 || resp.ProtoMajor != 2 || resp.Request.URL.String() != "https://"+addr+"/healthz" {
		t.Errorf("%s %s at %s", resp.Proto, resp.Status, resp.Request.URL)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	node := exec.CommandContext(ctx, "node", "tls.mjs", "wss://"+addr)
	node.Dir = peersDir
	node.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+cert)
	if said, err := node.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\n%s", err, said, out)
	}
	p.stop()
}
