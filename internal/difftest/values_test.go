package difftest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
)

// Random values in tagged JSON: JSON, in which undefined is {"$undef":1}, a bigint {"$big":"1"}, a number that JSON lacks
// {"$num":"NaN"}, bytes {"$bytes":"base64"}, and a new type or subdocument {"$new":kind, …}.

type gen struct {
	*rand.Rand
	kind    string
	mode    string
	old     bool // the writers are old versions of Yjs, which know less
	guids   int
	cursors map[int]int // where each client typed last
}

func pickOne[T any](g *gen, from []T) T { return from[g.IntN(len(from))] }

// chance is true p times of a hundred.
func (g *gen) chance(p int) bool { return g.IntN(100) < p }

var (
	plainStrings   = []string{"a", "x", "hello ", "the quick ", "\n", "bc", "Z9", "lorem ipsum", "0", "-", "q"}
	unicodeStrings = []string{
		"é", "ß", "漢字", "😀", "a😀b", "👩‍👩‍👧", "😀😃😄", "z\u0301", "\u2028", "𝒳𝒴", "ÿ\u0100", "x\ufeffy", "\ufeff", "\u0000", "\t\"\\", "ab", "文",
	}
	attributeKeys   = []string{"b", "i", "link", "b", "i", "10", "2", "ключ"}
	attributeValues = []string{
		`true`, `true`, `null`, `null`, `true`, `"x"`, `"y"`, `{"a":1}`, `{"a":1}`, `{"href":"u","n":{"deep":[1,{"k":null}]}}`, `1`, `0.5`, `false`, `[1,"two"]`, `""`, `{}`,
	}
	mapKeys    = []string{"a", "b", "c", "k", "a", "b", "1", "0", "10", "", "ключ", "long key with spaces", "constructor"}
	objectKeys = []string{"a", "b", "k", "1", "0", "10", "4294967295", "01", "", "ключ"} // yjs refuses an object with a key "constructor"
	plainJSON  = []string{`1`, `"s"`, `true`, `null`, `[1,2,3]`, `{"k":"v","1":2}`, `-5`, `0.1`, `"längere Zeichenkette"`, `{"a":{"b":{"c":[]}}}`, `false`, `123456789`}
	oddValues  = []string{`{"$undef":1}`, `{"$big":"1"}`, `{"$big":"-9223372036854775808"}`, `{"$big":"9223372036854775807"}`, `{"$num":"-0"}`, `{"$num":"NaN"}`, `{"$num":"Infinity"}`, `{"$num":"-Infinity"}`, `{"$bytes":""}`, `{"$bytes":"AAH/gA=="}`}
	oddNumbers = []float64{
		0, 1, -1, 63, 64, -64, -65, 127, 128, 8191, 8192, math.MaxInt32, math.MinInt32, math.MaxInt32 + 1, math.MinInt32 - 1, 1 << 53, -(1 << 53), 1<<53 - 1,
		0.5, 0.1, 1e21, 1e-7, 123456789012345680000, 1.5e300, 5e-324, math.MaxFloat64, math.MaxFloat32, 16777216, 16777217.5, 3.4e38, -2.25, 1e100, 4294967296,
	}
	nodeNames = []string{"p", "P", "div", "heading", "Ä", "x-y", "b"}
)

func quoted(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err) // a string always encodes
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (g *gen) text() string {
	from := plainStrings
	if g.kind == "unicode" || g.chance(15) {
		from = unicodeStrings
	}
	s := pickOne(g, from)
	for g.chance(25) {
		s += pickOne(g, from)
	}
	if g.chance(2) {
		s = strings.Repeat(s, 30)
	}
	return s
}

// attributes are for a format: each value may end a format (null).
func (g *gen) attributes() json.RawMessage {
	var parts []string
	for range 1 + g.IntN(2) {
		value := pickOne(g, attributeValues)
		if g.kind == "odd" && g.chance(20) {
			value = pickOne(g, []string{`{"$num":"-0"}`, `{"$num":"NaN"}`, `{"u":{"$undef":1},"n":{"$num":"Infinity"}}`, `1e21`, `[{"$undef":1}]`})
		}
		parts = append(parts, quoted(pickOne(g, attributeKeys))+":"+value)
	}
	return json.RawMessage("{" + strings.Join(parts, ",") + "}")
}

// maybeAttributes are for an insertion: often none, sometimes an empty object, which is not the same.
func (g *gen) maybeAttributes() json.RawMessage {
	switch {
	case g.kind == "text" || g.kind == "unicode" || g.chance(60):
		return nil
	case g.chance(15):
		return json.RawMessage(`{}`)
	}
	return g.attributes()
}

func (g *gen) number() string {
	f := pickOne(g, oddNumbers)
	if g.chance(30) {
		f = math.Float64frombits(g.Uint64())
	}
	if g.chance(20) {
		f = float64(g.Int64N(1<<34) - 1<<33)
	}
	switch {
	case math.IsNaN(f):
		return `{"$num":"NaN"}`
	case math.IsInf(f, 0):
		return `{"$num":"Infinity"}`
	case f == 0 && math.Signbit(f):
		return `{"$num":"-0"}`
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

// value is a plain value; of kind odd, what JSON can't say, too. A list refuses a bare undefined or bigint.
func (g *gen) value(depth int, inList bool) string {
	if g.kind != "odd" && g.chance(70) || depth > 4 || g.old {
		if v := pickOne(g, plainJSON); v != "null" || !g.old {
			return v
		}
		return "1"
	}
	switch r := g.IntN(100); {
	case r < 20:
		return g.number()
	case r < 45:
		odd := pickOne(g, oddValues)
		if inList && (strings.HasPrefix(odd, `{"$undef`) || strings.HasPrefix(odd, `{"$big`)) {
			return "[" + odd + "]"
		}
		return odd
	case r < 55:
		return quoted(g.text())
	case r < 75:
		var parts []string
		for range g.IntN(4) {
			key := pickOne(g, objectKeys)
			value := g.value(depth+1, false)
			if g.mode == modeNode && g.chance(15) {
				key, value = "__proto__", pickOne(g, plainJSON)
			}
			parts = append(parts, quoted(key)+":"+value)
		}
		return "{" + strings.Join(parts, ",") + "}"
	case r < 90:
		var parts []string
		for range g.IntN(4) {
			parts = append(parts, g.value(depth+1, false))
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	b := make([]byte, g.IntN(5))
	for i := range b {
		b[i] = byte(g.Uint32())
	}
	return fmt.Sprintf(`{"$bytes":%q}`, base64.StdEncoding.EncodeToString(b))
}

// embed is what a text may hold beside characters.
func (g *gen) embed() string {
	if g.nests() && !g.old && g.chance(30) {
		return g.newType(0)
	}
	if g.kind == "odd" && g.chance(40) {
		return pickOne(g, []string{`[1,2]`, `{"n":{"$num":"NaN"},"u":{"$undef":1}}`, `{"z":{"$num":"-0"}}`, `{"10":1,"9":2,"a":3}`, `[]`}) // yjs leaves numbers out of its events
	}
	return pickOne(g, []string{`{"image":"u"}`, `{"image":"u","w":3}`, `{}`, `{"deep":{"a":[1,null,"x"]}}`, `{"2":1,"1":2}`})
}

func (g *gen) nests() bool {
	return g.kind == "nested" || g.kind == "mixed" || g.kind == "undo" || g.kind == "late" || g.kind == "nogc"
}

// newType is a type with preliminary content.
func (g *gen) newType(depth int) string {
	kinds := []string{"text", "array", "map", "text", "array", "map", "xmltext", "element", "fragment", "hook"}
	if g.old {
		kinds = kinds[:3]
	}
	return g.newOf(pickOne(g, kinds), depth)
}

func (g *gen) newXML(depth int) string {
	kinds := []string{"element", "element", "element", "xmltext", "xmltext", "hook"}
	if g.old {
		kinds = kinds[:5] // some old versions wrote hooks that nobody could read
	}
	return g.newOf(pickOne(g, kinds), depth)
}

func (g *gen) newOf(kind string, depth int) string {
	parts := []string{`"$new":` + quoted(kind)}
	list := func(one func() string) {
		var items []string
		for range g.IntN(3) {
			items = append(items, one())
		}
		parts = append(parts, `"list":[`+strings.Join(items, ",")+`]`)
	}
	entries := func(one func() string) {
		var items []string
		for range g.IntN(3) {
			items = append(items, "["+quoted(pickOne(g, mapKeys))+","+one()+"]")
		}
		parts = append(parts, `"map":[`+strings.Join(items, ",")+`]`)
	}
	inner := func(inList bool) func() string {
		return func() string {
			if depth < 3 && g.chance(40) {
				return g.newType(depth + 1)
			}
			return g.value(depth, inList)
		}
	}
	switch kind {
	case "text", "xmltext":
		switch {
		case g.chance(30):
			parts = append(parts, `"text":`+quoted(g.text()))
		case g.chance(60):
			var ops []string
			for range 1 + g.IntN(3) {
				o := `{"insert":` + quoted(g.text())
				if a := g.maybeAttributes(); a != nil {
					o += `,"attributes":` + string(a)
				}
				ops = append(ops, o+"}")
			}
			parts = append(parts, `"delta":[`+strings.Join(ops, ",")+`]`)
		}
	case "array":
		list(inner(true))
	case "map":
		entries(inner(false))
	case "hook":
		parts = append(parts, `"name":`+quoted(pickOne(g, nodeNames)))
		entries(inner(false))
	case "fragment", "element":
		if kind == "element" {
			parts = append(parts, `"name":`+quoted(pickOne(g, nodeNames)))
			entries(g.attributeValue)
		}
		if depth < 3 {
			list(func() string { return g.newXML(depth + 1) })
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// attributeValue is a value of an XML attribute.
func (g *gen) attributeValue() string {
	if g.old || g.chance(60) {
		return quoted(g.text())
	}
	return pickOne(g, []string{`1`, `true`, `null`, `0.5`, `"v"`, `[1,[2,null]]`, `{"a":1}`, `-3`})
}

// newDoc is a subdocument.
func (g *gen) newDoc() string {
	g.guids++
	parts := []string{`"$new":"doc"`, `"name":` + quoted(fmt.Sprintf("sub-%d", g.guids))}
	if g.chance(20) {
		parts = append(parts, `"gc":false`)
	}
	if g.chance(30) {
		parts = append(parts, `"autoLoad":true`)
	}
	if g.chance(30) {
		parts = append(parts, `"meta":`+pickOne(g, []string{`{"title":"t"}`, `"m"`, `1`, `[1]`, `{"1":1,"0":2}`}))
	}
	return "{" + strings.Join(parts, ",") + "}"
}
