package main

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// So many sockets send hostile inputs, one after the other and at once, for so
// long.
const (
	floodSockets = 4
	floodFor     = 5 * time.Second
)

// flood sends all inputs over and over. What comes of each is judged elsewhere;
// it returns how many were sent.
func flood(t *testing.T, addr string, p protocol, inputs []hostile) int64 {
	t.Helper()
	var sent atomic.Int64
	var all sync.WaitGroup
	until := time.Now().Add(floodFor)
	for i := range floodSockets {
		all.Go(func() {
			for n := i * len(inputs) / floodSockets; time.Now().Before(until); n++ {
				if err := p.throw(addr, inputs[n%len(inputs)].bytes); err != nil {
					t.Error("the server takes nobody any more: ", err)
					return
				}
				sent.Add(1)
			}
		})
	}
	all.Wait()
	if n := sent.Load(); n < int64(len(inputs)) {
		t.Logf("only %d of %d inputs were sent", n, len(inputs))
	}
	return sent.Load()
}

// throw sends an input and waits until it has been dealt with, whichever way.
func (p protocol) throw(addr string, input []byte) error {
	s, err := dialRaw(addr, p.path, "")
	if err != nil {
		return err
	}
	defer s.Close()
	for _, m := range p.hello {
		s.Write(message(append(slices.Clone(p.key), m...)))
	}
	s.Write(input)
	_, _ = p.settle(s)
	return nil
}
