package crdt

// A marker remembers the index of an item in a list or text, so that a local
// edit near it needn't count from the start. They are yjs's search markers,
// exactly: which marker a search ends at decides between which deleted items
// an edit lands, and so its origins, its bytes.
type marker struct {
	item  int32
	index int
	used  int // when it was used last, by Doc.markerClock
}

const maxMarkers = 80

func (t *ytype) mark(i int32, index int) *marker {
	d := t.doc
	var m *marker
	if len(t.markers) >= maxMarkers {
		m = &t.markers[0]
		for k := range t.markers {
			if t.markers[k].used < m.used {
				m = &t.markers[k]
			}
		}
		d.item(m.item).meta &^= metaMarked
	} else {
		t.markers = append(t.markers, marker{})
		m = &t.markers[len(t.markers)-1]
	}
	t.setMarker(m, i, index)
	return m
}

func (t *ytype) setMarker(m *marker, i int32, index int) {
	d := t.doc
	d.item(i).meta |= metaMarked
	*m = marker{i, index, d.markerClock}
	d.markerClock++
}

// findMarker returns a marker close to index, or nil where it is best to start
// from the beginning (Yjs: findMarker).
func (t *ytype) findMarker(index int) *marker {
	d := t.doc
	if t.start() == 0 || index == 0 || t.noMarkers {
		return nil
	}
	var m *marker
	for k := range t.markers {
		if m == nil || abs(index-t.markers[k].index) <= abs(index-m.index) {
			m = &t.markers[k]
		}
	}
	p, at := t.start(), 0
	if m != nil {
		p, at = m.item, m.index
		m.used = d.markerClock
		d.markerClock++
	}
	it := d.item(p)
	for it.right != 0 && at < index {
		if it.visible() {
			if index < at+int(it.length) {
				break
			}
			at += int(it.length)
		}
		p = it.right
		it = d.item(p)
	}
	left := func() {
		p = it.left
		it = d.item(p)
		if it.visible() {
			at -= int(it.length)
		}
	}
	for it.left != 0 && at > index {
		left()
	}
	// An item that may be joined with its left one must not be marked.
	for it.left != 0 {
		l := d.item(it.left)
		if l.client() != it.client() || l.end() != it.clock {
			break
		}
		left()
	}
	if m != nil && float64(abs(m.index-at)) < float64(d.chains[t.list].length)/maxMarkers {
		d.item(m.item).meta &^= metaMarked
		t.setMarker(m, p, at)
		return m
	}
	return t.mark(p, at)
}

// shiftMarkers adjusts the markers to the insertion (n > 0) or deletion of n
// units at index (Yjs: updateMarkerChanges).
func (t *ytype) shiftMarkers(index, n int) {
	if t.noMarkers {
		return
	}
	d := t.doc
	for k := len(t.markers) - 1; k >= 0; k-- {
		m := &t.markers[k]
		if n > 0 {
			p := m.item
			d.item(p).meta &^= metaMarked
			for p != 0 && !d.item(p).visible() {
				p = d.item(p).left
				if p != 0 && d.item(p).visible() {
					m.index -= int(d.item(p).length)
				}
			}
			if p == 0 || d.item(p).meta&metaMarked != 0 {
				t.markers = append(t.markers[:k], t.markers[k+1:]...)
				continue
			}
			m.item = p
			d.item(p).meta |= metaMarked
		}
		if index < m.index || n > 0 && index == m.index {
			m.index = max(index, m.index+n)
		}
	}
}

// moveMarkers lets the markers of item ri, which is about to be joined with li,
// point to li.
func (t *ytype) moveMarkers(ri, li int32, l *item) {
	for k := range t.markers {
		m := &t.markers[k]
		if m.item == ri {
			m.item = li
			if l.visible() {
				m.index -= int(l.length)
			}
		}
	}
}

// dropMarkers forgets all markers. Their items stay marked: yjs leaves them so,
// and such an item is no place for a marker to move to.
func (t *ytype) dropMarkers() { t.markers = t.markers[:0] }

func abs(x int) int {
	if x < 0 {
		return -x
	}
	return x
}
