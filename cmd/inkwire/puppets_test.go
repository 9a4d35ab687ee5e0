package main

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
)

// puppets are real clients in one process that do what a test says.
type puppets struct {
	t *testing.T
	d *driver

	mu      sync.Mutex // guards the rest, and writing
	last    int
	waiting map[int]chan answer
	ended   bool
}

// answer is what came of a step.
type answer struct {
	ID     int
	Result json.RawMessage
	Error  string
}

func newPuppets(t *testing.T) *puppets {
	t.Helper()
	p := &puppets{t: t, d: drive(t, "puppets.mjs"), waiting: map[int]chan answer{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for p.d.said.Scan() {
			var a answer
			if err := json.Unmarshal(p.d.said.Bytes(), &a); err != nil {
				a.Error = fmt.Sprintf("the clients said %q", p.d.said.Text())
			}
			p.mu.Lock()
			waiting := p.waiting[a.ID]
			delete(p.waiting, a.ID)
			p.mu.Unlock()
			if waiting != nil {
				waiting <- a
			}
		}
		p.mu.Lock()
		p.ended = true
		for _, waiting := range p.waiting {
			waiting <- answer{Error: "the clients ended"}
		}
		p.mu.Unlock()
	}()
	t.Cleanup(func() {
		p.d.in.Close()
		<-done
	})
	return p
}

// begin lets a client do a step; the function it returns awaits the result.
func (p *puppets) begin(on, step string, args ...any) func() (json.RawMessage, error) {
	waiting := make(chan answer, 1)
	args = append([]any{}, args...) // a list, even an empty one
	p.mu.Lock()
	p.last++
	line, err := json.Marshal(map[string]any{"id": p.last, "on": on, "do": step, "args": args})
	if err == nil && p.ended {
		err = fmt.Errorf("the clients ended\n%s", p.d.errs)
	}
	if err == nil {
		p.waiting[p.last] = waiting
		_, err = fmt.Fprintf(p.d.in, "%s\n", line)
	}
	p.mu.Unlock()
	return func() (json.RawMessage, error) {
		if err != nil {
			return nil, err
		}
		a := <-waiting
		if a.Error != "" {
			return nil, fmt.Errorf("%s %s: %s\n%s", on, step, a.Error, p.d.errs)
		}
		return a.Result, nil
	}
}

// do lets a client do a step, and returns its result.
func (p *puppets) do(on, step string, args ...any) json.RawMessage {
	p.t.Helper()
	result, err := p.begin(on, step, args...)()
	if err != nil {
		p.t.Fatal(err)
	}
	return result
}

// open opens a document with a client that has content already, if any.
func (p *puppets) open(name, kind, addr, document string, options ...map[string]any) {
	p.t.Helper()
	args := []any{kind, "ws://" + addr, document}
	for _, o := range options {
		args = append(args, o)
	}
	p.do(name, "open", args...)
}

// number and text are results of a step.
func (p *puppets) number(on, step string, args ...any) int {
	p.t.Helper()
	return result[int](p, on, step, args...)
}

func (p *puppets) text(on, step string, args ...any) string {
	p.t.Helper()
	return result[string](p, on, step, args...)
}

func result[T any](p *puppets, on, step string, args ...any) T {
	p.t.Helper()
	var v T
	raw := p.do(on, step, args...)
	if err := json.Unmarshal(raw, &v); err != nil {
		p.t.Fatalf("%s %s: %s: %v", on, step, raw, err)
	}
	return v
}
