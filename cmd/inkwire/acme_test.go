package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// An authority issues certificates as ACME has it (RFC 8555), for one name. It
// checks no signature of its clients, but whether the name's server answers.
type authority struct {
	*testing.T
	*httptest.Server
	offers string                   // the kind of challenge
	check  func(token string) error // asks the name's server

	key  *ecdsa.PrivateKey
	root *x509.Certificate

	mu     sync.Mutex
	status string // of the one authorization
	issued []byte
}

func newAuthority(t *testing.T, offers string, check func(token string) error) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{T: t, offers: offers, check: check, key: key, root: root, status: "pending"}
	a.Server = httptest.NewServer(a)
	t.Cleanup(a.Close)
	return a
}

// ServeHTTP implements http.Handler.
func (a *authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w.Header().Set("Replay-Nonce", rand.Text())
	var body struct{ Payload string }
	if r.Method == http.MethodPost {
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			a.Error(err)
		}
	}
	status := http.StatusOK
	var answer any
	order := func(status string) map[string]any {
		return map[string]any{
			"status": status, "authorizations": []string{a.URL + "/authorization"}, "finalize": a.URL + "/finalize", "certificate": a.URL + "/certificate",
			"identifiers": []any{map[string]string{"type": "dns", "value": "docs.example.com"}},
		}
	}
	challenge := map[string]string{"type": a.offers, "url": a.URL + "/challenge", "token": "token-0123456789", "status": a.status}
	switch r.URL.Path {
	case "/directory":
		answer = map[string]string{"newNonce": a.URL + "/nonce", "newAccount": a.URL + "/account", "newOrder": a.URL + "/order", "revokeCert": a.URL + "/revoke", "keyChange": a.URL + "/key"}
	case "/nonce":
	case "/account":
		w.Header().Set("Location", a.URL+"/account/1")
		status, answer = http.StatusCreated, map[string]string{"status": "valid"}
	case "/order":
		w.Header().Set("Location", a.URL+"/order/1")
		status, answer = http.StatusCreated, order("pending")
	case "/order/1":
		answer = order("ready")
	case "/authorization":
		answer = map[string]any{"status": a.status, "identifier": map[string]string{"type": "dns", "value": "docs.example.com"}, "challenges": []any{challenge}}
	case "/challenge":
		a.status = "valid"
		if err := a.check("token-0123456789"); err != nil {
			a.Error("the challenge: ", err)
			a.status = "invalid"
		}
		answer = challenge
	case "/finalize":
		if err := a.issue(body.Payload); err != nil {
			a.Error(err)
		}
		w.Header().Set("Location", a.URL+"/order/1")
		answer = order("valid")
	case "/certificate":
		w.Header().Set("Content-Type", "application/pem-certificate-chain")
		w.Write(a.issued)
		return
	default:
		status = http.StatusNotFound
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if answer != nil {
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			a.Error(err)
		}
	}
}

// issue makes the certificate that a payload asks for.
func (a *authority) issue(payload string) error {
	text, err := base64.RawURLEncoding.DecodeString(payload)
	var asked struct{ CSR string }
	if err == nil {
		err = json.Unmarshal(text, &asked)
	}
	der, err2 := base64.RawURLEncoding.DecodeString(asked.CSR)
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: csr.DNSNames, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 3, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err = x509.CreateCertificate(rand.Reader, template, a.root, csr.PublicKey, a.key)
	if err != nil {
		return err
	}
	a.issued = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	a.issued = append(a.issued, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.root.Raw})...)
	return nil
}

// within the text of a log, attribute finds what follows a name and "=".
func attribute(log, name string) string {
	_, after, _ := strings.Cut(log, name+"=")
	value, _, _ := strings.Cut(strings.TrimSpace(after), " ")
	value, _, _ = strings.Cut(value, "\n")
	return value
}

// A certificate is fetched at the start, with either kind of challenge, and kept:
// the next start asks nobody.
func TestACME(t *testing.T) {
	for _, offers := range []string{"tls-alpn-01", "http-01"} {
		t.Run(offers, func(t *testing.T) {
			data := t.TempDir()
			var out *output
			serving := func() (addr, redirect string) {
				<-out.has("msg=serving")
				<-out.has("redirect=")
				return strings.TrimPrefix(attribute(out.String(), "url"), "https://"), attribute(out.String(), "redirect")
			}
			a := newAuthority(t, offers, func(token string) error {
				addr, redirect := serving()
				if offers == "http-01" {
					req, err := http.NewRequest("GET", "http://"+redirect+"/.well-known/acme-challenge/"+token, nil)
					if err != nil {
						return err
					}
					req.Host = "docs.example.com"
					resp, err := http.DefaultClient.Do(req)
					if err != nil {
						return err
					}
					defer resp.Body.Close()
					if b, err := io.ReadAll(resp.Body); err != nil || !bytes.HasPrefix(b, []byte(token+".")) {
						return fmt.Errorf("%s %q %w", resp.Status, b, err)
					}
					return nil
				}
				c, err := tls.Dial("tcp", addr, &tls.Config{ServerName: "docs.example.com", NextProtos: []string{"acme-tls/1"}, InsecureSkipVerify: true})
				if err != nil {
					return err
				}
				defer c.Close()
				for _, e := range c.ConnectionState().PeerCertificates[0].Extensions {
					if e.Id.Equal(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 31}) { // RFC 8737, 3
						return nil
					}
				}
				return errors.New("an ordinary certificate")
			})
			roots := x509.NewCertPool()
			roots.AddCert(a.root)
			for range 2 {
				out = &output{}
				p := runTLS(t, out, "--data", data, "--acme-domain", "docs.example.com", "--acme-directory", a.URL+"/directory", "--http-redirect-addr", "127.0.0.1:0")
				addr, _ := serving()
				c, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: roots, ServerName: "docs.example.com"})
				if err != nil {
					t.Fatal(err, out)
				}
				c.Close()
				p.stop()
				a.Close() // nobody is asked again
			}
		})
	}
}
