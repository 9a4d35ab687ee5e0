// Package store is the log: what a document's history is made of, how it's kept,
// and the errors of keeping it. It knows nothing of rooms or sockets.
//
// A document is its latest checkpoint (an encoded state) and the rows since,
// each row one update. A row's place is its revision: an epoch and a sequence
// within it. Whoever appends to a document owns it for an epoch, a number
// greater than any in the log; an append of an older epoch is refused, so that
// of two who think that they own a document only the later one writes.
// Sequences count from 1 in each epoch, without a gap.
//
// The rules that every backend keeps are numbered in storetest. Backends wrap
// the errors below and add none of their own.
package store

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
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

// A Row is one update in the log.
type Row struct {
	Revision
	Session int64     // who submitted it
	Time    time.Time // in milliseconds
	Update  []byte
}

// A Document is what Load finds.
type Document struct {
	ID         DocID
	Revision   Revision // of the last row, or of the checkpoint when none follows it
	Checkpoint []byte   // nil if there is none
	Rows       []Row    // after the checkpoint, in order
	Damage     error
}

// An Entry is what a batch appends to one document.
type Entry struct {
	Doc  DocID // as Load gave it
	Name string
	Rows []Row // of one epoch, contiguous
}

// A Checkpoint is the encoded state of a document at a revision in its log.
type Checkpoint struct {
	Doc DocID
	Revision
	State []byte
}

// A Store keeps the log of all documents. Its methods may be called from
// anywhere. They keep no slice they are given once they have returned, unless
// their context ended first; what they return belongs to the caller.
type Store interface {
	// Load reads a document. A name that nobody has used is an empty document
	// with a new id, and is stored only by the first Append.
	Load(ctx context.Context, name string) (*Document, error)

	// Append adds a batch, all of it or nothing. When it returns nil, the batch
	// is on disk. If ctx ends first the batch may or may not come to be stored.
	Append(ctx context.Context, batch []Entry) error

	// Checkpoint adds a checkpoint, which replaces the older ones once it is
	// whole and on disk. The rows that it covers stay.
	Checkpoint(ctx context.Context, c Checkpoint) error

	// Close stores what Append and Checkpoint have accepted and ends the store.
	Close() error
}

// Errors of opening a store.
var (
	ErrLocked = errors.New("the data is in use by another process")
	ErrNewer  = errors.New("the data was written by a newer version")
)

// Errors of Load.
var ErrDeleted = errors.New("the document was deleted")
var ErrCorrupt = errors.New("the log is damaged")

// Errors of Append and Checkpoint.
var (
	// ErrFenced refuses an append of an epoch or to an id that is no longer
	// current: another owner writes the document.
	ErrFenced = errors.New("the document has another owner")
	// ErrGap refuses rows that don't follow those in the log.
	ErrGap = errors.New("rows are missing before the appended ones")
)

// ErrName refuses what can't be a document's name.
var ErrName = errors.New("not a document's name")

// ErrClosed is the error of every method after Close.
var ErrClosed = errors.New("the store is closed")

// MaxName is the longest name of a document in bytes.
const MaxName = 512

// CheckName says whether a document may be called so: 1 to MaxName bytes of
// UTF-8 without control characters, and no segment "." or "..", which clients
// and proxies resolve.
func CheckName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%w: it is empty", ErrName)
	case len(name) > MaxName:
		return fmt.Errorf("%w: %d bytes are more than %d", ErrName, len(name), MaxName)
	case !utf8.ValidString(name):
		return fmt.Errorf("%w: it isn't UTF-8", ErrName)
	}
	start := 0
	for i, r := range name + "/" {
		if r < 0x20 || 0x7f <= r && r < 0xa0 {
			return fmt.Errorf("%w: byte %d is a control character", ErrName, i)
		}
		if r == '/' {
			if s := (name + "/")[start:i]; s == "." || s == ".." {
				return fmt.Errorf("%w: it has the segment %q", ErrName, s)
			}
			start = i + 1
		}
	}
	return nil
}

// A RowError tells which part of a document's log is damaged. It wraps
// ErrCorrupt.
type RowError struct {
	Name     string
	Revision Revision
	What     string // "checkpoint" or "row"
	Msg      string
}

func (e *RowError) Error() string {
	return fmt.Sprintf("document %q, %s %v: %v: %s", e.Name, e.What, e.Revision, ErrCorrupt, e.Msg)
}

func (e *RowError) Unwrap() error { return ErrCorrupt }
