package room

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestPacer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := pacer{ctx, time.Now()}
		rests := func(after, want time.Duration) {
			t.Helper()
			time.Sleep(after) // the work
			begin := time.Now()
			p.pause()
			if got := time.Since(begin); got != want {
				t.Errorf("after %v it rests for %v, want %v", after, got, want)
			}
		}
		rests(0, 0)
		rests(paceWork-1, 0)
		rests(1, paceRest)
		rests(paceWork/2, 0)
		rests(paceWork, paceRest)
		cancel()
		rests(paceWork, 0)
	})
}
