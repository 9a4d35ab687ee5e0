// Package crdt is the Yjs document in Go: a value that many people edit at once,
// on- and offline, and that is the same for all who have seen the same edits. It
// reads and writes what yjs 13.6.33 does, byte for byte, and is a peer of it:
// it makes edits of its own, and tells what a remote edit changed.
//
// # The model
//
// All content is in items. An item is a run of consecutive clocks of one client:
// clock n of client c names the n-th thing that c ever wrote, a UTF-16 unit of
// text, a value, a formatting mark, a nested type. An ID is a client and a clock.
//
// Items stand in lists: a list for the text or values of each type, one for each
// key of a map, whose last item is the key's value. An item remembers the IDs of
// the two neighbours between which it was inserted, its origin and right origin.
// They never change, and with the client ids they decide its place (integrate.go,
// resolve: the line where a conflict is decided).
//
// Nothing is taken out of a list. A deleted item stays, marked; what is deleted
// travels as a delete set, ranges of clocks of each client. The content of
// deleted items is collected at the end of a transaction (delete.go).
//
// An update is a set of structs (items, and placeholders for collected ones) and
// a delete set. Updates commute and may come twice, in any order: what depends
// on something missing waits (pending.go). A state vector gives for each client
// the next clock expected, and so says what a peer lacks.
//
// # The way of an update
//
// ApplyUpdate first validates all of the bytes in one pass (scan.go), then
// integrates struct by struct (apply.go, place.go, integrate.go), applies the
// deletes (pending.go), and ends the transaction (transaction.go): observers,
// clean-up of formatting (formatting.go), collection (delete.go), joining of
// neighbours (join.go), events for those who listen.
//
// Much needs no document at all: MergeUpdates, CollectUpdates, DiffUpdate,
// StateVectorFromUpdate, Validate and the conversions between the formats V1 and
// V2 work on bytes, in one pass (merge.go, collect.go, diff.go, scan.go,
// convert.go).
//
// # How it is fast
//
// Items are flat records without pointers in pages (item.go), text is addressed
// by its clock (chars.go), an index for each client finds an item by binary
// search in short blocks (store.go). See docs/adr/0001-flat-items.md.
//
// # Differences from yjs
//
//   - Malformed or excessive updates are refused whole, with an *Error; yjs
//     applies what comes before the fault. Refused are also some that yjs takes:
//     those over Limits, strings of no length, what yjs reads but can't write (an
//     undefined or a bigint as an embed), and a struct that continues an item of
//     another list, as two writers with one client id make.
//   - What waits for something missing is never lost. Yjs loses some of it when
//     structs wait for each other in a circle.
//   - A root type that only pending structs name isn't there yet; in yjs it is.
//   - A RelativePosition in a root that nobody has asked for by its kind has no
//     AbsolutePosition.
//   - Half a surrogate pair in JSON becomes U+FFFD, and an own key "__proto__" of
//     a formatting's value is dropped, as lib0 does elsewhere.
//   - Where yjs writes bytes that it can't read back, these can be read: unsorted
//     delete ranges converted to V2, text that V2's lengths cut within a pair.
//   - There is no undo manager. What other peers' undo sends is integrated like
//     any edit.
//
// A Doc isn't safe for concurrent use, and what callbacks are given is valid only
// within them. Values are shared with the caller, not copied, when they are
// inserted and when they are read: don't change them afterwards.
package crdt

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"slices"
)

// Options say what kind of document New makes.
type Options struct {
	// ClientID is the id that local edits get, below 2^53: higher bits are
	// ignored. Zero: random, 32 bits. No two peers may use one id at once.
	ClientID uint64
	// GUID names the document among subdocuments. Empty: a random UUID.
	GUID string
	// NoGC keeps the content of what is deleted (yjs: gc = false).
	NoGC bool
	// NoCleanup leaves redundant formatting alone that concurrent edits bring
	// about. Yjs removes it after remote updates, in texts that were asked for.
	NoCleanup bool
	// Limits bound what an update may ask for. Zero values: the defaults.
	Limits Limits
	// AutoLoad, Meta: what a subdocument's maker stores in its parent.
	AutoLoad bool
	Meta     any
}

// maxClientID is the highest client id: what JavaScript counts exactly.
const maxClientID = 1<<53 - 1

// A Doc is a Yjs document. It isn't safe for concurrent use.
type Doc struct {
	arena
	clientID uint64
	guid     string
	noGC     bool
	noClean  bool
	limits   Limits
	autoLoad bool
	meta     any

	clients       []*client // in the order in which they were met
	clientIndexes map[uint64]int32
	clientCache   [4]struct {
		id    uint64
		index int32
		ok    bool
	}

	chains       []chain
	freeChains   []int32
	contents     []any
	freeContents []int32
	strings      map[string]string // formatting keys and node names

	roots     map[string]*ytype
	rootNames []string // by first mention

	pending pendingUpdates

	// The transaction under way, those whose clean-up is due, the number of the
	// newest, and one to use again.
	tx    *Transaction
	queue []*Transaction
	gen   uint32
	spare *Transaction

	// Scratch space of one call.
	passed passing
	apply  applier
	work   int // steps that the update under way has cost
	budget int // steps that it may cost
	weight int // of the types and subdocuments that items held, in items

	cuts []cut // surrogate pairs that the transaction split

	// What a rollback loads again, for those who hold it.
	reuseTypes map[ID]*ytype
	reuseDocs  map[ID]*subdoc

	hookSet

	markerClock int // Yjs's globalSearchMarkerTimestamp
	subdocs     []*Doc
	parentDoc   *Doc
	shouldLoad  bool
}

// New makes an empty document.
func New(o Options) *Doc {
	d := &Doc{
		clientID: o.ClientID & maxClientID, guid: cleanString(o.GUID), noGC: o.NoGC, noClean: o.NoCleanup,
		limits: o.Limits.withDefaults(), autoLoad: o.AutoLoad, meta: o.Meta, shouldLoad: true,
		clientIndexes: map[uint64]int32{},
		chains:        make([]chain, 1, 4),
		roots:         map[string]*ytype{},
	}
	if d.clientID == 0 {
		d.clientID = randomClientID()
	}
	if d.guid == "" {
		d.guid = randomGUID()
	}
	return d
}

// ClientID is the id of local edits. It changes when an update shows that
// another peer uses it too.
func (d *Doc) ClientID() uint64 { return d.clientID }

// GUID is the document's name among subdocuments.
func (d *Doc) GUID() string { return d.guid }

// Roots returns the names of the root types, in the order in which they were
// first mentioned, by updates or by callers.
func (d *Doc) Roots() []string { return slices.Clone(d.rootNames) }

// StateVector is the next clock expected of each client.
func (d *Doc) StateVector() StateVector {
	sv := make(StateVector, len(d.clients))
	for _, c := range d.clients {
		sv.set(c.id, c.state)
	}
	return sv
}

// EncodeStateVector is the encoding of StateVector.
func (d *Doc) EncodeStateVector() []byte { return EncodeStateVector(d.StateVector()) }

// OnTransaction has fn called after each transaction that isn't part of
// another, with deleted content still there: Transaction.Events tells what
// changed. It is where yjs calls the observers of types.
func (d *Doc) OnTransaction(fn func(*Transaction)) (cancel func()) {
	return d.onTransaction.add(fn)
}

// OnUpdate has fn called with an update in format V1 for each transaction that
// changed something. The bytes are fn's to keep.
func (d *Doc) OnUpdate(fn func(update []byte, tx *Transaction)) (cancel func()) {
	return d.onUpdate.add(func(e updateEvent) { fn(e.update, e.tx) })
}

// OnUpdateV2 is OnUpdate in format V2.
func (d *Doc) OnUpdateV2(fn func(update []byte, tx *Transaction)) (cancel func()) {
	return d.onUpdateV2.add(func(e updateEvent) { fn(e.update, e.tx) })
}

type updateEvent struct {
	update []byte
	tx     *Transaction
}

// root returns the root type of the given name, valid UTF-8, making it. With KindUnknown it
// asks for no kind; asking for another kind than before is an error.
func (d *Doc) root(name string, kind Kind) (*ytype, error) {
	t, ok := d.roots[name]
	if !ok {
		t = d.newType(kind, name)
		d.roots[name] = t
		d.rootNames = append(d.rootNames, name)
		return t, nil
	}
	switch {
	case kind == KindUnknown || kind == t.kind:
	case t.kind == KindUnknown:
		t.kind = kind
		t.formatted = false
		t.noMarkers = !hasMarkers(kind)
	default:
		return nil, fmt.Errorf("crdt: root %q is %v, not %v", name, t.kind, kind)
	}
	return t, nil
}

// intern returns one string for all equal ones: formatting keys and node names
// are few and repeat.
func (d *Doc) intern(b []byte) string {
	if s, ok := d.strings[string(b)]; ok {
		return s
	}
	if d.strings == nil {
		d.strings = map[string]string{}
	}
	s := string(b)
	d.strings[s] = s
	return s
}

// A hookSet is what a document calls.
type hookSet struct {
	onTransaction hooks[*Transaction]
	onUpdate      hooks[updateEvent]
	onUpdateV2    hooks[updateEvent]
	onSubdocs     hooks[SubdocsEvent]
}

// hooks are functions to be called at an event, in the order of their adding.
type hooks[T any] struct {
	fns []*func(T)
}

func (h *hooks[T]) empty() bool { return len(h.fns) == 0 }

func (h *hooks[T]) add(fn func(T)) (cancel func()) {
	p := &fn
	h.fns = append(h.fns, p)
	return func() {
		if i := slices.Index(h.fns, p); i >= 0 {
			h.fns = slices.Delete(slices.Clone(h.fns), i, i+1)
		}
	}
}

func (h *hooks[T]) call(v T) {
	for _, fn := range h.fns {
		(*fn)(v)
	}
}

func randomClientID() uint64 {
	var b [4]byte
	for {
		rand.Read(b[:]) // never fails (crypto/rand)
		if id := binary.LittleEndian.Uint32(b[:]); id != 0 {
			return uint64(id)
		}
	}
}

func randomGUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40 // version 4
	b[8] = b[8]&0x3f | 0x80 // variant of RFC 9562
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
