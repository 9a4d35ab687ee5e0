//go:build linux

package main

import (
	"fmt"
	"time"

	"github.com/inkwire/inkwire/lib0"
)

// A person is a client with presence.
type person struct {
	*client
	id    uint64
	clock int
}

// move sends the person's state anew, as an editor does when a caret moves.
func (p *person) move() {
	p.clock++
	state := fmt.Sprintf(`{"user":{"name":"Person %d","color":"#30bced"},"cursor":{"anchor":{"type":null,"tname":"text",`+
		`"item":{"client":%d,"clock":%d},"assoc":0},"head":{"type":null,"tname":"text","item":{"client":%[2]d,"clock":%[3]d},"assoc":0}}}`,
		p.id-firstID, p.id, p.clock)
	body := lib0.AppendUvarint([]byte{1}, p.id)
	p.awareness(lib0.AppendString(lib0.AppendUvarint(body, uint64(p.clock)), state))
}

// presence has people move their carets, 2 seconds of it unmeasured. Each state that reaches another person is counted.
func presence(name, title string, echo bool) job {
	const people = 500
	return job{name: name, title: title, metrics: []metric{
		{key: "cpu", title: "server CPU a second", unit: "ms", aim: 0.2},
		{key: "part", title: "states that arrived, of those due (less: it can't keep up, or sends a client's last state only)",
			unit: "%", higher: true},
	}, run: func(b *bench, k kind) (sample, error) {
		s := sample{}
		return s, b.with(k, "", func(p *process, l *loop) error {
			heard, counting := 0, false
			var all []*person
			for i := range people {
				c, err := l.join(p.port, k.protocol, bigName)
				if err != nil {
					return err
				}
				one := &person{client: c, id: firstID + uint64(i)}
				c.onAwareness = func(body []byte) {
					n, first, err := firstEntry(body)
					if err != nil {
						c.fail(err)
						return
					}
					if n == 1 && first == one.id {
						return
					}
					if counting {
						heard += n
					}
					// y-websocket's clients do so; one whose server reads no more of it waits, as a browser's would.
					if echo && len(c.out) < million {
						c.awareness(body)
					}
				}
				all = append(all, one)
			}
			if err := l.until(30*time.Second, "joining", func() bool {
				for _, one := range all {
					if !one.synced {
						return false
					}
				}
				return true
			}); err != nil {
				return err
			}
			due, at := l.now(), 0
			step := func(now time.Duration) time.Duration {
				for ; due <= now; due += time.Second / people {
					all[at].move()
					at = (at + 1) % people
				}
				return due
			}
			if err := l.during(2*warmUp, step); err != nil {
				return err
			}
			w, err := p.open()
			if err != nil {
				return err
			}
			counting = true
			if err := l.during(b.seconds(8), step); err != nil {
				return err
			}
			u, err := w.close()
			if err != nil {
				return err
			}
			u.into(s)
			s["cpu"] = float64(u.server.Milliseconds()) / u.elapsed.Seconds()
			s["part"] = 100 * float64(heard) / (u.elapsed.Seconds() * people * (people - 1))
			return nil
		})
	}}
}

// firstEntry reads how many entries presence holds, and whose the first one is.
func firstEntry(body []byte) (n int, id uint64, err error) {
	d := lib0.NewDecoder(body)
	count, err := d.Uvarint()
	if err != nil || count == 0 {
		return 0, 0, err
	}
	id, err = d.Uvarint()
	return int(count), id, err
}
