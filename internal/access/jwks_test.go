package access

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
)

// A provider serves a set of keys, which can change, or fail.
type provider struct {
	mu     sync.Mutex
	body   string
	status int // 0 for well
	read   int
}

func (p *provider) set(status int, body string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status, p.body = status, body
}

func (p *provider) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.read
}

func (p *provider) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.read++
	if p.status != 0 {
		w.WriteHeader(p.status)
	}
	_, _ = io.WriteString(w, p.body)
}

// RoundTrip answers without a network, where time is a test's own.
func (p *provider) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Context().Err() != nil {
		return nil, r.Context().Err()
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w.Result(), nil
}

// jwks is a set of public keys, by their ids, with what else a key says.
func jwks(t *testing.T, keys map[string]crypto.PublicKey, more ...string) string {
	t.Helper()
	var list []string
	for id, public := range keys {
		k, err := jwkset.NewJWKFromKey(public, jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{KID: id}})
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(k.Marshal())
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, string(b))
	}
	return `{"keys":[` + strings.Join(append(list, more...), ",") + `]}`
}

// Keys at an address check tokens that name them, or none; one that is new is
// found when a token names it.
func TestKeySet(t *testing.T) {
	k := keypairs()
	p := &provider{body: jwks(t, map[string]crypto.PublicKey{"r": &k.rsa.PublicKey, "e": &k.p256.PublicKey, "d": k.ed.Public()},
		`{"kty":"oct","kid":"o","k":"`+b64(secret64)+`"}`, `{"kty":"future","kid":"f"}`, `{"kty":"RSA","kid":"w","n":"AQAB","e":"AQAB"}`, `1`)}
	server := httptest.NewServer(p)
	defer server.Close()
	keyring := newKeyring(t, KeyringConfig{KeySet: server.URL, Secret: []byte(strings.Repeat("other", 10))})
	for name, token := range map[string]string{
		"RSA":         raw(t, `{"alg":"RS256","kid":"r"}`, plain(""), jwt.SigningMethodRS256, k.rsa),
		"RSA-PSS":     raw(t, `{"alg":"PS512","kid":"r"}`, plain(""), jwt.SigningMethodPS512, k.rsa),
		"ECDSA":       raw(t, `{"alg":"ES256","kid":"e"}`, plain(""), jwt.SigningMethodES256, k.p256),
		"Ed25519":     raw(t, `{"alg":"EdDSA","kid":"d"}`, plain(""), jwt.SigningMethodEdDSA, k.ed),
		"without kid": raw(t, `{"alg":"ES256"}`, plain(""), jwt.SigningMethodES256, k.p256),
		"the secret":  raw(t, `{"alg":"HS256","kid":"r"}`, plain(""), jwt.SigningMethodHS256, []byte(strings.Repeat("other", 10))),
	} {
		if who, err := keyring.Identify(t.Context(), token); err != nil || who.Subject != "u1" {
			t.Errorf("%s: %+v, %v", name, who, err)
		}
	}
	for name, token := range map[string]string{
		"another's kid":           raw(t, `{"alg":"ES256","kid":"r"}`, plain(""), jwt.SigningMethodES256, k.p256),
		"unknown kid":             raw(t, `{"alg":"ES256","kid":"x"}`, plain(""), jwt.SigningMethodES256, k.p256),
		"a secret that is public": raw(t, `{"alg":"HS512","kid":"o"}`, plain(""), jwt.SigningMethodHS512, secret64),
		"kid of a file":           raw(t, `{"alg":"ES256","kid":"../../e"}`, plain(""), jwt.SigningMethodES256, k.p256),
	} {
		if who, err := keyring.Identify(t.Context(), token); err != ErrForeign {
			t.Errorf("%s: %+v, %v", name, who, err)
		}
	}
	if err := keyring.Ready(); err != nil {
		t.Error(err)
	}
	if n := p.count(); n != 1 {
		t.Errorf("read %d times", n)
	}
}

// A key's own alg and use bind it further.
func TestKeySetBinds(t *testing.T) {
	public := `"kty":"EC","crv":"P-256","x":"` + b64(keypairs().p256.X.FillBytes(make([]byte, 32))) + `","y":"` + b64(keypairs().p256.Y.FillBytes(make([]byte, 32))) + `"`
	for more, want := range map[string]int{
		``: 1, `,"alg":"ES256"`: 1, `,"use":"sig","key_ops":["verify"]`: 1,
		`,"alg":"ES384"`: 0, `,"alg":"ECDH-ES"`: 0, `,"use":"enc"`: 0, `,"key_ops":["deriveKey"]`: 0,
		`,"x5u":"https://evil.example/cert","x5c":["AAAA"]`: 1,
	} {
		keys, err := keysIn([]byte(`{"keys":[{` + public + more + `}]}`))
		if len(keys) != want || (err == nil) != (want > 0) || keys == nil {
			t.Errorf("%s: %d keys, %v", more, len(keys), err)
		}
	}
	for _, set := range []string{``, `[]`, `{}`, `{"keys":{}}`, `{"keys":null}`, `{"keys":[` + strings.Repeat(`{},`, maxSetKeys) + `{}]}`} {
		if keys, err := keysIn([]byte(set)); err == nil || keys != nil {
			t.Errorf("%.20s: %v, %v", set, keys, err)
		}
	}
}

// Keys change while tokens come: the set is read again for a key that isn't
// known, at most every ten seconds; what was read stays while it can't be.
func TestKeySetRotates(t *testing.T) {
	k := keypairs() // before the time stands still
	old := jwks(t, map[string]crypto.PublicKey{"1": &k.p256.PublicKey})
	both := jwks(t, map[string]crypto.PublicKey{"1": &k.p256.PublicKey, "2": k.ed.Public()})
	synctest.Test(t, func(t *testing.T) {
		p := &provider{status: 500}
		var reported []error
		var mu sync.Mutex
		keyring := &Keyring{set: newKeySet("http://id.example.com/keys", &http.Client{Transport: p}, func(err error) {
			mu.Lock()
			defer mu.Unlock()
			reported = append(reported, err)
		})}
		defer keyring.set.close()
		identify := func(kid string, m jwt.SigningMethod, key any) error {
			_, err := keyring.Identify(t.Context(), raw(t, `{"alg":"`+m.Alg()+`","kid":"`+kid+`"}`, plain(""), m, key))
			return err
		}
		first := func() error { return identify("1", jwt.SigningMethodES256, k.p256) }
		second := func() error { return identify("2", jwt.SigningMethodEdDSA, k.ed) }
		is := func(what string, err error, row Refusal) {
			t.Helper()
			var refused *Refused
			if !errors.As(err, &refused) || refused.Label != row.Label {
				t.Errorf("%s: %v", what, err)
			}
		}
		is("never read", first(), Unverified)
		if err := keyring.Ready(); err == nil || !strings.Contains(err.Error(), "status 500") {
			t.Error(err)
		}
		if _, err := keyring.Identify(t.Context(), "x.y.z"); err != ErrForeign {
			t.Error("no JWT: ", err)
		}
		if err := identify("1", jwt.SigningMethodHS512, secret64); err != ErrForeign {
			t.Error("no public key can have signed it: ", err)
		}
		p.set(0, old)
		is("read a moment ago", first(), Unverified)
		time.Sleep(keysAtMost)
		if err := first(); err != nil || keyring.Ready() != nil || p.count() != 2 {
			t.Errorf("%v, %v, read %d times", err, keyring.Ready(), p.count())
		}

		// A flood of unknown keys reads it once in ten seconds.
		for range 1000 {
			if err := identify("unknown", jwt.SigningMethodEdDSA, k.ed); err != ErrForeign {
				t.Fatal(err)
			}
			time.Sleep(keysAtMost / 100)
		}
		if n := p.count(); n < 10 || n > 13 {
			t.Errorf("read %d times", n)
		}
		p.set(0, both)
		time.Sleep(keysAtMost)
		if err := errors.Join(first(), second()); err != nil {
			t.Error(err)
		}

		// It fails: known keys go on, others can't be told.
		for _, body := range []string{"", `{"keys":[]}` + strings.Repeat(" ", maxKeySet), `{"keys":1}`} {
			p.set(map[string]int{"": 503}[body], body)
			time.Sleep(keysAtMost)
			is("unknown while it fails", identify("3", jwt.SigningMethodEdDSA, k.ed), Unverified)
			if err := errors.Join(first(), second()); err != nil || keyring.Ready() == nil {
				t.Errorf("%v, ready: %v", err, keyring.Ready())
			}
		}
		// It comes back by itself, and without a key.
		p.set(0, jwks(t, map[string]crypto.PublicKey{"2": k.ed.Public()}))
		time.Sleep(keysRetry + time.Second)
		if err := keyring.Ready(); err != nil {
			t.Error(err)
		}
		if err := second(); err != nil {
			t.Error(err)
		}
		if err := first(); err != ErrForeign {
			t.Error("a key that was taken out: ", err)
		}
		before := p.count()
		time.Sleep(keysEvery)
		if p.count() != before+1 {
			t.Errorf("read %d times, %d before", p.count(), before)
		}
		if len(reported) != 4 {
			t.Errorf("%v", reported)
		}
	})
}

// Who waits for keys may go, and a redirect isn't followed.
func TestKeySetBounds(t *testing.T) {
	var followed bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed = true }))
	defer other.Close()
	server := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusFound))
	defer server.Close()
	keyring := newKeyring(t, KeyringConfig{KeySet: server.URL})
	token := raw(t, `{"alg":"EdDSA","kid":"1"}`, plain(""), jwt.SigningMethodEdDSA, keypairs().ed)
	var refused *Refused
	if _, err := keyring.Identify(t.Context(), token); !errors.As(err, &refused) || refused.HTTP != 503 || followed {
		t.Error(err, followed)
	}

	hangs := make(chan struct{})
	stuck := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hangs }))
	defer stuck.Close()
	defer close(hangs)
	keyring = newKeyring(t, KeyringConfig{KeySet: stuck.URL})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := keyring.Identify(ctx, token); err != context.Canceled {
		t.Error(err)
	}
	for _, address := range []string{"", "keys", "ftp://id.example.com", "https://", "https://u:p@id.example.com/", "http://a b"} {
		if err := CheckAddress(address); err == nil {
			t.Error(address)
		}
	}
}
