package main

import (
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"

	"github.com/inkwire/inkwire/internal/access"
)

// rights is who may do what, as the settings say.
type rights struct {
	guard   access.Config // without what the store and the metrics add
	keyring *access.Keyring
	webhook *access.Webhook
}

// rights reads the keys that the settings name. Faults of what is asked later are
// reported.
func (c config) rights(report func(error)) (r rights, err error) {
	defer func() {
		if err != nil {
			r.close()
			r = rights{}
		}
	}()
	if c.webhook != "" && c.open != access.None {
		return r, errors.New("--open and --auth-webhook: the application says who may come without a token, so leave one of them out")
	}
	if r.keyring, err = c.keyring(report); err != nil {
		return r, err
	}
	if r.webhook, err = c.application(report); err != nil {
		return r, err
	}
	r.guard = access.Config{
		Open:   c.open,
		Limits: access.Limits{FailuresPerMinute: c.maxAuthFailures, DocumentsPerHour: c.maxNewDocuments},
	}
	if r.keyring != nil { // a nil of a type is no nil interface
		r.guard.Tokens = r.keyring
	}
	if r.webhook != nil {
		r.guard.Application, r.guard.Headers = r.webhook, c.webhookHeaders
	}
	if !c.restricted() && c.open == access.None {
		r.guard.Open = access.Owner // the address is this machine's own: listenAddr
	}
	return r, nil
}

// ready says why tokens may not be checked at present.
func (r rights) ready() error {
	if r.keyring == nil {
		return nil
	}
	return r.keyring.Ready()
}

// close ends what is asked of others.
func (r rights) close() {
	if r.keyring != nil {
		r.keyring.Close()
	}
	if r.webhook != nil {
		r.webhook.Close()
	}
}

// restricted reports whether anything is set that tells people apart.
func (c config) restricted() bool {
	return c.tokenSecret != "" || c.tokenSecretFile != "" || len(c.tokenKeys) > 0 || c.jwksURL != "" || c.webhook != ""
}

// listenAddr resolves the address to listen on. Unless it is said who may do
// what, it must be one that nobody else reaches.
func (c config) listenAddr() (*net.TCPAddr, error) {
	a, err := net.ResolveTCPAddr("tcp", c.addr)
	if err == nil && c.addr == "" {
		err = errors.New("want HOST:PORT")
	}
	if err != nil {
		return nil, fmt.Errorf("--addr %q: %w", c.addr, err)
	}
	if !a.IP.IsLoopback() && !c.restricted() && c.open == access.None {
		return nil, fmt.Errorf("--addr %q is reached from other machines, and everybody there could change every document: "+
			"say who may, by --token-secret-file, --token-keys, --jwks-url, --auth-webhook or --open, "+
			"or use a loopback address, such as 127.0.0.1:%d", c.addr, a.Port)
	}
	if len(c.trustedProxies) > 0 && !c.restricted() && c.open == access.None {
		return nil, errors.New("--trusted-proxies: whom they bring comes from other machines, and everybody there could change every document: " +
			"say who may, by --token-secret-file, --token-keys, --jwks-url, --auth-webhook or --open")
	}
	return a, nil
}

// keyring is nil when no key is set.
func (c config) keyring(report func(error)) (*access.Keyring, error) {
	secret, err := secret("token-secret", c.tokenSecret, c.tokenSecretFile)
	if err != nil {
		return nil, err
	}
	keys, err := publicKeys(c.tokenKeys)
	if err != nil {
		return nil, err
	}
	if c.jwksURL != "" {
		if err := access.CheckAddress(c.jwksURL); err != nil {
			return nil, fmt.Errorf("--jwks-url: %w", err)
		}
	}
	if secret == nil && keys == nil && c.jwksURL == "" {
		if c.tokenIssuer != "" || c.tokenAudience != "" {
			return nil, errors.New("--token-issuer and --token-audience need --token-secret-file, --token-keys or --jwks-url")
		}
		return nil, nil
	}
	return access.NewKeyring(access.KeyringConfig{
		Secret: secret, Keys: keys, KeySet: c.jwksURL, Issuer: c.tokenIssuer, Audience: c.tokenAudience, Report: report,
	})
}

// secret is a setting's, or that of the file that another setting names; nil if
// neither is set. Its errors hold neither: a secret may have got into the other's
// place.
func secret(setting, value, file string) ([]byte, error) {
	named := "--" + setting
	switch {
	case value != "" && file != "":
		return nil, fmt.Errorf("%s and %s-file: leave one of them out", named, named)
	case file != "":
		named += "-file"
		b, err := os.ReadFile(file)
		var of *fs.PathError
		if errors.As(err, &of) {
			err = of.Err
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", named, err)
		}
		value = strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	case value == "":
		return nil, nil
	}
	if len(value) < access.MinSecret {
		return nil, fmt.Errorf("%s: the secret has %d bytes, and must have at least %d, such as openssl rand -base64 48 makes",
			named, len(value), access.MinSecret)
	}
	return []byte(value), nil
}

func publicKeys(files []string) ([]crypto.PublicKey, error) {
	var all []crypto.PublicKey
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("--token-keys: %w", err)
		}
		keys, err := access.PublicKeys(b)
		if err != nil {
			return nil, fmt.Errorf("--token-keys: %s: %w", file, err)
		}
		all = append(all, keys...)
	}
	return all, nil
}

// application is nil when none is set.
func (c config) application(report func(error)) (*access.Webhook, error) {
	secret, err := secret("auth-webhook-secret", c.webhookSecret, c.webhookSecretFile)
	if err != nil {
		return nil, err
	}
	headers := c.webhookHeaders
	for _, h := range headers {
		if err := access.CheckHeader(h); err != nil {
			return nil, fmt.Errorf("--auth-webhook-header: %w", err)
		}
	}
	if c.webhook == "" {
		if secret != nil || len(headers) > 0 {
			return nil, errors.New("--auth-webhook-secret and --auth-webhook-header need --auth-webhook")
		}
		return nil, nil
	}
	if err := access.CheckAddress(c.webhook); err != nil {
		return nil, fmt.Errorf("--auth-webhook: %w", err)
	}
	return access.NewWebhook(access.WebhookConfig{
		URL: c.webhook, Secret: secret, Headers: headers, Timeout: c.webhookTimeout, Cache: c.webhookCache, Report: report,
	})
}
