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

// linkPrefix begins the secret of a share link, which is given in a token's place.
const linkPrefix = "inkwire-link-"

// IsLink reports whether a token looks like a link's secret.
func IsLink(token string) bool { return strings.HasPrefix(token, linkPrefix) }

// NewLink makes the secret of a link, and what is kept of it.
func NewLink() (secret string, hash store.Hash) {
	secret = linkPrefix + random()
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

// ParseLinkRole reads the name of a role that a link may give. Whoever owns a
// document is known by name: a link that gets about must not give it away.
func ParseLinkRole(s string) (Role, error) {
	role, err := ParseRole(s)
	if err != nil || role > Writer {
		return None, fmt.Errorf("the role %.20q is none that a link can give: reader, commenter or writer", s)
	}
	return role, nil
}

// byLink judges a link's secret.
func (g *Guard) byLink(ctx context.Context, secret, document string) (verdict, error) {
	l, err := g.link(ctx, secret)
	if err != nil {
		return verdict{}, err
	}
	return g.ofLink(l, document)
}

// link finds a link by its secret. Its error is an *Refused if there is none.
func (g *Guard) link(ctx context.Context, secret string) (store.Link, error) {
	l, err := g.cfg.Grants.LinkOf(ctx, HashOf(secret))
	if errors.Is(err, store.ErrUnknown) {
		return store.Link{}, BadToken.Because("there is no such link, or it was revoked")
	}
	return l, err
}

// ofLink is what a link grants in a document.
func (g *Guard) ofLink(l store.Link, document string) (verdict, error) {
	if !l.Expires.IsZero() && !time.Now().Before(l.Expires) {
		return verdict{}, Expired.Because("the link")
	}
	role, err := ParseLinkRole(l.Role)
	if err != nil {
		return verdict{}, fmt.Errorf("link %d: %w", l.ID, err)
	}
	v := verdict{Identity: Identity{Link: l.ID}, until: l.Expires}
	if l.Document == document {
		v.role = role
	}
	return v, nil
}
