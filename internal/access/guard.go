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
	Headers     []string     // of a request, that the application wants
	Grants      store.Grants // shares and browsers' sessions; nil knows none
	Limits      Limits
}

// A Guard decides who may do what, and keeps watch: what somebody may do can end
// or change while it is being done.
type Guard struct {
	cfg Config

	failures *Tally[netip.Addr] // of who showed something that isn't valid
	begun    *Tally[string]     // documents, by who began them

	mu      sync.Mutex
	live    map[*Pass]struct{}
	judging map[*judgement]struct{}
}

// A judgement is under way. A recheck that begins meanwhile can't know whom it is
// about, and makes it late if that may be one of those it picks: it may rest on what
// was before.
type judgement struct {
	document    string
	credentials Credentials
	late        bool // guarded by Guard.mu
}

// NewGuard makes a guard.
func NewGuard(cfg Config) *Guard {
	cfg.Limits = cfg.Limits.withDefaults()
	return &Guard{
		cfg:      cfg,
		failures: NewTally[netip.Addr](PerMinute(cfg.Limits.FailuresPerMinute)),
		begun:    NewTally[string](PerHour(cfg.Limits.DocumentsPerHour)),
		live:     make(map[*Pass]struct{}),
		judging:  make(map[*judgement]struct{}),
	}
}

// Admit lets somebody into a document, to read it at least, and keeps watch until
// the pass is released. Its error is an *Refused, or that of ctx.
func (g *Guard) Admit(ctx context.Context, c Credentials, document string, w Watcher) (*Pass, error) {
	p := &Pass{guard: g, document: document, watcher: w}
	if _, err := p.judge(ctx, c, false); err != nil {
		return nil, err
	}
	return p, nil
}

// begin is to be called before something is judged, and again if it was late.
func (g *Guard) begin(j *judgement) {
	g.mu.Lock()
	defer g.mu.Unlock()
	j.late = false
	g.judging[j] = struct{}{}
}

// settle has rechecks find the pass that a judgement is for, unless that is late.
// The pass is locked, and one that is over stays so.
func (g *Guard) settle(j *judgement, p *Pass) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !j.late && !p.over {
		g.live[p] = struct{}{}
	}
	return !j.late
}

func (g *Guard) drop(j *judgement) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.judging, j)
}

// RequiresToken reports whether those who show nothing are refused, unless an
// application lets them in.
func (g *Guard) RequiresToken() bool { return g.cfg.Open == None }

// Wanted is what the application wants of a request's header: nothing, if none is
// asked. It is kept for as long as a socket, and so has the rest of a request not.
func (g *Guard) Wanted(h http.Header) http.Header {
	var wanted http.Header
	for _, name := range g.cfg.Headers {
		if values := h.Values(name); len(values) > 0 {
			if wanted == nil {
				wanted = make(http.Header, len(g.cfg.Headers))
			}
			wanted[http.CanonicalHeaderKey(name)] = values
		}
	}
	return wanted
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

// Grants is where the guard has its shares and browsers' sessions; nil if it has
// none.
func (g *Guard) Grants() store.Grants { return g.cfg.Grants }

// Blocked refuses an address that has shown too much that isn't valid.
func (g *Guard) Blocked(addr netip.Addr) error {
	if g.failures.Spent(addr) {
		return TooManyFailures.Because("")
	}
	return nil
}

// Recheck judges all passes of a document anew that a function picks, or of all
// documents by "", and ends those, or changes their roles, that don't stand any
// more. It returns how many it picked when it is done.
func (g *Guard) Recheck(ctx context.Context, document string, picks func(Identity) bool) int {
	return g.recheck(ctx, func(of string, _ Credentials) bool { return document == "" || document == of }, picks)
}

// recheck is Recheck for those whose document and credentials concern it. Who
// judges something else isn't held up: somebody who owns one document, and has it
// rechecked all the time, would keep everybody out of all.
func (g *Guard) recheck(ctx context.Context, concerns func(document string, c Credentials) bool, picks func(Identity) bool) int {
	g.mu.Lock()
	for j := range g.judging {
		j.late = j.late || concerns(j.document, j.credentials)
	}
	picked := slices.Collect(maps.Keys(g.live))
	g.mu.Unlock()
	picked = slices.DeleteFunc(picked, func(p *Pass) bool {
		c, who := p.shown()
		return !concerns(p.document, c) || !picks(who)
	})
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
