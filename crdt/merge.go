package crdt

import (
	"errors"
	"fmt"
)

// MergeUpdates makes one update of several, byte for byte as yjs's mergeUpdates
// does: without integrating them, so that items stay as they were cut. Gaps in
// a client's clocks become Skips. A single update is returned as it is, unread.
func MergeUpdates(updates [][]byte) ([]byte, error) { return mergeFormat(updates, formatV1) }

// MergeUpdatesV2 is MergeUpdates for V2.
func MergeUpdatesV2(updates [][]byte) ([]byte, error) { return mergeFormat(updates, formatV2) }

// mergeFormat merges updates of a format into one of that format.
func mergeFormat(updates [][]byte, f format) ([]byte, error) {
	if len(updates) == 1 {
		return updates[0], nil
	}
	m, err := newMerger(updates, f)
	if err != nil {
		return nil, err
	}
	if err := m.run(); err != nil {
		return nil, refuse("update", err)
	}
	m.deletes.normalise()
	return m.out.finish(m.deletes.ranges), nil
}

// A structSink takes the structs of an update in order, each from a unit on, and
// at last its delete set, whose ranges it writes as they are.
type structSink interface {
	write(e *encoded, offset uint32) error
	finish(ranges []DeleteRange) []byte
}

// A merger works in rounds, as yjs does. Each round takes the input whose next
// struct comes first, drops what has been written already, and writes structs
// of it as long as they are contiguous. The struct written last is held back in
// last, since a GC struct may grow.
type merger struct {
	inputs  []mergeInput
	queue   mergeQueue
	out     structSink
	deletes DeleteSet

	any  bool    // there is a last
	last encoded // its id and length count its beginning
	cut  uint32  // units at the beginning of last that are not to be written
	next encoded // of the input whose round it is
}

// mergeInput is an update whose structs are read one by one, Skips left out.
type mergeInput struct {
	r     structReader
	after int // offset after the struct that peek has read
}

func newMerger(updates [][]byte, f format) (*merger, error) {
	m := new(merger)
	size, err := m.read(updates, f, nil, nil)
	if err != nil {
		return nil, err
	}
	m.out = newUpdateWriter(f, size, false)
	return m, nil
}

// read checks the updates and stands at their beginnings. It returns their size.
// Unless they are nil, note sees what is in each, and pause is called every now
// and then.
func (m *merger) read(updates [][]byte, f format, note func(*scan), pause func()) (size int, err error) {
	m.inputs = make([]mergeInput, len(updates))
	m.queue.heads = make([]head, 0, len(updates))
	layout := f
	if f == formatV2 {
		layout = formatAny
	}
	s := scan{pause: pause}
	for i, u := range updates {
		if f == formatV2 {
			if u, err = decodeV2(u, nil); err != nil {
				return 0, ofUpdate(i, err)
			}
		}
		if err := scanUpdate(u, layout, nil, &s); err != nil {
			return 0, ofUpdate(i, err)
		}
		if note != nil {
			note(&s)
		}
		if m.deletes.loose = true; i == 0 { // as a rule by far the largest
			m.deletes.ranges, s.deleted.ranges = s.deleted.ranges, nil
		} else {
			m.deletes.grow(len(s.deleted.ranges))
			m.deletes.ranges = append(m.deletes.ranges, s.deleted.ranges...)
		}
		if err := m.inputs[i].r.reset(u, layout); err != nil {
			return 0, ofUpdate(i, refuse("update", err))
		}
		m.queue.mixes = m.queue.mixes || s.gcs > 0
		size += len(u)
	}
	return size, nil
}

// ofUpdate names in an error which of several updates it is about.
func ofUpdate(i int, err error) error {
	var e *Error
	if errors.As(err, &e) {
		e.In = fmt.Sprintf("update %d", i)
	}
	return err
}

// head moves past Skips and returns the place of the next struct in the order.
func (in *mergeInput) head() (h head, ok bool, err error) {
	for {
		ok, err := in.r.ahead()
		if !ok {
			return head{}, false, err
		}
		info := in.r.d.Rest()[:1] // a struct has at least two bytes
		if info[0] != kindSkip {
			return head{id: ID{in.r.client, in.r.clock}, gc: info[0]&infoKind == kindGC}, true, nil
		}
		var e encoded
		if _, err := in.r.next(&e); err != nil {
			return head{}, false, err
		}
	}
}

// peek reads the struct that head announced, without moving.
func (in *mergeInput) peek(e *encoded) error {
	e.id = ID{in.r.client, in.r.clock}
	if err := readStruct(&in.r.d, in.r.anyValues, e); err != nil {
		return err
	}
	in.after = in.r.d.Offset()
	in.r.d.Seek(e.offset)
	return nil
}

// take moves past the struct that peek has read and reads the next, or reports
// that there is none.
func (in *mergeInput) take(e *encoded) (bool, error) {
	in.r.d.Seek(in.after)
	in.r.clock += e.length
	in.r.structs--
	if _, ok, err := in.head(); !ok {
		return false, err
	}
	return true, in.peek(e)
}

func (m *merger) run() error {
	for i := range m.inputs {
		h, ok, err := m.inputs[i].head()
		if err != nil {
			return err
		}
		if ok {
			h.input = int32(i)
			m.queue.push(h)
		}
	}
	m.queue.begin()
	for len(m.queue.heads) > 0 {
		in := &m.inputs[m.queue.heads[0].input]
		if err := m.round(in); err != nil {
			return err
		}
		h, ok, err := in.head()
		if err != nil {
			return err
		}
		m.queue.replaceFirst(h, ok)
	}
	if m.any {
		return m.out.write(&m.last, m.cut)
	}
	return nil
}

// round takes what it can from the first input.
func (m *merger) round(in *mergeInput) error {
	next := &m.next
	if err := in.peek(next); err != nil {
		return err
	}
	client := next.id.Client
	ok := true
	if m.any {
		dropped := false
		var err error
		for ok && next.end() <= m.last.end() && next.id.Client >= m.last.id.Client {
			dropped = true
			if ok, err = in.take(next); err != nil {
				return err
			}
		}
		if !ok || next.id.Client != client || dropped && next.id.Clock > m.last.end() {
			return nil
		}
	}
	joined, err := m.join()
	if err != nil || joined {
		return err
	}
	for {
		if ok, err = in.take(next); err != nil {
			return err
		}
		if !ok || next.id.Client != client || next.id.Clock != m.last.end() {
			return nil
		}
		if err := m.hold(0); err != nil {
			return err
		}
	}
}

// join puts next after last: cut where they overlap, after a Skip where there
// is a gap. A GC struct that last takes up stays the input's next, as in yjs;
// then join reports true.
func (m *merger) join() (joined bool, err error) {
	if !m.any {
		m.any, m.last, m.cut = true, m.next, 0
		return false, nil
	}
	if m.next.id.Client != m.last.id.Client {
		return false, m.hold(0)
	}
	end := m.last.end()
	if end < m.next.id.Clock {
		skip := encoded{
			id:     ID{m.last.id.Client, end},
			length: m.next.id.Clock - end,
			info:   kindSkip,
		}
		if err := m.out.write(&m.last, m.cut); err != nil {
			return false, err
		}
		m.last, m.cut = skip, 0
		return false, m.hold(0)
	}
	cut := end - m.next.id.Clock
	if m.last.kind() == kindGC && m.next.kind() == kindGC {
		m.last.length += m.next.length - cut
		return true, nil
	}
	return false, m.hold(cut)
}

// hold writes last and makes next, from its unit cut on, the last.
func (m *merger) hold(cut uint32) error {
	if err := m.out.write(&m.last, m.cut); err != nil {
		return err
	}
	m.last, m.cut = m.next, cut
	return nil
}
