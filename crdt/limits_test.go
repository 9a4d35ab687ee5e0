package crdt

import (
	"math"
	"reflect"
	"testing"
)

func TestLimitsDefaultEachAlone(t *testing.T) {
	all := reflect.ValueOf(Limits{}.withDefaults())
	for i := range all.NumField() {
		name := all.Type().Field(i).Name
		if all.Field(i).Int() <= 0 {
			t.Errorf("%s has no default", name)
		}
		var given Limits
		reflect.ValueOf(&given).Elem().Field(i).SetInt(7)
		got := reflect.ValueOf(given.withDefaults())
		for j := range got.NumField() {
			want := all.Field(j).Int()
			if j == i {
				want = 7
			}
			if got.Field(j).Int() != want {
				t.Errorf("with %s of 7, %s is %d, want %d", name, all.Type().Field(j).Name, got.Field(j).Int(), want)
			}
		}
	}
}

func TestTheLargestLimitsAreNone(t *testing.T) {
	n := math.MaxInt
	d := New(Options{Limits: Limits{Structs: n, Work: n, Items: n, Depth: n, Roots: n, Clients: n, PendingBytes: n}})
	// A text under root t, and an item that waits for another client's.
	for _, update := range []string{"01 01 01 00 04 01 0174 03 616263 00", "01 01 02 05 84 0309 01 61 00"} {
		if err := d.ApplyUpdate(unhex(t, update), nil); err != nil {
			t.Errorf("%s: %v", update, err)
		}
	}
}
