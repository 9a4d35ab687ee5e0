package authors

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/inkwire/inkwire/lib0"
)

// The encoding, in lib0's numbers where no other is named: a format, 1; how many
// sessions there are, and each as 8 bytes, the lowest first; then twice, for what
// is written and for what is deleted: how many clients there are, and for each
// its id less the one before, how many spans it has, and for each span the units
// skipped before it, its length, and twice its session's place, plus one if the
// session only delivered it.
const format = 1

// maxClock is where clocks end in crdt.
const maxClock = 1<<31 - 1

// Encode returns the map as bytes for a checkpoint.
func (m *Map) Encode() []byte {
	var sessions []int64
	place := make(map[int64]int)
	for _, part := range []spans{m.written, m.deleted} {
		for r := range part.all {
			if _, ok := place[r.Session]; !ok {
				place[r.Session] = len(sessions)
				sessions = append(sessions, r.Session)
			}
		}
	}
	b := lib0.AppendUvarint(nil, format)
	b = lib0.AppendUvarint(b, uint64(len(sessions)))
	for _, id := range sessions {
		b = binary.LittleEndian.AppendUint64(b, uint64(id))
	}
	for _, part := range []spans{m.written, m.deleted} {
		b = lib0.AppendUvarint(b, uint64(len(part)))
		before := uint64(0)
		for _, client := range slices.Sorted(maps.Keys(part)) {
			b = lib0.AppendUvarint(b, client-before)
			before = client
			b = lib0.AppendUvarint(b, uint64(len(part[client])))
			at := uint32(0)
			for _, n := range part[client] {
				b = lib0.AppendUvarint(b, uint64(n.from-at))
				b = lib0.AppendUvarint(b, uint64(n.to-n.from))
				by := uint64(place[n.Session]) << 1
				if n.Delivered {
					by |= 1
				}
				b = lib0.AppendUvarint(b, by)
				at = n.to
			}
		}
	}
	return b
}

// Decode reads what Encode has written.
func Decode(b []byte) (*Map, error) {
	m := &Map{}
	if err := m.decode(b); err != nil {
		return nil, fmt.Errorf("authors: %w", err)
	}
	return m, nil
}

func (m *Map) decode(b []byte) error {
	d := lib0.NewDecoder(b)
	f, err := d.Uvarint()
	if err != nil {
		return err
	}
	if f != format {
		return d.Errorf("format %d, this program knows %d", f, format)
	}
	n, err := d.Count(8)
	if err != nil {
		return err
	}
	sessions := make([]int64, n)
	for i := range sessions {
		id, err := d.Take(8)
		if err != nil {
			return err
		}
		sessions[i] = int64(binary.LittleEndian.Uint64(id))
	}
	for _, part := range []*spans{&m.written, &m.deleted} {
		if err := part.decode(&d, sessions); err != nil {
			return err
		}
	}
	if d.Remaining() > 0 {
		return d.Errorf("%d bytes too many", d.Remaining())
	}
	return nil
}

// decode reads one of the two parts.
func (s *spans) decode(d *lib0.Decoder, sessions []int64) error {
	clients, err := d.Count(5) // the id, a count, and a span
	if err != nil || clients == 0 {
		return err
	}
	*s = make(spans, clients)
	client := uint64(0)
	for i := range clients {
		more, err := d.Uvarint()
		if err != nil {
			return err
		}
		if i > 0 && more == 0 || more > lib0.MaxUint-client {
			return d.Errorf("a client id out of order or range")
		}
		client += more
		n, err := d.Count(3)
		if err != nil {
			return err
		}
		if n == 0 {
			return d.Errorf("a client without spans")
		}
		list := make([]span, 0, n)
		at := uint64(0)
		for range n {
			var read [3]uint64 // skipped, length, author
			for i := range read {
				if read[i], err = d.Uvarint(); err != nil {
					return err
				}
			}
			skipped, length, by := read[0], read[1], read[2]
			switch {
			case skipped > maxClock-at || length == 0 || length > maxClock-at-skipped:
				return d.Errorf("a span out of range")
			case by>>1 >= uint64(len(sessions)):
				return d.Errorf("a span of session %d of %d", by>>1, len(sessions))
			}
			from := at + skipped
			at = from + length
			list = push(list, span{uint32(from), uint32(at), Author{sessions[by>>1], by&1 != 0}})
		}
		(*s)[client] = list
	}
	return nil
}
