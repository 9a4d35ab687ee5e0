package access

import (
	"context"
	"errors"
	"time"
)

// A verdict is what somebody may do in one document.
type verdict struct {
	Identity
	role  Role
	until time.Time // zero for ever
}

// Leeway is how far the clocks of those who issue tokens may be ahead. What has
// expired by the clock here has expired.
const Leeway = 5 * time.Second

// ErrForeign says that a token isn't of those that the keys here have signed.
var ErrForeign = errors.New("no key here has signed this")

// judge finds out what somebody may do in a document. What is shown explicitly
// counts alone; without it what the browser's session has collected; without that
// the role of those who show nothing. Anew means that nothing remembered will do.
func (g *Guard) judge(ctx context.Context, c Credentials, document string, anew bool) (verdict, error) {
	v, err := g.find(ctx, c, document, anew)
	if !anew { // what counted before is nobody's failure
		err = g.noteFailure(c, err)
	}
	return v, err
}

// noteFailure counts a token that isn't valid for the address it is from, and
// refuses one too many as such, so that it ends a socket that goes on. What was
// valid once doesn't count, and neither does a browser's session: nobody finds one
// by trying, and a few pages that were left open overnight would keep all others
// of their address out.
func (g *Guard) noteFailure(c Credentials, err error) error {
	var refused *Refused
	if errors.As(err, &refused) && refused.Label == BadToken.Label && !g.failures.Take(c.Addr) {
		return TooManyFailures.Because("")
	}
	return err
}

func (g *Guard) find(ctx context.Context, c Credentials, document string, anew bool) (verdict, error) {
	switch {
	case c.Token != "":
		return g.byToken(ctx, c, document, anew)
	case c.Session != "" && g.cfg.Grants != nil:
		v, err := g.bySession(ctx, c.Session, document)
		if err != nil {
			return verdict{}, err
		}
		if v.role > None {
			if g.cfg.Application == nil {
				v.role = max(v.role, g.cfg.Open) // nobody has less for what was collected
			}
			return v, nil
		}
	}
	return g.byNothing(ctx, c, document, anew)
}

// byNothing judges who shows nothing that counts.
func (g *Guard) byNothing(ctx context.Context, c Credentials, document string, anew bool) (verdict, error) {
	switch {
	case g.cfg.Application != nil:
		return g.byApplication(ctx, c, document, anew)
	case g.cfg.Open == None:
		return verdict{}, NoToken.Because("")
	}
	return verdict{role: g.cfg.Open}, nil
}

func (g *Guard) byApplication(ctx context.Context, c Credentials, document string, anew bool) (verdict, error) {
	who, err := g.cfg.Application.Ask(ctx, c, document, anew)
	if err != nil {
		return verdict{}, err
	}
	v, err := g.standing(ctx, who, document)
	var refused *Refused
	if !anew && errors.As(err, &refused) && refused.Label == Revoked.Label {
		// It said so before the end; it may know better by now.
		return g.byApplication(ctx, c, document, true)
	}
	return v, err
}

// byToken judges a token: a share's secret, one that a key here has signed, or one
// that the application knows.
func (g *Guard) byToken(ctx context.Context, c Credentials, document string, anew bool) (verdict, error) {
	if IsShare(c.Token) && g.cfg.Grants != nil {
		return g.byShare(ctx, c.Token, document)
	}
	if g.cfg.Tokens != nil {
		who, err := g.cfg.Tokens.Identify(ctx, c.Token)
		switch {
		case err == nil:
			return g.standing(ctx, who, document)
		case !errors.Is(err, ErrForeign):
			return verdict{}, err
		case g.cfg.Application == nil:
			return verdict{}, BadToken.Because(err.Error())
		}
	}
	// Where nothing understands tokens, one makes no difference.
	return g.byNothing(ctx, c, document, anew)
}

// standing is what an identity that is known for sure may do now.
func (g *Guard) standing(ctx context.Context, who Identity, document string) (verdict, error) {
	v := verdict{who, who.Docs.Role(document), who.Expires}
	if !who.Expires.IsZero() && !time.Now().Before(who.Expires) {
		return verdict{}, Expired.Because("")
	}
	if who.Subject != "" && g.cfg.Grants != nil {
		cut, err := g.cfg.Grants.CutOf(ctx, who.Subject)
		if err != nil {
			return verdict{}, err
		}
		if who.Issued.Nanosecond() == 0 { // as most tokens say it: in whole seconds
			cut = cut.Truncate(time.Second)
		}
		if !cut.IsZero() && !who.Issued.After(cut) {
			return verdict{}, Revoked.Because("")
		}
	}
	return v, nil
}
