package room

import (
	"fmt"
	"slices"
	"time"

	"github.com/inkwire/inkwire/crdt"
	"github.com/inkwire/inkwire/internal/store"
	"github.com/inkwire/inkwire/richtext"
)

// factsEvery is how often what a list shows of a document is derived from it: a
// bounded look at its beginning.
const factsEvery = 2 * time.Second

// facts are the title and the preview. They go to the log with the rows that they
// are read from, or soon after; those of a document that nobody has opened since
// it changed are found out beside the room's goroutine.
type facts struct {
	stored  store.Facts  // the log has them, but perhaps of an older revision
	sending *store.Facts // are on their way there
	state   factsState
	read    time.Time // when they were last derived
	waiting bool      // it will be looked at again
	found   *found    // of a document that isn't open
	finding bool
}

// found is what was read of a document's bytes.
type found struct {
	title, preview string
	changes        uint64 // of the content then
}

type factsState uint8

const (
	factsStored  factsState = iota // the log has them, or does without
	factsSame                      // as above, but of an older revision
	factsChanged                   // they may be others
)

// loadFacts takes what the log has.
func (r *room) loadFacts(d *store.Document) {
	r.facts.stored = d.Facts
	if d.Facts.At.Before(d.Edited.Revision) {
		r.facts.read = time.Now()
		r.factsChanged()
	}
}

// factsChanged has the facts derived soon.
func (r *room) factsChanged() {
	f := &r.facts
	if f.state = factsChanged; f.waiting || r.damage != nil {
		return
	}
	f.waiting = true
	r.after(max(factsEvery-time.Since(f.read), 0), func() {
		f.waiting = false
		if f.state == factsChanged && r.content.doc == nil {
			r.findFacts()
		}
		// Otherwise the next append takes them along, which is due now.
	})
}

// dueFacts returns the facts if they are to be appended now, or nil.
func (r *room) dueFacts() *store.Facts {
	f := &r.facts
	if f.state != factsChanged || r.ended {
		return nil
	}
	if time.Since(f.read) < factsEvery {
		r.factsChanged() // the last attempt may have failed
		return nil
	}
	is, ok := r.readFacts()
	if !ok {
		return nil
	}
	if len(r.log.unsaved) == 0 && r.content.doc != nil && is.Title == f.stored.Title && is.Preview == f.stored.Preview {
		f.state = factsSame // and that can be told at the end
		return nil
	}
	return r.sendFacts(is)
}

// flushFacts begins to append the facts that are due before the room ends, and
// reports whether it did.
func (r *room) flushFacts() bool {
	if r.facts.state == factsStored || r.damage != nil {
		return false
	}
	is, ok := r.readFacts()
	if !ok {
		return false
	}
	r.append(store.Entry{Doc: r.log.doc, Name: r.name, Facts: r.sendFacts(is)})
	return true
}

func (r *room) sendFacts(f store.Facts) *store.Facts {
	r.facts.state, r.facts.sending = factsStored, &f
	return &f
}

// sentFacts takes note of whether what was sent is stored.
func (r *room) sentFacts(stored bool) {
	f := &r.facts
	switch {
	case f.sending == nil:
	case stored:
		f.stored = *f.sending
	default:
		r.factsChanged()
	}
	f.sending = nil
}

// readFacts derives the facts, if the document is open or they were found.
func (r *room) readFacts() (store.Facts, bool) {
	f := &r.facts
	is := store.Facts{At: r.log.last}
	switch {
	case r.content.doc != nil:
		is.Title, is.Preview = richtext.Title(r.content.doc), richtext.Preview(r.content.doc)
	case f.found != nil && f.found.changes == r.content.changes:
		is.Title, is.Preview = f.found.title, f.found.preview
	default:
		return is, false
	}
	f.read, f.found = time.Now(), nil
	return is, true
}

// findFacts derives the facts from bytes, in its turn.
func (r *room) findFacts() {
	f := &r.facts
	if f.finding {
		return
	}
	f.finding = true
	parts, changes := r.content.parts(), r.content.changes
	r.background.Go(func() {
		is := &found{changes: changes}
		var err error
		r.rooms.inTurn(func() { err = is.read(parts) })
		r.post(func() {
			f.finding = false
			if err != nil {
				r.rooms.cfg.Report(fmt.Errorf("document %q: find its title: %w", r.name, err))
				f.state = factsStored
			} else {
				f.found = is
			}
		})
	})
}

// read reads a document's bytes. Those without the page's text needn't be
// integrated for that.
func (f *found) read(parts [][]byte) error {
	merged, err := merge(parts)
	if err != nil {
		return err
	}
	info, err := crdt.Validate(merged, crdt.Limits{})
	if err != nil || !slices.Contains(info.Roots, richtext.Root) {
		return err
	}
	doc, err := load(parts)
	if err != nil {
		return err
	}
	f.title, f.preview = richtext.Title(doc), richtext.Preview(doc)
	return nil
}
