package lib0

import (
	"errors"
	"math"
	"strconv"
	"unicode/utf8"
)

// ErrNoJSON is returned for values that JSON has no form for: a bigint, or
// undefined where there is no object or array around it.
var ErrNoJSON = errors.New("value has no form in JSON")

// AppendJSON appends v as JavaScript's JSON.stringify writes it: without white
// space, a NaN or infinity as null, undefined left out of objects and null in
// arrays, bytes as an object of their indexes.
func AppendJSON(dst []byte, v any) ([]byte, error) {
	return appendJSON(dst, v, 0)
}

func appendJSON(dst []byte, v any, depth int) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...), nil
	case bool:
		return strconv.AppendBool(dst, v), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return append(dst, "null"...), nil
		}
		return AppendNumber(dst, v), nil
	case string:
		return appendJSONString(dst, v), nil
	case []byte:
		dst = append(dst, '{')
		for i, b := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(strconv.AppendInt(append(dst, '"'), int64(i), 10), '"', ':')
			dst = strconv.AppendUint(dst, uint64(b), 10)
		}
		return append(dst, '}'), nil
	case []any:
		if depth >= MaxDepth {
			return dst, ErrDepth
		}
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			if e == Undefined {
				e = nil
			}
			var err error
			if dst, err = appendJSON(dst, e, depth+1); err != nil {
				return dst, err
			}
		}
		return append(dst, ']'), nil
	case *Object:
		if depth >= MaxDepth {
			return dst, ErrDepth
		}
		dst = append(dst, '{')
		first := true
		for k, e := range v.All() {
			if e == Undefined {
				continue
			}
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = append(appendJSONString(dst, k), ':')
			var err error
			if dst, err = appendJSON(dst, e, depth+1); err != nil {
				return dst, err
			}
		}
		return append(dst, '}'), nil
	}
	return dst, ErrNoJSON
}

// AppendNumber appends f as JavaScript's Number.prototype.toString writes it:
// the shortest digits that read back as f, without an exponent from 1e-6 up to
// 1e21.
func AppendNumber(dst []byte, f float64) []byte {
	switch {
	case f != f:
		return append(dst, "NaN"...)
	case f > math.MaxFloat64:
		return append(dst, "Infinity"...)
	case f < -math.MaxFloat64:
		return append(dst, "-Infinity"...)
	case f == 0:
		return append(dst, '0') // -0 too
	}
	if a := math.Abs(f); a >= 1e-6 && a < 1e21 {
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	// Go pads exponents to two digits, JavaScript doesn't.
	if n := len(dst); n-start > 4 && dst[n-2] == '0' && (dst[n-3] == '-' || dst[n-3] == '+') {
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}

const hexDigits = "0123456789abcdef"

func appendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		n := 1
		var escape string
		switch {
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
			// Only canonicalisation keeps half surrogate pairs.
			if half := halfAt(s[i:]); half != 0 {
				n = 3
				escape = `\u` + strconv.FormatUint(uint64(half), 16)
			} else {
				escape = "\ufffd"
			}
		case c == '"':
			escape = `\"`
		case c == '\\':
			escape = `\\`
		case c == '\b':
			escape = `\b`
		case c == '\f':
			escape = `\f`
		case c == '\n':
			escape = `\n`
		case c == '\r':
			escape = `\r`
		case c == '\t':
			escape = `\t`
		default:
			escape = `\u00` + string(hexDigits[c>>4]) + string(hexDigits[c&15])
		}
		dst = append(append(dst, s[from:i]...), escape...)
		i += n
		from = i
	}
	return append(append(dst, s[from:]...), '"')
}
