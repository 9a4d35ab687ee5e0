package hocuspocus_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/inkwire/inkwire/lib0"
)

// happened reads until the activity message of a key, and returns the types and
// people in it.
func (c *client) happened(key string) string {
	c.Helper()
	head := cat(str(key), []byte{5})
	for {
		m := c.next()
		if !bytes.HasPrefix(m, head) {
			continue
		}
		d := lib0.NewDecoder(m[len(head):])
		payload, err := d.Text()
		var told struct {
			Type    string
			Entries []struct{ Revision, At, Type, Person, Name, Color string }
		}
		if err == nil {
			err = json.Unmarshal(payload, &told)
		}
		if err != nil || told.Type != "activity" || d.Remaining() > 0 {
			c.Fatalf("%q: %v", m, err)
		}
		var all []string
		for _, e := range told.Entries {
			all = append(all, e.Revision+" "+e.Type+" "+e.Person+" "+e.Name+" "+e.Color)
		}
		return strings.Join(all, ", ")
	}
}

// Who asks for what happens is told it under the key that asked.
func TestActivity(t *testing.T) {
	s := serve(t, nil, nil)
	a, b := dial(t, s), dial(t, s)
	on := cat([]byte{5}, str(`{"type":"activity","on":true}`))
	for _, key := range []string{"doc", "doc\x00session", "other"} {
		a.open(key)
	}
	for _, other := range []string{`{"type":"activity"`, `{"type":"else","on":true}`, `[]`, ``, strings.Repeat(" ", 2000) + `{"type":"activity","on":true}`} {
		a.send(str("other"), []byte{5}, str(other))
	}
	for _, key := range []string{"doc", "doc\x00session"} {
		a.send(str(key), on)
	}
	a.send(str("doc\x00session"), cat([]byte{5}, str(`{"type":"activity","on":false}`)))
	a.send(str("doc\x00session"), on)
	a.lives()
	for _, key := range []string{"doc", "other"} {
		b.open(key)
		state := str(`{"user":{"name":"Ada","color":"#0b6bcb","id":"ada"}}`)
		b.send(str(key), lib0.AppendBytes([]byte{1}, cat([]byte{1, 5, 1}, state)))
		b.send(str(key), updating(text(0, "x")))
	}
	keys := map[string]bool{}
	for range 2 {
		m := a.next()
		for !bytes.Contains(m, []byte(`"type":"activity"`)) {
			m = a.next()
		}
		d := lib0.NewDecoder(m)
		key, _ := d.String()
		keys[key] = true
		if !bytes.Contains(m, []byte(`"revision":"1.1"`)) || !bytes.Contains(m, []byte(`"type":"joined","person":"ada","name":"Ada","color":"#0b6bcb"`)) {
			t.Errorf("%q", m)
		}
	}
	if !keys["doc"] || !keys["doc\x00session"] {
		t.Errorf("told under %v", keys)
	}
	// No more of it.
	a.send(str("doc\x00session"), cat([]byte{5}, str(`{"type":"activity","on":false}`)))
	a.send([]byte{9})
	for m := a.next(); !bytes.Equal(m, []byte{10}); m = a.next() {
	}
	c := dial(t, s)
	c.send(str("doc"), []byte{2, 0, 0})
	c.send(str("doc"), lib0.AppendBytes([]byte{1}, cat([]byte{1, 6, 1}, str(`{"user":{"name":"Bob"}}`))))
	if got, want := a.happened("doc"), "1.4 joined Bob Bob "; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	a.send([]byte{9})
	for m := a.next(); !bytes.Equal(m, []byte{10}); m = a.next() {
		if bytes.Contains(m, []byte("activity")) {
			t.Errorf("told %q", m)
		}
	}
}
