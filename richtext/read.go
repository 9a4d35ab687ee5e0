package richtext

import (
	"iter"
	"strings"
	"unicode"

	"github.com/inkwire/inkwire/crdt"
)

// Title is the text of the first heading, "" if there is none: on one line, and
// cut to MaxTitle.
func Title(d *crdt.Doc) string {
	steps := maxSteps
	h := firstHeading(d, &steps)
	if h == nil {
		return ""
	}
	l := line{most: MaxTitle}
	l.read(visits(&h.XmlFragment, &steps), &steps)
	return l.String()
}

// firstHeading finds the heading that is the title; nil if there is none.
func firstHeading(d *crdt.Doc, steps *int) *crdt.XmlElement {
	for v := range visits(root(d), steps) {
		if e, ok := v.node.(*crdt.XmlElement); ok && e.NodeName() == heading {
			return e
		}
	}
	return nil
}

// Preview is the first words that aren't the title's, on one line, and cut to
// MaxPreview.
func Preview(d *crdt.Doc) string {
	steps := maxSteps
	l := line{most: MaxPreview}
	l.read(untitled(visits(root(d), &steps)), &steps)
	return l.String()
}

// untitled leaves the first heading out.
func untitled(all iter.Seq[visit]) iter.Seq[visit] {
	return func(yield func(visit) bool) {
		var title *crdt.XmlElement
		within := false
		for v := range all {
			e, ok := v.node.(*crdt.XmlElement)
			switch {
			case ok && title == nil && e.NodeName() == heading:
				title, within = e, true
			case ok && e == title:
				within = false
			case !within && !yield(v):
				return
			}
		}
	}
}

// Text is all of the text: a line for each paragraph, heading and the like, and
// one more for each line break in them.
func Text(d *crdt.Doc) string {
	var b strings.Builder
	open := false // a line has begun
	for v := range visits(root(d), nil) {
		switch n := v.node.(type) {
		case *crdt.XmlText:
			open = true
			for s := range stringsOf(n, nil) {
				b.WriteString(s)
			}
		case *crdt.XmlElement:
			switch n.NodeName() {
			case hardBreak:
				if !v.ends {
					b.WriteByte('\n')
				}
			case paragraph, heading, codeBlock:
				open = open || v.ends // an empty one is a line too
				fallthrough
			default:
				if open && v.ends {
					b.WriteByte('\n')
					open = false
				}
			}
		}
	}
	return b.String()
}

// Images is where the images come from, each once, in the order of the text.
func Images(d *crdt.Doc) []string {
	var all []string
	seen := make(map[string]bool)
	for v := range visits(root(d), nil) {
		e, ok := v.node.(*crdt.XmlElement)
		if !ok || v.ends || e.NodeName() != image {
			continue
		}
		value, _ := e.Attr("src")
		if src, ok := value.(string); ok && src != "" && !seen[src] {
			seen[src] = true
			all = append(all, src)
		}
	}
	return all
}

// A visit is to a text, or to an element where it begins and where it ends.
type visit struct {
	node crdt.Type
	ends bool
}

// visits goes through the nodes of a fragment, nil for none, in the order of the
// text, until the steps are over.
func visits(f *crdt.XmlFragment, steps *int) iter.Seq[visit] {
	return func(yield func(visit) bool) {
		if f != nil {
			visitAll(f, steps, yield)
		}
	}
}

func visitAll(f *crdt.XmlFragment, steps *int, yield func(visit) bool) (more bool) {
	for n := range f.Nodes(steps) {
		e, ok := n.(*crdt.XmlElement)
		if !yield(visit{node: n}) || ok && (!visitAll(&e.XmlFragment, steps, yield) || !yield(visit{n, true})) {
			return false
		}
	}
	return true
}

// stringsOf is what is written in a text.
func stringsOf(t *crdt.XmlText, steps *int) iter.Seq[string] {
	return func(yield func(string) bool) {
		for part := range t.Parts(steps) {
			if s, ok := part.(string); ok && !yield(s) {
				return
			}
		}
	}
}

// A line is text on one line, whose words are apart by one space, up to so many
// characters.
type line struct {
	most int

	b    strings.Builder
	n    int  // characters
	gap  bool // a space comes before the next word
	full bool
}

func (l *line) String() string { return l.b.String() }

// read adds texts until the line is full. Elements keep words apart.
func (l *line) read(all iter.Seq[visit], steps *int) {
	for v := range all {
		t, ok := v.node.(*crdt.XmlText)
		if !ok {
			l.gap = l.n > 0
			continue
		}
		for s := range stringsOf(t, steps) {
			if l.add(s); l.full {
				return
			}
		}
	}
}

// add adds text as far as there is room.
func (l *line) add(s string) {
	for _, r := range s {
		if unicode.IsSpace(r) || unicode.IsControl(r) {
			l.gap = l.n > 0
			continue
		}
		if l.full = l.n == l.most || l.gap && l.n+1 == l.most; l.full {
			return
		}
		if l.gap {
			l.b.WriteByte(' ')
			l.n, l.gap = l.n+1, false
		}
		l.b.WriteRune(r)
		l.n++
	}
}
