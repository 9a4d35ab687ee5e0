package authors

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/inkwire/inkwire/crdt"
	"github.com/inkwire/inkwire/internal/store"
)

func info(deletes []crdt.DeleteRange, clients ...crdt.ClientRange) crdt.Info {
	i := crdt.Info{Clients: clients}
	for _, r := range deletes {
		i.DeleteSet.Add(r.Client, r.Clock, r.Len)
	}
	return i
}

// The map says of each unit what a list of all units would say, whatever comes
// in whatever order, and has as few ranges as that allows.
func TestAgainstUnits(t *testing.T) {
	type unit struct {
		client uint64
		clock  uint32
	}
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		m := &Map{}
		written, deleted := map[unit]Author{}, map[unit]Author{}
		for range r.IntN(60) {
			session := int64(r.IntN(4))
			bound := uint64(r.IntN(4))
			from := uint32(r.IntN(80))
			c := crdt.ClientRange{Client: uint64(1 + r.IntN(3)), From: from, To: from + uint32(r.IntN(20))}
			gone := crdt.DeleteRange{Client: uint64(1 + r.IntN(3)), Clock: uint32(r.IntN(80)), Len: uint32(1 + r.IntN(20))}
			m.Add(session, bound, info([]crdt.DeleteRange{gone}, c))
			for clock := c.From; clock < c.To; clock++ {
				if _, ok := written[unit{c.Client, clock}]; !ok {
					written[unit{c.Client, clock}] = Author{session, c.Client != bound}
				}
			}
			for clock := gone.Clock; clock < gone.End(); clock++ {
				if _, ok := deleted[unit{gone.Client, clock}]; !ok {
					deleted[unit{gone.Client, clock}] = Author{Session: session}
				}
			}
		}
		same := func(got []Range, want map[unit]Author) {
			t.Helper()
			n := 0
			for i, g := range got {
				if i > 0 && got[i-1].Client == g.Client && (got[i-1].To > g.From || got[i-1].To == g.From && got[i-1].Author == g.Author) {
					t.Fatalf("seed %d: %v after %v", seed, g, got[i-1])
				}
				for clock := g.From; clock < g.To; clock++ {
					n++
					if a, ok := want[unit{g.Client, clock}]; !ok || a != g.Author {
						t.Fatalf("seed %d: %d %d is of %v, want %v", seed, g.Client, clock, g.Author, a)
					}
				}
			}
			if n != len(want) {
				t.Fatalf("seed %d: %d units, want %d", seed, n, len(want))
			}
		}
		same(slices.Collect(m.Written()), written)
		same(slices.Collect(m.Deleted()), deleted)
		for client := range uint64(5) {
			for clock := range uint32(101) {
				a, ok := m.Author(client, clock)
				if want, known := written[unit{client, clock}]; ok != known || a != want {
					t.Fatalf("seed %d: %d %d is of %v, %v", seed, client, clock, a, ok)
				}
				s, ok := m.Deleter(client, clock)
				if want, known := deleted[unit{client, clock}]; ok != known || s != want.Session {
					t.Fatalf("seed %d: %d %d was deleted by %v, %v", seed, client, clock, s, ok)
				}
			}
		}
		got, err := Decode(m.Encode())
		if err != nil || !got.Equal(m) || !m.Clone().Equal(m) {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

// Two clients write; one then goes offline, and another session delivers what it
// wrote. A checkpoint in the middle changes nothing.
func TestRows(t *testing.T) {
	var rows []store.Row
	row := func(session int64, client uint64, kind store.RowKind, data []byte) {
		rows = append(rows, store.Row{Revision: store.Revision{Epoch: 1, Seq: uint64(len(rows) + 1)},
			Kind: kind, Session: session, Client: client, Time: time.Now(), Data: data})
	}
	ann, bob := crdt.New(crdt.Options{ClientID: 1}), crdt.New(crdt.Options{ClientID: 2})
	var update []byte
	for _, d := range []*crdt.Doc{ann, bob} {
		d.OnUpdate(func(u []byte, _ *crdt.Transaction) { update = u })
	}
	insert := func(d *crdt.Doc, at int, s string) {
		t.Helper()
		text, err := d.Text("t")
		if err != nil {
			t.Fatal(err)
		}
		if err := text.Insert(at, s, nil); err != nil {
			t.Fatal(err)
		}
	}
	insert(ann, 0, "hello") // 1: 0 to 5
	row(10, 1, store.KindUpdate, update)
	row(10, 1, store.KindActivity, []byte(`{"type":"joined"}`))
	if err := bob.ApplyUpdate(update, nil); err != nil {
		t.Fatal(err)
	}
	insert(bob, 5, " all") // 2: 0 to 4
	text, err := bob.Text("t")
	if err != nil {
		t.Fatal(err)
	}
	if err := text.Delete(0, 2); err != nil { // 1: 0 to 2
		t.Fatal(err)
	}
	row(30, 3, store.KindUpdate, bob.EncodeStateAsUpdate(nil))
	row(20, 2, store.KindUpdate, bob.EncodeStateAsUpdate(nil)) // again
	whole, err := Of(&store.Document{Rows: rows})
	if err != nil {
		t.Fatal(err)
	}
	want := []Range{{1, 0, 5, Author{10, false}}, {2, 0, 4, Author{30, true}}}
	if got := slices.Collect(whole.Written()); !slices.Equal(got, want) {
		t.Fatal(got)
	}
	if got := slices.Collect(whole.Deleted()); !slices.Equal(got, []Range{{1, 0, 2, Author{30, false}}}) {
		t.Fatal(got)
	}
	for cut := range rows {
		base, err := Of(&store.Document{Rows: rows[:cut]})
		if err != nil {
			t.Fatal(err)
		}
		got, err := Of(&store.Document{Authors: base.Encode(), Rows: rows[cut:]})
		if err != nil || !got.Equal(whole) {
			t.Fatal(cut, err)
		}
	}
	if _, err := Of(&store.Document{Rows: []store.Row{{Data: []byte("no update")}}}); err == nil {
		t.Fatal("accepted a row that is no update")
	}
	if _, err := Of(&store.Document{Authors: []byte{}}); err == nil {
		t.Fatal("accepted authors that are none")
	}
}

func FuzzDecode(f *testing.F) {
	m := &Map{}
	f.Add(m.Encode())
	m.Add(1<<62+3, 7, info([]crdt.DeleteRange{{Client: 9, Clock: 3, Len: 2}}, crdt.ClientRange{Client: 7, From: 0, To: 10}))
	m.Add(-5, 7, info(nil, crdt.ClientRange{Client: 7, From: 5, To: 40}, crdt.ClientRange{Client: 1 << 52, From: 5, To: 9}))
	f.Add(m.Encode())
	f.Add([]byte{1, 0, 1, 5, 1, 0, 1, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Decode(b)
		if err != nil {
			return
		}
		again := m.Encode()
		n, err := Decode(again)
		if err != nil || !n.Equal(m) {
			t.Fatalf("%x became %x: %v", b, again, err)
		}
	})
}

// What an afternoon brings: one client types, and deletes here and there.
func BenchmarkAdd(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	rows := make([]crdt.Info, 10_000)
	for i := range rows {
		n := uint32(i)
		rows[i] = info(nil, crdt.ClientRange{Client: 1, From: n, To: n + 1})
		if i%5 == 4 {
			rows[i] = info([]crdt.DeleteRange{{Client: 1, Clock: r.Uint32N(n), Len: 1}})
		}
	}
	size := 0
	for b.Loop() {
		m := &Map{}
		for i := range rows {
			m.Add(int64(1+i/1000), 1, rows[i])
		}
		size = len(m.Encode())
	}
	b.ReportMetric(float64(size), "bytes")
}
