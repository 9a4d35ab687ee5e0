package awareness

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDecodeIsAppendsInverse(t *testing.T) {
	entries := []Entry{
		{Client: 1, Clock: 5, State: []byte(`{"user":{"name":"ü"}}`)},
		{Client: 1<<53 - 1, Clock: 1<<53 - 1},
		{Client: 0, Clock: 0, State: []byte(`"x"`)},
	}
	got, err := Decode(Append(nil, entries...), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(entries, got); d != "" {
		t.Error(d)
	}
}

func TestDecodeRefuses(t *testing.T) {
	one := func(state string) string {
		return string(Append(nil, Entry{Client: 1, Clock: 1, State: []byte(state)}))
	}
	for _, c := range []struct {
		name, in, want string
		cause          error
	}{
		{"nothing", "", "byte 0: expected an unsigned integer", ErrMalformed},
		{"a count that can't be", "\xff\xff\xff\xff\x0f\x01", "byte 0: count 4294967295 exceeds what 1 bytes can hold", ErrMalformed},
		{"too many", strings.Repeat("\x05", 20), "5 entries, 4 are allowed", ErrLimit},
		{"a clock that never ends", "\x01\x01\x80\x80\x80\x80", "byte 2: expected an unsigned integer", ErrMalformed},
		{"a state longer than the bytes", "\x01\x01\x01\x09null", "byte 4: length 9 exceeds the 4 bytes left", ErrMalformed},
		{"a state over the limit", one(strings.Repeat("1", 40)), "byte 3: state of 40 bytes, 32 are allowed", ErrLimit},
		{"no JSON", one(`{"a":}`), "byte 9: expected a JSON value, found '}'", ErrMalformed},
		{"no UTF-8", one("\"\xff\""), "byte 5: expected UTF-8", ErrMalformed},
		{"an empty state", "\x01\x01\x01\x00\x00", "byte 4: expected a JSON value, found the end", ErrMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Decode([]byte(c.in), Limits{Entries: 4, StateBytes: 32})
			if !errors.Is(err, c.cause) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if _, err := Decode([]byte(one(strings.Repeat("[", 600)+strings.Repeat("]", 600))), Limits{}); !errors.Is(err, ErrLimit) {
		t.Errorf("600 arrays in another: %v", err)
	}
}

func TestApplyTakesHigherClocksAndNullAtEqualOnes(t *testing.T) {
	var s States
	now := time.Unix(1000, 0)
	state := func(text string) []byte { return []byte(text) }
	for i, step := range []struct {
		e    Entry
		want Change
	}{
		{Entry{7, 0, state(`{}`)}, Change{}}, // clock 0 isn't above that of a stranger
		{Entry{7, 0, nil}, Change{}},
		{Entry{7, 1, state(`{}`)}, Change{Added: []uint64{7}}},
		{Entry{7, 1, state(`{"a":1}`)}, Change{}},
		{Entry{7, 2, state(` { } `)}, Change{Updated: []uint64{7}}},
		{Entry{7, 3, state(`{"a":1}`)}, Change{Updated: []uint64{7}, Changed: []uint64{7}}},
		{Entry{7, 2, nil}, Change{}},
		{Entry{7, 3, nil}, Change{Removed: []uint64{7}}},
		{Entry{7, 3, nil}, Change{}},
		{Entry{7, 4, nil}, Change{}},
		{Entry{7, 4, state(`1`)}, Change{}},
		{Entry{7, 5, state(`1`)}, Change{Added: []uint64{7}}},
	} {
		if d := cmp.Diff(step.want, s.Apply([]Entry{step.e}, now)); d != "" {
			t.Errorf("step %d: %s", i, d)
		}
	}
	if e, ok := s.Get(7); !ok || e.Clock != 5 || string(e.State) != "1" || s.Len() != 1 {
		t.Errorf("at the end: %v %v, %d clients", e, ok, s.Len())
	}
}

func TestApplyKeepsCopies(t *testing.T) {
	var s States
	update := Append(nil, Entry{Client: 1, Clock: 1, State: []byte(`"kept"`)})
	entries, err := Decode(update, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	s.Apply(entries, time.Time{})
	clear(update)
	if e, _ := s.Get(1); string(e.State) != `"kept"` {
		t.Errorf("state is %q after its update was overwritten", e.State)
	}
}

func TestExpireRemovesThenForgets(t *testing.T) {
	var s States
	start := time.Unix(1000, 0)
	one := []byte("1")
	s.Apply([]Entry{{Client: 9, Clock: 4, State: one}, {Client: 3, Clock: 8, State: one}}, start)
	s.Apply([]Entry{{Client: 5, Clock: 1, State: one}}, start.Add(time.Second))
	if gone := s.Expire(start.Add(Timeout - 1)); gone != nil {
		t.Errorf("gone before the timeout: %v", gone)
	}
	want := []Entry{{Client: 3, Clock: 9}, {Client: 9, Clock: 5}}
	if d := cmp.Diff(want, s.Expire(start.Add(Timeout))); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]Entry{{5, 1, one}}, s.All()); d != "" {
		t.Error(d)
	}
	late := Entry{Client: 9, Clock: 5, State: one}
	if s.Accepts(late) {
		t.Error("a state older than the removal is accepted")
	}
	s.Expire(start.Add(2 * Timeout))
	if !s.Accepts(late) {
		t.Error("a client gone for long isn't forgotten")
	}
	if _, ok := s.Remove(9, start); ok {
		t.Error("removed a client that isn't there")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(Append(nil, Entry{1, 2, []byte(`{"a":[1,2]}`)}, Entry{Client: 3, Clock: 4}))
	f.Add([]byte("\xff\xff\xff\xff\x0f"))
	f.Add([]byte{1, 1, 1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		entries, err := Decode(b, Limits{})
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Offset > len(b) {
				t.Fatalf("error %v", err)
			}
			return
		}
		again, err := Decode(Append(nil, entries...), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(entries, again); d != "" {
			t.Fatal(d)
		}
		var s States
		s.Apply(entries, time.Time{})
		if len(s.All()) != s.Len() {
			t.Fatalf("%d states, Len is %d", len(s.All()), s.Len())
		}
	})
}
