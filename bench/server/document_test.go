//go:build linux

package main

import (
	"maps"
	"testing"

	"github.com/inkwire/inkwire/crdt"
)

// A document of several chapters is the chapter's text several times over, and nothing of it waits for more.
func TestDocumentRepeatsItsChapter(t *testing.T) {
	const edits = 5000
	state, err := typeOut(generatedTrace(edits))
	if err != nil {
		t.Fatal(err)
	}
	c, err := takeApart(state)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.update(chapterID, true); string(got) != string(state) {
		t.Fatal("the first chapter isn't the state that it was taken from")
	}
	made := (&maker{chapter: c}).document(3*len(state) - 100)
	if len(made.updates) != 3 {
		t.Fatalf("%d chapters, want 3", len(made.updates))
	}
	once, _ := integrated(t, state)
	all, vector := integrated(t, made.updates...)
	if len(once) < edits/3 || all != once+once+once {
		t.Errorf("%d characters once, %d in three chapters", len(once), len(all))
	}
	if !maps.Equal(vector, made.vector) {
		t.Errorf("state vector %v, want %v", vector, made.vector)
	}
}

func integrated(t *testing.T, updates ...[]byte) (string, crdt.StateVector) {
	t.Helper()
	doc := crdt.New(crdt.Options{})
	text, err := doc.Text(textName)
	if err != nil {
		t.Fatal(err)
	}
	for i, u := range updates {
		if err := doc.ApplyUpdate(u, nil); err != nil {
			t.Fatalf("update %d: %v", i, err)
		}
	}
	return text.String(), doc.StateVector()
}
