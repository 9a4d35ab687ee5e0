package access

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// A Watcher is told of what becomes of a pass, from any goroutine, and must
// return soon.
type Watcher interface {
	// Renew says that the pass ends within renewWithin unless Pass.Renew is called
	// with another token.
	Renew()
	// Changed says that the role is another now.
	Changed(Role)
	// Ended says why the pass doesn't count any more. Nothing follows it.
	Ended(*Refused)
}

// renewWithin is how long before its end a pass asks for another token, or half of
// its life if that is shorter.
const renewWithin = 10 * time.Second

// A Pass is what one session may do in one document at present.
type Pass struct {
	guard    *Guard
	document string
	watcher  Watcher

	role atomic.Uint32           // None once it has ended
	why  atomic.Pointer[Refused] // why it has ended; nil if it hasn't, or was released

	mu          sync.Mutex
	credentials Credentials
	verdict     verdict
	timer       *time.Timer // asks for another token, and then ends the pass; nil if it doesn't end
	over        bool
}

// takeLocked reports whether the role is another than before.
func (p *Pass) takeLocked(c Credentials, v verdict) (changed bool) {
	renewed := p.timer == nil || !p.verdict.until.Equal(v.until)
	p.credentials, p.verdict = c, v
	changed = p.role.Swap(uint32(v.role)) != uint32(v.role)
	if !renewed {
		return changed // who was asked for another token and shows the same isn't asked again
	}
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
	if !v.until.IsZero() {
		life := time.Until(v.until)
		p.timer = time.AfterFunc(life-min(renewWithin, life/2), func() { p.expire(v) })
	}
	return changed
}

// expire asks for another token than that of a verdict, and ends the pass when
// the time is over.
func (p *Pass) expire(v verdict) {
	p.mu.Lock()
	if p.over || !p.verdict.until.Equal(v.until) {
		p.mu.Unlock()
		return
	}
	left := time.Until(v.until)
	if left > 0 {
		p.timer = time.AfterFunc(left, func() { p.expire(v) })
	}
	p.mu.Unlock()
	if left > 0 {
		p.watcher.Renew()
	} else {
		p.end(Expired.Because(""))
	}
}

// end ends the pass, and says so unless it has been said, or it was released.
func (p *Pass) end(r *Refused) {
	p.mu.Lock()
	if p.over {
		p.mu.Unlock()
		return
	}
	p.why.Store(r)
	p.stopLocked()
	p.mu.Unlock()
	p.watcher.Ended(r)
}

func (p *Pass) stopLocked() {
	p.over = true
	p.role.Store(uint32(None))
	if p.timer != nil {
		p.timer.Stop()
	}
	p.guard.mu.Lock()
	delete(p.guard.live, p)
	p.guard.mu.Unlock()
}

// Release ends the watch. The watcher isn't told of anything that comes later; it
// may be under way.
func (p *Pass) Release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.over {
		p.stopLocked()
	}
}

// Renew takes a token in place of what was shown. The role may be another then, of
// which the watcher isn't told. Its error is an *Refused, which changes nothing, or
// that of ctx.
func (p *Pass) Renew(ctx context.Context, token string) error {
	c, _ := p.shown()
	c.Token = token
	_, err := p.judge(ctx, c, false)
	return err
}

// judge judges credentials, puts the verdict into force, and reports whether the
// role is another.
func (p *Pass) judge(ctx context.Context, c Credentials, anew bool) (changed bool, err error) {
	g := p.guard
	j := &judgement{document: p.document, credentials: c}
	defer g.drop(j)
	for ; ; anew = true {
		g.begin(j)
		v, err := g.judge(ctx, c, p.document, anew)
		if err == nil && !v.role.May(Read) {
			err = Forbidden.Because("no role in this document")
		}
		if err != nil {
			return false, err
		}
		p.mu.Lock()
		if !g.settle(j, p) {
			p.mu.Unlock()
			continue
		}
		changed = !p.over && p.takeLocked(c, v)
		p.mu.Unlock()
		return changed, nil
	}
}

// recheck judges what was shown anew. What can't be judged now stays.
func (p *Pass) recheck(ctx context.Context) {
	c, who := p.shown()
	changed, err := p.judge(ctx, c, true)
	if changed {
		p.watcher.Changed(p.Role())
	}
	var refused *Refused
	if errors.As(err, &refused) && refused.Label == Unverified.Label {
		// Whether its subject was cut off is known here.
		_, err = p.guard.standing(ctx, who, p.document)
	}
	if errors.As(err, &refused) && refused.Label != Unverified.Label {
		p.end(Revoked.Because(""))
	}
}

// shown is what was shown, and whose it is.
func (p *Pass) shown() (Credentials, Identity) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.credentials, p.verdict.Identity
}

// Role is the role at present.
func (p *Pass) Role() Role { return Role(p.role.Load()) }

// May refuses an action that the role doesn't allow; nil allows it.
func (p *Pass) May(a Action) *Refused {
	r := p.Role()
	switch {
	case r.May(a):
		return nil
	case r == None:
		if why := p.why.Load(); why != nil {
			return why
		}
		return Revoked.Because("")
	}
	return Forbidden.Because("this needs the role " + least[a].String() + ", and yours is " + r.String())
}

// Document is the name of the document that it is for.
func (p *Pass) Document() string { return p.document }

// Vouched reports whether people are told apart here, so that nobody may say
// himself who he is.
func (p *Pass) Vouched() bool { return p.guard.cfg.Tokens != nil || p.guard.cfg.Application != nil }

// Identity is who it is.
func (p *Pass) Identity() Identity {
	_, who := p.shown()
	return who
}

// MayBegin refuses a document that nobody has used to whoever has begun too many;
// nil counts one more.
func (p *Pass) MayBegin() *Refused {
	return p.guard.MayBegin(p.shown())
}
