package crdt

import (
	"slices"

	"github.com/inkwire/inkwire/lib0"
)

// A subdoc is a document as content of another. Only its name and options are
// part of the parent; its content is synchronised as a document of its own.
type subdoc struct {
	doc  *Doc
	opts *lib0.Object // as written
}

// newSubdoc makes a content of a document.
func newSubdoc(doc *Doc) *subdoc {
	opts := lib0.NewObject()
	if doc.noGC {
		opts.Set("gc", false)
	}
	if doc.autoLoad {
		opts.Set("autoLoad", true)
	}
	if doc.meta != nil {
		opts.Set("meta", doc.meta)
	}
	return &subdoc{doc, opts}
}

// readSubdoc makes a content of what an update says.
func readSubdoc(guid string, o docOptions) *subdoc {
	doc := New(Options{GUID: guid, NoGC: o.noGC, AutoLoad: o.autoLoad, Meta: o.meta})
	doc.guid = guid // New would replace an empty one
	doc.shouldLoad = o.autoLoad
	return newSubdoc(doc)
}

// A SubdocsEvent tells which subdocuments a transaction added, removed, or asked
// to be loaded.
type SubdocsEvent struct {
	Added, Removed, Loaded []*Doc
	Transaction            *Transaction
}

// OnSubdocs has fn called when subdocuments come, go or are to be loaded.
func (d *Doc) OnSubdocs(fn func(SubdocsEvent)) (cancel func()) { return d.onSubdocs.add(fn) }

// Subdocs returns the documents that are part of this one.
func (d *Doc) Subdocs() []*Doc { return slices.Clone(d.subdocs) }

// ShouldLoad tells whether the subdocument's content is asked for.
func (d *Doc) ShouldLoad() bool { return d.shouldLoad }

// Load asks for the content of a subdocument: the parent's OnSubdocs is told.
func (d *Doc) Load() {
	if p := d.parentDoc; p != nil && !d.shouldLoad {
		p.Transact(nil, func(tx *Transaction) error {
			tx.subdocsLoaded = append(tx.subdocsLoaded, d)
			return nil
		})
	}
	d.shouldLoad = true
}

func (d *Doc) addSubdoc(tx *Transaction, s *subdoc) {
	s.doc.parentDoc = d
	tx.subdocsAdded = append(tx.subdocsAdded, s.doc)
	if s.doc.shouldLoad {
		tx.subdocsLoaded = append(tx.subdocsLoaded, s.doc)
	}
}

func (d *Doc) removeSubdoc(tx *Transaction, s *subdoc) {
	if i := slices.Index(tx.subdocsAdded, s.doc); i >= 0 {
		tx.subdocsAdded = slices.Delete(tx.subdocsAdded, i, i+1)
		return
	}
	if !slices.Contains(tx.subdocsRemoved, s.doc) {
		tx.subdocsRemoved = append(tx.subdocsRemoved, s.doc)
	}
}

func (d *Doc) emitSubdocs(tx *Transaction) {
	if len(tx.subdocsAdded)+len(tx.subdocsRemoved)+len(tx.subdocsLoaded) == 0 {
		return
	}
	for _, s := range tx.subdocsAdded {
		s.clientID = d.clientID
		d.subdocs = append(d.subdocs, s)
	}
	for _, s := range tx.subdocsRemoved {
		if i := slices.Index(d.subdocs, s); i >= 0 {
			d.subdocs = slices.Delete(d.subdocs, i, i+1)
		}
	}
	d.onSubdocs.call(SubdocsEvent{tx.subdocsAdded, tx.subdocsRemoved, tx.subdocsLoaded, tx})
	for _, s := range tx.subdocsRemoved {
		s.detach()
	}
}

// detach ends a removed subdocument's part in its parent. As in yjs, which
// destroys it, the parent tells of the removal a second time.
func (d *Doc) detach() {
	p := d.parentDoc
	if p == nil {
		return
	}
	d.parentDoc = nil
	p.Transact(nil, func(tx *Transaction) error {
		tx.subdocsRemoved = append(tx.subdocsRemoved, d)
		return nil
	})
}
