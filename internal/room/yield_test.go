package room

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestYielder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		y := yielder{ctx, time.Now()}
		rests := func(after, want time.Duration) {
			t.Helper()
			time.Sleep(after) // the work
			begin := time.Now()
			y.pause()
			if got := time.Since(begin); got != want {
				t.Errorf("after %v it rests for %v, want %v", after, got, want)
			}
		}
		rests(0, 0)
		rests(yieldAfter-1, 0)
		rests(1, yieldFor)
		rests(yieldAfter/2, 0)
		rests(yieldAfter, yieldFor)
		cancel()
		rests(yieldAfter, 0)
	})
}
