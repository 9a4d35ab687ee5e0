package store

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"time"
)

// A File is one that belongs to a document: a picture in its text, or what is
// attached to it.
type File struct {
	Hash  Hash // the SHA-256 of its content
	Type  string
	Name  string // what it is called where it is saved, "" if that isn't known
	Size  int64
	Added time.Time
}

// String is a hash in hexadecimal, as addresses have it.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// ParseHash reads what String writes.
func ParseHash(s string) (h Hash, err error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(h) || hex.EncodeToString(b) != s {
		return h, fmt.Errorf("want the %d hexadecimal digits of a SHA-256", 2*len(h))
	}
	return Hash(b), nil
}

// Files keeps the files of documents, each under its hash, in the same place as
// the log. Its methods may be called from anywhere, and don't wait for documents
// that are being loaded.
//
// A file goes when its document has been deleted and is pruned, or by
// CollectFiles.
type Files interface {
	// AddFile adds a file to the document that a name leads to (ErrUnknown,
	// ErrDeleted), with the Type, Name and Added of f. It reads the content as it
	// stores it, in small steps between which others are served, until io.EOF; after
	// another error of content it keeps nothing and returns that. A file that the
	// document has is told as it is there, and counts as added anew. One that
	// brings the document's files beyond most bytes is refused with ErrFiles.
	AddFile(ctx context.Context, document string, f File, content io.Reader, most int64) (File, error)

	// OpenFile finds a file of the document that a name leads to: ErrNoFile if it
	// has none with this hash. The content is read while ctx lasts; what is damaged
	// is an error that wraps ErrCorrupt, and nothing of it is read.
	OpenFile(ctx context.Context, document string, hash Hash) (File, io.ReadSeeker, error)

	// CollectFiles removes the files that nothing has referred to for a time. It
	// asks for those that each document refers to, unless it has asked at the same
	// revision before, and notes when a document was first found not to refer to
	// one: the file goes when it is called longer than kept after that, and it was
	// the same each time between. Now tells the time. A document that is damaged, or
	// of which refers gives an error, keeps all its files; a deleted one does until
	// Prune removes what is in it.
	CollectFiles(ctx context.Context, now func() time.Time, kept time.Duration, refers Refers) error
}

// Refers tells which files the state of a document refers to; others than its
// own make no difference.
type Refers func(*Document) ([]Hash, error)
