package crdt

// An item is a node of the document: a run of consecutive clocks of one
// client, linked to its neighbours in a list. It is a flat 44-byte record
// without pointers, so that the garbage collector never scans a document; links
// are indexes into the arena and 0 means "none".
//
// A GC struct (what remains of an item whose parent was collected) is an item
// of kind kindGC that belongs to no list.
type item struct {
	clock, length uint32
	left, right   int32 // neighbours in the list, deleted ones included

	// The item's neighbours when it was made (Yjs: origin, rightOrigin):
	// client index (noClient: none) and clock.
	origin, rightOrigin           int32
	originClock, rightOriginClock uint32

	chain   int32  // the list it stands in; 0 for a GC struct
	content int32  // index into Doc.contents; 0: none, or text (see chars)
	meta    uint32 // kind, flags and client index
}

// noClient is the client index of an absent origin.
const noClient = -1

// The layout of item.meta: 4 bits of kind, 4 of flags, 24 of client index.
const (
	metaKind    = 0x0f
	metaDeleted = 0x10
	metaMarked  = 0x20 // a search marker points, or pointed, here
	clientShift = 8
	maxClients  = 1<<24 - 1
)

func (it *item) kind() uint32     { return it.meta & metaKind }
func (it *item) deleted() bool    { return it.meta&metaDeleted != 0 }
func (it *item) client() int32    { return int32(it.meta >> clientShift) }
func (it *item) end() uint32      { return it.clock + it.length }
func (it *item) setKind(k uint32) { it.meta = it.meta&^metaKind | k }

// countable tells whether the item's content counts in its type's length.
func (it *item) countable() bool {
	switch it.kind() {
	case kindGC, kindDeleted, kindFormat:
		return false
	}
	return true
}

// visible tells whether the item's content is part of what readers see.
func (it *item) visible() bool { return !it.deleted() && it.countable() }

// arena holds the items of a document in pages that never move: a *item stays
// valid until the item is freed.
type arena struct {
	pages []*[pageItems]item
	used  int32 // indexes handed out so far, the reserved 0 included
	free  int32 // head of the free list, linked through item.right
	freed int32 // its length
}

// A page of 32 items fills one of Go's size classes (1,408 bytes) exactly.
const (
	pageShift = 5
	pageItems = 1 << pageShift
)

func (a *arena) item(i int32) *item {
	return &a.pages[uint32(i)>>pageShift][i&(pageItems-1)]
}

// alloc returns a zeroed item and its index.
func (a *arena) alloc() (int32, *item) {
	if i := a.free; i != 0 {
		it := a.item(i)
		a.free = it.right
		a.freed--
		*it = item{}
		return i, it
	}
	if a.used == 0 {
		a.used = 1 // index 0 is "none"
	}
	i := a.used
	a.used++
	if int(uint32(i)>>pageShift) >= len(a.pages) {
		a.pages = append(a.pages, new([pageItems]item))
	}
	return i, a.item(i)
}

func (a *arena) release(i int32) {
	it := a.item(i)
	*it = item{right: a.free}
	a.free = i
	a.freed++
}
