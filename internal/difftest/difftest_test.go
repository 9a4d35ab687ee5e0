package difftest

import (
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	opsFlag     = flag.Int("ops", 20_000, "how many operations TestDifferential runs at least")
	seedFrom    = flag.Uint64("seed-from", 1, "the first seed of TestDifferential")
	seedFlag    = flag.Uint64("seed", 0, "run one session, of this seed and of -kind")
	kindFlag    = flag.String("kind", "", "run sessions of this kind only")
	sessionFlag = flag.String("session", "", "run the session in this file")
	failDir     = flag.String("failures", "", "where minimal failing sessions are written (default: a directory under the system's temporary one)")
)

// sessionLimit is how long one session may take, with room for a slow machine; a longer one hangs.
const sessionLimit = 2 * time.Minute

func failuresDir(t *testing.T) string {
	dir := *failDir
	if dir == "" {
		dir = filepath.Join(os.TempDir(), "inkwire-difftest")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A tally counts what a run did.
type tally struct {
	sync.Mutex
	sessions, ops, compared int
	steps                   map[string]int
	failed                  map[string]bool // kinds
	next                    int
}

// TestDifferential runs random sessions against Yjs until the operations asked for have run. Of each kind it reports the
// first failure, shrunk.
func TestDifferential(t *testing.T) {
	if *sessionFlag != "" {
		s, err := load(*sessionFlag)
		if err != nil {
			t.Fatal(err)
		}
		replaySession(t, s)
		return
	}
	if *seedFlag != 0 {
		if !slices.Contains(kinds, *kindFlag) {
			t.Fatalf("-seed needs a -kind, one of %s", strings.Join(kinds, " "))
		}
		replaySession(t, generate(*kindFlag, *seedFlag))
		return
	}
	which := kinds
	if *kindFlag != "" {
		which = strings.Split(*kindFlag, ",")
	}
	total := &tally{steps: map[string]int{}, failed: map[string]bool{}}
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), 4) {
		n := startNode(t)
		workers.Go(func() { work(t, n, which, total) })
	}
	workers.Wait()
	t.Logf("%d operations in %d sessions, %d comparisons", total.ops, total.sessions, total.compared)
	t.Logf("steps: %v", total.steps)
	if total.compared == 0 {
		t.Fatal("nothing was compared")
	}
	if *kindFlag == "" && *opsFlag >= 20_000 && !t.Failed() {
		for _, k := range stepKinds {
			if total.steps[k] == 0 {
				t.Errorf("no step %q ran", k)
			}
		}
	}
}

var stepKinds = []string{
	"tins", "temb", "tdel", "tfmt", "tdelta", "aset", "adel", "lins", "lpush", "ldel", "mset", "mdel", "tx", "undo", "redo", "stop",
	"next", "pick", "state", "sync", "merge", "diff", "since", "check", "bytes", "ask", "reload", "snap", "snapdelta", "fromsnap", "mark", "find", "askas", "load", "strain",
}

// work plays sessions until the tally is full.
func work(t *testing.T, n *node, which []string, total *tally) {
	for {
		total.Lock()
		if total.ops >= *opsFlag || len(total.failed) == len(which) {
			total.Unlock()
			return
		}
		kind, seed := which[total.next%len(which)], *seedFrom+uint64(total.next/len(which))
		total.next++
		if total.failed[kind] {
			total.Unlock()
			continue
		}
		s := generate(kind, seed)
		total.ops += s.size()
		total.sessions++
		for i := range s.Ops {
			total.steps[s.Ops[i].K]++
			for j := range s.Ops[i].Ops {
				total.steps[s.Ops[i].Ops[j].K]++
			}
		}
		total.Unlock()
		compared, f := playInTime(t, n, s)
		total.Lock()
		total.compared += compared
		first := f != nil && !total.failed[kind]
		if first {
			total.failed[kind] = true
		}
		total.Unlock()
		if first {
			reportFailure(t, n, f)
		}
		if f == nil && compared == 0 {
			t.Errorf("session %s/%d compared nothing", kind, seed)
		}
	}
}

// playInTime plays a session; one that hangs ends the test with its command.
func playInTime(t *testing.T, n *node, s *session) (int, *failure) {
	hung := time.AfterFunc(sessionLimit, func() {
		panic("a session hangs: " + (&failure{session: s}).replay())
	})
	defer hung.Stop()
	compared, f, err := play(n, s)
	if err != nil {
		t.Errorf("session %s/%d: %v", s.Kind, s.Seed, err)
	}
	return compared, f
}

func reportFailure(t *testing.T, n *node, f *failure) {
	original := f.report(n)
	small := shrink(n, f)
	path, err := small.session.save(failuresDir(t))
	if err != nil {
		t.Error(err)
	}
	t.Errorf("yjs and crdt disagree: %s\nreplay: %s\nminimal session, of %d steps (go test ./internal/difftest -run 'TestDifferential$' -session=%s): %s%s",
		original, f.replay(), len(small.session.Ops), path, small.report(n), listSteps(small))
}

func listSteps(f *failure) string {
	var b strings.Builder
	for _, c := range f.session.Clients {
		b.WriteString("    client " + marshal(c) + "\n")
	}
	for i := range f.session.Ops {
		b.WriteString("    " + clip(marshal(f.session.Ops[i])) + "\n")
	}
	return b.String()
}

// replaySession plays one session and tells what this side refused.
func replaySession(t *testing.T, s *session) {
	n := startNode(t)
	notes = func(note string) { t.Log(note) }
	defer func() { notes = nil }()
	compared, f := playInTime(t, n, s)
	t.Logf("%d operations, %d comparisons", s.size(), compared)
	if f == nil {
		return
	}
	notes = nil
	if *sessionFlag != "" {
		t.Errorf("yjs and crdt disagree: %s%s\nyjs\n\t%s\ninkwire\n\t%s", f.report(n), listSteps(f), strings.Join(f.yjs, "\n\t"), strings.Join(f.inkwire, "\n\t"))
		return
	}
	reportFailure(t, n, f)
}

// TestRegressions plays the sessions that once failed.
func TestRegressions(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 {
		t.Fatal("the sessions in testdata are gone")
	}
	n := startNode(t)
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".json"), func(t *testing.T) {
			s, err := load(path)
			if err != nil {
				t.Fatal(err)
			}
			compared, f := playInTime(t, n, s)
			if f != nil {
				t.Fatalf("yjs and crdt disagree: %s", f.report(n))
			}
			if compared == 0 {
				t.Fatal("nothing was compared")
			}
		})
	}
}

// TestGenerator wants a session to follow from its kind and seed alone.
func TestGenerator(t *testing.T) {
	for _, kind := range kinds {
		if a, b := marshal(generate(kind, 7)), marshal(generate(kind, 7)); a != b {
			t.Errorf("two sessions of kind %s and one seed differ", kind)
		}
		if a, b := marshal(generate(kind, 7)), marshal(generate(kind, 8)); a == b {
			t.Errorf("two seeds give one session of kind %s", kind)
		}
	}
}
