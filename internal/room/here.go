package room

import (
	"context"
	"errors"

	"github.com/inkwire/inkwire/internal/access"
)

// A Person is somebody who is in a document, in however many sessions.
type Person struct {
	Key   string `json:"key"`
	Name  string `json:"name"`
	Color string `json:"color"`
}

// Here is who is in documents now.
func (rs *Rooms) Here([]string) map[string][]Person { return nil }

// Rename gives a document another title, as an edit.
func (rs *Rooms) Rename(context.Context, string, string, access.Identity) error {
	return errors.ErrUnsupported
}
