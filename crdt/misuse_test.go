package crdt

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/inkwire/inkwire/lib0"
)

// TestRefusedEdits makes edits that can't be. Each is an error, and changes
// nothing.
func TestRefusedEdits(t *testing.T) {
	d := New(Options{ClientID: 1, NoGC: true, Limits: Limits{Depth: 20}})
	text, array, m := must(d.Text("t")), must(d.Array("a")), must(d.Map("m"))
	used := NewMap()
	for _, err := range []error{
		text.Insert(0, "hello", nil), array.Push(1, 2, 3, "x"), m.Set("k", 1), array.Push(used), array.Delete(1, 1),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	deep := NewArray()
	for range 30 {
		deep = NewArray(deep)
	}
	within := NewArray()
	if err := within.Push(within); err != nil {
		t.Fatal(err)
	}
	twice := NewText("x")
	bold := lib0.NewObject("bold", true)
	state := string(d.EncodeStateAsUpdate(nil))
	for name, edit := range map[string]func() error{
		"a channel in a list":        func() error { return array.Insert(2, "p", make(chan int)) },
		"a channel in a nested list": func() error { return array.Push(NewArray("x", make(chan int))) },
		"a bigint in a list":         func() error { return array.Push(lib0.BigInt(1)) },
		"undefined in a list":        func() error { return array.Push(lib0.Undefined) },
		"a type in use":              func() error { return array.Push(used) },
		"a type in use, embedded":    func() error { return text.InsertEmbed(2, used, bold) },
		"one type twice":             func() error { return array.Push(twice, "v", twice) },
		"a type within itself":       func() error { return array.Push(within) },
		"a nil type":                 func() error { return m.Set("k", (*Map)(nil)) },
		"a nil document":             func() error { return array.Push((*Doc)(nil)) },
		"types nested too deep":      func() error { return array.Push(deep) },
		"a delete beyond the end":    func() error { return array.Delete(1, math.MaxInt) },
		"a negative index":           func() error { return array.Insert(-1, 1) },
		"a negative text index":      func() error { return text.Insert(-1, "x", nil) },
		"endless formatting":         func() error { return text.Format(0, math.MaxInt, bold) },
		"an endless retain":          func() error { return text.ApplyDelta([]Op{{Retain: math.MaxInt}}) },
		"a key that isn't UTF-8":     func() error { return text.Format(0, 1, lib0.NewObject("\xff", true)) },
		"an attribute without JSON":  func() error { return text.Format(0, 1, lib0.NewObject("k", lib0.BigInt(1))) },
		"an empty embed":             func() error { return text.InsertEmbed(0, "", nil) },
		"an update in a transaction": func() error {
			return d.Transact(nil, func(*Transaction) error { return d.ApplyUpdate([]byte{0, 0}, nil) })
		},
	} {
		if err := edit(); err == nil {
			t.Errorf("%s: no error", name)
		}
		if got := string(d.EncodeStateAsUpdate(nil)); got != state {
			t.Fatalf("%s: the state changed", name)
		}
		if err := d.Check(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	// Markers are right after all that.
	for i, want := range array.Slice() {
		if got := array.Get(i); got != want {
			t.Errorf("Get(%d) is %v, not %v", i, got, want)
		}
	}
}

// TestCollectedType uses a type whose content is gone.
func TestCollectedType(t *testing.T) {
	d := New(Options{ClientID: 1})
	array := must(d.Array("a"))
	m, text := NewMap(), NewText("x")
	for _, err := range []error{m.Set("t", text), array.Push(m, "after"), array.Delete(0, 1), array.Push(NewMap())} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := m.ID(); ok || m.Parent() != nil || m.Len() != 0 || text.String() != "" || text.ToDelta() != nil {
		t.Error("something is left of a collected type")
	}
	if err := m.Set("k", 1); err == nil {
		t.Error("a collected type was written to")
	}
	if p := NewRelativePosition(text, 1, 0); p.HasItem || p.HasType {
		t.Errorf("a position in a collected type: %v", p)
	}
}

// TestPendingIsToBlame lets a struct wait that is over a limit when it comes to
// its turn: the update that it waited for must not be refused for it.
func TestPendingIsToBlame(t *testing.T) {
	d := New(Options{ClientID: 9, Limits: Limits{Depth: 2}})
	victim := New(Options{ClientID: 1})
	if err := must(victim.Text("t")).Insert(0, "a", nil); err != nil {
		t.Fatal(err)
	}
	attacker := New(Options{ClientID: 2})
	if err := attacker.ApplyUpdate(victim.EncodeStateAsUpdate(nil), nil); err != nil {
		t.Fatal(err)
	}
	deep := NewArray(NewArray(NewArray(NewArray())))
	before := attacker.StateVector()
	if err := attacker.Transact(nil, func(*Transaction) error {
		return errors.Join(must(attacker.Text("t")).Insert(1, "b", nil), must(attacker.Array("a")).Push(deep))
	}); err != nil {
		t.Fatal(err)
	}
	if err := d.ApplyUpdate(attacker.EncodeStateAsUpdate(before), nil); err != nil {
		t.Fatal(err) // it waits
	}
	if _, waits := d.Pending(); !waits {
		t.Fatal("nothing waits")
	}
	if err := d.ApplyUpdate(victim.EncodeStateAsUpdate(nil), nil); err != nil {
		t.Errorf("the innocent update: %v", err)
	}
	if got := must(d.Text("t")).String(); got != "a" {
		t.Errorf("the text is %q", got)
	}
	if _, waits := d.Pending(); waits {
		t.Error("what is over the limit still waits")
	}
}

// TestRollbackKeepsWhoHolds takes an update back from a document with
// subdocuments and a client id in use.
func TestRollbackKeepsWhoHolds(t *testing.T) {
	d := New(Options{ClientID: 1, Limits: Limits{Depth: 3}})
	array := must(d.Array("a"))
	sub := New(Options{GUID: "sub"})
	if err := array.Push(sub, "x"); err != nil {
		t.Fatal(err)
	}
	peer := New(Options{ClientID: 2})
	if err := peer.ApplyUpdate(d.EncodeStateAsUpdate(nil), nil); err != nil {
		t.Fatal(err)
	}
	pa := must(peer.Array("a"))
	if err := errors.Join(pa.Delete(0, 1), pa.Push(NewArray(NewArray(NewArray(NewArray()))))); err != nil {
		t.Fatal(err)
	}
	if err := d.ApplyUpdate(peer.EncodeStateAsUpdate(nil), nil); !errors.Is(err, ErrLimit) {
		t.Fatalf("got %v", err)
	}
	if d.ClientID() != 1 {
		t.Errorf("the client id is %d", d.ClientID())
	}
	if len(d.Subdocs()) != 1 || d.Subdocs()[0] != sub || array.Get(0) != any(sub) {
		t.Error("the subdocument is another")
	}
}

// TestCostOfHostileUpdates counts steps in place of time.
func TestCostOfHostileUpdates(t *testing.T) {
	const items, n = 6000, 800
	d := New(Options{ClientID: 9})
	long := New(Options{ClientID: 1})
	text := must(long.Text("t"))
	if err := long.Transact(nil, func(*Transaction) error {
		for i := range items {
			if err := text.InsertEmbed(i, lib0.NewObject("i", float64(i)), nil); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := d.ApplyUpdate(long.EncodeStateAsUpdate(nil), nil); err != nil {
		t.Fatal(err)
	}
	// Many clients that insert at the start, knowing of nothing, each pass all.
	var body []byte
	for i := range n {
		body = lib0.AppendUvarint(append(body, 1), uint64(1000+n-i))
		body = append(body, 0, 4, 1, 1, 't', 1, 'x')
	}
	update := append(append(lib0.AppendUvarint(nil, n), body...), 0)
	err := d.ApplyUpdate(update, nil)
	if !errors.Is(err, ErrLimit) || !strings.Contains(fmt.Sprint(err), "steps") {
		t.Errorf("%d bytes that pass %d items each: %v", len(update), items, err)
	}
	if err := d.Check(); err != nil {
		t.Error(err)
	}
}

// TestPanickingObserver leaves the document usable.
func TestPanickingObserver(t *testing.T) {
	d := New(Options{ClientID: 1})
	text := must(d.Text("t"))
	cancel := d.OnTransaction(func(*Transaction) { panic("observer") })
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		text.Insert(0, "a", nil)
	}()
	cancel()
	updates := 0
	d.OnUpdate(func([]byte, *Transaction) { updates++ })
	if err := text.Insert(1, "b", nil); err != nil || updates != 1 {
		t.Errorf("after the panic: %v, %d updates", err, updates)
	}
	if err := d.ApplyUpdate([]byte{0, 0}, nil); err != nil {
		t.Error(err)
	}
}
