package crdt

import (
	"cmp"
	"errors"
	"math"
	"slices"

	"github.com/inkwire/inkwire/lib0"
)

// ApplyUpdate integrates an update in format V1. A malformed one, or one that
// asks for more than the document's limits allow, is refused whole with an
// *Error, and the document is as it was. So is any within a transaction. What
// depends on updates that haven't come yet waits for them (see Pending).
func (d *Doc) ApplyUpdate(update []byte, origin any) error {
	return d.applyFormat(update, formatV1, origin)
}

// ApplyUpdateV2 is ApplyUpdate for format V2.
func (d *Doc) ApplyUpdateV2(update []byte, origin any) error {
	plain, err := decodeV2(update, &d.limits)
	if err != nil {
		return err
	}
	return d.applyFormat(plain, formatAny, origin)
}

// LoadState is ApplyUpdate without limits, for what the document's own log
// holds: a state that was accepted must be readable whatever it costs.
func (d *Doc) LoadState(state []byte) error {
	limits := d.limits
	d.limits = unlimited
	defer func() { d.limits = limits }()
	return d.applyFormat(state, formatV1, nil)
}

// applyFormat applies an update in formatV1 or formatAny, in two passes: the
// first validates all of it and changes nothing, the second integrates.
func (d *Doc) applyFormat(update []byte, f format, origin any) error {
	if len(d.queue) > 0 {
		return errors.New("crdt: an update can't be applied within a transaction of its document")
	}
	if err := scanUpdate(update, f, &d.limits, &d.apply.scan); err != nil {
		return err
	}
	if n := len(d.apply.scan.sections); n > d.limits.Clients {
		return overLimit("update", 0, "%d clients, more than %d", n, d.limits.Clients)
	}
	info := &d.apply.scan.info
	d.work, d.budget = 0, d.limits.budget(info.Structs+info.Deletes)
	var pending pendingUpdates
	if !d.pending.empty() {
		pending = d.pending
	}
	tx := d.begin(origin, false)
	// Deletes of what hasn't come note nothing.
	if n := min(info.Deletes, int(d.used-d.freed)+info.Structs); n > scratchKept {
		tx.deletes = growLarge(tx.deletes, n)
	}
	if err := d.integrateUpdate(tx, update, f); err != nil {
		d.pending = pending
		d.rollback(tx)
		var retried *retryError
		if !errors.As(err, &retried) {
			return err
		}
		// What waited is to blame, and no update after it shall be.
		d.pending = pendingUpdates{}
		if err := d.applyFormat(update, f, origin); err != nil {
			d.pending = pending
			return err
		}
		return nil
	}
	d.end(tx)
	if len(update) > trimFrom {
		d.apply.trim()
		if tx := d.spare; tx != nil && cap(tx.deletes)+cap(tx.before)+cap(tx.changed)+cap(tx.mergeStructs) > scratchKept {
			d.spare = nil
		}
	}
	return nil
}

// integrateUpdate integrates a validated update and, if it brought what pending
// structs wait for, those (Yjs: readUpdateV2).
func (d *Doc) integrateUpdate(tx *Transaction, update []byte, f format) error {
	rest, err := d.integrateStructs(tx, update, f)
	if err != nil {
		return err
	}
	retry := false
	if rest != nil || d.pending.structs != nil {
		if retry, err = d.addPending(rest); err != nil {
			return err
		}
	}
	if err := d.applyDeletes(tx, d.apply.scan.deleted.ranges); err != nil {
		return err
	}
	if !retry {
		return nil
	}
	waiting := d.pending.structs
	d.pending.structs, d.pending.missing = nil, nil
	d.work += len(waiting) / bytesPerStep
	if err := scanUpdate(waiting, formatAny, &d.limits, &d.apply.scan); err != nil {
		return &retryError{err}
	}
	if err := d.integrateUpdate(tx, waiting, formatAny); err != nil {
		return &retryError{err}
	}
	return nil
}

// bytesPerStep is how many bytes are read in about the time of a step of work.
const bytesPerStep = 16

// A retryError is that of pending structs, not of the update that they were
// retried after.
type retryError struct{ err error }

func (e *retryError) Error() string { return "pending: " + e.err.Error() }
func (e *retryError) Unwrap() error { return e.err }

// budget is how many steps of work an update of so many structs and ranges of
// deletes may cost.
func (l *Limits) budget(parts int) int { return l.Work + min(parts, math.MaxInt32)*stepsPerPart }

// stepsPerPart makes a large update's budget grow with what it brings.
const stepsPerPart = 32

// An applier holds what integrating one update needs.
type applier struct {
	scan     scan
	sections []cursor // by ascending client id
	current  incoming
	stack    []incoming // structs that wait for one of another section
}

// scratchKept is the number of elements from which on scratch space isn't kept
// for the next update: one large update mustn't weigh on a document for good.
const scratchKept = 256

// trimFrom is the size in bytes from which on an update may leave much scratch.
const trimFrom = 1024

// trim lets go of what only a large update needed.
func (a *applier) trim() {
	if cap(a.sections) > scratchKept {
		a.sections = nil
	}
	if cap(a.stack) > scratchKept {
		a.stack = nil
	}
	if cap(a.scan.sections) > scratchKept {
		a.scan.sections = nil
	}
	if cap(a.scan.deleted.ranges) > scratchKept {
		a.scan.deleted.ranges = nil
	}
	a.current, a.scan.current = incoming{}, encoded{} // they point into the update
}

// A cursor reads one client's section of an update.
type cursor struct {
	client  uint64
	dec     lib0.Decoder
	clock   uint32
	left    int  // structs not read yet
	last    mark // where the struct read last begins
	dropped bool // what follows last must wait
}

// A mark is a position in a section.
type mark struct {
	offset int
	clock  uint32
	left   int // structs from here on
}

// An incoming struct has been read and waits for its turn.
type incoming struct {
	e       encoded
	section int
}

// rest is what of an update can't be integrated yet.
type rest struct {
	missing StateVector
	update  []byte // formatAny, without deletes
}

// integrateStructs integrates all structs of an update that have what they
// depend on. It returns what could not be integrated; nil if nothing is left.
func (d *Doc) integrateStructs(tx *Transaction, update []byte, f format) (*rest, error) {
	switch d.apply.scan.info.Structs {
	case 0:
		return nil, nil
	case 1: // a keystroke: the scan has read it already
		m, err := d.place(tx, &d.apply.scan.current)
		if err != nil || m.none() {
			return nil, err
		}
	}
	a := &d.apply
	a.load(update)
	missing, err := d.integrateSections(tx, f == formatAny)
	if err != nil || missing == nil {
		return nil, err
	}
	left, err := a.restUpdate(update, f)
	return &rest{missing, left}, err
}

// integrateSections integrates the highest client first and, whenever a struct
// needs one of another section, that section up to there (Yjs:
// integrateStructs). It returns which clocks are missing for the sections that
// it had to drop; nil if it dropped none.
func (d *Doc) integrateSections(tx *Transaction, asAny bool) (missing StateVector, err error) {
	a := &d.apply
	top := len(a.sections) - 1
	cur := &a.current
	for {
		// The next struct: the one that waited for those just integrated, or
		// the next of the highest section.
		if n := len(a.stack); n > 0 {
			*cur = a.stack[n-1]
			a.stack = a.stack[:n-1]
		} else {
			for top >= 0 && (a.sections[top].dropped || a.sections[top].left == 0) {
				top--
			}
			if top < 0 {
				return missing, nil
			}
			cur.section = top
			if err := a.sections[top].next(&cur.e, asAny); err != nil {
				return nil, err
			}
		}
		for {
			m, err := d.place(tx, &cur.e)
			if err != nil {
				return nil, err
			}
			if m.none() {
				break
			}
			a.stack = append(a.stack, *cur)
			if k := a.section(m.Client); k >= 0 && a.sections[k].left > 0 && m.Client != cur.e.id.Client {
				cur.section = k
				if err := a.sections[k].next(&cur.e, asAny); err != nil {
					return nil, err
				}
				continue
			}
			// Nothing here can bring it: all that wait, and what follows them
			// in their sections, must wait for another update.
			if missing == nil {
				missing = StateVector{}
			}
			missing.lower(ID(m))
			for _, w := range a.stack {
				a.sections[w.section].dropped = true
			}
			a.stack = a.stack[:0]
			break
		}
	}
}

// lower notes that the clock of a client is missing.
func (sv StateVector) lower(id ID) {
	if c, ok := sv[id.Client]; !ok || c > id.Clock {
		sv[id.Client] = id.Clock
	}
}

// load sets a cursor on each section of the scanned update. Of several sections
// of one client the last counts, as in yjs.
func (a *applier) load(update []byte) {
	a.sections, a.stack = a.sections[:0], a.stack[:0]
	for i := range slices.Backward(a.scan.sections) {
		s := &a.scan.sections[i]
		c := cursor{client: s.client, dec: lib0.NewDecoder(update), clock: s.clock, left: s.count}
		c.dec.Seek(s.offset)
		a.sections = append(a.sections, c)
	}
	byClient := func(x, y cursor) int { return cmp.Compare(x.client, y.client) }
	if !slices.IsSortedFunc(a.sections, byClient) { // updates are written by descending client
		slices.SortStableFunc(a.sections, byClient)
	}
	a.sections = slices.CompactFunc(a.sections, func(x, y cursor) bool { return x.client == y.client })
}

// section returns the index of a client's section, or -1.
func (a *applier) section(client uint64) int {
	k, ok := slices.BinarySearchFunc(a.sections, client, func(c cursor, id uint64) int {
		return cmp.Compare(c.client, id)
	})
	if !ok || a.sections[k].dropped {
		return -1
	}
	return k
}

func (c *cursor) next(e *encoded, asAny bool) error {
	c.last = mark{c.dec.Offset(), c.clock, c.left}
	e.id = ID{c.client, c.clock}
	if err := readStruct(&c.dec, asAny, e); err != nil {
		return err
	}
	c.clock += e.length
	c.left--
	return nil
}

// restUpdate builds an update in formatAny of what the dropped sections hold
// from their last structs on.
func (a *applier) restUpdate(update []byte, f format) ([]byte, error) {
	n := 0
	var body []byte
	for k := len(a.sections) - 1; k >= 0; k-- {
		c := &a.sections[k]
		if !c.dropped {
			continue
		}
		n++
		body = lib0.AppendUvarint(body, uint64(c.last.left))
		body = lib0.AppendUvarint(body, c.client)
		body = lib0.AppendUvarint(body, uint64(c.last.clock))
		first, e := c.last.offset, encoded{}
		for c.left > 0 { // find the section's end
			if err := c.next(&e, f == formatAny); err != nil {
				return nil, err
			}
		}
		body = append(body, update[first:c.dec.Offset()]...)
	}
	out := append(lib0.AppendUvarint(nil, uint64(n)), body...)
	return transcode(append(out, 0), f, formatAny, false)
}
