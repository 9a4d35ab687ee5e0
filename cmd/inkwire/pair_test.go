package main

import (
	"fmt"
	"slices"
	"testing"
)

// A pair is a well-behaved writer and reader, beside those who behave badly.
type pair struct {
	t    *testing.T
	p    *puppets
	took latencies // of the edits since rest
}

// latencies are the milliseconds that edits took from the writer to the reader.
type latencies []float64

func (l latencies) String() string {
	if len(l) == 0 {
		return "no edits"
	}
	l = slices.Sorted(slices.Values(l))
	at := func(share float64) float64 { return l[min(len(l)-1, int(float64(len(l))*share))] }
	return fmt.Sprintf("%d edits, p50 %.1f ms, p99 %.1f ms, max %.1f ms", len(l), at(0.5), at(0.99), at(1))
}

// editEvery is the milliseconds between two edits of a pair's writer, slowEdit
// those that one takes when it is worth a line.
const (
	editEvery = 10
	slowEdit  = 50
)

func newPair(t *testing.T, srv *process, document string, options ...map[string]any) *pair {
	t.Helper()
	p := newPuppets(t)
	for name, kind := range map[string]string{"writer": "y-websocket-3", "reader": "y-websocket-2"} {
		p.open(name, kind, srv.addr, document, options...)
		p.do(name, "untilSynced")
	}
	p.do("writer", "pulse", "reader", editEvery)
	return &pair{t: t, p: p}
}

// slowest is the longest that an edit took since this was last asked.
func (p *pair) slowest() float64 {
	p.t.Helper()
	took := result[latencies](p.p, "writer", "pulsed")
	p.took = append(p.took, took...)
	return slices.Max(append(took, 0))
}

// rest waits until the pair has exchanged some more edits, and returns how long
// they and those before took.
func (p *pair) rest() latencies {
	p.t.Helper()
	p.p.do("writer", "untilBeats", 200)
	p.slowest()
	all := p.took
	p.took = nil
	return all
}

// end ends the pair, and checks that all edits came.
func (p *pair) end() {
	p.t.Helper()
	p.p.do("writer", "untilStill", "reader")
	for _, name := range []string{"writer", "reader"} {
		if n := p.p.number(name, "sockets"); n != 1 {
			p.t.Errorf("the %s came back %d times: %s", name, n-1, p.p.do(name, "closes"))
		}
		p.p.do(name, "leave")
	}
}
