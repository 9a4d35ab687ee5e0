package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/inkwire/inkwire/internal/store"
)

// sharePrefix begins the secret of a share, which is given in a token's place.
const sharePrefix = "inkwire-link-"

// IsShare reports whether a token looks like a share's secret.
func IsShare(token string) bool { return strings.HasPrefix(token, sharePrefix) }

// NewShare makes the secret of a share, and what is kept of it.
func NewShare() (secret string, hash store.Hash) {
	secret = sharePrefix + random()
	return secret, HashOf(secret)
}

// NewSession makes the secret of a browser's session, and what is kept of it.
func NewSession() (secret string, hash store.Hash) {
	secret = random()
	return secret, HashOf(secret)
}

// random is 256 bits that nobody can guess.
func random() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// HashOf is what is kept of a secret.
func HashOf(secret string) store.Hash { return sha256.Sum256([]byte(secret)) }

// ParseShareRole reads the name of a role that a share may give. Whoever owns a
// document is known by name: a share that gets about must not give it away.
func ParseShareRole(s string) (Role, error) {
	role, err := ParseRole(s)
	if err != nil || role > Writer {
		return None, fmt.Errorf("the role %.20q is none that a share can give: reader, commenter or writer", s)
	}
	return role, nil
}

// byShare judges a share's secret.
func (g *Guard) byShare(ctx context.Context, secret, document string) (verdict, error) {
	l, err := g.share(ctx, secret)
	if err != nil {
		return verdict{}, err
	}
	return g.ofShare(l, document)
}

// share finds a share by its secret. Its error is an *Refused if there is none.
func (g *Guard) share(ctx context.Context, secret string) (store.Share, error) {
	l, err := g.cfg.Grants.ShareOf(ctx, HashOf(secret))
	if errors.Is(err, store.ErrUnknown) {
		return store.Share{}, BadToken.Because("there is no such link, or it was revoked")
	}
	return l, err
}

// ofShare is what a share grants in a document.
func (g *Guard) ofShare(l store.Share, document string) (verdict, error) {
	if !l.Expires.IsZero() && !time.Now().Before(l.Expires) {
		return verdict{}, Expired.Because("the link")
	}
	role, err := ParseShareRole(l.Role)
	if err != nil {
		return verdict{}, fmt.Errorf("share %d: %w", l.ID, err)
	}
	v := verdict{Identity: Identity{Share: l.ID}, until: l.Expires}
	if l.Document == document {
		v.role = role
	}
	return v, nil
}
