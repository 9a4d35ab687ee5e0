package access

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// A Tally bounds how often something happens for each key, such as an address. It
// keeps a bounded number of them: when so many are in use at once, what all others
// do isn't bounded.
type Tally[K comparable] struct {
	every rate.Limit
	burst int

	mu    sync.Mutex
	byKey map[K]*rate.Limiter
	swept time.Time // when byKey was last looked through, which takes a while
}

// A Rate is so many at once, which come back over a time.
type Rate struct {
	N   int
	Per time.Duration
}

// PerMinute and PerHour are rates.
func PerMinute(n int) Rate { return Rate{n, time.Minute} }
func PerHour(n int) Rate   { return Rate{n, time.Hour} }

const (
	maxKeys    = 16384 // of a tally
	sweepEvery = time.Second
)

// NewTally makes a tally in which nothing has happened.
func NewTally[K comparable](r Rate) *Tally[K] {
	return &Tally[K]{every: rate.Limit(float64(r.N) / r.Per.Seconds()), burst: r.N, byKey: make(map[K]*rate.Limiter)}
}

// Take notes that it happens, and reports whether it may.
func (t *Tally[K]) Take(key K) bool {
	l := t.of(key, true)
	return l == nil || l.Allow()
}

// Spent reports whether it may not happen now.
func (t *Tally[K]) Spent(key K) bool {
	l := t.of(key, false)
	return l != nil && l.Tokens() < 1
}

// of is a key's limiter, nil for one that has none.
func (t *Tally[K]) of(key K, make bool) *rate.Limiter {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.byKey[key]
	if l != nil || !make {
		return l
	}
	if len(t.byKey) >= maxKeys {
		if time.Since(t.swept) < sweepEvery {
			return nil
		}
		t.swept = time.Now()
		for k, l := range t.byKey {
			if l.Tokens() >= float64(t.burst) { // as one that was never seen
				delete(t.byKey, k)
			}
		}
		if len(t.byKey) >= maxKeys {
			return nil
		}
	}
	l = rate.NewLimiter(t.every, t.burst)
	t.byKey[key] = l
	return l
}
