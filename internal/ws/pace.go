package ws

import (
	"fmt"
	"time"

	"golang.org/x/time/rate"
)

// A pace holds a peer to the rates of its Config. One that keeps to them costs no
// more than a count: token buckets are made for who sends a second's worth within a
// second, and go when nobody had to wait for them in Config.OverRate.
//
// Who is beyond isn't read from for a while, which the network tells it. A frame
// counts as a message, whatever it carries: the work is the same.
type pace struct {
	since    time.Duration // when the second began in which these came
	bytes    int
	messages uint32
	buckets  *buckets
}

// buckets hold two seconds' worth, and at least the longest message.
type buckets struct {
	messages, bytes *rate.Limiter

	next    time.Duration // when the next frame may be read
	ofBytes bool          // because of the bytes
	since   time.Duration // how long it has waited is counted from here
	waited  time.Duration
}

// leastRest is how long a peer waits at least: shorter waits gather.
const leastRest = 10 * time.Millisecond

// spend counts what was read just now.
func (c *Conn) spend(messages, bytes int) {
	p, t := &c.pace, time.Duration(c.reader.heard.Load())
	if p.buckets == nil {
		if t-p.since >= time.Second {
			*p = pace{since: t}
		}
		p.messages += uint32(messages)
		p.bytes += bytes
		if int(p.messages) <= c.cfg.MaxMessagesPerSecond && p.bytes <= c.cfg.MaxBytesPerSecond {
			return
		}
		n, m := c.cfg.MaxMessagesPerSecond, c.cfg.MaxBytesPerSecond
		p.buckets = &buckets{
			messages: rate.NewLimiter(rate.Limit(n), 2*n),
			bytes:    rate.NewLimiter(rate.Limit(m), max(2*m, c.cfg.MaxMessage)),
			since:    t,
		}
		messages, bytes = int(p.messages), p.bytes
	}
	b, at := p.buckets, epoch.Add(t)
	reserve := func(l *rate.Limiter, n int) time.Duration {
		return l.ReserveN(at, min(n, l.Burst())).DelayFrom(at)
	}
	ofMessages, ofBytes := reserve(b.messages, messages), reserve(b.bytes, bytes)
	b.next, b.ofBytes = t+max(ofMessages, ofBytes), ofBytes > ofMessages
}

// rest waits until the next frame may be read. A peer that was made to wait for
// most of the time is refused.
func (c *Conn) rest() error {
	b := c.pace.buckets
	if b == nil {
		return nil
	}
	t := now()
	if d := b.next - t; d >= leastRest {
		due := c.reader.due.Load()
		c.reader.pause()
		err := c.sleep(min(d, c.cfg.OverRate))
		c.reader.begin()
		if err != nil {
			return err
		}
		slept := now() - t
		if due > 0 { // a message is under way
			c.reader.due.Store(due + int64(slept))
		}
		t += slept
		b.waited += slept
	}
	switch d := t - b.since; {
	case d < c.cfg.OverRate:
	case b.waited > d/2 && b.ofBytes:
		return &Error{CodeTryLater, fmt.Sprintf("more than %d bytes a second for long (--max-bytes-per-second)", c.cfg.MaxBytesPerSecond)}
	case b.waited > d/2:
		return &Error{CodeTryLater, fmt.Sprintf("more than %d messages a second for long (--max-messages-per-second)", c.cfg.MaxMessagesPerSecond)}
	case b.waited == 0:
		c.pace = pace{}
	default:
		b.since, b.waited = t, 0
	}
	return nil
}

// sleep waits for d, or until the connection is closing, interrupted or gone. Its
// error is why the reading has ended meanwhile.
func (c *Conn) sleep(d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closing && c.failure == nil {
		woken := make(chan struct{})
		c.woken = woken
		c.mu.Unlock()
		select {
		case <-woken:
		case <-time.After(d):
		}
		c.mu.Lock()
		c.woken = nil
	}
	return c.failure
}

// wakeLocked ends sleep.
func (c *Conn) wakeLocked() {
	if c.woken != nil {
		close(c.woken)
		c.woken = nil
	}
}
