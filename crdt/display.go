package crdt

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/inkwire/inkwire/lib0"
)

// display returns a value as JavaScript turns it into a string.
func display(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(v)
	case float64:
		switch {
		case math.IsNaN(v):
			return "NaN"
		case math.IsInf(v, 1):
			return "Infinity"
		case math.IsInf(v, -1):
			return "-Infinity"
		}
		return string(lib0.AppendNumber(nil, v))
	case lib0.BigInt:
		return strconv.FormatInt(int64(v), 10)
	case string:
		return v
	case []byte:
		parts := make([]string, len(v))
		for i, b := range v {
			parts[i] = strconv.Itoa(int(b))
		}
		return strings.Join(parts, ",")
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			if e != nil && e != any(lib0.Undefined) {
				parts[i] = display(e)
			}
		}
		return strings.Join(parts, ",")
	case *lib0.Object, *Doc, *Array, *Map, *XmlHook:
		return "[object Object]"
	case fmt.Stringer: // texts and XML nodes, undefined
		return v.String()
	}
	return fmt.Sprint(v)
}

// sortedUTF16 sorts strings as JavaScript compares them, by UTF-16 units.
func sortedUTF16(s []string) []string {
	s = slices.Clone(s)
	slices.SortFunc(s, func(a, b string) int {
		return slices.CompareFunc(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)), cmp.Compare[uint16])
	})
	return s
}
