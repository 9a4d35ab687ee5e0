package access

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
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
		g.Recheck(t.Context(), "", func(Identity) bool { return true })
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
				g.Recheck(t.Context(), "", func(who Identity) bool { return who.Share == 0 })
			}
		})
	}
	wg.Wait()
	if len(g.live) > 0 {
		t.Fatal(len(g.live), " are left")
	}
}

// Whoever owns one document, and has it rechecked all the time, keeps nobody out of
// another.
func TestRechecksOfAnotherDocument(t *testing.T) {
	var g *Guard
	judged := 0
	g = NewGuard(Config{Tokens: identify(func(string) (Identity, error) {
		if judged++; judged < 10 {
			g.Recheck(t.Context(), "theirs", func(Identity) bool { return true })
		}
		return Identity{Docs: everything}, nil
	})})
	p, err := g.Admit(t.Context(), Credentials{Token: "x"}, "mine", &watcher{})
	if err != nil || judged != 1 {
		t.Fatal(err, judged)
	}
	p.Release()
	judged = 8
	if p, err = g.Admit(t.Context(), Credentials{Token: "x"}, "theirs", &watcher{}); err != nil || judged != 10 {
		t.Fatal(err, judged)
	}
	p.Release()
	if len(g.live)+len(g.judging) > 0 {
		t.Fatal(len(g.live), len(g.judging))
	}
}

// out is an application that may be down.
type out struct {
	replies
	down bool
}

func (o *out) Ask(ctx context.Context, c Credentials, document string, anew bool) (Identity, error) {
	if o.down {
		return Identity{}, Unverified.Because("")
	}
	return o.replies.Ask(ctx, c, document, anew)
}

// Somebody who was cut off is ended also while the application can't be asked;
// others stay.
func TestCutWithoutTheApplication(t *testing.T) {
	app := &out{replies: replies{"ann": Writer, "ben": Writer}}
	b := &book{cuts: make(map[string]time.Time)}
	g := NewGuard(Config{Application: app, Grants: b})
	admit := func(token string) *Pass {
		p, err := g.Admit(t.Context(), Credentials{Token: token}, "d", &watcher{})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	ann, ben := admit("ann"), admit("ben")
	defer ben.Release()
	app.down = true
	b.cuts["by ann"] = time.Now()
	g.Recheck(t.Context(), "", func(Identity) bool { return true })
	isRefused(t, ann.May(Read), Revoked)
	if ben.Role() != Writer {
		t.Error(ben.Role())
	}
}

// A cut ends what was issued before it, whether that says whole seconds or parts.
func TestCutWithinASecond(t *testing.T) {
	second := time.Now().Truncate(time.Second)
	b := &book{cuts: map[string]time.Time{"ann": second.Add(600 * time.Millisecond)}}
	for issued, stands := range map[time.Duration]bool{
		0: false, 300 * time.Millisecond: false, 600 * time.Millisecond: false, 601 * time.Millisecond: true, time.Second: true,
	} {
		g := NewGuard(Config{Tokens: known{"ann": {Subject: "ann", Docs: everything, Issued: second.Add(issued)}}, Grants: b})
		if _, err := g.Check(t.Context(), Credentials{Token: "ann"}, "d", Read); (err == nil) != stands {
			t.Errorf("issued %v after a second's begin: %v", issued, err)
		}
	}
}
