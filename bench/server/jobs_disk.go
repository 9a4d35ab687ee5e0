//go:build linux

package main

import (
	"fmt"
	"strings"
	"time"
)

// written is how much a server has the kernel write for each key, until all that was typed is stored.
func written(b *bench, k kind) (sample, error) {
	const size, clients, perSecond = 1 * million, 10, 40
	stored, err := b.store(k, size)
	if err != nil {
		return nil, err
	}
	s := sample{}
	return s, b.with(k, stored, func(p *process, l *loop) error {
		m, err := newMeter(l, p.port, k.protocol, 1, clients)
		if err != nil {
			return err
		}
		if _, err := whole(l, p, b.document(size)); err != nil {
			return err
		}
		before, err := p.written()
		if err != nil {
			return err
		}
		if err := l.during(b.seconds(20), m.atRate(perSecond)); err != nil {
			return err
		}
		if err := m.settle(10 * time.Second); err != nil {
			return err
		}
		keys := 0
		for _, w := range m.writers {
			keys += len(w.sent)
			w.close() // Hocuspocus stores when the last one leaves
		}
		if err := l.during(3*time.Second, idle); err != nil {
			return err
		}
		after, err := p.written()
		s["bytes"] = (after - before) / float64(keys) / 1e3
		return err
	})
}

func ackMetrics() []metric {
	return []metric{
		{key: "p99", title: "99th percentile of the time from key to acknowledgement (Inkwire's: on the disk; Hocuspocus's: in memory)", unit: "ms"},
		{key: "p50", title: "median of that", unit: "ms"},
		{key: "longest", title: "the longest of all", unit: "ms"},
		{key: "cpu", title: "server CPU a second", unit: "ms"},
	}
}

// An acknowledger times a meter's acknowledgements, which come in the order of a client's updates.
type acknowledger struct {
	m       *meter
	got     []int // SyncStatuses, by writer; the first one is for the state the client brought, an empty one
	refused int
	latency histogram
}

func (a *acknowledger) listen() {
	a.got = make([]int, len(a.m.writers))
	for i, w := range a.m.writers {
		w.onStatus = func(saved bool) {
			if !saved {
				a.refused++
			}
			if key := a.got[i] - 1; key >= 0 && key < len(w.sent) && a.m.counting {
				a.latency.add(a.m.l.now() - w.sent[key])
			}
			a.got[i]++
		}
	}
}

// all tells whether each key was acknowledged.
func (a *acknowledger) all() bool {
	for i, w := range a.m.writers {
		if a.got[i] < len(w.sent)+1 {
			return false
		}
	}
	return true
}

func acks(b *bench, k kind) (sample, error) {
	if k.acks == nil {
		return nil, fmt.Errorf("%w: its protocol has no acknowledgements", errSkip)
	}
	s := sample{}
	return s, b.with(k, "", func(p *process, l *loop) error {
		return acknowledge(b, p, l, s, idle)
	})
}

// acknowledge types at 1,000 keys a second; meanwhile is another step.
func acknowledge(b *bench, p *process, l *loop, s sample, meanwhile func(time.Duration) time.Duration) error {
	const documents, clients, perSecond = 20, 5, 1000
	a := acknowledger{m: &meter{l: l}}
	if err := a.m.join(p.port, *p.acks, "typed", documents, clients, a.listen); err != nil {
		if strings.Contains(err.Error(), "the upgrade was answered") {
			return fmt.Errorf("%w: it doesn't serve Hocuspocus's protocol", errSkip)
		}
		return err
	}
	if err := l.until(10*time.Second, "waiting for the first acknowledgements", a.all); err != nil {
		return err
	}
	typing := a.m.atRate(perSecond)
	u, err := a.m.measure(p, func(now time.Duration) time.Duration { return min(typing(now), meanwhile(now)) }, b.seconds(10))
	if err != nil {
		return err
	}
	if err := l.until(10*time.Second, "waiting for the last acknowledgements", a.all); err != nil {
		return err
	}
	if a.refused > 0 {
		return fmt.Errorf("%d keys were refused", a.refused)
	}
	u.into(s)
	s["p50"], s["p99"] = a.latency.quantile(0.5), a.latency.quantile(0.99)
	s["longest"] = a.latency.quantile(1)
	s["cpu"] = float64(u.server.Milliseconds()) / u.elapsed.Seconds()
	return nil
}

// acksDuringCheckpoint has a large document grow meanwhile by more than an eighth, so that Inkwire stores it whole too, as
// Hocuspocus does after any edit.
func acksDuringCheckpoint(b *bench, k kind) (sample, error) {
	const size, more = 50 * million, 8 * million
	if k.acks == nil {
		return nil, fmt.Errorf("%w: its protocol has no acknowledgements", errSkip)
	}
	stored, err := b.store(k, size)
	if err != nil {
		return nil, err
	}
	s := sample{}
	return s, b.with(k, stored, func(p *process, l *loop) error {
		rest := b.document(size + more).updates[len(b.document(size).updates):]
		author, err := l.join(p.port, p.protocol, bigName)
		if err != nil {
			return err
		}
		if err := l.until(30*time.Second, "opening the large document", func() bool { return author.synced }); err != nil {
			return err
		}
		before, err := p.written()
		if err != nil {
			return err
		}
		gap, due := (warmUp+b.seconds(10)/2)/time.Duration(len(rest)), l.now()
		grow := func(now time.Duration) time.Duration {
			for ; due <= now && len(rest) > 0; due += gap {
				author.update(rest[0])
				rest = rest[1:]
			}
			if len(rest) == 0 {
				return now + time.Second
			}
			return due
		}
		if err := acknowledge(b, p, l, s, grow); err != nil {
			return err
		}
		after, err := p.written()
		s["written"] = (after - before) / 1e6
		return err
	})
}
