package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/inkwire/inkwire/internal/store"
)

// Holding is what a browser's session has collected, the latest last.
type Holding struct {
	Tokens []Identity `json:"tokens,omitempty"`
	Shares []int64    `json:"links,omitempty"`
}

// Bounds on a browser's session.
const (
	maxHeld     = 50                  // tokens and shares; the oldest go
	sessionKept = 30 * 24 * time.Hour // since something was added
)

// add takes the identity of a token or share, in place of the one that it had of
// the same subject that granted the same, or of the same share.
func (h *Holding) add(who Identity, now time.Time) {
	h.Tokens = slices.DeleteFunc(h.Tokens, func(t Identity) bool {
		same := t.Subject == who.Subject && patterns(t.Docs) == patterns(who.Docs) && patterns(t.Topics) == patterns(who.Topics)
		return who.Share == 0 && same || !t.Expires.IsZero() && !now.Before(t.Expires.Add(Leeway))
	})
	if who.Share == 0 {
		h.Tokens = append(h.Tokens, who)
	} else {
		h.Shares = append(slices.DeleteFunc(h.Shares, func(id int64) bool { return id == who.Share }), who.Share)
	}
	for len(h.Tokens)+len(h.Shares) > maxHeld {
		if len(h.Shares) > len(h.Tokens) {
			h.Shares = h.Shares[1:]
		} else {
			h.Tokens = h.Tokens[1:]
		}
	}
}

// patterns is what grants are about, whatever the roles.
func patterns(g Grants) string {
	all := make([]string, len(g))
	for i, grant := range g {
		all[i] = grant.Pattern
	}
	slices.Sort(all)
	return strings.Join(all, "\x00")
}

// until is how long it is kept: not longer than what it holds counts, if that is
// known. A share's end can change.
func (h *Holding) until(now time.Time) time.Time {
	most, last := now.Add(sessionKept), now
	if len(h.Shares) > 0 {
		return most
	}
	for _, who := range h.Tokens {
		switch {
		case who.Expires.IsZero() || who.Expires.After(most):
			return most
		case who.Expires.After(last):
			last = who.Expires
		}
	}
	return last
}

// Collect adds the token that somebody shows, which may be a share's secret, to
// what its browser's session holds, or to a new one. It returns that session's
// secret, and until when it is kept. Its error is an *Refused, or that of ctx.
func (g *Guard) Collect(ctx context.Context, c Credentials) (session string, until time.Time, err error) {
	if g.cfg.Grants == nil {
		return "", time.Time{}, NoAddress.Because("nothing is kept for browsers here")
	}
	who, err := g.identify(ctx, c.Token)
	if errors.Is(err, ErrForeign) {
		err = BadToken.Because("only shares, and tokens signed for this server, are kept")
	}
	if err = g.noteFailure(c, err); err != nil {
		return "", time.Time{}, err
	}
	if _, err := json.Marshal(who); err != nil {
		return "", time.Time{}, BadToken.Because("its times are out of all bounds")
	}
	session = c.Session
	hash := HashOf(session)
	if session != "" {
		if _, err := g.cfg.Grants.SessionOf(ctx, hash); errors.Is(err, store.ErrUnknown) {
			session = "" // a secret is never one that a browser made up
		} else if err != nil {
			return "", time.Time{}, err
		}
	}
	if session == "" {
		session, hash = NewSession()
	}
	err = g.cfg.Grants.ChangeSession(ctx, hash, func(b []byte) ([]byte, time.Time) {
		var held Holding
		_ = json.Unmarshal(b, &held) // what can't be read is nothing any more
		now := time.Now()
		held.add(who, now)
		until = held.until(now)
		b, _ = json.Marshal(held)
		return b, until
	})
	if err != nil {
		return "", time.Time{}, err
	}
	return session, until, nil
}

// EndSession ends a browser's session, and what rests on it.
func (g *Guard) EndSession(ctx context.Context, secret string) error {
	if g.cfg.Grants == nil || secret == "" {
		return nil
	}
	if err := g.cfg.Grants.DropSession(ctx, HashOf(secret)); err != nil {
		return err
	}
	g.recheck(ctx, func(_ string, c Credentials) bool { return c.Token == "" && c.Session == secret }, func(Identity) bool { return true })
	return nil
}

// identify tells whose a token is; of a share's secret, which share's. Its error is
// an *Refused, or ErrForeign.
func (g *Guard) identify(ctx context.Context, token string) (Identity, error) {
	if IsShare(token) && g.cfg.Grants != nil {
		l, err := g.share(ctx, token)
		if err != nil {
			return Identity{}, err
		}
		v, err := g.ofShare(l, l.Document)
		v.Docs = Grants{{Exactly(l.Document), v.role}}
		return v.Identity, err
	}
	if g.cfg.Tokens == nil {
		return Identity{}, ErrForeign
	}
	who, err := g.cfg.Tokens.Identify(ctx, token)
	if err == nil {
		_, err = g.standing(ctx, who, "")
	}
	return who, err
}

// Who tells who somebody is, and what it may do as far as that can be told without
// naming a document: a share's document is the pattern of its name alone. Its error is
// an *Refused, or that of ctx.
func (g *Guard) Who(ctx context.Context, c Credentials) (Identity, error) {
	who, _, err := g.who(ctx, c)
	return who, err
}

// Reach is Who, of somebody who shows something that counts, or where whoever
// comes may do something. Asks says that an application decides about the
// documents that Who doesn't know of: Role asks it, one by one.
func (g *Guard) Reach(ctx context.Context, c Credentials) (who Identity, asks bool, err error) {
	who, asks, err = g.who(ctx, c)
	if err == nil && !asks && who.Subject == "" && len(who.Docs) == 0 {
		err = NoToken.Because("")
	}
	return who, asks, err
}

func (g *Guard) who(ctx context.Context, c Credentials) (who Identity, asks bool, err error) {
	if c.Token != "" {
		who, err := g.identify(ctx, c.Token)
		if errors.Is(err, ErrForeign) && g.cfg.Tokens != nil && g.cfg.Application == nil {
			err = BadToken.Because(err.Error())
		}
		err = g.noteFailure(c, err)
		if !errors.Is(err, ErrForeign) {
			return who, false, err
		}
	} else if c.Session != "" && g.cfg.Grants != nil {
		if err := g.eachHeld(ctx, c.Session, "", func(v verdict, l store.Share) {
			if l.ID != 0 {
				role, _ := ParseShareRole(l.Role)
				who.Docs = append(who.Docs, Grant{Exactly(l.Document), role})
				return
			}
			who.Subject, who.Name, who.Color = v.Subject, v.Name, v.Color
			who.Docs = append(who.Docs, v.Docs...)
		}); err != nil {
			return Identity{}, false, err
		}
	}
	if g.cfg.Application != nil {
		return who, true, nil
	}
	if g.cfg.Open > None {
		who.Docs = append(who.Docs, Grant{"**", g.cfg.Open})
	}
	return who, false, nil
}

// bySession judges a browser's session: by what it holds that grants most in the
// document. One that grants nothing, or isn't known, has no role.
func (g *Guard) bySession(ctx context.Context, secret, document string) (verdict, error) {
	best := verdict{}
	err := g.eachHeld(ctx, secret, document, func(v verdict, _ store.Share) {
		if v.role > best.role {
			best = v
		}
	})
	return best, err
}

// eachHeld goes through what a browser's session holds that counts at present,
// with what it grants in a document, and the share that it is.
func (g *Guard) eachHeld(ctx context.Context, secret, document string, f func(verdict, store.Share)) error {
	held, err := g.held(ctx, secret)
	if err != nil {
		return err
	}
	counts := func(err error) (bool, error) {
		var refused *Refused
		if errors.As(err, &refused) || errors.Is(err, store.ErrUnknown) {
			return false, nil
		}
		return err == nil, err
	}
	for _, who := range held.Tokens {
		v, err := g.standing(ctx, who, document)
		if ok, err := counts(err); err != nil {
			return err
		} else if ok {
			f(v, store.Share{})
		}
	}
	for _, id := range held.Shares {
		l, err := g.cfg.Grants.ShareByID(ctx, id)
		v := verdict{}
		if err == nil {
			v, err = g.ofShare(l, document)
		}
		if ok, err := counts(err); err != nil {
			return err
		} else if ok {
			f(v, l)
		}
	}
	return nil
}

// held is what a browser's session holds; nothing if it isn't known.
func (g *Guard) held(ctx context.Context, secret string) (Holding, error) {
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
