package sqlite

import (
	"time"

	"github.com/inkwire/inkwire/internal/store"
)

// attend takes note of who came and went.
func (w *writer) attend(e *store.Entry) error {
	for i := range e.Came {
		p := &e.Came[i]
		edited := int64(0)
		if !p.Edited.IsZero() {
			edited = p.Edited.UnixMilli()
		}
		if err := w.run(`INSERT INTO people (doc, person, name, color, edited) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET name = excluded.name, color = excluded.color, edited = excluded.edited`,
			int64(e.Doc), p.Key, p.Name, p.Color, edited); err != nil {
			return err
		}
	}
	for _, key := range e.Went {
		if err := w.run(`DELETE FROM people WHERE doc = ? AND person = ?`, int64(e.Doc), key); err != nil {
			return err
		}
	}
	return nil
}

// here reads who is in a document.
func (c *conn) here(doc store.DocID) ([]store.Person, error) {
	s, err := c.stmt(`SELECT person, name, color, edited FROM people WHERE doc = ? ORDER BY person`, int64(doc))
	if err != nil {
		return nil, err
	}
	var people []store.Person
	for s.Step() {
		p := store.Person{Key: s.ColumnText(0), Name: s.ColumnText(1), Color: s.ColumnText(2)}
		if edited := s.ColumnInt64(3); edited != 0 {
			p.Edited = time.UnixMilli(edited)
		}
		people = append(people, p)
	}
	return people, s.Reset()
}
