package access

import (
	"context"
	"net/http"
	"net/netip"
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
	Refused     func(Refusal) // counts refusals; may be nil
}

// A Guard decides who may do what, and keeps watch: what somebody may do can end
// or change while it is being done.
type Guard struct {
	cfg Config

	failures *Tally[netip.Addr] // of who showed something that isn't valid
	begun    *Tally[string]     // documents, by who began them

	mu   sync.Mutex
	live map[*Pass]struct{}
}

// NewGuard makes a guard.
func NewGuard(cfg Config) *Guard {
	cfg.Limits = cfg.Limits.withDefaults()
	if cfg.Refused == nil {
		cfg.Refused = func(Refusal) {}
	}
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
	v, err := g.judge(ctx, c, document, false)
	if err == nil && !v.role.May(Read) {
		err = Forbidden.Because("no role in this document")
	}
	if err != nil {
		return nil, err
	}
	p := &Pass{guard: g, document: document, watcher: w}
	p.begin(c, v)
	return p, nil
}

// Check tells whether somebody may do something with a document, once. Its error
// is an *Refused, or that of ctx.
func (g *Guard) Check(ctx context.Context, c Credentials, document string, a Action) (Identity, error) {
	v, err := g.judge(ctx, c, document, false)
	if err == nil && !v.role.May(a) {
		err = Forbidden.Because("this needs the role " + least[a].String())
	}
	return v.Identity, err
}

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
	g.mu.Lock()
	var picked []*Pass
	for p := range g.live {
		if picks(p.document, p.Identity()) {
			picked = append(picked, p)
		}
	}
	g.mu.Unlock()
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
