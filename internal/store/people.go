package store

import "time"

// A Person is somebody in a document: one, however many sessions are theirs. The
// rows of activity tell when they came and went; who is there now is kept beside
// them, so that whoever loads the document needn't read them all.
type Person struct {
	Key         string // tells people apart
	Name, Color string
	Edited      time.Time // when an activity last told that they edit; zero for never
}
