package store

import (
	"errors"
	"fmt"
)

// Errors of opening a store.
var (
	ErrLocked = errors.New("the data is in use by another process")
	ErrNewer  = errors.New("the data was written by a newer version")
)

// ErrReadOnly refuses writing where the system allows only reading. When the
// system allows it again, so does the store.
var ErrReadOnly = errors.New("the data can't be written")

// ErrCorrupt is wrapped by each RowError.
var ErrCorrupt = errors.New("the log is damaged")

// ErrStartAnew is the answer to a revision that isn't in the log: what came
// after it can't be told.
var ErrStartAnew = errors.New("the revision isn't in the log; start anew")

// Refusals: what the rules of the log forbid. They leave everything as it was.
var (
	// ErrFenced refuses an append of an epoch or to an id that is no longer
	// current: another owner writes the document.
	ErrFenced = errors.New("the document has another owner")
	// ErrGap refuses rows that don't follow those in the log.
	ErrGap = errors.New("rows are missing before the appended ones")
	// ErrDamaged refuses to add to a document in which Load has found damage.
	ErrDamaged = errors.New("the document is damaged, and read-only until it's repaired")
	// ErrDeleted refuses a deleted document.
	ErrDeleted = errors.New("the document is deleted")
	// ErrExists refuses to create or restore what is there.
	ErrExists = errors.New("a document of this name exists")
	// ErrUnknown refuses a name without a document.
	ErrUnknown = errors.New("there is no such document")
	// ErrShares refuses one more share to a document.
	ErrShares = fmt.Errorf("the document has %d shares, the most that it may have", MaxShares)
	// ErrFiles refuses a file for which a document has no room.
	ErrFiles = errors.New("the document's files take too much together")
	// ErrNoFile refuses a hash that no file of a document has.
	ErrNoFile = errors.New("the document has no such file")
	// ErrName refuses what can't be a document's name.
	ErrName = errors.New("not a document's name")
)

// Refused reports whether an error is one of the refusals.
func Refused(err error) bool {
	for _, refusal := range []error{ErrFenced, ErrGap, ErrDamaged, ErrDeleted, ErrExists, ErrUnknown, ErrShares, ErrFiles, ErrNoFile, ErrName} {
		if errors.Is(err, refusal) {
			return true
		}
	}
	return false
}

// ErrClosed is the error of every method after Close.
var ErrClosed = errors.New("the store is closed")

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
