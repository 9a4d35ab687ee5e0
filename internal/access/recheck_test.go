package access

import (
	"context"
	"errors"
	"sync"
	"testing"
)

// identify makes Tokens of a function.
type identify func(token string) (Identity, error)

func (f identify) Identify(_ context.Context, token string) (Identity, error) { return f(token) }

var everything = Grants{{"**", Owner}}

// Whoever is let in, or renews, while a recheck goes on isn't let in by what was
// before it.
func TestRecheckMissesNobody(t *testing.T) {
	var g *Guard
	revoked := false
	g = NewGuard(Config{Tokens: identify(func(token string) (Identity, error) {
		if token == "other" {
			return Identity{Subject: "other", Docs: everything}, nil
		}
		if revoked {
			return Identity{}, Revoked.Because("")
		}
		revoked = true // right after it was looked at
		g.Recheck(t.Context(), func(string, Identity) bool { return true })
		return Identity{Subject: "ann", Docs: everything}, nil
	})})
	isRevoked := func(err error) {
		t.Helper()
		var refused *Refused
		if !errors.As(err, &refused) || refused.Label != Revoked.Label {
			t.Fatal(err)
		}
	}
	_, err := g.Admit(t.Context(), Credentials{Token: "ann"}, "a", &watcher{})
	isRevoked(err)
	p, err := g.Admit(t.Context(), Credentials{Token: "other"}, "a", &watcher{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Release()
	revoked = false
	isRevoked(p.Renew(t.Context(), "ann"))
	if who := p.Identity(); who.Subject != "other" || p.Role() != Owner {
		t.Fatal(who, p.Role())
	}
}

// Rechecks, arrivals and departures at the same time wait for each other in no
// circle.
func TestRecheckAtOnce(t *testing.T) {
	g := NewGuard(Config{Open: Writer})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 500 {
				p, err := g.Admit(t.Context(), Credentials{}, "a", &watcher{})
				if err != nil {
					t.Error(err)
					return
				}
				p.Release()
			}
		})
		wg.Go(func() {
			for range 200 {
				g.Recheck(t.Context(), func(_ string, who Identity) bool { return who.Link == 0 })
			}
		})
	}
	wg.Wait()
	if len(g.live) > 0 {
		t.Fatal(len(g.live), " are left")
	}
}
