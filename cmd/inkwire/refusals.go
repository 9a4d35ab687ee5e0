package main

import (
	"log/slog"
	"sync"

	"golang.org/x/time/rate"

	"github.com/inkwire/inkwire/internal/server"
)

// refusals logs what is refused, at most so many lines: who is refused can go on
// for ever, and the log must not fill the disk.
type refusals struct {
	log *slog.Logger

	mu      sync.Mutex
	allowed *rate.Limiter
	left    int // lines that were left out since the last
}

func newRefusals(log *slog.Logger) *refusals {
	const perSecond, atOnce = 10, 200
	return &refusals{log: log, allowed: rate.NewLimiter(perSecond, atOnce)}
}

// add logs a refusal.
func (r *refusals) add(d server.Denial) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.allowed.Allow() {
		r.left++
		return
	}
	attrs := []any{"remote", d.Remote.String()}
	if d.Document != "" {
		attrs = append(attrs, "document", d.Document)
	} else {
		attrs = append(attrs, "address", d.Address)
	}
	attrs = append(attrs, "reason", d.Refused.Label, "why", d.Refused.Error())
	if r.left > 0 {
		attrs = append(attrs, "others_left_out", r.left)
		r.left = 0
	}
	r.log.Info("refused", attrs...)
}
