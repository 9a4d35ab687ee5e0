package difftest

import (
	"encoding/base64"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/inkwire/inkwire/crdt"
)

// load has yjs make a document of updates, one after the other, and tells what it came to.
func (n *node) load(t *testing.T, updates ...[]byte) []string {
	t.Helper()
	encoded := make([]string, len(updates))
	for i, u := range updates {
		encoded[i] = base64Of(u)
	}
	var a struct{ Lines []string }
	if err := n.call(map[string]any{"load": encoded}, &a); err != nil {
		t.Fatal(err)
	}
	return a.Lines
}

// emitted are the updates of both sides' clients that Node's steps tell of.
func emitted(t *testing.T, steps [][]string) [][]byte {
	t.Helper()
	var updates [][]byte
	for _, lines := range steps {
		for _, line := range lines {
			text, ok := strings.CutPrefix(line, "u1 ")
			if !ok {
				continue
			}
			u, err := base64.StdEncoding.DecodeString(text)
			if err != nil {
				t.Fatal(err)
			}
			updates = append(updates, u)
		}
	}
	return updates
}

// TestCollect collects what the clients of random sessions send, and some of it, and has yjs load that. It must come to
// the same document as with the updates themselves, also for a client that has the content still, and for one that gets
// the rest later.
func TestCollect(t *testing.T) {
	n := startNode(t)
	sessions, shorter := 0, 0
	for _, kind := range kinds {
		for seed := uint64(1); seed <= 5; seed++ {
			s := generate(kind, seed)
			if s.Mode == modeGo {
				continue
			}
			steps, err := n.session(s)
			if err != nil {
				t.Fatal(err)
			}
			updates := emitted(t, steps)
			if len(updates) < 2 {
				continue
			}
			sessions++
			same := func(what string, got, want []string) {
				t.Helper()
				if !slices.Equal(got, want) {
					t.Errorf("%s/%d, %s: yjs makes\n\t%s\nand of what isn't collected\n\t%s", kind, seed, what,
						strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
				}
			}
			all := merged(t, updates)
			whole := n.load(t, all)
			collected := collect(t, updates)
			same("collected", n.load(t, collected), whole)
			same("collected once more", n.load(t, collect(t, [][]byte{collected})), whole)
			same("where the content is", n.load(t, all, collected), whole)
			same("before the content", n.load(t, collected, all), whole)
			if len(collected) < len(all) {
				shorter++
			}
			rng := rand.New(rand.NewPCG(seed, 1))
			early := updates[:1+rng.IntN(len(updates)-1)]
			later := merged(t, updates[len(early):])
			same("the first", n.load(t, collect(t, early)), n.load(t, merged(t, early)))
			same("the first, then the rest", n.load(t, collect(t, early), later), whole)
			same("base and tail", n.load(t, collect(t, append([][]byte{collect(t, early)}, updates[len(early):]...))), whole)
			// Some of them leave structs waiting for others.
			some := slices.DeleteFunc(slices.Clone(updates), func([]byte) bool { return rng.IntN(3) == 0 })
			if len(some) > 0 {
				same("some, then all", n.load(t, collect(t, some), all), whole)
			}
			if t.Failed() {
				return
			}
		}
	}
	if sessions == 0 || shorter == 0 {
		t.Fatalf("%d sessions, %d with something to collect", sessions, shorter)
	}
	t.Logf("%d sessions, %d with something to collect", sessions, shorter)
}

func merged(t *testing.T, updates [][]byte) []byte {
	t.Helper()
	b, err := merge(updates, false)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func collect(t *testing.T, updates [][]byte) []byte {
	t.Helper()
	b, err := crdt.CollectUpdates(updates, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := crdt.Validate(b, crdt.Limits{}); err != nil {
		t.Fatal(err)
	}
	return b
}
