package store

import (
	"context"
	"time"
)

// A Link is a share link: whoever has its secret has a role in one document.
type Link struct {
	ID       int64
	Document string // its name
	Role     string
	Note     string // what its maker calls it
	By       string // the subject of its maker, "" if not known
	Created  time.Time
	Expires  time.Time // zero for never
}

// A Hash is the SHA-256 of a secret; the secret itself isn't kept.
type Hash [32]byte

// MaxLinks is how many links a document may have.
const MaxLinks = 1000

// LinkKept is how long a link is kept after it has expired.
const LinkKept = 30 * 24 * time.Hour

// Grants is what the log keeps of who may do what. Its methods may be called from
// anywhere. What one of them has changed is on disk when it returns nil. They
// don't wait for documents that are being loaded.
//
// A link is bound to the document that its name belonged to when it was made,
// not to the name: it counts no more when another is created in its place, and
// counts again when a deleted one is restored.
//
// The functions that some methods take are called within the transaction, not
// at all if something is refused, and perhaps after ctx has ended; what they make
// may depend on their arguments alone.
type Grants interface {
	// AddLink makes a link to the document that its Document leads to, which must
	// exist (ErrUnknown, ErrDeleted) and have fewer than MaxLinks (ErrLinks). It
	// returns its id, which isn't given to another ever.
	AddLink(ctx context.Context, secret Hash, l Link) (id int64, err error)
	// LinkOf is the link with a secret: ErrUnknown if there is none, or it was
	// revoked, or its document's name belongs to another now. One that has expired
	// is returned, one of a document that is deleted as well.
	LinkOf(ctx context.Context, secret Hash) (Link, error)
	// LinkByID is the same by its id.
	LinkByID(ctx context.Context, id int64) (Link, error)
	// Links lists the links of the document that a name belongs to, deleted or not,
	// the oldest first: those that weren't revoked, expired or not. A name that
	// nobody has used gives ErrUnknown.
	Links(ctx context.Context, document string) ([]Link, error)
	// ChangeLink lets a function change the Role, Note and Expires of a link of the
	// document that a name belongs to, and returns what has become of it. One that
	// isn't of that document gives ErrUnknown.
	ChangeLink(ctx context.Context, document string, id int64, change func(*Link)) (Link, error)
	// RevokeLink ends a link of the document that a name belongs to, likewise.
	RevokeLink(ctx context.Context, document string, id int64) error
	// RevokeLinks ends all of them.
	RevokeLinks(ctx context.Context, document string) error

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
