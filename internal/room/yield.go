package room

import (
	"context"
	"time"
)

// A yielder has work rest that nobody waits for. Otherwise the system lets others
// wait for it some milliseconds whenever they have waited for a disk or socket,
// where they share one core.
type yielder struct {
	ctx   context.Context // once it has ended there is no more rest
	since time.Time       // the last rest
}

// How long it works, and then rests: to the system's timers there is nothing
// much shorter than a millisecond.
const (
	yieldAfter = time.Millisecond / 2
	yieldFor   = time.Millisecond
)

// pause rests if it is time to.
func (y *yielder) pause() {
	if time.Since(y.since) < yieldAfter || y.ctx.Err() != nil {
		return
	}
	time.Sleep(yieldFor)
	y.since = time.Now()
}
