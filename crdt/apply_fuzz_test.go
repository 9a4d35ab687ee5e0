package crdt

import (
	"bytes"
	"testing"
)

// fuzzBase returns a document with something of every kind in it, and updates
// of its peers that it hasn't got.
func fuzzBase() (base []byte, updates [][]byte) {
	a, b := newPeer(1, 7, Options{}), newPeer(2, 7, Options{})
	var t testing.T
	for range 40 {
		a.edit(&t)
		b.edit(&t)
	}
	base = a.EncodeStateAsUpdate(nil)
	b.sent = nil
	b.ApplyUpdate(base, nil)
	for range 30 {
		b.edit(&t)
	}
	return base, b.sent
}

// FuzzApplyUpdate applies any bytes in both formats to a document in use. It
// must not break the document; what is refused must leave nothing behind; what
// is applied must be the same the second time, and from the encoded state.
func FuzzApplyUpdate(f *testing.F) {
	base, updates := fuzzBase()
	for _, u := range updates {
		f.Add(u, false)
		if v2, err := ConvertV1ToV2(u); err == nil {
			f.Add(v2, true)
		}
	}
	f.Add(base, false)
	f.Fuzz(func(t *testing.T, update []byte, v2 bool) {
		observed := len(update)%2 == 0 // without observers, typed text is added in place
		d := New(Options{ClientID: 99, Limits: Limits{Structs: 1000, Work: 5000, Depth: 10, Roots: 20, PendingBytes: 2000}})
		for _, ask := range []func() error{
			func() error { _, err := d.Text("t"); return err },
			func() error { _, err := d.XmlFragment("x"); return err },
		} {
			if err := ask(); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.ApplyUpdate(base, nil); err != nil {
			t.Fatal(err)
		}
		before := reloaded(t, d)
		events := 0
		if observed {
			d.OnTransaction(func(tx *Transaction) {
				events++
				for _, e := range tx.Events() {
					e.Path()
					e.Keys()
					e.Delta()
				}
			})
		}
		apply := d.ApplyUpdate
		if v2 {
			apply = d.ApplyUpdateV2
		}
		if err := apply(update, nil); err != nil {
			if events > 0 {
				t.Error("a refused update was told to observers")
			}
			if !bytes.Equal(reloaded(t, d), before) {
				t.Errorf("a refused update changed the state: %v", err)
			}
		}
		if err := d.Check(); err != nil {
			t.Fatal(err)
		}
		after := d.EncodeStateAsUpdate(nil)
		if apply(update, nil) == nil && d.noClean && !bytes.Equal(after, d.EncodeStateAsUpdate(nil)) {
			t.Error("an update that came twice changed the state")
		}
		reloaded(t, d)
	})
}

// FuzzRelativePosition resolves any position in a document.
func FuzzRelativePosition(f *testing.F) {
	base, _ := fuzzBase()
	d := New(Options{ClientID: 99})
	if err := d.ApplyUpdate(base, nil); err != nil {
		f.Fatal(err)
	}
	text := must(d.Text("t"))
	for i := range text.Len() {
		f.Add(NewRelativePosition(text, i, i%3-1).Encode())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := DecodeRelativePosition(b)
		if err != nil {
			return
		}
		again, err := DecodeRelativePosition(p.Encode())
		if err != nil || again != p {
			t.Errorf("%v encodes to %v, %v", p, again, err)
		}
		if typ, index, ok := d.AbsolutePosition(p); ok && (typ == nil || index < 0) {
			t.Errorf("%v is at %d of %v", p, index, typ)
		}
	})
}
