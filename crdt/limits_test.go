package crdt

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"strings"
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
	d := New(Options{Limits: Limits{Structs: n, StructsInAll: n, Work: n, Items: n, Depth: n, Roots: n, Clients: n, PendingBytes: n}})
	// A text under root t, and an item that waits for another client's.
	for _, update := range []string{"01 01 01 00 04 01 0174 03 616263 00", "01 01 02 05 84 0309 01 61 00"} {
		if err := d.ApplyUpdate(unhex(t, update), nil); err != nil {
			t.Errorf("%s: %v", update, err)
		}
	}
}

func TestItemsAreBounded(t *testing.T) {
	d := New(Options{ClientID: 1, Limits: Limits{Items: 40}})
	peer := New(Options{ClientID: 2})
	array, text := must(peer.Array("a")), must(peer.Text("t"))
	// Each edit has what it brings applied, and says whether the document takes it.
	edit := func(err error) error {
		if err != nil {
			t.Fatal(err)
		}
		err = d.ApplyUpdate(peer.EncodeStateAsUpdate(d.StateVector()), nil)
		if err != nil && (!errors.Is(err, ErrItems) || !errors.Is(err, ErrLimit)) {
			t.Fatal(err)
		}
		if err := d.Check(); err != nil {
			t.Fatal(err)
		}
		return err
	}
	types := []any{NewMap(), NewMap(), NewMap(), NewMap(), NewMap(), NewMap(), NewMap(), NewMap()} // 4 each
	for _, err := range []error{edit(array.Push(types...)), edit(text.Insert(0, strings.Repeat("x", 200), nil))} {
		if err != nil {
			t.Error(err)
		}
	}
	eight := New(Options{ClientID: 3})
	if err := must(eight.Array("b")).Push(NewMap(), NewMap(), NewMap()); err != nil {
		t.Fatal(err)
	}
	more := eight.EncodeStateAsUpdate(nil)
	if err := d.ApplyUpdate(more, nil); !errors.Is(err, ErrItems) {
		t.Errorf("three types more: %v", err)
	}
	// Deletes pass, twice as far, and what they delete weighs nothing.
	n := 0
	for at := 1; at < 100; at += 2 {
		if n++; edit(text.Delete(at, 1)) != nil {
			break
		}
	}
	if n < 15 || n > 30 {
		t.Errorf("%d deletes in a text were taken", n)
	}
	if err := edit(errors.Join(text.Delete(0, text.Len()), array.Delete(0, 8))); err != nil {
		t.Error(err)
	}
	if err := d.ApplyUpdate(more, nil); err != nil {
		t.Errorf("after all was deleted: %v", err)
	}
	// A state is loaded whatever it holds.
	small := New(Options{ClientID: 4, Limits: Limits{Items: 2}})
	if err := small.LoadState(d.EncodeStateAsUpdate(nil)); err != nil {
		t.Error(err)
	}
}

func TestStructsAreCountedUnread(t *testing.T) {
	// A hundred structs are announced, and what follows is none.
	update := append([]byte{1, 100, 5, 0}, bytes.Repeat([]byte{31}, 200)...)
	_, err := Validate(update, Limits{StructsInAll: 99})
	if !errors.Is(err, ErrStructs) || !errors.Is(err, ErrLimit) {
		t.Error(err)
	}
	if _, err := Validate(update, Limits{StructsInAll: 100}); !errors.Is(err, ErrMalformed) {
		t.Error(err)
	}
}
