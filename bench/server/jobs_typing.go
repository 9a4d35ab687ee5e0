//go:build linux

package main

import (
	"fmt"
	"slices"
	"time"
)

// warmUp lets compilers and caches settle before a window opens.
const warmUp = 2 * time.Second

// measure runs a step, first for warming up, and counts during d. It then stops, and wants each key to have reached all.
func (m *meter) measure(p *process, step func(time.Duration) time.Duration, d time.Duration) (use, error) {
	if err := m.l.during(warmUp, step); err != nil {
		return use{}, err
	}
	w, err := p.open()
	if err != nil {
		return use{}, err
	}
	m.counting = true
	if err := m.l.during(d, step); err != nil {
		return use{}, err
	}
	m.counting = false
	u, err := w.close()
	if err != nil {
		return use{}, err
	}
	if m.delivered == 0 {
		return use{}, fmt.Errorf("no key arrived in %v", d)
	}
	return u, m.settle(30 * time.Second)
}

func cpuOfTyping(b *bench, k kind) (sample, error) {
	s := sample{}
	return s, b.with(k, "", func(p *process, l *loop) error {
		m, err := newMeter(l, p.port, k.protocol, many.documents, many.clients)
		if err != nil {
			return err
		}
		u, err := m.measure(p, m.atRate(float64(many.documents*many.clients*20)), b.seconds(6))
		if err != nil {
			return err
		}
		u.into(s)
		s["cpu"] = float64(u.server.Microseconds()) / float64(m.delivered)
		s["p50"], s["p99"] = m.latency.quantile(0.5), m.latency.quantile(0.99)
		return nil
	})
}

// flight is how many keys a client has under way at saturation.
const flight = 8

func saturation(name string, sh shape, aim float64) job {
	return job{name: name, title: fmt.Sprintf("as fast as it goes: %s, each with %d keys under way", sh.name, flight), durable: true,
		metrics: []metric{
			{key: "deliveries", title: "keys delivered a second", unit: "thousand", higher: true, aim: aim},
			{key: "p99", title: "99th percentile of the time from key to another client", unit: "ms"},
		},
		run: func(b *bench, k kind) (sample, error) {
			s, keys, err := saturate(b, k, sh, b.seconds(5))
			if err == nil {
				b.rates[sh.name+k.name] = append(b.rates[sh.name+k.name], keys)
			}
			return s, err
		},
	}
}

// saturate also returns how many keys a second went to everybody.
func saturate(b *bench, k kind, sh shape, d time.Duration) (s sample, keys float64, err error) {
	s = sample{}
	err = b.with(k, "", func(p *process, l *loop) error {
		m, err := newMeter(l, p.port, k.protocol, sh.documents, sh.clients)
		if err != nil {
			return err
		}
		u, err := m.measure(p, m.atWindow(flight), d)
		if err != nil {
			return err
		}
		u.into(s)
		perSecond := float64(m.delivered) / u.elapsed.Seconds()
		keys = perSecond / float64(sh.clients-1)
		s["deliveries"], s["p99"] = perSecond/1e3, m.latency.quantile(0.99)
		return nil
	})
	return s, keys, err
}

// slowest is the saturation of the slowest server in keys a second, measured here in short if it isn't known.
func (b *bench) slowest(sh shape, among []kind) (float64, error) {
	var rates []float64
	for _, k := range among {
		if k.durable {
			continue
		}
		all := b.rates[sh.name+k.name]
		if len(all) == 0 {
			_, keys, err := saturate(b, k, sh, 2*time.Second)
			if err != nil {
				return 0, err
			}
			all = []float64{keys}
			b.rates[sh.name+k.name] = all
		}
		rates = append(rates, median(all))
	}
	return slices.Min(rates), nil
}

func fixedRate(name string, sh shape) job {
	return job{name: name, title: "at half the rate that saturates the slowest: " + sh.name,
		metrics: []metric{
			{key: "p99", title: "99th percentile of the time from key to another client", unit: "ms"},
			{key: "p50", title: "median of that", unit: "ms"},
			{key: "rate", title: "keys typed a second, the same for all", unit: "", higher: true},
			{key: "cpu", title: "server CPU for each delivery", unit: "µs"},
		},
		run: func(b *bench, k kind) (sample, error) {
			slowest, err := b.slowest(sh, b.kinds)
			if err != nil {
				return nil, err
			}
			s := sample{"rate": slowest / 2}
			return s, b.with(k, "", func(p *process, l *loop) error {
				m, err := newMeter(l, p.port, k.protocol, sh.documents, sh.clients)
				if err != nil {
					return err
				}
				u, err := m.measure(p, m.atRate(s["rate"]), b.seconds(5))
				if err != nil {
					return err
				}
				u.into(s)
				s["p50"], s["p99"] = m.latency.quantile(0.5), m.latency.quantile(0.99)
				s["cpu"] = float64(u.server.Microseconds()) / float64(m.delivered)
				return nil
			})
		},
	}
}

// joins types in a large document while others come and go.
func joins(b *bench, k kind) (sample, error) {
	const (
		size      = 4 * million
		perSecond = 5
		keys      = 50 // a second
	)
	stored, err := b.store(k, size)
	if err != nil {
		return nil, err
	}
	s := sample{}
	return s, b.with(k, stored, func(p *process, l *loop) error {
		d := b.document(size)
		bytes, err := whole(l, p, d)
		if err != nil {
			return err
		}
		m, err := newMeter(l, p.port, k.protocol, 1, 2)
		if err != nil {
			return err
		}
		writer, joined, next := m.writers[0], 0, time.Duration(0)
		due := l.now()
		step := func(now time.Duration) time.Duration {
			for ; due <= now; due += time.Second / keys {
				writer.press(due)
			}
			for ; next <= now; next = max(next, now-time.Second) + time.Second/perSecond {
				c, err := l.join(p.port, k.protocol, bigName)
				if err != nil {
					l.fail(err)
					break
				}
				c.onUpdate = func(_ []byte, got int) {
					if got >= bytes*3/4 {
						joined++
						c.close()
					}
				}
			}
			return min(due, next)
		}
		u, err := m.measure(p, step, b.seconds(10))
		if err != nil {
			return err
		}
		if joined < perSecond { // it must have been disturbed
			return fmt.Errorf("only %d clients got the document", joined)
		}
		u.into(s)
		s["p50"], s["p99"] = m.latency.quantile(0.5), m.latency.quantile(0.99)
		s["cpu"] = float64(u.server.Milliseconds()) / u.elapsed.Seconds()
		return nil
	})
}
