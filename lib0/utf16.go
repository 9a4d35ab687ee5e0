package lib0

import (
	"encoding/binary"
	"math/bits"
	"strings"
	"unicode/utf8"
)

const topBits = 0x8080808080808080

// UTF16Len is the length of UTF-8 text in UTF-16 code units, JavaScript's
// length of it. The text must be valid.
func UTF16Len[T string | []byte](b T) int {
	n := len(b)
	// Each continuation byte adds no unit; each lead of four bytes adds two.
	i := 0
	for ; i+8 <= len(b); i += 8 {
		// A load of eight bytes that the compiler makes one of for strings too.
		w := b[i : i+8]
		x := uint64(w[0]) | uint64(w[1])<<8 | uint64(w[2])<<16 | uint64(w[3])<<24 |
			uint64(w[4])<<32 | uint64(w[5])<<40 | uint64(w[6])<<48 | uint64(w[7])<<56
		if x&topBits == 0 {
			continue
		}
		n += bits.OnesCount64(x&(x<<1)&(x<<2)&(x<<3)&topBits) - bits.OnesCount64(x&^(x<<1)&topBits)
	}
	for ; i < len(b); i++ {
		if b[i] >= 0xf0 {
			n++
		} else if b[i]&0xc0 == 0x80 {
			n--
		}
	}
	return n
}

// IsASCII reports whether all bytes of b are below 0x80.
func IsASCII(b []byte) bool {
	i := 0
	for ; i+8 <= len(b); i += 8 {
		if binary.LittleEndian.Uint64(b[i:])&topBits != 0 {
			return false
		}
	}
	var all byte
	for ; i < len(b); i++ {
		all |= b[i]
	}
	return all < 0x80
}

// UTF16Index returns the offset in b at which its code unit n begins. If that
// unit is the second half of a surrogate pair, the offset is the pair's and
// split is true. A text of fewer than n units gives -1.
func UTF16Index(b []byte, n int) (offset int, split bool) {
	i := 0
	for n > 0 {
		if n >= 8 && i+8 <= len(b) && binary.LittleEndian.Uint64(b[i:])&topBits == 0 {
			i, n = i+8, n-8
			continue
		}
		if i >= len(b) {
			return -1, false
		}
		switch c := b[i]; {
		case c < 0x80:
			i++
		case c < 0xe0:
			i += 2
		case c < 0xf0:
			i += 3
		default:
			if n == 1 {
				return i, true
			}
			n--
			i += 4
		}
		n--
	}
	return min(i, len(b)), false
}

// Strings parsed for canonicalisation hold half surrogate pairs in the three
// bytes that UTF-8 would have for them (ed a0..bf xx), which is not UTF-8.

// halfAt returns the half surrogate pair that s begins with, or 0.
func halfAt(s string) rune {
	if len(s) >= 3 && s[0] == 0xed && s[1]&0xe0 == 0xa0 && s[2]&0xc0 == 0x80 {
		return 0xd000 | rune(s[1]&0x3f)<<6 | rune(s[2]&0x3f)
	}
	return 0
}

// replaceHalves returns s with U+FFFD for each half surrogate pair and each
// other byte that isn't UTF-8.
func replaceHalves(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 && halfAt(s[i:]) != 0 {
			n = 3
		}
		b.WriteRune(r)
		i += n
	}
	return b.String()
}
