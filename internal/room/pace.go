package room

import (
	"context"
	"time"
)

// A pacer has work rest that nobody waits for. Otherwise the system lets others
// wait for it some milliseconds whenever they have waited for a disk or socket,
// where they share one core.
type pacer struct {
	ctx   context.Context // once it has ended there is no more rest
	since time.Time       // the last rest
}

// How long it works, and then rests: to the system's timers there is nothing
// much shorter than a millisecond.
const (
	paceWork = time.Millisecond / 2
	paceRest = time.Millisecond
)

// pause rests if it is time to.
func (p *pacer) pause() {
	if time.Since(p.since) < paceWork || p.ctx.Err() != nil {
		return
	}
	time.Sleep(paceRest)
	p.since = time.Now()
}
