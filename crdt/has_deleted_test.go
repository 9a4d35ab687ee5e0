package crdt

import "testing"

// A set is deleted if each unit of it is, whatever items and gaps it runs over.
func TestHasDeleted(t *testing.T) {
	d := New(Options{ClientID: 1})
	text, err := d.Text("t")
	if err != nil {
		t.Fatal(err)
	}
	for _, do := range []func() error{
		func() error { return text.Insert(0, "abcdef", nil) },
		func() error { return text.Insert(3, "XYZ", nil) }, // clocks 6 to 8
		func() error { return text.Delete(1, 4) },          // b c X Y: clocks 1, 2, 6, 7
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		client, clock, n uint64
		want             bool
	}{
		{1, 1, 2, true}, {1, 6, 2, true}, {1, 2, 1, true},
		{1, 0, 1, false}, {1, 0, 3, false}, {1, 1, 3, false}, {1, 1, 6, false}, {1, 6, 3, false}, {1, 7, 5, false}, {1, 20, 1, false}, {2, 0, 1, false},
	} {
		var s DeleteSet
		s.Add(1, 1, 1) // which is deleted
		s.Add(tt.client, uint32(tt.clock), uint32(tt.n))
		if got := d.HasDeleted(s); got != tt.want {
			t.Errorf("%+v: %v", tt, got)
		}
	}
	if !d.HasDeleted(DeleteSet{}) {
		t.Error("nothing isn't deleted")
	}
}
