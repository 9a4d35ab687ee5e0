//go:build linux

// Command server measures the whole server beside others that Yjs's clients connect to: Hocuspocus with its SQLite
// extension, and the y-websocket server with y-leveldb. docs/benchmarks.md says what each job measures, and how.
//
//	go run ./bench/server [-quick] [-jobs cpu,herd,…] [-servers inkwire,hocuspocus,…] [-json FILE]
//
// It needs bin/inkwire, Node with what bench/package.json names, and two cores: the server runs on one, the load on the
// other. Each round of a job starts a server anew, on a port of 127.0.0.1 and with data in a temporary folder, and the
// servers take turns. A full run takes less than an hour, a quick one ten minutes.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	// The servers end with the thread that started them.
	runtime.LockOSThread()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type options struct {
	quick         bool
	runs          int
	jobs, servers string
	inkwire, json string
}

func run() error {
	var o options
	flag.BoolVar(&o.quick, "quick", false, "shorter rounds of each job, and one of them")
	flag.IntVar(&o.runs, "runs", 0, "how many rounds each job has, of which medians count (default 5, or 1 with -quick)")
	flag.StringVar(&o.jobs, "jobs", "", "only these jobs, separated by commas")
	flag.StringVar(&o.servers, "servers", "", "only these servers, separated by commas")
	flag.StringVar(&o.inkwire, "inkwire", "bin/inkwire", "Inkwire's program")
	flag.StringVar(&o.json, "json", "", "write all that was measured to this file too")
	flag.Parse()
	switch {
	case o.runs != 0:
	case o.quick:
		o.runs = 1
	default:
		o.runs = 5
	}
	if o.runs < 1 || flag.NArg() > 0 {
		return errors.New("-runs must be at least 1, and there are no arguments")
	}
	if err := stayOnCore(); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return compare(ctx, o)
}

// stayOnCore has this program run on the load's core alone, if it doesn't: all its threads, before the first job.
func stayOnCore() error {
	const already = "INKWIRE_BENCH_ON_CORE"
	if os.Getenv(already) != "" {
		return nil
	}
	if runtime.NumCPU() < 2 {
		return errors.New("this needs two cores, one for the server and one for the load")
	}
	taskset, err := exec.LookPath("taskset")
	if err != nil {
		return fmt.Errorf("%w (it comes with util-linux)", err)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return syscall.Exec(taskset, append([]string{taskset, "-c", loadCore, self}, os.Args[1:]...), append(os.Environ(), already+"=1"))
}

func compare(ctx context.Context, o options) error {
	chosenKinds, err := choose(kinds(o.inkwire), o.servers, "server", func(k kind) string { return k.name })
	if err != nil {
		return err
	}
	chosenJobs, err := choose(jobs(), o.jobs, "job", func(j job) string { return j.name })
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "inkwire-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	b := &bench{ctx: ctx, folder: folder, quick: o.quick, kinds: chosenKinds,
		stored: map[string]string{}, made: map[int]document{}, rates: map[string][]float64{}}
	if b.maker, err = newMaker(os.Getenv("TRACES")); err != nil {
		return err
	}
	fmt.Printf("medians of %d rounds; ratio: to the better peer's median; load: of its core; documents: from %s\n", o.runs, b.maker.source)
	start := time.Now()
	var reports []*report
	var missed []string
	for _, j := range chosenJobs {
		r, err := b.rounds(j, o.runs)
		if err != nil {
			return err
		}
		missed = append(missed, r.print(os.Stdout)...)
		reports = append(reports, r)
	}
	fmt.Printf("\nIt took %v.\n", time.Since(start).Round(time.Second))
	if o.json != "" {
		text, err := json.MarshalIndent(reports, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(o.json, append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	if len(missed) > 0 {
		return fmt.Errorf("below the aim:\n  %s", strings.Join(missed, "\n  "))
	}
	return nil
}

// rounds has the servers take turns. One that fails has no further rounds, and its line says why.
func (b *bench) rounds(j job, n int) (*report, error) {
	r := &report{Job: j.name, Title: j.title, job: j}
	out := map[string]bool{}
	for range n {
		for _, k := range b.kinds {
			if k.durable && !j.durable || out[k.name] {
				continue
			}
			s, err := j.run(b, k)
			if b.ctx.Err() != nil {
				return nil, b.ctx.Err()
			}
			if err != nil {
				out[k.name] = true
				if !errors.Is(err, errSkip) {
					fmt.Fprintf(os.Stderr, "bench: %s: %v\n", j.name, err)
				}
			}
			r.add(k, s, err)
		}
	}
	return r, nil
}

// choose returns those of all that are named, in their order.
func choose[T any](all []T, names, what string, name func(T) string) ([]T, error) {
	if names == "" {
		return all, nil
	}
	wanted := strings.Split(names, ",")
	for _, w := range wanted {
		if !slices.ContainsFunc(all, func(t T) bool { return name(t) == w }) {
			var known []string
			for _, t := range all {
				known = append(known, name(t))
			}
			return nil, fmt.Errorf("no %s %q; there are %s", what, w, strings.Join(known, ", "))
		}
	}
	return slices.DeleteFunc(all, func(t T) bool { return !slices.Contains(wanted, name(t)) }), nil
}
