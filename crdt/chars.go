package crdt

import "unicode/utf8"

// chars holds the text that one client wrote, addressed by clock: an item of
// kind kindString has no text of its own, its text is what stands at its
// clocks. So splitting and joining items moves no text.
//
// Text is kept in chunks of one byte a UTF-16 unit (Latin-1), or two where a
// wider unit occurs. Clocks that hold no text lie between chunks or under zero
// padding.
type chars struct {
	chunks []chunk
	hit    int // the chunk found last
}

type chunk struct {
	first uint32 // clock of the first unit
	live  uint32 // units that belong to an item with text
	wide  bool   // two bytes a unit, little-endian
	b     []byte
}

const (
	chunkUnits = 4096 // a chunk longer than this isn't appended to
	chunkGap   = 40   // a shorter gap is padded, a longer one starts a chunk
)

func (k *chunk) units() uint32 {
	if k.wide {
		return uint32(len(k.b)) / 2
	}
	return uint32(len(k.b))
}

func (k *chunk) end() uint32 { return k.first + k.units() }

func (k *chunk) unit(i uint32) uint16 {
	if k.wide {
		return uint16(k.b[2*i]) | uint16(k.b[2*i+1])<<8
	}
	return uint16(k.b[i])
}

// isLatin tells whether every code point of s is below 256.
func isLatin(s []byte) bool {
	for _, c := range s {
		if c >= 0xC4 { // lead bytes C2 and C3 cover U+0080 to U+00FF
			return false
		}
	}
	return true
}

// add stores the valid UTF-8 text s, units UTF-16 units long, at clock, which
// is above all clocks stored before. It drops the first skip units.
func (cs *chars) add(clock uint32, s []byte, units, skip uint32) {
	first := uint16(0) // replaces the first unit when the cut splits a pair
	for skip > 0 {
		r, n := utf8.DecodeRune(s)
		s = s[n:]
		if r < 0x10000 {
			skip--
			units--
			continue
		}
		if skip == 1 { // only the low half is left of the pair
			first = utf8.RuneError
			skip, units = 0, units-1
			break
		}
		skip -= 2
		units -= 2
	}
	latin := first == 0 && isLatin(s)
	k := cs.room(clock, units, latin)
	k.live += units
	if first != 0 {
		k.b = append(k.b, byte(first), byte(first>>8))
	}
	if !k.wide {
		if len(s) == int(units) {
			k.b = append(k.b, s...)
			return
		}
		for i := 0; i < len(s); i++ {
			c := s[i]
			if c >= 0xC2 {
				i++
				c = c<<6 | s[i]&0x3F
			}
			k.b = append(k.b, c)
		}
		return
	}
	for _, r := range string(s) {
		if r >= 0x10000 {
			r -= 0x10000
			hi, lo := 0xD800|uint16(r>>10), 0xDC00|uint16(r&0x3FF)
			k.b = append(k.b, byte(hi), byte(hi>>8), byte(lo), byte(lo>>8))
		} else {
			k.b = append(k.b, byte(r), byte(r>>8))
		}
	}
}

// room returns the chunk that ends at clock and takes units more.
func (cs *chars) room(clock, units uint32, latin bool) *chunk {
	if n := len(cs.chunks); n > 0 {
		k := &cs.chunks[n-1]
		size := k.units()
		gap := clock - (k.first + size)
		if gap <= chunkGap && size+gap+units <= chunkUnits && (k.wide || latin) && k.b != nil {
			for range gap {
				k.b = append(k.b, 0)
				if k.wide {
					k.b = append(k.b, 0)
				}
			}
			return k
		}
	}
	k := chunk{first: clock, wide: !latin}
	if units > chunkUnits/4 {
		k.b = make([]byte, 0, units)
		if !latin {
			k.b = make([]byte, 0, 2*units)
		}
	}
	cs.chunks = append(cs.chunks, k)
	return &cs.chunks[len(cs.chunks)-1]
}

// chunkAt returns the index of the chunk that holds clock.
func (cs *chars) chunkAt(clock uint32) int {
	if h := cs.hit; h < len(cs.chunks) && cs.chunks[h].first <= clock &&
		(h+1 == len(cs.chunks) || clock < cs.chunks[h+1].first) {
		return h
	}
	lo, hi := 0, len(cs.chunks)
	for lo < hi-1 {
		mid := int(uint(lo+hi) >> 1)
		if cs.chunks[mid].first <= clock {
			lo = mid
		} else {
			hi = mid
		}
	}
	cs.hit = lo
	return lo
}

// unit returns the UTF-16 unit at clock.
func (cs *chars) unit(clock uint32) uint16 {
	k := &cs.chunks[cs.chunkAt(clock)]
	return k.unit(clock - k.first)
}

// A cut is a surrogate pair that was split before clock, and its halves.
type cut struct {
	client    int32
	clock     uint32
	high, low uint16
}

// cut makes both halves of a surrogate pair that a split at clock separates
// U+FFFD, as yjs does (ContentString.splice), and tells what they were.
func (cs *chars) cut(clock uint32) (high, low uint16, ok bool) {
	k := &cs.chunks[cs.chunkAt(clock-1)]
	if !k.wide {
		return 0, 0, false
	}
	high = k.unit(clock - 1 - k.first)
	if high < 0xD800 || high > 0xDBFF {
		return 0, 0, false
	}
	low = cs.unit(clock)
	cs.set(clock-1, utf8.RuneError)
	cs.set(clock, utf8.RuneError)
	return high, low, true
}

// restore undoes a cut.
func (cs *chars) restore(clock uint32, high, low uint16) {
	cs.set(clock-1, high)
	cs.set(clock, low)
}

// set changes a unit of a wide chunk.
func (cs *chars) set(clock uint32, u uint16) {
	k := &cs.chunks[cs.chunkAt(clock)]
	o := 2 * (clock - k.first)
	k.b[o], k.b[o+1] = byte(u), byte(u>>8)
}

// release forgets n units from clock on; a chunk without any left is freed.
func (cs *chars) release(clock, n uint32) {
	for i := cs.chunkAt(clock); n > 0; i++ {
		k := &cs.chunks[i]
		part := min(n, k.end()-clock)
		k.live -= part
		if k.live == 0 {
			// Keep the extent: neighbours are found by their first clocks.
			k.b, k.wide = nil, false
		}
		n -= part
		clock += part
	}
}

// appendUTF8 appends the text of n units from clock on. Lone halves of pairs
// become U+FFFD, as JavaScript's encoder writes them.
func (cs *chars) appendUTF8(dst []byte, clock, n uint32) []byte {
	var high uint16 // a high surrogate waiting for its low half
	for i := cs.chunkAt(clock); n > 0; i++ {
		k := &cs.chunks[i]
		o := clock - k.first
		part := min(n, k.units()-o)
		n -= part
		clock += part
		if !k.wide {
			if high != 0 {
				dst, high = utf8.AppendRune(dst, utf8.RuneError), 0
			}
			for _, c := range k.b[o : o+part] {
				if c < 0x80 {
					dst = append(dst, c)
				} else {
					dst = append(dst, 0xC0|c>>6, 0x80|c&0x3F)
				}
			}
			continue
		}
		for ; part > 0; part, o = part-1, o+1 {
			u := k.unit(o)
			if high != 0 {
				if u >= 0xDC00 && u <= 0xDFFF {
					dst = utf8.AppendRune(dst, 0x10000+(rune(high)-0xD800)<<10+rune(u)-0xDC00)
					high = 0
					continue
				}
				dst, high = utf8.AppendRune(dst, utf8.RuneError), 0
			}
			switch {
			case u >= 0xD800 && u <= 0xDBFF:
				high = u
			case u >= 0xDC00 && u <= 0xDFFF:
				dst = utf8.AppendRune(dst, utf8.RuneError)
			default:
				dst = utf8.AppendRune(dst, rune(u))
			}
		}
	}
	if high != 0 {
		dst = utf8.AppendRune(dst, utf8.RuneError)
	}
	return dst
}

// utf8Len returns the length of what appendUTF8 would append.
func (cs *chars) utf8Len(clock, n uint32) int {
	size := 0
	high := false
	for i := cs.chunkAt(clock); n > 0; i++ {
		k := &cs.chunks[i]
		o := clock - k.first
		part := min(n, k.units()-o)
		n -= part
		clock += part
		if !k.wide {
			if high {
				size, high = size+3, false
			}
			size += int(part)
			for _, c := range k.b[o : o+part] {
				size += int(c >> 7)
			}
			continue
		}
		for ; part > 0; part, o = part-1, o+1 {
			u := k.unit(o)
			if high {
				if u >= 0xDC00 && u <= 0xDFFF {
					size, high = size+4, false
					continue
				}
				size, high = size+3, false
			}
			switch {
			case u < 0x80:
				size++
			case u < 0x800:
				size += 2
			case u >= 0xD800 && u <= 0xDBFF:
				high = true
			default:
				size += 3
			}
		}
	}
	if high {
		size += 3
	}
	return size
}
