package crdt

import "iter"

// Ways to read the beginning of a document without paying for all of it. A count
// of steps bounds them: each item that is passed takes one of it, those that are
// deleted too, and at 0 they end. Nil is for no bound. Nothing may change meanwhile.

// maxPart is the longest part of a text in UTF-16 units.
const maxPart = 4096

// Nodes ranges over the nodes, from the first on.
func (f *XmlFragment) Nodes(steps *int) iter.Seq[Type] {
	return func(yield func(Type) bool) {
		if f.t.doc == nil {
			return
		}
		d := f.t.doc
		for i := f.t.start(); i != 0 && takeStep(steps); i = d.item(i).right {
			if it := d.item(i); it.kind() == kindType && !it.deleted() && !yield(d.typeOf(it).public()) {
				return
			}
		}
	}
}

// Parts ranges over the text without its formatting: strings, and embedded values
// and types, each of which counts as one unit of the text.
func (t *Text) Parts(steps *int) iter.Seq[any] {
	return func(yield func(any) bool) {
		if t.t.doc == nil {
			return
		}
		d := t.t.doc
		for i := t.t.start(); i != 0 && takeStep(steps); i = d.item(i).right {
			it := d.item(i)
			switch {
			case it.deleted():
			case it.kind() == kindString:
				chars := &d.clients[it.client()].chars
				for at := it.clock; at < it.end(); {
					n := min(it.end()-at, maxPart)
					if last := chars.unit(at + n - 1); n > 1 && last >= 0xD800 && last <= 0xDBFF {
						n-- // not within a pair
					}
					if at > it.clock && !takeStep(steps) || !yield(string(chars.appendUTF8(nil, at, n))) {
						return
					}
					at += n
				}
			case it.kind() == kindType, it.kind() == kindEmbed:
				if !yield(d.contentValues(it)[0]) {
					return
				}
			}
		}
	}
}

func takeStep(steps *int) bool {
	if steps == nil {
		return true
	}
	*steps--
	return *steps >= 0
}
