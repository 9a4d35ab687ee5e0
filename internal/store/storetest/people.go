package storetest

import (
	"slices"
	"time"

	"github.com/inkwire/inkwire/internal/store"
)

func people(t *suite) {
	a, b := t.load("a"), t.load("b")
	ann := store.Person{Key: "u1", Name: "Ann", Color: "#0b6bcb"}
	bob := store.Person{Key: "u2", Name: "Bob"}
	t.must(t.append(
		store.Entry{Doc: a.ID, Name: "a", Rows: Rows(1, 1, 1), Came: []store.Person{bob, ann}},
		store.Entry{Doc: b.ID, Name: "b", Rows: Rows(1, 1, 1), Came: []store.Person{bob}},
	))
	t.areHere("a", ann, bob)
	// Somebody is known as something else, and edits; somebody goes; one who isn't there goes.
	ann.Name, ann.Edited = "Anna", start.Add(time.Second)
	t.must(t.append(store.Entry{Doc: a.ID, Name: "a", Rows: Rows(1, 2, 2), Came: []store.Person{ann}, Went: []string{"u2", "u3"}}))
	t.areHere("a", ann)
	t.areHere("b", bob)
	// A refused entry changes nothing.
	t.is(t.append(store.Entry{Doc: a.ID, Name: "a", Rows: Rows(1, 4, 4), Came: []store.Person{bob}, Went: []string{"u1"}}), store.ErrGap)
	t.reopen()
	t.areHere("a", ann)
	t.areHere("b", bob)
	t.areHere("c")
}

func (s *suite) areHere(name string, want ...store.Person) {
	s.Helper()
	got := s.load(name).Here
	for i := range got {
		if i < len(want) && got[i].Edited.Equal(want[i].Edited) {
			got[i].Edited = want[i].Edited
		}
	}
	if !slices.Equal(got, want) {
		s.Fatalf("%v are here, want %v", got, want)
	}
}
