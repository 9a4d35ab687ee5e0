package access

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"sync"

	"github.com/inkwire/inkwire/internal/store"
)

// Credentials are what a client shows.
type Credentials struct {
	Token   string      // given explicitly; "" for none
	Session string      // a browser's session, from its cookie; "" for none
	Addr    netip.Addr  // whose they are
	Header  http.Header // of its request, for the application; may be nil
}

// Tokens tells whose a token is.
type Tokens interface {
	// Identify checks a token. Its error is an *Refused, ErrForeign for a token that
	// none of the keys has signed, or that of ctx. A token passes until Leeway after
	// its end.
	Identify(ctx context.Context, token string) (Identity, error)
}

// An Application decides by itself who may do what.
type Application interface {
	// Ask asks for the role of whoever shows these credentials in a document; the
	// identity grants that alone. Unless anew, an answer given a moment ago will do.
	// Its error is an *Refused, or that of ctx.
	Ask(ctx context.Context, c Credentials, document string, anew bool) (Identity, error)
}

// Config is what a guard decides by.
type Config struct {
	Open        Role         // of whoever shows nothing; None refuses them
	Tokens      Tokens       // nil understands none
	Application Application  // nil for none
	Grants      store.Grants // links and browsers' sessions; nil knows none
	Limits      Limits
}

// A Guard decides who may do what, and keeps watch: what somebody may do can end
// or change while it is being done.
type Guard struct {
	cfg Config

	failures *Tally[netip.Addr] // of who showed something that isn't valid
	begun    *Tally[string]     // documents, by who began them

	mu       sync.Mutex
	live     map[*Pass]struct{}
	rechecks uint64 // how many have begun
}

// NewGuard makes a guard.
func NewGuard(cfg Config) *Guard {
	cfg.Limits = cfg.Limits.withDefaults()
	return &Guard{
		cfg:      cfg,
		failures: NewTally[netip.Addr](PerMinute(cfg.Limits.FailuresPerMinute)),
		begun:    NewTally[string](PerHour(cfg.Limits.DocumentsPerHour)),
		live:     make(map[*Pass]struct{}),
	}
}

// Admit lets somebody into a document, to read it at least, and keeps watch until
// the pass is released. Its error is an *Refused, or that of ctx.
func (g *Guard) Admit(ctx context.Context, c Credentials, document string, w Watcher) (*Pass, error) {
	p := &Pass{guard: g, document: document, watcher: w}
	for anew := false; ; anew = true {
		seen := g.rechecksSoFar()
		v, err := g.judge(ctx, c, document, anew)
		if err == nil && !v.role.May(Read) {
			err = Forbidden.Because("no role in this document")
		}
		if err != nil {
			return nil, err
		}
		if p.begin(c, v, seen) {
			return p, nil
		}
	}
}

// rechecksSoFar is to be read before something is judged: if a recheck has begun
// until that is put into force, it may have been judged by what was before, and
// the recheck may have missed it.
func (g *Guard) rechecksSoFar() uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.rechecks
}

// RequiresToken reports whether those who show nothing are refused.
func (g *Guard) RequiresToken() bool { return g.cfg.Open == None && g.cfg.Application == nil }

// Asks reports whether an application is asked, which may want to know more than
// the token.
func (g *Guard) Asks() bool { return g.cfg.Application != nil }

// Check tells whether somebody may do something with a document, once. Its error
// is an *Refused, or that of ctx.
func (g *Guard) Check(ctx context.Context, c Credentials, document string, a Action) (Identity, error) {
	v, err := g.judge(ctx, c, document, false)
	if err == nil && !v.role.May(a) {
		err = Forbidden.Because("this needs the role " + least[a].String())
	}
	return v.Identity, err
}

// CheckAll is Check of an owner of all documents there are or may be.
func (g *Guard) CheckAll(ctx context.Context, c Credentials) (Identity, error) {
	who, err := g.Who(ctx, c)
	if err == nil && !slices.Contains(who.Docs, Grant{"**", Owner}) {
		err = Forbidden.Because("this needs the role owner of **")
		if c.Token == "" && c.Session == "" {
			err = NoToken.Because("")
		}
	}
	return who, err
}

// Role is what somebody is in a document, None for who shows nothing that counts.
// Its error is an *Refused, or that of ctx.
func (g *Guard) Role(ctx context.Context, c Credentials, document string) (Role, error) {
	v, err := g.judge(ctx, c, document, false)
	var refused *Refused
	if errors.As(err, &refused) && refused.Label == NoToken.Label {
		return None, nil
	}
	return v.role, err
}

// MayBegin refuses a new document to whoever has begun too many; nil counts one
// more.
func (g *Guard) MayBegin(c Credentials, who Identity) *Refused {
	key := "address " + c.Addr.String()
	if who.Subject != "" {
		key = "subject " + who.Subject
	}
	if !g.begun.Take(key) {
		return TooManyDocuments.Because("")
	}
	return nil
}

// Grants is where the guard has its links and browsers' sessions; nil if it has
// none.
func (g *Guard) Grants() store.Grants { return g.cfg.Grants }

// Blocked refuses an address that has shown too much that isn't valid.
func (g *Guard) Blocked(addr netip.Addr) error {
	if g.failures.Spent(addr) {
		return TooManyFailures.Because("")
	}
	return nil
}

// Recheck judges all passes anew that a function picks, and ends those, or
// changes their roles, that don't stand any more. It returns how many it picked
// when it is done.
func (g *Guard) Recheck(ctx context.Context, picks func(document string, who Identity) bool) int {
	return g.recheck(ctx, func(p *Pass) bool { return picks(p.document, p.Identity()) })
}

func (g *Guard) recheck(ctx context.Context, picks func(*Pass) bool) int {
	g.mu.Lock()
	g.rechecks++
	picked := slices.Collect(maps.Keys(g.live))
	g.mu.Unlock()
	picked = slices.DeleteFunc(picked, func(p *Pass) bool { return !picks(p) })
	// At once for a few; an application isn't asked by all together.
	turns := make(chan struct{}, 16)
	var wg sync.WaitGroup
	for _, p := range picked {
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			p.recheck(ctx)
		})
	}
	wg.Wait()
	return len(picked)
}
