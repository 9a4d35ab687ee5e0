package access

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/inkwire/inkwire/internal/store"
)

// known is tokens by their text.
type known map[string]Identity

func (k known) Identify(_ context.Context, token string) (Identity, error) {
	who, ok := k[token]
	if !ok {
		return who, ErrForeign
	}
	return who, nil
}

// replies is an application that knows what each token may do.
type replies map[string]Role

func (a replies) Ask(_ context.Context, c Credentials, document string, _ bool) (Identity, error) {
	role, ok := a[c.Token]
	if !ok {
		return Identity{}, Forbidden.Because("says the application")
	}
	return Identity{Subject: "by " + c.Token, Docs: Grants{{document, role}}}, nil
}

// book is what is kept of who may do what, in memory.
type book struct {
	store.Grants
	mu     sync.Mutex
	shares map[store.Hash]store.Share
	cuts   map[string]time.Time
	holds  map[store.Hash]string
}

func (b *book) ShareOf(_ context.Context, h store.Hash) (store.Share, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l, ok := b.shares[h]
	if !ok {
		return l, store.ErrUnknown
	}
	return l, nil
}

func (b *book) ShareByID(_ context.Context, id int64) (store.Share, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.shares {
		if l.ID == id {
			return l, nil
		}
	}
	return store.Share{}, store.ErrUnknown
}

func (b *book) CutOf(_ context.Context, subject string) (time.Time, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.cuts[subject], nil
}

func (b *book) SessionOf(_ context.Context, h store.Hash) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	held, ok := b.holds[h]
	if !ok {
		return nil, store.ErrUnknown
	}
	return []byte(held), nil
}

// watcher notes what becomes of a pass.
type watcher struct {
	mu      sync.Mutex
	renews  int
	roles   []Role
	refused []*Refused
}

func (w *watcher) Renew()         { w.mu.Lock(); defer w.mu.Unlock(); w.renews++ }
func (w *watcher) Changed(r Role) { w.mu.Lock(); defer w.mu.Unlock(); w.roles = append(w.roles, r) }
func (w *watcher) Ended(r *Refused) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refused = append(w.refused, r)
}

// seen is what it has noted so far.
func (w *watcher) seen() (renews int, roles []Role, refused []*Refused) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.renews, slices.Clone(w.roles), slices.Clone(w.refused)
}

func isRefused(t *testing.T, err error, row Refusal) {
	t.Helper()
	var refused *Refused
	if !errors.As(err, &refused) || refused.Label != row.Label {
		t.Errorf("%v, want %s", err, row.Label)
	}
}

func grants(pattern string, r Role) Grants { return Grants{{pattern, r}} }

// What is shown explicitly counts alone; then what the browser's session holds;
// then the role of whoever shows nothing.
func TestWhatCounts(t *testing.T) {
	tokens := known{"w": {Subject: "anna", Docs: grants("a/*", Writer)}}
	share, hash := NewShare()
	b := &book{
		shares: map[store.Hash]store.Share{hash: {ID: 7, Document: "a/x", Role: "reader"}},
		holds:  map[store.Hash]string{HashOf("browser"): `{"tokens":[{"sub":"anna","docs":{"a/*":"commenter"}}],"links":[7,8]}`},
	}
	for _, tt := range []struct {
		name     string
		cfg      Config
		shown    Credentials
		document string
		role     Role
		refused  *Refusal
	}{
		{"nothing, and all is open", Config{Open: Owner}, Credentials{}, "d", Owner, nil},
		{"nothing, and nothing is open", Config{Tokens: tokens}, Credentials{}, "d", None, &NoToken},
		{"nothing, and reading is open", Config{Tokens: tokens, Open: Reader}, Credentials{}, "d", Reader, nil},
		{"a token", Config{Tokens: tokens}, Credentials{Token: "w"}, "a/x", Writer, nil},
		{"a token for others", Config{Tokens: tokens}, Credentials{Token: "w"}, "b", None, &Forbidden},
		{"a token for others, where reading is open", Config{Tokens: tokens, Open: Reader}, Credentials{Token: "w"}, "b", None, &Forbidden},
		{"an unknown token, where reading is open", Config{Tokens: tokens, Open: Reader}, Credentials{Token: "?"}, "b", None, &BadToken},
		{"a token where none is understood", Config{Open: Writer}, Credentials{Token: "?"}, "b", Writer, nil},
		{"a token that the application knows", Config{Tokens: tokens, Application: replies{"x": Writer}}, Credentials{Token: "x"}, "b", Writer, nil},
		{"a token that it doesn't know", Config{Tokens: tokens, Application: replies{"x": Writer}}, Credentials{Token: "y"}, "b", None, &Forbidden},
		{"nothing, and the application is asked", Config{Application: replies{"": Reader}}, Credentials{}, "b", Reader, nil},
		{"a token of a key's, and it isn't asked", Config{Tokens: tokens, Application: replies{"w": Owner}}, Credentials{Token: "w"}, "a/x", Writer, nil},
		{"a share", Config{Grants: b}, Credentials{Token: share}, "a/x", Reader, nil},
		{"a share to another document", Config{Grants: b}, Credentials{Token: share}, "b", None, &Forbidden},
		{"no share", Config{Grants: b, Open: Owner}, Credentials{Token: share + "x"}, "a/x", None, &BadToken},
		{"a browser's session", Config{Grants: b}, Credentials{Session: "browser"}, "a/x", Commenter, nil},
		{"a browser's session for others", Config{Grants: b}, Credentials{Session: "browser"}, "b", None, &NoToken},
		{"a browser's session for others, where reading is open", Config{Grants: b, Open: Reader}, Credentials{Session: "browser"}, "b", Reader, nil},
		{"an unknown session", Config{Grants: b}, Credentials{Session: "x"}, "a/x", None, &NoToken},
		{"a token beside a session", Config{Grants: b, Tokens: tokens}, Credentials{Token: "w", Session: "browser"}, "b", None, &Forbidden},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := NewGuard(tt.cfg).Admit(t.Context(), tt.shown, tt.document, &watcher{})
			if tt.refused != nil {
				isRefused(t, err, *tt.refused)
				return
			}
			if err != nil || p.Role() != tt.role {
				t.Fatal(p, err)
			}
			if refused := p.May(Write); (refused == nil) != (tt.role >= Writer) {
				t.Error(refused)
			}
			p.Release()
		})
	}
}

// Whoever's access ends is asked for another token before, and may not write any
// more from that moment on.
func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		token := func(life time.Duration) Identity {
			return Identity{Subject: "anna", Docs: grants("d", Writer), Expires: begun.Add(life)}
		}
		g := NewGuard(Config{Tokens: known{"minute": token(time.Minute), "hour": token(time.Hour), "reader": {Docs: grants("d", Reader), Expires: begun.Add(2 * time.Hour)}}})
		var w watcher
		p, err := g.Admit(t.Context(), Credentials{Token: "minute"}, "d", &w)
		if err != nil {
			t.Fatal(err)
		}
		at := func(d time.Duration) { time.Sleep(time.Until(begun.Add(d))); synctest.Wait() }
		at(49 * time.Second)
		if renews, _, _ := w.seen(); renews != 0 {
			t.Fatal("asked too early")
		}
		at(51 * time.Second)
		if renews, _, _ := w.seen(); renews != 1 || p.May(Write) != nil {
			t.Fatal(renews, p.May(Write))
		}
		isRefused(t, p.Renew(t.Context(), "forged"), BadToken)
		if err := p.Renew(t.Context(), "minute"); err != nil { // the same again
			t.Fatal(err)
		}
		if err := p.Renew(t.Context(), "hour"); err != nil {
			t.Fatal(err)
		}
		at(61 * time.Second)
		if renews, _, refused := w.seen(); len(refused) != 0 || p.May(Write) != nil || renews != 1 {
			t.Fatal(refused, p.May(Write), renews)
		}
		at(time.Hour - time.Second)
		if err := p.Renew(t.Context(), "reader"); err != nil {
			t.Fatal(err)
		}
		if p.Role() != Reader {
			t.Fatal(p.Role())
		}
		at(2*time.Hour + time.Second)
		if renews, _, refused := w.seen(); len(refused) != 1 || refused[0].Label != Expired.Label || renews != 3 {
			t.Fatal(refused, renews)
		}
		isRefused(t, p.May(Read), Expired)
		isRefused(t, p.May(Write), Expired)
		_, err = g.Admit(t.Context(), Credentials{Token: "hour"}, "d", &w)
		isRefused(t, err, Expired)
	})
}

// What is taken away ends what rests on it at once, and what is changed changes it.
func TestRecheck(t *testing.T) {
	share, hash := NewShare()
	b := &book{shares: map[store.Hash]store.Share{hash: {ID: 7, Document: "d", Role: "writer"}}, cuts: map[string]time.Time{}}
	g := NewGuard(Config{Grants: b, Tokens: known{
		"anna": {Subject: "anna", Docs: grants("d", Writer), Issued: time.Now().Truncate(time.Second)},
		"ben":  {Subject: "ben", Docs: grants("d", Writer), Issued: time.Now().Truncate(time.Second)},
	}})
	admit := func(token string) (*Pass, *watcher) {
		t.Helper()
		var w watcher
		p, err := g.Admit(t.Context(), Credentials{Token: token}, "d", &w)
		if err != nil {
			t.Fatal(err)
		}
		return p, &w
	}
	byShare, shareWatcher := admit(share)
	anna, annaWatcher := admit("anna")
	ben, _ := admit("ben")
	ofShare := func(who Identity) bool { return who.Share == 7 }

	b.shares[hash] = store.Share{ID: 7, Document: "d", Role: "reader"}
	if n := g.Recheck(t.Context(), "d", ofShare); n != 1 || byShare.Role() != Reader || len(shareWatcher.roles) != 1 {
		t.Fatal(n, byShare.Role(), shareWatcher.roles)
	}
	delete(b.shares, hash)
	g.Recheck(t.Context(), "d", ofShare)
	if len(shareWatcher.refused) != 1 || shareWatcher.refused[0].Label != Revoked.Label {
		t.Fatal(shareWatcher.refused)
	}
	if g.Recheck(t.Context(), "d", ofShare) != 0 {
		t.Error("what has ended is watched on")
	}
	b.cuts["anna"] = time.Now()
	if n := g.Recheck(t.Context(), "", func(Identity) bool { return true }); n != 2 {
		t.Fatal(n)
	}
	isRefused(t, anna.May(Read), Revoked)
	if len(annaWatcher.refused) != 1 || ben.May(Write) != nil {
		t.Fatal(annaWatcher.refused, ben.May(Write))
	}
	_, err := g.Admit(t.Context(), Credentials{Token: "anna"}, "d", &watcher{})
	isRefused(t, err, Revoked)
	ben.Release()
	isRefused(t, ben.May(Write), Revoked)
}

// Who guesses tokens is refused for a while, and so is who begins too many
// documents.
func TestTallies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGuard(Config{Tokens: known{"w": {Subject: "anna", Docs: grants("**", Writer)}}, Limits: Limits{FailuresPerMinute: 3, DocumentsPerHour: 2}})
		here, there := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
		for range 3 {
			if err := g.Blocked(here); err != nil {
				t.Fatal(err)
			}
			_, err := g.Admit(t.Context(), Credentials{Token: "guess", Addr: here}, "d", &watcher{})
			isRefused(t, err, BadToken)
		}
		isRefused(t, g.Blocked(here), TooManyFailures)
		if err := g.Blocked(there); err != nil {
			t.Error(err)
		}
		// An open socket that goes on is told, and ends by that. One that shows what is
		// valid goes on.
		_, err := g.Admit(t.Context(), Credentials{Token: "guess", Addr: here}, "d", &watcher{})
		isRefused(t, err, TooManyFailures)
		if _, err := g.Check(t.Context(), Credentials{Token: "w", Addr: here}, "d", Write); err != nil {
			t.Error(err)
		}
		time.Sleep(21 * time.Second)
		if err := g.Blocked(here); err != nil {
			t.Error(err)
		}
		p, err := g.Admit(t.Context(), Credentials{Token: "w", Addr: here}, "d", &watcher{})
		if err != nil || p.MayBegin() != nil || p.MayBegin() != nil {
			t.Fatal(err)
		}
		isRefused(t, p.MayBegin(), TooManyDocuments)
		time.Sleep(31 * time.Minute)
		if refused := p.MayBegin(); refused != nil {
			t.Error(refused)
		}
	})
}

// Pages that were left open until what they show was over keep nobody out.
func TestWhatWasValidIsNoGuess(t *testing.T) {
	past := time.Now().Add(-time.Hour)
	g := NewGuard(Config{
		Tokens: known{"old": {Docs: grants("**", Writer), Expires: past}}, Grants: &book{}, Limits: Limits{FailuresPerMinute: 1},
	})
	here := netip.MustParseAddr("192.0.2.1")
	for _, shown := range []Credentials{{Token: "old", Addr: here}, {Session: "ended", Addr: here}} {
		for range 2 {
			if _, err := g.Admit(t.Context(), shown, "d", &watcher{}); err == nil || g.Blocked(here) != nil {
				t.Fatal(err, g.Blocked(here))
			}
		}
	}
}

// A tally forgets whom it needn't remember.
func TestTallyIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tally := NewTally[int](PerMinute(2))
		for i := range 2 * maxKeys {
			if !tally.Take(i) {
				t.Fatal(i)
			}
		}
		if n := len(tally.byKey); n != maxKeys {
			t.Fatal(n)
		}
		time.Sleep(time.Minute)
		if tally.Take(-1); len(tally.byKey) != 1 || tally.Spent(-1) || !tally.Take(-1) || tally.Take(-1) || !tally.Spent(-1) {
			t.Fatal(len(tally.byKey))
		}
	})
}
