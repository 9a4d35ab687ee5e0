package store

import (
	"context"
	"time"
)

// A Share gives whoever has its secret, by a link, a role in one document.
type Share struct {
	ID       int64
	Document string // its name
	Role     string
	Note     string // what its maker calls it
	By       string // the subject of its maker, "" if not known
	Created  time.Time
	Expires  time.Time // zero for never
}

// A Hash is the SHA-256 of a secret, which itself isn't kept, or of a file.
type Hash [32]byte

// MaxShares is how many shares a document may have.
const MaxShares = 1000

// ShareKept is how long a share is kept after it has expired.
const ShareKept = 30 * 24 * time.Hour

// Grants is what the log keeps of who may do what. Its methods may be called from
// anywhere. What one of them has changed is on disk when it returns nil. They
// don't wait for documents that are being loaded.
//
// A share is bound to the document that its name belonged to when it was made,
// not to the name: it counts no more when another is created in its place, and
// counts again when a deleted one is restored.
//
// The functions that some methods take are called within the transaction, not
// at all if something is refused, and perhaps after ctx has ended; what they make
// may depend on their arguments alone.
type Grants interface {
	// AddShare makes a share of the document that its Document leads to, which must
	// exist (ErrUnknown, ErrDeleted) and have fewer than MaxShares (ErrShares). It
	// returns its id, which isn't given to another ever.
	AddShare(ctx context.Context, secret Hash, l Share) (id int64, err error)
	// ShareOf is the share with a secret: ErrUnknown if there is none, or it was
	// revoked, or its document's name belongs to another now. One that has expired
	// is returned, one of a document that is deleted as well.
	ShareOf(ctx context.Context, secret Hash) (Share, error)
	// ShareByID is the same by its id.
	ShareByID(ctx context.Context, id int64) (Share, error)
	// Shares lists the shares of the document that a name belongs to, deleted or not,
	// the oldest first: those that weren't revoked, expired or not. A name that
	// nobody has used gives ErrUnknown.
	Shares(ctx context.Context, document string) ([]Share, error)
	// ChangeShare lets a function change the Role, Note and Expires of a share of the
	// document that a name belongs to, and returns what has become of it. One that
	// isn't of that document gives ErrUnknown.
	ChangeShare(ctx context.Context, document string, id int64, change func(*Share)) (Share, error)
	// RevokeShare ends a share of the document that a name belongs to, likewise.
	RevokeShare(ctx context.Context, document string, id int64) error
	// RevokeShares ends all of them.
	RevokeShares(ctx context.Context, document string) error

	// ChangeSession changes what a browser's session holds, and until when it is
	// kept. The function gets what it holds, nil if there is no such session, or it
	// has expired.
	ChangeSession(ctx context.Context, secret Hash, change func(holds []byte) (now []byte, expires time.Time)) error
	// SessionOf is what a browser's session holds: ErrUnknown if there is none, or
	// it has expired.
	SessionOf(ctx context.Context, secret Hash) ([]byte, error)
	// DropSession ends a browser's session; one that isn't there is no error.
	DropSession(ctx context.Context, secret Hash) error

	// Cut says that what a subject was issued up to a moment doesn't count any
	// more. An earlier moment than the one known changes nothing.
	Cut(ctx context.Context, subject string, until time.Time) error
	// CutOf is that moment, zero if there is none.
	CutOf(ctx context.Context, subject string) (time.Time, error)
}
