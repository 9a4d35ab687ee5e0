package room

import (
	"context"
	"sync"
)

// quota bounds the bytes of updates that are on their way to a room's log: in
// its inbox, or integrated and not yet saved. Who brings an update waits for
// room, so a writer faster than the disk is slowed down to it. An update
// larger than the bound passes when nothing else is on its way.
type quota struct {
	max int

	mu    sync.Mutex
	used  int
	open  bool          // the log fails: nobody waits, the room refuses
	freed chan struct{} // closed and replaced when something changes
}

func newQuota(most int) *quota {
	return &quota{max: most, freed: make(chan struct{})}
}

// take reserves n bytes. It reports false if ctx or the room ended first.
func (q *quota) take(ctx context.Context, n int, gone <-chan struct{}) bool {
	for {
		q.mu.Lock()
		if q.passesLocked(n) {
			q.used += n
			q.mu.Unlock()
			return true
		}
		freed := q.freed
		q.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return false
		case <-gone:
			return false
		}
	}
}

// full reports whether n bytes would have to wait.
func (q *quota) full(n int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return !q.passesLocked(n)
}

func (q *quota) passesLocked(n int) bool { return q.open || q.used == 0 || q.used+n <= q.max }

// give returns n bytes.
func (q *quota) give(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.used -= n
	q.wakeLocked()
}

// over reports whether more than the bound is on its way.
func (q *quota) over() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.used > q.max
}

// setOpen lets everyone pass, or no more.
func (q *quota) setOpen(open bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.open = open
	q.wakeLocked()
}

func (q *quota) wakeLocked() {
	close(q.freed)
	q.freed = make(chan struct{})
}
