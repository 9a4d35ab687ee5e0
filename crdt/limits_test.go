package crdt

import (
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
