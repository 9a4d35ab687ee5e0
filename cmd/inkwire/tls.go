package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"github.com/inkwire/inkwire/internal/server"
)

// checkTLS refuses settings of TLS that don't go together.
func (c *config) checkTLS() error {
	files, fetched := c.tlsCert != "" || c.tlsKey != "", len(c.acmeDomains) > 0
	switch {
	case files && c.tlsKey == "":
		return errors.New("tls-cert needs tls-key")
	case files && c.tlsCert == "":
		return errors.New("tls-key needs tls-cert")
	case files && fetched:
		return errors.New("tls-cert and acme-domain exclude each other: certificates are either in files or fetched")
	case c.acmeEmail != "" && !fetched:
		return errors.New("acme-email needs acme-domain")
	case c.acmeDirectory != autocert.DefaultACMEDirectory && !fetched:
		return errors.New("acme-directory needs acme-domain")
	case c.httpRedirectAddr != "" && !files && !fetched:
		return errors.New("http-redirect-addr needs tls-cert and tls-key, or acme-domain: it leads to https")
	}
	return nil
}

// parseDomain reads a name that a certificate can be fetched for.
func parseDomain(s string) (string, error) {
	if !strings.Contains(strings.Trim(s, "."), ".") || strings.ContainsAny(s, ":/*@ ") || net.ParseIP(s) != nil {
		return "", errors.New("want a whole name such as docs.example.com, without a port")
	}
	return strings.ToLower(s), nil
}

// A secure is the program's TLS.
type secure struct {
	config  *tls.Config                     // nil for none
	answers func(http.Handler) http.Handler // an authority's questions over HTTP; nil for none
	fetch   func(ctx context.Context)       // gets the certificates; nil if they are here
}

// newSecure makes the TLS that is configured. A pair of files is read at once;
// others are fetched when they are asked for, unless fetch was first.
func newSecure(c config, report func(error)) (secure, error) {
	base := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: server.NextProtocols}
	if c.tlsCert != "" {
		pair, err := server.LoadKeyPair(c.tlsCert, c.tlsKey, report)
		if err != nil {
			return secure{}, err
		}
		base.GetCertificate = pair.GetCertificate
		return secure{config: base}, nil
	}
	if len(c.acmeDomains) == 0 {
		return secure{}, nil
	}
	m := &autocert.Manager{
		Prompt:     autocert.AcceptTOS,
		Cache:      autocert.DirCache(filepath.Join(c.data, "acme")),
		HostPolicy: autocert.HostWhitelist(c.acmeDomains...),
		Email:      c.acmeEmail,
		Client:     &acme.Client{DirectoryURL: c.acmeDirectory, UserAgent: "inkwire"},
	}
	if c.httpRedirectAddr != "" {
		m.HTTPHandler(nil) // from now on an authority may ask over HTTP too
	}
	base.GetCertificate = bounded(m.GetCertificate)
	base.NextProtos = append(slices.Clone(base.NextProtos), acme.ALPNProto)
	return secure{
		config:  base,
		answers: m.HTTPHandler,
		fetch: func(ctx context.Context) {
			for _, name := range c.acmeDomains {
				if _, err := m.GetCertificate(hello(name)); err != nil && ctx.Err() == nil {
					report(fmt.Errorf("fetch a certificate for %s from %s: %w", name, c.acmeDirectory, err))
				}
			}
		},
	}, nil
}

// bounded lets so many handshakes at once ask for a certificate. While it's being
// fetched they wait, also those whose clients have gone.
func bounded(get func(*tls.ClientHelloInfo) (*tls.Certificate, error)) func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	turns := make(chan struct{}, 1000)
	return func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
		select {
		case turns <- struct{}{}:
			defer func() { <-turns }()
			return get(h)
		default:
			return nil, errors.New("too many handshakes wait for a certificate")
		}
	}
}

// hello asks for a certificate as every client of today does.
func hello(name string) *tls.ClientHelloInfo {
	return &tls.ClientHelloInfo{
		ServerName:       name,
		SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256},
		SupportedCurves:  []tls.CurveID{tls.CurveP256},
		CipherSuites:     []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
	}
}
