// Package richtext reads the page's text in a document, and gives it a title.
//
// The text is the root XmlFragment "default", as Tiptap and y-prosemirror write
// it: elements are nodes, a node's text is in XmlTexts among its children, and
// marks are their formatting. Nodes of other names than the page's are read too,
// as far as they hold text; what is no such text has none.
//
// Title and Preview stop reading once they have enough, and give up in a document
// that begins with very much that is deleted: they cost some milliseconds at the
// most. Text and Images read everything. A Doc isn't safe for concurrent use, and
// so nothing here is.
package richtext

import "github.com/inkwire/inkwire/crdt"

// Root is the name of the root that holds the text.
const Root = "default"

// The nodes that matter here. Others are read by what is in them.
const (
	heading   = "heading"
	codeBlock = "codeBlock"
	hardBreak = "hardBreak"
	image     = "image"
	paragraph = "paragraph"
)

const (
	// MaxTitle is how many characters a title has at most.
	MaxTitle = 300
	// MaxPreview is how many characters a preview has at most.
	MaxPreview = 200
	// maxSteps bounds how much of a document is looked at for either.
	maxSteps = 20_000
)

// root finds the text; nil if the document has none.
func root(d *crdt.Doc) *crdt.XmlFragment {
	f, err := d.XmlFragment(Root)
	if err != nil { // another editor's, of another kind
		return nil
	}
	return f
}
