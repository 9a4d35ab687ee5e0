package access

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"time"
)

// answers keep what an application said for a while, by what it was asked, and
// have questions that are alike asked once. Whoever waits may go; the question
// goes on for the others.
type answers struct {
	keep time.Duration

	ctx  context.Context // of all questions
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu     sync.Mutex
	closed bool
	byHash map[[sha256.Size]byte]*answer
}

// An answer is one of them, or one that is awaited.
type answer struct {
	came chan struct{} // closed once the rest is set
	who  Identity
	err  error

	until time.Time // it counts, once it came; guarded by answers.mu
}

func newAnswers(keep time.Duration) *answers {
	a := &answers{keep: keep, byHash: make(map[[sha256.Size]byte]*answer)}
	a.ctx, a.stop = context.WithCancel(context.Background())
	return a
}

// close ends all questions and waits for them.
func (a *answers) close() {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	a.stop()
	a.wg.Wait()
}

// of is the answer to a question. Anew means that none will do that was asked
// for before.
func (a *answers) of(ctx context.Context, hash [sha256.Size]byte, anew bool, ask func(context.Context) (Identity, error)) (Identity, error) {
	a.mu.Lock()
	found := a.byHash[hash]
	if found == nil || anew || found.over(time.Now()) {
		if a.closed {
			a.mu.Unlock()
			return Identity{}, Unverified.Because("the server is shutting down")
		}
		found = &answer{came: make(chan struct{})}
		a.makeRoomLocked()
		a.byHash[hash] = found
		a.wg.Go(func() { a.fill(hash, found, ask) })
	}
	a.mu.Unlock()
	select {
	case <-found.came:
		return found.who, found.err
	case <-ctx.Done():
		return Identity{}, ctx.Err()
	}
}

func (a *answers) fill(hash [sha256.Size]byte, to *answer, ask func(context.Context) (Identity, error)) {
	to.who, to.err = ask(a.ctx)
	keep := a.keep
	var refused *Refused
	if errors.As(to.err, &refused) {
		keep = min(keep, refusedFor)
	}
	if to.err != nil && (refused == nil || refused.Label == Unverified.Label) {
		keep = 0 // it may be known the next moment
	}
	until := time.Now().Add(keep)
	// Who is asked for another token shortly before the end gets another answer.
	if e := to.who.Expires.Add(-renewWithin); !to.who.Expires.IsZero() && e.Before(until) {
		until = e
	}
	a.mu.Lock()
	to.until = until
	if keep == 0 && a.byHash[hash] == to {
		delete(a.byHash, hash)
	}
	a.mu.Unlock()
	close(to.came)
}

// over reports whether an answer counts no more; one that is awaited does.
func (to *answer) over(now time.Time) bool {
	return !to.until.IsZero() && !now.Before(to.until)
}

// makeRoomLocked forgets answers when there are too many: those that are over,
// and if that isn't a tenth, others. What is awaited stays, which is bounded by
// those who wait.
func (a *answers) makeRoomLocked() {
	if len(a.byHash) < maxAnswers {
		return
	}
	now := time.Now()
	for hash, one := range a.byHash {
		if one.over(now) {
			delete(a.byHash, hash)
		}
	}
	for hash, one := range a.byHash {
		if len(a.byHash) <= maxAnswers*9/10 {
			return
		}
		if !one.until.IsZero() {
			delete(a.byHash, hash)
		}
	}
}
