package difftest

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A failure is the first step on which the two sides disagree.
type failure struct {
	session *session
	step    int
	yjs     []string
	inkwire []string
	err     error // this side's own failure: a panic, or a run that Node couldn't make
}

// notes collects this side's errors when a failure is being explained.
var notes func(string)

func errorNote(s *session, at int, err error) {
	if notes != nil {
		notes(fmt.Sprintf("step %d (%s): %v", at, s.Ops[at].K, err))
	}
}

// play runs a session on both sides and compares. It returns the number of lines compared, and the first disagreement.
func play(n *node, s *session) (compared int, f *failure, err error) {
	var yjs, here [][]string
	var hereErr error
	switch s.Mode {
	case modeMirror:
		if err := n.send(map[string]any{"session": s}); err != nil {
			return 0, nil, err
		}
		here, _, hereErr = runHere(s, nil)
		var a steps
		if err := n.receive(&a); err != nil {
			return 0, nil, err
		}
		yjs = a.Steps
	case modeNode:
		if yjs, err = n.session(s); err != nil {
			return 0, nil, err
		}
		here, _, hereErr = runHere(s, yjs)
	case modeGo:
		var feed map[int]string
		if here, feed, hereErr = runHere(s, nil); hereErr == nil {
			fed := *s
			fed.Feed = feed
			if yjs, err = n.session(&fed); err != nil {
				return 0, nil, err
			}
		}
	default:
		return 0, nil, fmt.Errorf("no mode %q", s.Mode)
	}
	for at := range s.Ops {
		if s.Clients[s.Ops[at].C].Side != sideBoth {
			continue
		}
		if at >= len(here) || at >= len(yjs) {
			break
		}
		compared += max(len(here[at]), len(yjs[at]))
		if !equalLines(yjs[at], here[at]) {
			return compared, &failure{session: s, step: at, yjs: yjs[at], inkwire: here[at]}, nil
		}
	}
	if hereErr != nil {
		f := &failure{session: s, err: hereErr}
		if step := (*stepError)(nil); errors.As(hereErr, &step) {
			f.step = max(step.step, 0)
		}
		return compared, f, nil
	}
	return compared, nil, nil
}

// equalLines compares, but for the text of an error: both sides only have to refuse.
func equalLines(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// report puts a failure into words.
func (f *failure) report(n *node) string {
	var b strings.Builder
	s := f.session
	fmt.Fprintf(&b, "kind %s, seed %d, mode %s, %d clients, step %d of %d: %s\n", s.Kind, s.Seed, s.Mode, len(s.Clients), f.step, len(s.Ops), clip(marshal(s.Ops[f.step])))
	if f.err != nil {
		fmt.Fprintf(&b, "  %v\n", f.err)
		return b.String()
	}
	same := 0
	for same < len(f.yjs) && same < len(f.inkwire) && f.yjs[same] == f.inkwire[same] {
		same++
	}
	if same > 0 {
		fmt.Fprintf(&b, "  the first %d lines are equal\n", same)
	}
	side := func(name string, lines []string) {
		if same >= len(lines) {
			fmt.Fprintf(&b, "  %-8s nothing more\n", name)
			return
		}
		fmt.Fprintf(&b, "  %-8s %s\n", name, clip(lines[same]))
		what, encoded, _ := strings.Cut(lines[same], " ")
		v2, isUpdate := updateLines[what]
		if !isUpdate || strings.Contains(encoded, " ") || encoded == "error" || encoded == "none" {
			return
		}
		if what == "arg" {
			v2 = s.Ops[f.step].V2
		}
		for _, line := range n.explain(encoded, v2) {
			fmt.Fprintf(&b, "             %s\n", line)
		}
	}
	side("yjs", f.yjs)
	side("inkwire", f.inkwire)
	return b.String()
}

// updateLines are the lines that hold an update, and whether in V2.
var updateLines = map[string]bool{
	"u1": false, "u2": true, "v1": false, "v2": true, "since": false, "since2": true, "merged": false, "merged2": true,
	"diff": false, "diff2": true, "to2": true, "to1": false, "fromsnap": false, "arg": false,
}

const clipAt = 1500

func clip(s string) string {
	if len(s) > clipAt {
		return s[:clipAt] + "…"
	}
	return s
}

// replay is the command that runs the failing session again.
func (f *failure) replay() string {
	return fmt.Sprintf("go test ./internal/difftest -run 'TestDifferential$' -seed=%d -kind=%s", f.session.Seed, f.session.Kind)
}

// shrinkTrials bounds the work of shrinking one failure.
const shrinkTrials = 600

// shrink looks for a smaller session that still fails: it leaves out steps by halves, quarters and so on (ddmin), then
// parts of transactions, then clients' peculiarities.
func shrink(n *node, f *failure) *failure {
	best := f
	trials := 0
	try := func(ops []op, clients []client) bool {
		if trials >= shrinkTrials {
			return false
		}
		trials++
		s := *best.session
		s.Ops, s.Clients = ops, clients
		_, found, err := play(n, &s)
		if err != nil || found == nil {
			return false
		}
		found.session = &s
		best = found
		return true
	}
	try(best.session.Ops[:best.step+1], best.session.Clients)
	for again := true; again; {
		again = false
		for size := (len(best.session.Ops) + 1) / 2; size > 0; size /= 2 {
			for from := len(best.session.Ops) - size; from > -size; from -= size {
				ops := best.session.Ops
				low := max(from, 0)
				high := min(from+size, len(ops))
				if low >= high {
					continue
				}
				if try(without(ops, low, high), best.session.Clients) {
					again = true
				}
			}
		}
		for i := len(best.session.Ops) - 1; i >= 0; i-- {
			if i >= len(best.session.Ops) {
				continue
			}
			for j := len(best.session.Ops[i].Ops) - 1; j >= 0; j-- {
				ops := append([]op(nil), best.session.Ops...)
				ops[i].Ops = without(ops[i].Ops, j, j+1)
				if try(ops, best.session.Clients) {
					again = true
				}
			}
			if inner := best.session.Ops[i].Ops; len(inner) == 1 {
				ops := append([]op(nil), best.session.Ops...)
				ops[i] = inner[0]
				try(ops, best.session.Clients)
			}
		}
		if trials >= shrinkTrials {
			break
		}
	}
	for i := range best.session.Clients {
		plain := append([]client(nil), best.session.Clients...)
		plain[i].ID, plain[i].Unclean = uint64(i+1), false
		try(best.session.Ops, plain)
	}
	return best
}

func without(ops []op, from, to int) []op {
	out := append([]op(nil), ops[:from]...)
	return append(out, ops[to:]...)
}

// save writes a session to a file and returns its path.
func (s *session) save(dir string) (string, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, fmt.Sprintf("%s-%d.json", s.Kind, s.Seed))
	return path, os.WriteFile(path, append(b, '\n'), 0o644)
}

func load(path string) (*session, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	s := new(session)
	if err := json.Unmarshal(b, s); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}
