package lib0

import (
	"encoding/binary"
	"math"
	"math/bits"
	"unicode/utf8"
)

// AppendUvarint appends x in groups of seven bits, lowest first, each byte but
// the last with its top bit set.
func AppendUvarint(dst []byte, x uint64) []byte {
	for x >= 0x80 {
		dst = append(dst, byte(x)|0x80)
		x >>= 7
	}
	return append(dst, byte(x))
}

// UvarintLen is the number of bytes AppendUvarint appends for x.
func UvarintLen(x uint64) int {
	return (bits.Len64(x|1) + 6) / 7
}

// AppendVarint appends a signed number: six bits of the magnitude in the first
// byte beside the sign (0x40), then groups of seven. A negative zero is a value
// of its own, 0x40.
func AppendVarint(dst []byte, magnitude uint64, negative bool) []byte {
	first := byte(magnitude & 0x3f)
	if negative {
		first |= 0x40
	}
	if magnitude >>= 6; magnitude == 0 {
		return append(dst, first)
	}
	return AppendUvarint(append(dst, first|0x80), magnitude)
}

// AppendInt appends n as AppendVarint does.
func AppendInt(dst []byte, n int64) []byte {
	if n < 0 {
		return AppendVarint(dst, -uint64(n), true)
	}
	return AppendVarint(dst, uint64(n), false)
}

// AppendBytes appends the length of b and b.
func AppendBytes(dst, b []byte) []byte {
	return append(AppendUvarint(dst, uint64(len(b))), b...)
}

// AppendString appends the length of s in bytes and s.
func AppendString(dst []byte, s string) []byte {
	return append(AppendUvarint(dst, uint64(len(s))), s...)
}

// appendText appends s as a string. Half surrogate pairs, which strings parsed
// from JSON by canonicalisation can hold, become U+FFFD as JavaScript's
// TextEncoder makes them.
func appendText(dst []byte, s string) []byte {
	if !utf8.ValidString(s) {
		s = replaceHalves(s)
	}
	return AppendString(dst, s)
}

// The bytes that open values of "any".
const (
	tagBytes     = 116
	tagArray     = 117
	tagObject    = 118
	tagString    = 119
	tagTrue      = 120
	tagFalse     = 121
	tagBigInt    = 122
	tagFloat64   = 123
	tagFloat32   = 124
	tagInt       = 125
	tagNull      = 126
	tagUndefined = 127
)

// maxInt is the largest magnitude that lib0 writes as an integer.
const maxInt = 1<<31 - 1

// quietNaN is the bit that V8 sets in a NaN it reads. The others stay, and an
// honest NaN may have a sign: 0/0 gives one on common processors.
const quietNaN = 1 << 51

// AppendAny appends v in lib0's canonical form. A Go value that stands for no
// JavaScript value, and whatever lies deeper than MaxDepth, becomes undefined;
// use [Check] on values of unknown origin.
func AppendAny(dst []byte, v any) []byte {
	return appendAny(dst, v, 0)
}

func appendAny(dst []byte, v any, depth int) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, tagNull)
	case bool:
		if v {
			return append(dst, tagTrue)
		}
		return append(dst, tagFalse)
	case float64:
		return appendNumber(dst, v)
	case BigInt:
		return binary.BigEndian.AppendUint64(append(dst, tagBigInt), uint64(v))
	case string:
		return appendText(append(dst, tagString), v)
	case []byte:
		return AppendBytes(append(dst, tagBytes), v)
	case []any:
		if depth >= MaxDepth {
			break
		}
		dst = AppendUvarint(append(dst, tagArray), uint64(len(v)))
		for _, e := range v {
			dst = appendAny(dst, e, depth+1)
		}
		return dst
	case *Object:
		if depth >= MaxDepth || v == nil {
			break
		}
		dst = AppendUvarint(append(dst, tagObject), uint64(v.Len()))
		for k, e := range v.All() {
			dst = appendAny(appendText(dst, k), e, depth+1)
		}
		return dst
	}
	return append(dst, tagUndefined)
}

func appendNumber(dst []byte, f float64) []byte {
	if isSmallInt(f) {
		return AppendVarint(append(dst, tagInt), uint64(math.Abs(f)), math.Signbit(f))
	}
	if f32 := float32(f); float64(f32) == f {
		return binary.BigEndian.AppendUint32(append(dst, tagFloat32), math.Float32bits(f32))
	}
	b := math.Float64bits(f)
	if b == math.Float64bits(math.NaN()) {
		b &^= 1 // Go's own NaN differs from JavaScript's in this bit
	} else if f != f {
		b |= quietNaN
	}
	return binary.BigEndian.AppendUint64(append(dst, tagFloat64), b)
}

// isSmallInt reports whether lib0 writes f as an integer.
func isSmallInt(f float64) bool {
	return math.Abs(f) <= maxInt && f == math.Trunc(f)
}
