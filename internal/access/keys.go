package access

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// A key checks signatures, by the methods that are its own: which of them a token
// names can't make one key into another's.
type key struct {
	id       string // "" for one that has none
	methods  []jwt.SigningMethod
	material any
}

// MinSecret is the least length in bytes of a secret that signs: that of what
// HS256 makes (RFC 7518, 3.2).
const MinSecret = 32

// newSecret makes a key of a secret that both sides have. Methods that make more
// than the secret holds aren't for it.
func newSecret(secret []byte) (key, error) {
	if len(secret) < MinSecret {
		return key{}, fmt.Errorf("the secret has %d bytes, and must have at least %d", len(secret), MinSecret)
	}
	k := key{material: secret, methods: []jwt.SigningMethod{jwt.SigningMethodHS256}}
	if len(secret) >= 48 {
		k.methods = append(k.methods, jwt.SigningMethodHS384)
	}
	if len(secret) >= 64 {
		k.methods = append(k.methods, jwt.SigningMethodHS512)
	}
	return k, nil
}

// minRSA is the least length in bits of an RSA key (RFC 7518, 3.3).
const minRSA = 2048

// newPublic makes a key of one that is public.
func newPublic(public crypto.PublicKey) (key, error) {
	k := key{material: public}
	switch public := public.(type) {
	case *rsa.PublicKey:
		if n := public.N.BitLen(); n < minRSA {
			return key{}, fmt.Errorf("an RSA key of %d bits, and must have at least %d", n, minRSA)
		}
		k.methods = []jwt.SigningMethod{
			jwt.SigningMethodRS256, jwt.SigningMethodRS384, jwt.SigningMethodRS512,
			jwt.SigningMethodPS256, jwt.SigningMethodPS384, jwt.SigningMethodPS512,
		}
	case *ecdsa.PublicKey:
		for _, m := range []*jwt.SigningMethodECDSA{jwt.SigningMethodES256, jwt.SigningMethodES384, jwt.SigningMethodES512} {
			if m.CurveBits == public.Curve.Params().BitSize {
				k.methods = []jwt.SigningMethod{m}
			}
		}
	case ed25519.PublicKey:
		k.methods = []jwt.SigningMethod{jwt.SigningMethodEdDSA}
	}
	if k.methods == nil {
		return key{}, errors.New("a key that signs no tokens: want RSA, ECDSA over P-256, P-384 or P-521, or Ed25519")
	}
	return k, nil
}

// verifies reports whether the key has made a signature by a method.
func (k key) verifies(method, signed string, signature []byte) bool {
	for _, m := range k.methods {
		if m.Alg() == method {
			return m.Verify(signed, signature, k.material) == nil
		}
	}
	return false
}

// PublicKeys reads the public keys of a PEM file. Of a certificate it takes the
// key, and nothing else.
func PublicKeys(file []byte) ([]crypto.PublicKey, error) {
	var keys []crypto.PublicKey
	for n := 1; ; n++ {
		block, rest := pem.Decode(file)
		if block == nil {
			break
		}
		file = rest
		var public crypto.PublicKey
		var err error
		switch {
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			return nil, errors.New("a private key, which may stay with whoever signs: " +
				"give its public one (openssl pkey -in FILE -pubout)")
		case block.Type == "PUBLIC KEY":
			public, err = x509.ParsePKIXPublicKey(block.Bytes)
		case block.Type == "RSA PUBLIC KEY":
			public, err = x509.ParsePKCS1PublicKey(block.Bytes)
		case block.Type == "CERTIFICATE":
			var c *x509.Certificate
			if c, err = x509.ParseCertificate(block.Bytes); err == nil {
				public = c.PublicKey
			}
		default:
			err = errors.New("neither a public key nor a certificate")
		}
		if err == nil {
			_, err = newPublic(public)
		}
		if err != nil {
			return nil, fmt.Errorf("PEM block %d: %w", n, err)
		}
		keys = append(keys, public)
	}
	if len(keys) == 0 {
		return nil, errors.New("no public key in PEM")
	}
	return keys, nil
}
