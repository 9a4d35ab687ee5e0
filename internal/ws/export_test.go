package ws

import "time"

// Deflated deflates a body and returns the blocks' length.
func Deflated(b *Body, level int) int { return len(b.deflated(level)) }

// Resting reports whether the connection's reading waits for its rate.
func Resting(c *Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.woken != nil
}

// Rested is for how long the reading goroutine, which calls it, has waited for its
// rate, if it was ever near it.
func Rested(c *Conn) (d time.Duration, near bool) {
	b := c.pace.buckets
	if b == nil {
		return 0, false
	}
	return b.waited, true
}
