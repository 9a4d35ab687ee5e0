package richtext

import (
	"fmt"
	"slices"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/inkwire/inkwire/crdt"
)

// SetTitle gives the document a title, on one line: it changes of the first
// heading what differs, so that what others write there at once stays, or puts a
// heading of level 1 before everything. A title that is too long, or isn't UTF-8,
// is an error and changes nothing.
func SetTitle(d *crdt.Doc, title string) error {
	if !utf8.ValidString(title) {
		return fmt.Errorf("richtext: the title isn't UTF-8")
	}
	l := line{most: MaxTitle}
	if l.add(title); l.full {
		return fmt.Errorf("richtext: the title has more than %d characters", MaxTitle)
	}
	f, err := d.XmlFragment(Root)
	if err != nil {
		return fmt.Errorf("richtext: the document holds no text of the page's: %w", err)
	}
	title = l.String()
	if Title(d) == title {
		return nil
	}
	steps := maxSteps
	return d.Transact(nil, func(*crdt.Transaction) error {
		if h := firstHeading(d, &steps); h != nil {
			return retitle(h, title)
		}
		if title == "" {
			return nil
		}
		h := crdt.NewXmlElement(heading)
		if err := h.SetAttr("level", 1.0); err != nil {
			return err
		}
		if err := h.Push(crdt.NewXmlText(title)); err != nil {
			return err
		}
		return f.Insert(0, h)
	})
}

// A unit is one of a heading: a UTF-16 unit of its texts, a space for a line break,
// and other for what else is there, which is in no title and goes.
type unit int32

const other unit = -1

// units are those of a text.
func units(s string) []unit {
	var all []unit
	for _, u := range utf16.Encode([]rune(s)) {
		all = append(all, unit(u))
	}
	return all
}

// A run is a child of a heading, and where its units are in the heading's.
type run struct {
	text  *crdt.XmlText // nil for an element, of one unit
	at, n int
}

// retitle changes a heading's text by the smallest difference.
func retitle(h *crdt.XmlElement, title string) error {
	var runs []run
	var was []unit
	for n := range h.Nodes(nil) {
		r := run{at: len(was)}
		switch n := n.(type) {
		case *crdt.XmlText:
			r.text = n
			for part := range n.Parts(nil) {
				if s, ok := part.(string); ok {
					was = append(was, units(s)...)
				} else {
					was = append(was, other)
				}
			}
		case *crdt.XmlElement:
			if n.NodeName() == hardBreak {
				was = append(was, ' ')
			} else {
				was = append(was, other)
			}
		default:
			was = append(was, other)
		}
		r.n = len(was) - r.at
		runs = append(runs, r)
	}
	is := utf16.Encode([]rune(title))
	from, end, endIs := difference(was, units(title))
	return replace(h, runs, from, end, string(utf16.Decode(is[from:endIs])))
}

// difference finds what differs: was from..end, is from..endIs. It divides no
// pair of surrogates.
func difference(was, is []unit) (from, end, endIs int) {
	for from < len(was) && from < len(is) && was[from] == is[from] {
		from++
	}
	if from > 0 && is[from-1] >= 0xD800 && is[from-1] <= 0xDBFF {
		from--
	}
	end, endIs = len(was), len(is)
	for end > from && endIs > from && was[end-1] == is[endIs-1] {
		end--
		endIs--
	}
	if endIs < len(is) && is[endIs] >= 0xDC00 && is[endIs] <= 0xDFFF {
		end++
		endIs++
	}
	return from, end, endIs
}

// replace puts text in place of the heading's units from..end.
func replace(h *crdt.XmlElement, runs []run, from, end int, text string) error {
	into := slices.IndexFunc(runs, func(r run) bool { return r.text != nil && r.at <= from && from <= r.at+r.n })
	if text != "" {
		var err error
		if into >= 0 {
			err = runs[into].text.Insert(from-runs[into].at, text, nil)
		} else {
			// Between elements, or in an empty heading.
			at := slices.IndexFunc(runs, func(r run) bool { return r.at >= from })
			if at < 0 {
				at = len(runs)
			}
			if err = h.Insert(at, crdt.NewXmlText(text)); err == nil {
				runs = slices.Insert(runs, at, run{at: from})
			}
		}
		if err != nil {
			return err
		}
	}
	for i, r := range slices.Backward(runs) {
		a, b := max(from, r.at)-r.at, min(end, r.at+r.n)-r.at
		if a >= b {
			continue
		}
		var err error
		if r.text == nil {
			err = h.Delete(i, 1)
		} else {
			if i == into {
				n := len(utf16.Encode([]rune(text))) // stands before it now
				a, b = a+n, b+n
			}
			err = r.text.Delete(a, b-a)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
