package access

import (
	"cmp"
	"context"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// MaxToken is the longest token in bytes.
const MaxToken = 8 << 10

// KeyringConfig says whose tokens are taken. Any of the keys may have signed one.
type KeyringConfig struct {
	Secret   []byte             // shared with whoever signs; nil for none
	Keys     []crypto.PublicKey // as PublicKeys reads them
	KeySet   string             // the address of a JWKS; "" for none
	Issuer   string             // that tokens must name; "" for any
	Audience string             // likewise
	Report   func(error)        // is told when the JWKS can't be read; may be nil
}

// A Keyring tells by keys whose a token is. A token is a JWT (RFC 7519).
type Keyring struct {
	cfg    KeyringConfig
	keys   []key
	set    *keySet // nil for none
	client *http.Client
}

// NewKeyring makes a keyring, which must be closed.
func NewKeyring(cfg KeyringConfig) (*Keyring, error) {
	k := &Keyring{cfg: cfg}
	if cfg.Secret != nil {
		secret, err := newSecret(cfg.Secret)
		if err != nil {
			return nil, err
		}
		k.keys = append(k.keys, secret)
	}
	for _, public := range cfg.Keys {
		p, err := newPublic(public)
		if err != nil {
			return nil, err
		}
		k.keys = append(k.keys, p)
	}
	if cfg.KeySet != "" {
		if err := CheckAddress(cfg.KeySet); err != nil {
			return nil, err
		}
		report := cfg.Report
		if report == nil {
			report = func(error) {}
		}
		k.client = newClient()
		k.set = newKeySet(cfg.KeySet, k.client, report)
	}
	if k.set == nil && len(k.keys) == 0 {
		return nil, errors.New("no key")
	}
	return k, nil
}

// Close ends the reading of keys.
func (k *Keyring) Close() {
	if k.set != nil {
		k.set.close()
		k.client.CloseIdleConnections()
	}
}

// Ready says why tokens of the JWKS may not be checked at present.
func (k *Keyring) Ready() error {
	if k.set == nil {
		return nil
	}
	return k.set.ready()
}

// Identify implements Tokens. What is wrong with a token matters, and is told,
// only once a key has signed it. No error holds anything of a token.
func (k *Keyring) Identify(ctx context.Context, token string) (Identity, error) {
	if len(token) > MaxToken {
		return Identity{}, BadToken.Because(fmt.Sprintf("longer than %d bytes", MaxToken))
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return Identity{}, ErrForeign
	}
	h, ok := headerOf(parts[0])
	signature, err := decode(parts[2])
	if !ok || err != nil {
		return Identity{}, ErrForeign
	}
	if err := k.check(ctx, h, parts[0]+"."+parts[1], signature); err != nil {
		return Identity{}, err
	}
	if h.fault != "" {
		return Identity{}, BadToken.Because(h.fault)
	}
	body, err := decode(parts[1])
	if err != nil {
		return Identity{}, BadToken.Because("its claims aren't base64")
	}
	return claims(body, k.cfg.Issuer, k.cfg.Audience, time.Now())
}

// check finds the key that has signed a token: ErrForeign if there is none.
func (k *Keyring) check(ctx context.Context, h header, signed string, signature []byte) error {
	by := func(keys []key) bool {
		for _, key := range keys {
			if key.verifies(h.method, signed, signature) {
				return true
			}
		}
		return false
	}
	if by(k.keys) {
		return nil
	}
	if k.set == nil || !public(h.method) {
		return ErrForeign
	}
	keys, err := k.set.of(ctx, h.key)
	switch {
	case by(keys):
		return nil
	case err == nil:
		return ErrForeign
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return Unverified.Because("the keys that sign tokens can't be read")
}

// public reports whether a method is one of public keys.
func public(method string) bool {
	switch jwt.GetSigningMethod(method).(type) {
	case *jwt.SigningMethodRSA, *jwt.SigningMethodRSAPSS, *jwt.SigningMethodECDSA, *jwt.SigningMethodEd25519:
		return true
	}
	return false
}

// A header is what a token says of its signature. It is written by whoever sends
// it: the method picks among those of a key, and the key's name among those that
// are known. Keys and addresses in it count for nothing.
type header struct {
	method, key string
	fault       string // what makes a token bad though its signature is good
}

func headerOf(part string) (h header, ok bool) {
	b, err := decode(part)
	if err != nil {
		return h, false
	}
	members, err := object(b)
	if errors.Is(err, errTwice) {
		// Whose it is can be told all the same.
		h.fault = "its header has a member twice"
		err = json.Unmarshal(b, &members)
	}
	if err != nil {
		return h, false
	}
	h.method, ok = text(members["alg"])
	if raw, named := members["kid"]; named {
		if h.key, named = text(raw); !named {
			h.fault = "its header's kid is no string"
		}
	}
	if raw, named := members["typ"]; named {
		typ, _ := text(raw)
		typ = strings.TrimPrefix(strings.ToLower(typ), "application/") // RFC 7515, 4.1.9
		if typ != "jwt" && typ != "at+jwt" {
			h.fault = "its header's typ is neither JWT nor at+jwt"
		}
	}
	if members["crit"] != nil || members["b64"] != nil {
		h.fault = "its header wants what isn't known here (crit, b64)"
	}
	return h, ok
}

// decode reads a part of a token. Each has one spelling: Go's decoder would skip
// line breaks.
func decode(part string) ([]byte, error) {
	if strings.ContainsAny(part, "\r\n") {
		return nil, base64.CorruptInputError(0)
	}
	return base64.RawURLEncoding.Strict().DecodeString(part)
}

// Sign makes a token that a Keyring with this secret takes. Issuer and audience
// are "" for none.
func Sign(secret []byte, who Identity, issuer, audience string) (string, error) {
	k, err := newSecret(secret)
	if err != nil {
		return "", err
	}
	members := jwt.MapClaims{}
	for name, value := range map[string]string{"sub": who.Subject, "name": who.Name, "color": who.Color, "iss": issuer, "aud": audience} {
		if value != "" {
			members[name] = value
		}
	}
	for name, value := range map[string]Grants{"docs": who.Docs, "topics": who.Topics} {
		if len(value) > 0 {
			members[name] = value
		}
	}
	for name, value := range map[string]time.Time{"iat": who.Issued, "exp": who.Expires} {
		if !value.IsZero() {
			members[name] = value.Unix()
		}
	}
	body, err := json.Marshal(members)
	if err != nil {
		return "", err
	}
	var refused *Refused
	if _, err := claims(body, issuer, audience, time.Now()); errors.As(err, &refused) {
		return "", errors.New(cmp.Or(refused.Detail, refused.Sentence))
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, members).SignedString(k.material)
	if err == nil && len(token) > MaxToken {
		err = fmt.Errorf("the token would have more than %d bytes", MaxToken)
	}
	return token, err
}
