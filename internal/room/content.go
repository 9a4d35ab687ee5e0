package room

import (
	"fmt"

	"github.com/inkwire/inkwire/crdt"
)

// content is a document's bytes, and the integrated document while somebody
// writes. The zero content is an empty document.
type content struct {
	base      []byte   // encoded state; nil for none
	tail      [][]byte // updates since, none of them pending
	tailBytes int

	state *state // base and tail merged; nil when nobody has asked since the last update

	doc     *crdt.Doc // base, tail and what is pending; nil until somebody writes something new
	event   []byte    // what the last ApplyUpdate changed, nil for nothing
	pending bool      // doc holds updates that can't be integrated yet
}

// state is a document at one moment, as who joins gets it.
type state struct {
	update *Shared
	have   crdt.StateVector
	vector *Shared         // have, encoded
	cuts   map[string]*cut // differences, made or being made, by encoded state vector

	gone *crdt.DeleteSet // what is deleted; nil when nobody has asked
}

// badUpdate is the error of an update that the document refuses.
type badUpdate struct{ error }

// empty is the encoded state of an empty document: no structs, no deletes.
var empty = []byte{0, 0}

// newContent takes what the log holds of a document.
func newContent(checkpoint []byte, tail [][]byte) (content, error) {
	c := content{base: checkpoint, tail: tail}
	for _, u := range tail {
		c.tailBytes += len(u)
	}
	// Merging is what finds out that the bytes are updates, before anyone is
	// answered.
	if err := c.merge(); err != nil {
		return content{}, err
	}
	if c.long() {
		c.base, c.tail, c.tailBytes = c.state.update.Bytes, nil, 0
	}
	return c, nil
}

// merge makes state.
func (c *content) merge() error {
	if c.state != nil {
		return nil
	}
	updates := c.tail
	if c.base != nil {
		updates = append([][]byte{c.base}, c.tail...)
	}
	merged := empty
	var err error
	switch len(updates) {
	case 0:
	case 1:
		merged = updates[0]
	default:
		if merged, err = crdt.MergeUpdates(updates); err != nil {
			return fmt.Errorf("merge the document: %w", err)
		}
	}
	have, err := crdt.StateVectorFromUpdate(merged)
	if err != nil {
		return fmt.Errorf("read the document: %w", err)
	}
	c.state = &state{
		update: &Shared{Bytes: merged},
		have:   have,
		vector: &Shared{Bytes: crdt.EncodeStateVector(have)},
	}
	return nil
}

// vector is the document's encoded state vector.
func (c *content) vector() (*Shared, error) {
	if err := c.merge(); err != nil {
		return nil, err
	}
	return c.state.vector, nil
}

// integrate applies an update, of which a look through it found info, to the
// document. It returns what is to be broadcast and appended: the update as it
// came or what it brought of new, whichever is shorter, or nil if it brought
// nothing. After an error, a *badUpdate if the update is to blame, the content is
// as before, without what was pending.
func (c *content) integrate(update []byte, info crdt.Info) ([]byte, error) {
	if c.doc == nil {
		// Every client answers the room's query, those who only read too, with the
		// whole delete set. That alone must not cost an integration.
		if known, err := c.knows(info); known || err != nil {
			return nil, err
		}
	}
	if err := c.open(); err != nil {
		return nil, err
	}
	waited := c.pending
	c.event = nil
	if err := c.doc.ApplyUpdate(update, nil); err != nil {
		return nil, &badUpdate{err}
	}
	_, c.pending = c.doc.Pending()
	news := c.event
	if news == nil {
		return nil, nil
	}
	if !waited && !c.pending && len(update) <= len(news) {
		news = update
	}
	c.tail = append(c.tail, news)
	c.tailBytes += len(news)
	c.state = nil
	return news, nil
}

// knows tells without integrating it whether an update brings nothing new.
func (c *content) knows(info crdt.Info) (bool, error) {
	if err := c.merge(); err != nil {
		return false, err
	}
	for _, r := range info.Clients {
		if r.To > c.state.have[r.Client] {
			return false, nil
		}
	}
	if info.DeleteSet.Empty() {
		return true, nil
	}
	if c.state.gone == nil {
		all, err := crdt.Validate(c.state.update.Bytes, crdt.Limits{})
		if err != nil {
			return false, fmt.Errorf("read the document's deletes: %w", err)
		}
		c.state.gone = &all.DeleteSet
	}
	if info.DeleteSet.Equal(*c.state.gone) {
		return true, nil
	}
	union := c.state.gone.Clone()
	for r := range info.DeleteSet.All() {
		union.Add(r.Client, r.Clock, r.Len)
	}
	return union.Equal(*c.state.gone), nil
}

// open makes the integrated document.
func (c *content) open() error {
	if c.doc != nil {
		return nil
	}
	if err := c.merge(); err != nil {
		return err
	}
	doc := crdt.New(crdt.Options{NoCleanup: true})
	if err := doc.LoadState(c.state.update.Bytes); err != nil {
		return fmt.Errorf("integrate the document: %w", err)
	}
	doc.OnUpdate(func(update []byte, _ *crdt.Transaction) { c.event = update })
	c.doc = doc
	return nil
}

// dropPending forgets what can't be integrated yet.
func (c *content) dropPending() {
	if c.doc != nil {
		c.doc.DropPending()
	}
	c.pending = false
}

// forgetDoc throws the integrated document away, with what is pending in it.
// The next update makes it anew.
func (c *content) forgetDoc() {
	c.doc, c.pending = nil, false
}

// Bounds on tail: the number of updates, and their bytes unless base is so large
// that they are a small part of it.
const (
	maxTail      = 256
	minTailBytes = 64 << 10
	tailShare    = 8 // an eighth of base
)

// long reports whether tail has grown beyond its bounds.
func (c *content) long() bool {
	return len(c.tail) > maxTail || c.tailBytes > max(minTailBytes, len(c.base)/tailShare)
}

// fold makes a new base of base and a long tail, and reports whether it did. The
// integrated document encodes shorter, without deleted content, but with what is
// pending in it.
func (c *content) fold() (bool, error) {
	if !c.long() {
		return false, nil
	}
	if c.doc != nil && !c.pending {
		c.base = c.doc.EncodeStateAsUpdate(nil)
		c.state = nil
	} else {
		if err := c.merge(); err != nil {
			return false, err
		}
		c.base = c.state.update.Bytes
	}
	c.tail, c.tailBytes = nil, 0
	return true, nil
}
