package server

import (
	"net/netip"
	"sync"
	"time"
)

// A backoff keeps the addresses whose sockets were cut off for being too large,
// too slow or too many. y-websocket 1 and 2 come back at once whatever the close
// code is, and would be cut off again; an HTTP refusal before the upgrade is all
// that makes every client wait.
type backoff struct {
	mu    sync.Mutex
	until map[netip.Addr]time.Time
}

const (
	backoffTime = 30 * time.Second
	// All of a machine's own clients have one address, so it isn't held against
	// them for long.
	backoffTimeLoopback = 2 * time.Second
	// maxBackoff bounds the addresses kept. When so many misbehave at once, one
	// more is let back in.
	maxBackoff = 4096
)

// add refuses an address for a while from now.
func (b *backoff) add(addr netip.Addr, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.until) >= maxBackoff {
		for a, until := range b.until {
			if !until.After(now) {
				delete(b.until, a)
			}
		}
		if len(b.until) >= maxBackoff {
			return
		}
	}
	if b.until == nil {
		b.until = make(map[netip.Addr]time.Time)
	}
	d := backoffTime
	if addr.IsLoopback() {
		d = backoffTimeLoopback
	}
	b.until[addr] = now.Add(d)
}

// left is how long an address is still refused, 0 if it isn't.
func (b *backoff) left(addr netip.Addr, now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	until, ok := b.until[addr]
	if !ok {
		return 0
	}
	if !until.After(now) {
		delete(b.until, addr)
		return 0
	}
	return until.Sub(now)
}
