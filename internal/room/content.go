package room

import (
	"fmt"
	"slices"
	"sync"

	"github.com/inkwire/inkwire/crdt"
)

// content is a document's bytes, and the integrated document while somebody
// writes. The zero content is an empty document.
type content struct {
	base      []byte   // encoded state; nil for none
	tail      [][]byte // updates since, in order, none of them pending
	tailBytes int
	folding   int // of tail, how many a new base is being made of

	state   *state // base and tail merged; nil when out of date
	changes uint64 // updates taken so far

	doc     *crdt.Doc // base, tail and what is pending; nil until somebody writes something new
	event   []byte    // what the last ApplyUpdate changed, nil for nothing
	pending bool      // doc holds updates that can't be integrated yet

	maxItems int // of doc; 0 for the default

	preparing *preparation // a document that takes the place of doc soon; or nil
}

// state is a document at one moment, as who joins gets it.
type state struct {
	update *Shared
	have   crdt.StateVector
	vector *Shared         // have, encoded
	cuts   map[string]*cut // differences, made or being made, by encoded state vector

	cutBytes int // of those made, at most as many as of update

	gone func() (crdt.DeleteSet, error) // what is deleted; found out by who asks first
}

// badUpdate is the error of an update that the document refuses.
type badUpdate struct{ error }

func (b *badUpdate) Unwrap() error { return b.error }

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
	var err error
	if c.state, err = newState(c.parts()); err != nil {
		return content{}, err
	}
	if len(tail) > maxTail {
		c.base, c.tail, c.tailBytes = c.state.update.Bytes, nil, 0
	}
	return c, nil
}

// parts are the updates that the document is made of, for others to read.
func (c *content) parts() [][]byte {
	if c.base == nil {
		return slices.Clone(c.tail)
	}
	return append([][]byte{c.base}, c.tail...)
}

// size is the document's size in bytes, as far as it is bounded.
func (c *content) size() int { return len(c.base) + c.tailBytes }

// merge makes one update of some.
func merge(updates [][]byte) ([]byte, error) {
	switch len(updates) {
	case 0:
		return empty, nil
	case 1:
		return updates[0], nil
	}
	merged, err := crdt.MergeUpdates(updates)
	if err != nil {
		return nil, fmt.Errorf("merge the document: %w", err)
	}
	return merged, nil
}

// newState makes the state of a document's parts.
func newState(parts [][]byte) (*state, error) {
	merged, err := merge(parts)
	if err != nil {
		return nil, err
	}
	have, err := crdt.StateVectorFromUpdate(merged)
	if err != nil {
		return nil, fmt.Errorf("read the document: %w", err)
	}
	return &state{
		update: &Shared{Bytes: merged},
		have:   have,
		vector: &Shared{Bytes: crdt.EncodeStateVector(have)},
		gone: sync.OnceValues(func() (crdt.DeleteSet, error) {
			all, err := crdt.Validate(merged, crdt.Limits{})
			if err != nil {
				err = fmt.Errorf("read the document's deletes: %w", err)
			}
			return all.DeleteSet, err
		}),
	}, nil
}

// vector is the document's state vector.
func (c *content) vector() crdt.StateVector {
	if c.state != nil {
		return c.state.have
	}
	return c.doc.StateVector() // it was integrated, or state would be there
}

// integrate applies an update to the document. It returns what is to be
// broadcast and appended: the update as it came or what it brought of new,
// whichever is shorter, or nil if it brought nothing. After an error, a
// *badUpdate if the update is to blame, the content is as before, without what
// was pending.
func (c *content) integrate(u *Update) ([]byte, error) {
	if u.prepared != nil {
		return c.adopt(u)
	}
	if err := c.open(); err != nil {
		return nil, err
	}
	waited := c.pending
	c.event = nil
	if err := c.doc.ApplyUpdate(u.Bytes, nil); err != nil {
		_, c.pending = c.doc.Pending()
		return nil, &badUpdate{err}
	}
	return c.took(u, c.event, waited), nil
}

// took takes note of what an update changed in the document, and returns what
// integrate does.
func (c *content) took(u *Update, news []byte, waited bool) []byte {
	_, c.pending = c.doc.Pending()
	if news == nil {
		return nil
	}
	if !waited && !c.pending && len(u.Bytes) <= len(news) {
		news = u.Bytes
	}
	c.keep(news)
	return news
}

// keep adds an update that is integrated to the bytes.
func (c *content) keep(news []byte) {
	c.tail = append(c.tail, news)
	c.tailBytes += len(news)
	c.state = nil
	c.changes++
	if c.preparing != nil {
		c.preparing.since = append(c.preparing.since, news)
	}
}

// edit changes the document, and returns what is to be broadcast and appended, or
// nil if nothing has changed.
func (c *content) edit(change func(*crdt.Doc) error) ([]byte, error) {
	if err := c.open(); err != nil {
		return nil, err
	}
	c.event = nil
	err := change(c.doc)
	if c.event != nil {
		c.keep(c.event)
	}
	return c.event, err
}

// knows tells without integrating it whether an update brings nothing new.
func (st *state) knows(info crdt.Info) (bool, error) {
	for _, r := range info.Clients {
		if r.To > st.have[r.Client] {
			return false, nil
		}
	}
	if info.DeleteSet.Empty() {
		return true, nil
	}
	gone, err := st.gone()
	return err == nil && info.DeleteSet.Within(gone), err
}

// has tells whether the integrated document, if there is one, has all of an
// update.
func (c *content) has(info crdt.Info) bool {
	return c.doc != nil && covers(c.vector(), info) && c.doc.HasDeleted(info.DeleteSet)
}

// covers tells whether a document with this state vector has integrated all of
// an update, its deletes too.
func covers(have crdt.StateVector, info crdt.Info) bool {
	for _, r := range info.Clients {
		if r.To > have[r.Client] {
			return false
		}
	}
	for r := range info.DeleteSet.All() {
		if r.Clock+r.Len > have[r.Client] {
			return false
		}
	}
	return true
}

// open makes the integrated document.
func (c *content) open() error {
	if c.doc != nil {
		return nil
	}
	doc, err := load(c.parts())
	if err != nil {
		return err
	}
	c.use(doc)
	return nil
}

// use makes a document the integrated one.
func (c *content) use(doc *crdt.Doc) {
	c.limit(doc)
	doc.OnUpdate(func(update []byte, _ *crdt.Transaction) { c.event = update })
	c.doc = doc
}

// load integrates a document's parts.
func load(parts [][]byte) (*crdt.Doc, error) {
	merged, err := merge(parts)
	if err != nil {
		return nil, err
	}
	doc := crdt.New(crdt.Options{NoCleanup: true})
	if err := doc.LoadState(merged); err != nil {
		return nil, fmt.Errorf("integrate the document: %w", err)
	}
	return doc, nil
}

// dropPending forgets what can't be integrated yet.
func (c *content) dropPending() {
	if c.doc != nil {
		c.doc.DropPending()
	}
	c.pending = false
}

// Bounds on tail: the number of updates, and their bytes unless base is so large
// that they are a small part of it.
const (
	maxTail      = 256
	minTailBytes = 64 << 10
	tailShare    = 8 // an eighth of base
)

// shorten keeps tail within maxTail by merging its last half, and what stands
// before it as long as that isn't much larger: so each byte is copied a few
// times in all.
func (c *content) shorten() error {
	if len(c.tail)-c.folding <= maxTail {
		return nil
	}
	from, size := len(c.tail)-maxTail/2, 0
	for _, u := range c.tail[from:] {
		size += len(u)
	}
	for from > c.folding && len(c.tail[from-1]) <= 2*size {
		from--
		size += len(c.tail[from])
	}
	merged, err := merge(c.tail[from:])
	if err != nil {
		return err
	}
	c.tailBytes += len(merged) - size
	c.tail = append(c.tail[:from:from], merged)
	return nil
}

// long reports whether tail is more than a small part of the document.
func (c *content) long() bool { return c.tailBytes > max(minTailBytes, len(c.base)/tailShare) }

// newBase makes a new base of a document's parts. Unlike merging them, it leaves
// deleted content out. It calls pause every now and then.
func newBase(parts [][]byte, pause func()) ([]byte, error) {
	base, err := crdt.CollectUpdates(parts, pause)
	if err != nil {
		return nil, fmt.Errorf("collect the document: %w", err)
	}
	return base, nil
}

// rebase takes a new base, made of the old one and the first folding of tail.
func (c *content) rebase(base []byte) {
	c.base = base
	c.tail = slices.Clone(c.tail[c.folding:])
	c.folding, c.tailBytes = 0, 0
	for _, u := range c.tail {
		c.tailBytes += len(u)
	}
}
