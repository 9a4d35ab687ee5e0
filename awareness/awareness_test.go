package awareness

import (
	"errors"
	"slices"
	"strings"
	"testing"

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

// What an update says of one client is read without the others' states, which
// may be anything.
func TestDecodeOf(t *testing.T) {
	update := Append(nil, Entry{1, 2, []byte("rubbish")}, Entry{3, 4, []byte("{}")}, Entry{Client: 1, Clock: 5})
	got, err := DecodeOf(3, update, Limits{})
	if d := cmp.Diff([]Entry{{3, 4, []byte("{}")}}, got); d != "" || err != nil {
		t.Error(d, err)
	}
	if got, err := DecodeOf(2, update, Limits{}); len(got) > 0 || err != nil {
		t.Error(got, err)
	}
	var e *Error
	if _, err := DecodeOf(1, update, Limits{}); !errors.As(err, &e) || !errors.Is(err, ErrMalformed) {
		t.Error("its own state isn't read: ", err)
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
		if len(entries) > 0 {
			client := entries[len(entries)-1].Client
			want := slices.DeleteFunc(slices.Clone(entries), func(e Entry) bool { return e.Client != client })
			got, err := DecodeOf(client, b, Limits{})
			if d := cmp.Diff(want, got); d != "" || err != nil {
				t.Fatal(d, err)
			}
		}
		again, err := Decode(Append(nil, entries...), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(entries, again); d != "" {
			t.Fatal(d)
		}
	})
}
