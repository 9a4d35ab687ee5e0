//go:build linux

package main

import (
	"fmt"
	"time"
)

// idleMemory is what a connection costs that does nothing: one that has joined a document and got its state.
func idleMemory(b *bench, k kind) (sample, error) {
	const documents, clients, batch = 50, 5000, 100
	s := sample{}
	return s, b.with(k, "", func(p *process, l *loop) error {
		// A first client shows what the program needs anyway.
		if _, err := newMeter(l, p.port, k.protocol, 1, 1); err != nil {
			return err
		}
		if err := l.during(b.seconds(4), idle); err != nil {
			return err
		}
		before, err := p.resident()
		if err != nil {
			return err
		}
		var all []*client
		for len(all) < clients {
			for range batch {
				c, err := l.join(p.port, k.protocol, fmt.Sprintf("document-%d", len(all)%documents))
				if err != nil {
					return err
				}
				all = append(all, c)
			}
			recent := all[len(all)-batch:]
			if err := l.until(30*time.Second, "joining", func() bool {
				for _, c := range recent {
					if !c.synced {
						return false
					}
				}
				return true
			}); err != nil {
				return err
			}
		}
		if err := l.during(b.seconds(10), idle); err != nil {
			return err
		}
		after, err := p.resident()
		s["memory"] = (after - before) / clients / 1e3
		return err
	})
}

// herd has many clients open a document at once that somebody else has open already.
func herd(b *bench, k kind) (sample, error) {
	const size, clients = 1 * million, 1000
	stored, err := b.store(k, size)
	if err != nil {
		return nil, err
	}
	s := sample{}
	return s, b.with(k, stored, func(p *process, l *loop) error {
		holder, err := newMeter(l, p.port, k.protocol, 1, 1)
		if err != nil {
			return err
		}
		bytes, err := whole(l, p, b.document(size))
		if err != nil {
			return err
		}
		if err := l.during(time.Second, idle); err != nil {
			return err
		}
		w, err := p.open()
		if err != nil {
			return err
		}
		have := 0
		for range clients {
			c, err := l.join(p.port, k.protocol, bigName)
			if err != nil {
				return err
			}
			c.onUpdate = func(_ []byte, got int) {
				if got == bytes {
					have++
				}
			}
		}
		if err := l.until(2*time.Minute, "opening", func() bool { return have == clients }); err != nil {
			return fmt.Errorf("%d of %d have it: %w", have, clients, err)
		}
		u, err := w.close()
		if err != nil {
			return err
		}
		u.into(s)
		s["time"], s["cpu"] = u.elapsed.Seconds()*1e3, float64(u.server.Milliseconds())
		// What it still has to do for them counts too.
		if err := l.during(500*time.Millisecond, idle); err != nil {
			return err
		}
		if u, err = w.close(); err != nil {
			return err
		}
		s["cpu"] = float64(u.server.Milliseconds())
		holder.docs = nil
		peak, err := p.peak()
		s["peak"] = peak / 1e6
		return err
	})
}

// coldOpen is how long the first client waits after the server was started anew. The file is in the system's cache.
func coldOpen(name string, size int) job {
	return job{name: name, title: fmt.Sprintf("the first to open a document of %d MB after a restart", size/million), metrics: []metric{
		{key: "time", title: "until it has it whole", unit: "ms", aim: 1. / 20},
		{key: "cpu", title: "server CPU", unit: "ms"},
	}, run: func(b *bench, k kind) (sample, error) {
		stored, err := b.store(k, size)
		if err != nil {
			return nil, err
		}
		s := sample{}
		return s, b.with(k, stored, func(p *process, l *loop) error {
			d := b.document(size)
			// What a server does when it starts isn't opening.
			if err := l.during(time.Second, idle); err != nil {
				return err
			}
			w, err := p.open()
			if err != nil {
				return err
			}
			c, err := l.join(p.port, k.protocol, bigName)
			if err != nil {
				return err
			}
			most := 0
			c.onUpdate = func(_ []byte, got int) { most = max(most, got) }
			if err := l.until(time.Minute, "opening", func() bool { return c.synced && most >= d.size*3/4 }); err != nil {
				return err
			}
			u, err := w.close()
			if err != nil {
				return err
			}
			u.into(s)
			s["time"], s["cpu"] = u.elapsed.Seconds()*1e3, float64(u.server.Milliseconds())
			bytes, err := whole(l, p, d) // and it was all of it
			if err == nil && bytes != most {
				err = fmt.Errorf("the first client got %d bytes, the next one %d", most, bytes)
			}
			return err
		})
	}}
}
