package store

import (
	"context"
	"slices"
	"strings"
	"time"
)

// A Header is what is known of a document without its log.
type Header struct {
	ID      DocID
	Name    string
	Created time.Time
	Edited  Edit   // zero if there was no update
	By      string // the name, or else the subject, of the session that Edited names; "" if neither is known
	Facts   Facts
}

// A Sort is an order of documents.
type Sort uint8

// The sorts. Documents that are equal in one are by id.
const (
	ByEdited  Sort = iota // the last edited first, to the second; one that nobody has edited by its making
	ByTitle               // whatever case and accents; one without a title by its name
	ByCreated             // the last first
)

// A Reach is the names that a list is about.
type Reach struct {
	// All means every name, and then Names and Prefixes aren't looked at.
	All bool
	// Names are single ones, and Prefixes begin those that are meant.
	Names, Prefixes []string
	// May picks among them; nil takes all. It is called while the log is read, so
	// it must return soon.
	May func(name string) bool
}

// Has reports whether a name is meant.
func (r *Reach) Has(name string) bool {
	within := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
	return (r.All || slices.Contains(r.Names, name) || slices.ContainsFunc(r.Prefixes, within)) && (r.May == nil || r.May(name))
}

// A Query asks for a page of the list of documents.
type Query struct {
	Reach Reach
	Text  string // that title, name or preview have, whatever case and accents; "" for any
	Sort  Sort
	After Mark // the page's; zero for the first one
	Limit int
}

// A Mark is a place in a sorted list of documents, after one of them. It stays a
// place whatever becomes of that one. The zero Mark is the beginning.
type Mark struct {
	Time time.Time // what the document was sorted by: a time
	Key  string    // or a title
	ID   DocID
}

// A Page is a part of the list.
type Page struct {
	Documents []Header
	Next      Mark // where the next one begins; zero if this is the last one
}

// A Catalogue tells what documents there are and what happened in them, without
// reading them. Its methods may be called from anywhere, and don't wait for
// documents that are being loaded.
type Catalogue interface {
	// Documents is a page of the documents that aren't deleted. It costs what the
	// page holds or, of some names or a text, at most what all of these hold. A
	// document that isn't changed while one page after the other is asked for comes
	// exactly once.
	Documents(ctx context.Context, q Query) (Page, error)

	// Header is that of the document that a name leads to: ErrUnknown if there is
	// none, ErrDeleted if it's deleted.
	Header(ctx context.Context, name string) (Header, error)

	// Activity reads the rows of activity of such a document, the last first, at
	// most limit, and those before a revision unless that is zero. Damaged ones are
	// left out. More says that there are others before them.
	Activity(ctx context.Context, name string, before Revision, limit int) (rows []Row, more bool, err error)
}
