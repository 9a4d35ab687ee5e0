package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
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

// byLink judges a link's secret.
func (g *Guard) byLink(ctx context.Context, secret, document string) (verdict, error) {
	l, err := g.cfg.Grants.LinkOf(ctx, HashOf(secret))
	if errors.Is(err, store.ErrUnknown) {
		return verdict{}, BadToken.Because("there is no such link, or it was revoked")
	}
	if err != nil {
		return verdict{}, err
	}
	return g.ofLink(l, document)
}

// ofLink is what a link grants in a document.
func (g *Guard) ofLink(l store.Link, document string) (verdict, error) {
	if !l.Expires.IsZero() && !time.Now().Before(l.Expires) {
		return verdict{}, Expired.Because("the link")
	}
	role, err := ParseRole(l.Role)
	if err != nil {
		return verdict{}, fmt.Errorf("link %d: %w", l.ID, err)
	}
	v := verdict{Identity: Identity{Link: l.ID}, until: l.Expires}
	if l.Document == document {
		v.role = role
	}
	return v, nil
}

// Holding is what a browser's session has collected.
type Holding struct {
	Tokens []Identity `json:"tokens,omitempty"`
	Links  []int64    `json:"links,omitempty"`
}

// bySession judges a browser's session: by what it holds that grants most in the
// document. One that grants nothing, or isn't known, has no role.
func (g *Guard) bySession(ctx context.Context, secret, document string) (verdict, error) {
	held, err := g.Held(ctx, secret)
	if err != nil {
		return verdict{}, err
	}
	best := verdict{}
	better := func(v verdict, err error) error {
		var refused *Refused
		if err != nil && !errors.As(err, &refused) && !errors.Is(err, store.ErrUnknown) {
			return err
		}
		if err == nil && v.role > best.role {
			best = v
		}
		return nil
	}
	for _, who := range held.Tokens {
		if err := better(g.standing(ctx, who, document)); err != nil {
			return verdict{}, err
		}
	}
	for _, id := range held.Links {
		l, err := g.cfg.Grants.LinkByID(ctx, id)
		v := verdict{}
		if err == nil {
			v, err = g.ofLink(l, document)
		}
		if err := better(v, err); err != nil {
			return verdict{}, err
		}
	}
	return best, nil
}

// Held is what a browser's session holds; nothing if it isn't known.
func (g *Guard) Held(ctx context.Context, secret string) (Holding, error) {
	b, err := g.cfg.Grants.SessionOf(ctx, HashOf(secret))
	var held Holding
	switch {
	case errors.Is(err, store.ErrUnknown):
		return held, nil
	case err != nil:
		return held, err
	}
	if err := json.Unmarshal(b, &held); err != nil {
		return held, fmt.Errorf("a browser's session: %w", err)
	}
	return held, nil
}
