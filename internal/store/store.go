// Package store is the log: what a document's history is made of, how it's kept,
// and the errors of keeping it. It knows nothing of rooms or sockets.
//
// A document is its latest checkpoint (an encoded state) and the rows since,
// each row an update or an activity. A row's place is its revision: an epoch and
// a sequence within it. Whoever appends to a document owns it for an epoch, a
// number greater than any in the log; an append of an older epoch is refused, so
// that of two who think that they own a document only the later one writes.
// Sequences count from 1 in each epoch, without a gap, and none is used twice,
// not after a crash, a repair or a deletion either.
//
// A document has an id for ever; a name only leads to it. A deleted document
// keeps its name, which leads nowhere until the document is restored or another
// is created in its place.
//
// The rules that every backend keeps are numbered in storetest. Backends wrap
// the errors of this package and add none of their own.
package store

import (
	"context"
	"fmt"
	"time"
)

// A DocID is a document's key in the log. Its name only leads to it.
type DocID int64

// A Revision is a row's place in its document's log. The zero Revision is that
// of an empty document.
type Revision struct{ Epoch, Seq uint64 }

// Before reports whether r comes before s.
func (r Revision) Before(s Revision) bool {
	return r.Epoch < s.Epoch || r.Epoch == s.Epoch && r.Seq < s.Seq
}

func (r Revision) String() string { return fmt.Sprintf("%d.%d", r.Epoch, r.Seq) }

// A RowKind says what a row's data is.
type RowKind uint8

const (
	KindUpdate   RowKind = iota // a Yjs update in V1
	KindActivity                // something that happened, as a small JSON object
)

// A Row is one entry of a document's log.
type Row struct {
	Revision
	Kind    RowKind
	Session int64     // whose it is; 0 is the store itself
	Client  uint64    // the Yjs client id that the session had then, 0 for none
	Time    time.Time // in milliseconds
	Data    []byte
}

// A Session is one client in one document, for as long as it was there. Its id
// is the document's alone and never given to another.
type Session struct {
	ID            int64
	Subject, Name string // "" if not known
	Start         time.Time
}

// Facts are what a list of documents shows of one.
type Facts struct {
	At             Revision // of the state that they were read from
	Title, Preview string
}

// An Edit says when and by whom a document was last changed: the last update
// row without its update.
type Edit struct {
	Revision
	Session int64
	Time    time.Time
}

// A Document is what Load finds.
type Document struct {
	ID         DocID
	Revision   Revision // of the last row, or of the checkpoint when none follows it
	Checkpoint []byte   // nil if there is none
	Authors    []byte   // as the checkpoint had them
	Rows       []Row    // after the checkpoint, in order
	Edited     Edit     // zero if there was no update
	Facts      Facts
	Here       []Person // who was in it by the last Append, by key

	// Damage tells where the log is damaged; nil if it's whole. The rest of the
	// document is then what is whole up to there, and nothing is added to it
	// until it's repaired.
	Damage *RowError
	// Recovered tells of a damaged checkpoint that an older one and the rows
	// since made up for: nothing is lost.
	Recovered *RowError
}

// An Entry is what a batch adds to one document. Without rows it must be of a
// document that is stored.
type Entry struct {
	Doc      DocID // as Load gave it
	Name     string
	Rows     []Row     // of one epoch, contiguous
	Sessions []Session // new ones, and those whose name has changed
	Facts    *Facts    // nil leaves them as they are
	Came     []Person  // who is in the document from now on, or is known as something else
	Went     []string  // the keys of those who aren't any more
}

// A Checkpoint is the encoded state of a document at a revision in its log, and
// who wrote what in it.
type Checkpoint struct {
	Doc DocID
	Revision
	State   []byte
	Authors []byte
}

// A Cut is what Repair moved aside.
type Cut struct {
	Damage      *RowError // nil if there was none, and nothing was moved
	Rows        int
	Checkpoints int
	From        Revision // the last row kept
	To          Revision // the row that the repair added, the first of a new epoch
}

// A Store keeps the log of all documents. Its methods may be called from
// anywhere. They keep no slice they are given once they have returned, unless
// their context ended first; what they return belongs to the caller.
type Store interface {
	// Load reads a document. A name that nobody has used is an empty document
	// with a new id, and is stored only by the first Append.
	Load(ctx context.Context, name string) (*Document, error)

	// Rows reads the rows after a revision, in order, at most limit of them
	// unless it is 0. A revision that was never committed, or whose row is no
	// longer there, is answered with ErrStartAnew. If one of the rows is damaged,
	// it returns those before it and a RowError.
	Rows(ctx context.Context, doc DocID, after Revision, limit int) ([]Row, error)

	// Sessions reads the sessions of a document, by their start.
	Sessions(ctx context.Context, doc DocID) ([]Session, error)

	// Append adds a batch, all of it or nothing. When it returns nil, the batch
	// is on disk. If ctx ends first the batch may or may not come to be stored.
	Append(ctx context.Context, batch []Entry) error

	// Checkpoint adds a checkpoint, which takes the place of the older ones once
	// it is whole and on disk. The rows that it covers stay until Prune.
	Checkpoint(ctx context.Context, c Checkpoint) error

	// Create makes a document under a name that is unused, or whose document is
	// deleted, with a new id and one row of activity, CreatedActivity. It refuses
	// a name in use with ErrExists. A deleted document that had the name can't
	// be restored any more.
	Create(ctx context.Context, name string) error

	// Delete marks the document that a name leads to: until Restore, Load, Rows,
	// Sessions, Append and Checkpoint refuse it with ErrDeleted. Others: a name
	// that leads to none gives ErrUnknown.
	Delete(ctx context.Context, name string) error

	// Restore takes back the Delete of the document that a name leads to. If that
	// isn't deleted, also because Create has put it there, it gives ErrExists;
	// if Prune has removed what was in it, ErrUnknown.
	Restore(ctx context.Context, name string) error

	// Repair lets a damaged document be written again: it keeps what Load finds
	// up to the damage, moves the rest aside, and begins a new epoch with one row
	// of activity, RepairedActivity. Nothing is done to a document that is whole.
	Repair(ctx context.Context, name string) (Cut, error)

	// Prune removes for good what is older than a time: rows that Load doesn't
	// need, even if the last checkpoint should turn out to be damaged, and what
	// is in documents that were deleted before; and of grants what has expired:
	// browsers' sessions, and shares ShareKept ago. It works in small steps between
	// which others are served.
	Prune(ctx context.Context, before time.Time) error

	// Close stores what Append and Checkpoint have accepted and ends the store.
	Close() error
}

// Activities of the store itself: the data of rows of session 0.
const (
	CreatedActivity  = `{"type":"created"}`
	RepairedActivity = `{"type":"repaired"}`
)

// An Observer is told how the log does. Its functions may be nil, are called
// from several goroutines, and must return at once.
type Observer struct {
	// Commit takes how long an Append waited until its rows were on disk.
	Commit func(d time.Duration, rows int)
	// Sync takes how long the disk took for one commit.
	Sync func(d time.Duration)
}
