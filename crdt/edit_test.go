package crdt

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/inkwire/inkwire/lib0"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// A peer writes at random into all types of a document.
type peer struct {
	*Doc
	rnd  *rand.Rand
	sent [][]byte
}

func newPeer(id uint64, seed uint64, o Options) *peer {
	o.ClientID = id
	p := &peer{Doc: New(o), rnd: rand.New(rand.NewPCG(seed, id))}
	p.OnUpdate(func(u []byte, tx *Transaction) { p.sent = append(p.sent, u) })
	return p
}

func (p *peer) value() any {
	switch p.rnd.IntN(9) {
	case 0:
		return nil
	case 1:
		return float64(p.rnd.IntN(1000)) / 4
	case 2:
		return "wörd 😀"
	case 3:
		return []byte{1, 2, 3}
	case 4:
		return lib0.NewObject("b", 1.0, "a", []any{true, nil})
	case 5:
		return NewText("nested")
	case 6:
		m := NewMap()
		m.Set("k", NewArray(1.0, "x"))
		return m
	case 7:
		return New(Options{GUID: "sub"})
	default:
		return p.rnd.IntN(2) == 0
	}
}

func (p *peer) attrs() *lib0.Object {
	v := []any{true, nil, "red", lib0.NewObject("href", "#")}[p.rnd.IntN(4)]
	return lib0.NewObject([]string{"bold", "em", "link"}[p.rnd.IntN(3)], v)
}

func (p *peer) edit(t *testing.T) {
	text, array := must(p.Text("t")), must(p.Array("a"))
	m, x := must(p.Map("m")), must(p.XmlFragment("x"))
	at := func(n int) int { return p.rnd.IntN(n + 1) }
	var err error
	switch p.rnd.IntN(12) {
	case 0, 1, 2:
		// No surrogate pairs: an edit that comes to nothing may still split one,
		// here alone, as in yjs.
		err = text.Insert(at(text.Len()), []string{"a", "bc", "é€", "\n"}[p.rnd.IntN(4)], nil)
	case 3:
		i := at(text.Len())
		err = text.Delete(i, at(min(4, text.Len()-i)))
	case 4:
		err = text.Format(at(text.Len()), at(5), p.attrs())
	case 5:
		err = text.InsertEmbed(at(text.Len()), lib0.NewObject("img", "x"), p.attrs())
	case 6, 7:
		err = array.Insert(at(array.Len()), p.value(), p.value())
	case 8:
		if n := array.Len(); n > 0 {
			i := p.rnd.IntN(n)
			err = array.Delete(i, min(2, n-i))
		}
	case 9:
		err = m.Set(fmt.Sprint("k", p.rnd.IntN(4)), p.value())
	case 10:
		err = m.Delete(fmt.Sprint("k", p.rnd.IntN(4)))
	case 11:
		if n := x.Len(); n > 3 {
			err = x.Delete(p.rnd.IntN(n), 1)
			break
		}
		e := NewXmlElement("p")
		e.SetAttr("class", "c")
		e.Insert(0, NewXmlText("hello"))
		err = x.Insert(at(x.Len()), e)
	}
	if err != nil {
		t.Fatalf("edit: %v", err)
	}
}

// TestPeersConverge lets peers write at once and exchange updates late, twice
// and out of order: in the end all encode to the same state.
func TestPeersConverge(t *testing.T) {
	for seed := range uint64(60) {
		o := Options{NoGC: seed%3 == 0, NoCleanup: seed%4 == 0}
		var peers []*peer
		for i := range 3 + seed%3 {
			peers = append(peers, newPeer(10+i*7, seed, o))
		}
		rnd := rand.New(rand.NewPCG(seed, 99))
		next := map[[2]int]int{}
		deliver := func(to, from, n int) {
			k := [2]int{to, from}
			for ; n > 0 && next[k] < len(peers[from].sent); n-- {
				u := peers[from].sent[next[k]]
				if rnd.IntN(5) > 0 {
					next[k]++
				} else if ahead := next[k] + 1; ahead < len(peers[from].sent) {
					u = peers[from].sent[ahead] // out of order: it comes again
				}
				if err := peers[to].ApplyUpdate(u, "remote"); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
			}
		}
		for range 150 {
			i := rnd.IntN(len(peers))
			peers[i].edit(t)
			if from := rnd.IntN(len(peers)); from != i && rnd.IntN(3) == 0 {
				deliver(i, from, 1+rnd.IntN(5))
			}
			if err := peers[i].Check(); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
		for busy := true; busy; { // clean-ups send edits of their own
			busy = false
			for to := range peers {
				for from := range peers {
					if k := [2]int{to, from}; to != from && next[k] < len(peers[from].sent) {
						deliver(to, from, 1<<30)
						busy = true
					}
				}
			}
		}
		want := reloaded(t, peers[0].Doc)
		for _, p := range peers {
			if err := p.Check(); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if _, waits := p.Doc.Pending(); waits {
				t.Fatalf("seed %d: something is still pending", seed)
			}
			if !bytes.Equal(want, reloaded(t, p.Doc)) {
				t.Fatalf("seed %d: peer %d differs", seed, p.ClientID())
			}
		}
	}
}

// reloaded returns the state of a document that got d's: what d's history did to
// the borders of its items is gone from it.
func reloaded(t *testing.T, d *Doc) []byte {
	t.Helper()
	v1, v2 := New(Options{NoCleanup: true}), New(Options{NoCleanup: true})
	if err := v1.ApplyUpdate(d.EncodeStateAsUpdate(nil), nil); err != nil {
		t.Fatal(err)
	}
	if err := v2.ApplyUpdateV2(d.EncodeStateAsUpdateV2(nil), nil); err != nil {
		t.Fatal(err)
	}
	state := v1.EncodeStateAsUpdate(nil)
	if !bytes.Equal(state, v2.EncodeStateAsUpdate(nil)) {
		t.Fatal("the formats V1 and V2 give different documents")
	}
	return state
}

// TestRejectedUpdateChangesNothing runs updates into limits while they are
// integrated.
func TestRejectedUpdateChangesNothing(t *testing.T) {
	for seed := range uint64(40) {
		a, b := newPeer(1, seed, Options{}), newPeer(2, seed, Options{})
		for range 60 {
			a.edit(t)
		}
		if err := b.ApplyUpdate(a.EncodeStateAsUpdate(nil), nil); err != nil {
			t.Fatal(err)
		}
		text, array := must(b.Text("t")), must(b.Array("a"))
		b.edit(t)
		before, state := b.StateVector(), reloaded(t, b.Doc)
		nested, _ := array.Get(0).(Type)
		for range 60 {
			a.edit(t)
		}
		update := a.EncodeStateAsUpdate(before)
		info, err := Validate(update, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		b.limits.Work = 7*int(seed%40) - stepsPerPart*(info.Structs+info.Deletes)
		events, cancel := 0, func() {}
		if seed%2 == 0 { // without observers, typed text is added in place
			cancel = b.OnTransaction(func(*Transaction) { events++ })
		}
		err = b.ApplyUpdate(update, nil)
		cancel()
		if err == nil {
			t.Fatalf("seed %d: the limit didn't hold", seed)
		}
		if err := b.Check(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if events != 0 {
			t.Errorf("seed %d: a rejected update was told to observers", seed)
		}
		if !bytes.Equal(reloaded(t, b.Doc), state) {
			t.Errorf("seed %d: the state changed", seed)
		}
		if now, _ := array.Get(0).(Type); now != nested {
			t.Errorf("seed %d: a type's handle changed", seed)
		}
		b.limits.Work = 1 << 30
		if err := b.ApplyUpdate(update, nil); err != nil {
			t.Fatal(err)
		}
		if err := a.ApplyUpdate(b.EncodeStateAsUpdate(nil), nil); err != nil {
			t.Fatal(err)
		}
		if x, y := must(a.Text("t")).String(), text.String(); x != y {
			t.Errorf("seed %d: after all: %q and %q", seed, x, y)
		}
	}
}
