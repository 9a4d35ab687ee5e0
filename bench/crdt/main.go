// Command crdt measures package crdt beside real Yjs on the same work, in one run on one machine.
//
//	go run -pgo=cmd/inkwire/default.pgo ./bench/crdt [-quick] [-runs 5] [-jobs apply,merge,…]
//
// It is built with the profile that the program is built with.
//
// It needs Node with what bench/package.json names, has Yjs make the input once (the editing traces in the folder that the
// environment variable TRACES names, and generated ones), and then runs every job -runs times with each of the two, one
// process a job, taking turns. Both must arrive at the same bytes. It prints medians with their spread, allocations of ours
// for each operation, and ratios: how many times faster than Yjs, or what part of Yjs's memory.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// dir is this directory, from the module's root, where go run is called.
const dir = "bench/crdt"

func main() {
	runs := flag.Int("runs", 5, "how often each job runs; the median counts")
	quick := flag.Bool("quick", false, "run each job once")
	only := flag.String("jobs", "", "only the jobs whose name begins with one of these, separated by commas")
	job := flag.String("job", "", "run this one job in this process and print its result (for bench itself)")
	flag.Parse()
	if *quick {
		*runs = 1
	}
	var err error
	if *job != "" {
		err = runJob(*job, flag.Arg(0), flag.Arg(1))
	} else {
		err = compare(*runs, *only)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// A result is what one process measured.
type result struct {
	Ms     float64 `json:"ms"`
	Bytes  float64 `json:"bytes"`  // of memory, in place of Ms
	Ops    float64 `json:"ops"`    // how many operations the job consists of
	Allocs float64 `json:"allocs"` // of the whole job; not known of Yjs
	Hash   string  `json:"hash"`   // of the bytes it arrived at
}

func (r result) value() float64 {
	if r.Bytes != 0 {
		return r.Bytes / 1e6
	}
	return r.Ms
}

// A line is one line of the table.
type line struct {
	title, job, input string
	goal              float64 // times faster; of memory, the part; 0: none
}

// The goals hold for every recorded trace.
func lines(traces []string) []line {
	var out []line
	each := func(title, job string, goal float64) {
		for _, name := range traces {
			out = append(out, line{title + ": " + name, job, name, goal})
		}
	}
	each("apply one-character updates", "apply", 20)
	each("merge 10,000 updates", "merge", 50)
	each("load the state, warm", "load-warm", 2)
	each("memory of the document", "memory", 0.35)
	main := traces[0]
	return append(out,
		line{"load the state, first", "load-first", main, 0},
		line{"encode the state", "encode", main, 0},
		line{"snapshot and encode it", "snapshot", main, 0},
		line{"state vector from the encoded state", "vector", main, 0},
		line{"two writers x 6,000 random inserts", "apply", "two-writers", 0},
		line{"load that, warm", "load-warm", "two-writers", 0},
		line{"memory of that", "memory", "two-writers", 0},
		line{"1,540 writers at one place", "apply", "one-place", 0},
		line{"load that, warm", "load-warm", "one-place", 0},
		line{"memory of that", "memory", "one-place", 0},
	)
}

func compare(runs int, only string) error {
	if runs < 1 {
		return errors.New("-runs must be at least 1")
	}
	folder, err := os.MkdirTemp("", "inkwire-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	traces, err := makeInput(folder)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	fmt.Printf("medians of %d runs, one process a job; ms, or MB for memory; spread is (max - min) / median\n", runs)
	fmt.Printf("%-48s %10s %7s %10s %7s %9s %11s\n", "job", "yjs", "spread", "inkwire", "spread", "ratio", "allocs/op")
	var missed []string
	for _, l := range lines(traces) {
		if !wanted(l.job, only) {
			continue
		}
		var yjs, ours []result
		for range runs {
			a, err := measure(exec.Command("node", "--expose-gc", filepath.Join(dir, "yjs.mjs"), l.job, folder, l.input))
			if err != nil {
				return fmt.Errorf("yjs, %s: %w", l.title, err)
			}
			b, err := measure(exec.Command(self, "-job", l.job, folder, l.input))
			if err != nil {
				return fmt.Errorf("inkwire, %s: %w", l.title, err)
			}
			if a.Hash != b.Hash || a.Ops != b.Ops {
				return fmt.Errorf("%s: yjs and inkwire don't arrive at the same bytes", l.title)
			}
			yjs, ours = append(yjs, a), append(ours, b)
		}
		if !l.print(yjs, ours) {
			missed = append(missed, l.title)
		}
	}
	if len(missed) > 0 {
		return fmt.Errorf("below the goal: %s", strings.Join(missed, "; "))
	}
	return nil
}

func wanted(job, only string) bool {
	return only == "" || slices.ContainsFunc(strings.Split(only, ","), func(s string) bool { return strings.HasPrefix(job, s) })
}

// print prints the line and tells whether its goal was met.
func (l line) print(yjs, ours []result) bool {
	y, ySpread := median(yjs)
	o, oSpread := median(ours)
	slices.SortFunc(ours, func(a, b result) int { return int(a.Allocs - b.Allocs) })
	allocs := ours[len(ours)/2].Allocs / ours[0].Ops
	ratio, unit, met := y/o, "x", true
	if l.job == "memory" {
		ratio, unit = o/y, ""
		met = l.goal == 0 || ratio <= l.goal
	} else {
		met = ratio >= l.goal
	}
	note := ""
	if l.goal != 0 {
		note = fmt.Sprintf("  goal %g%s", l.goal, unit)
	}
	fmt.Printf("%-48s %10.3f %6.0f%% %10.3f %6.0f%% %8.2f%-1s %11.2f%s\n", l.title, y, 100*ySpread, o, 100*oSpread, ratio, unit, allocs, note)
	return met
}

// median returns the middle value and how far the values lie apart, as a part of it.
func median(results []result) (middle, spread float64) {
	var values []float64
	for _, r := range results {
		values = append(values, r.value())
	}
	slices.Sort(values)
	middle = values[len(values)/2]
	return middle, (values[len(values)-1] - values[0]) / middle
}

func measure(cmd *exec.Cmd) (r result, err error) {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return r, fmt.Errorf("%w\n%s", err, stderr.String())
	}
	if err := json.Unmarshal(out, &r); err != nil {
		return r, fmt.Errorf("result %q: %w", out, err)
	}
	if r.value() <= 0 || r.Ops <= 0 || r.Hash == "" {
		return r, fmt.Errorf("result %q measures nothing", out)
	}
	return r, nil
}

// makeInput has Yjs make the input files and returns the names of the editing traces, the main one first.
func makeInput(folder string) ([]string, error) {
	if _, err := os.Stat(filepath.Join(dir, "yjs.mjs")); err != nil {
		return nil, fmt.Errorf("run it from the module's root, as go run ./bench/crdt: %w", err)
	}
	args := []string{filepath.Join(dir, "make.mjs"), folder}
	if traces := os.Getenv("TRACES"); traces == "" {
		fmt.Println("TRACES is not set: a generated trace takes the place of the recorded editing traces")
	} else {
		paths, err := filepath.Glob(filepath.Join(traces, "traces", "*.json.gz"))
		if err != nil {
			return nil, err
		}
		if len(paths) == 0 {
			return nil, fmt.Errorf("no traces in %s", filepath.Join(traces, "traces"))
		}
		args = append(args, paths...) // in order of names: automerge-paper is the first
	}
	cmd := exec.Command("node", args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("making the input: %w", err)
	}
	var names []string
	if err := json.Unmarshal(out, &names); err != nil || len(names) == 0 {
		return nil, fmt.Errorf("making the input gave %q", out)
	}
	return names, nil
}
