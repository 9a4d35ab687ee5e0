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

// Grants is what the log keeps of who may do what. Its methods may be called from
// anywhere. What one of them has changed is on disk when it returns nil.
type Grants interface {
	// AddLink makes a link to the document that its Document leads to, which must
	// exist (ErrUnknown, ErrDeleted), and returns its id.
	AddLink(ctx context.Context, secret Hash, l Link) (id int64, err error)
	// LinkOf is the link with a secret: ErrUnknown if there is none, or it was
	// revoked, or the document that it was made for isn't the one that its name
	// leads to any more. One that has expired is returned.
	LinkOf(ctx context.Context, secret Hash) (Link, error)
	// LinkByID is the same by its id.
	LinkByID(ctx context.Context, id int64) (Link, error)
	// Links lists the links of the document that a name leads to, the oldest
	// first: those that weren't revoked, expired or not.
	Links(ctx context.Context, document string) ([]Link, error)
	// ChangeLink gives the link with l's ID its Role, Note and Expires, if it is
	// one of the document that l's Document leads to: otherwise ErrUnknown.
	ChangeLink(ctx context.Context, l Link) error
	// RevokeLink ends a link of the document that a name leads to, likewise.
	RevokeLink(ctx context.Context, document string, id int64) error

	// PutSession keeps a browser's session until it expires: what it holds is the
	// caller's. It takes the place of an earlier one with that secret.
	PutSession(ctx context.Context, secret Hash, holds []byte, expires time.Time) error
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
