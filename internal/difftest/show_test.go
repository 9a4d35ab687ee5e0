package difftest

import (
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/inkwire/inkwire/crdt"
	"github.com/inkwire/inkwire/lib0"
)

// Canonical text of what crdt hands out, the same that peers/show.mjs makes of what Yjs hands out.

var base64Of = base64.StdEncoding.EncodeToString

var kindNames = map[crdt.Kind]string{
	crdt.KindText: "text", crdt.KindArray: "array", crdt.KindMap: "map", crdt.KindXmlFragment: "fragment",
	crdt.KindXmlElement: "element", crdt.KindXmlText: "xmltext", crdt.KindXmlHook: "hook",
}

// A shower writes canonical text; deep ones write out the types that a value holds, sorted ones sort keys.
type shower struct {
	strings.Builder
	deep, sorted bool
}

// keys puts keys in the order in which they are shown.
func (s *shower) keys(keys []string) []string {
	if s.sorted {
		keys = slices.Sorted(slices.Values(keys))
	}
	return keys
}

func show(v any) string {
	var s shower
	s.value(v)
	return s.String()
}

func dump(t crdt.Type) string {
	s := shower{deep: true}
	s.dump(t)
	return s.String()
}

func showDelta(delta []crdt.Op) string {
	var s shower
	s.delta(delta)
	return s.String()
}

// quote writes a string as JSON.stringify does.
func (s *shower) quote(text string) {
	s.WriteByte('"')
	for _, r := range text {
		switch r {
		case '"', '\\':
			s.WriteByte('\\')
			s.WriteRune(r)
		case '\b':
			s.WriteString(`\b`)
		case '\f':
			s.WriteString(`\f`)
		case '\n':
			s.WriteString(`\n`)
		case '\r':
			s.WriteString(`\r`)
		case '\t':
			s.WriteString(`\t`)
		default:
			if r < ' ' {
				fmt.Fprintf(s, `\u%04x`, r)
			} else {
				s.WriteRune(r)
			}
		}
	}
	s.WriteByte('"')
}

func jsonString(text string) string {
	var s shower
	s.quote(text)
	return s.String()
}

func (s *shower) strings(list []string) {
	s.WriteByte('[')
	for i, one := range list {
		if i > 0 {
			s.WriteByte(',')
		}
		s.quote(one)
	}
	s.WriteByte(']')
}

func jsonStrings(list []string) string {
	var s shower
	s.strings(list)
	return s.String()
}

// number writes a number as JavaScript does (ECMA-262, Number::toString).
func (s *shower) number(f float64) {
	switch {
	case f == 0 && math.Signbit(f):
		s.WriteString(`{"$num":"-0"}`)
		return
	case math.IsNaN(f):
		s.WriteString(`{"$num":"NaN"}`)
		return
	case math.IsInf(f, 0):
		fmt.Fprintf(s, `{"$num":"%sInfinity"}`, strings.Repeat("-", btoi(f < 0)))
		return
	}
	if abs := math.Abs(f); abs == 0 || abs >= 1e-6 && abs < 1e21 {
		s.WriteString(strconv.FormatFloat(f, 'f', -1, 64))
		return
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
	s.WriteString(mantissa + "e" + exponent[:1] + strings.TrimLeft(exponent[1:], "0"))
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (s *shower) object(o *lib0.Object) {
	s.WriteByte('{')
	for i, k := range s.keys(o.Keys()) {
		if i > 0 {
			s.WriteByte(',')
		}
		s.quote(k)
		s.WriteByte(':')
		v, _ := o.Get(k)
		s.value(v)
	}
	s.WriteByte('}')
}

func (s *shower) list(values []any) {
	s.WriteByte('[')
	for i, v := range values {
		if i > 0 {
			s.WriteByte(',')
		}
		s.value(v)
	}
	s.WriteByte(']')
}

func (s *shower) value(v any) {
	switch v := v.(type) {
	case nil:
		s.WriteString("null")
	case bool:
		s.WriteString(strconv.FormatBool(v))
	case float64:
		s.number(v)
	case lib0.BigInt:
		fmt.Fprintf(s, `{"$big":"%d"}`, int64(v))
	case string:
		s.quote(v)
	case []byte:
		fmt.Fprintf(s, `{"$bytes":"%s"}`, base64Of(v))
	case []any:
		s.list(v)
	case *lib0.Object:
		s.object(v)
	case *crdt.Doc:
		s.WriteString(`{"$doc":`)
		s.quote(v.GUID())
		s.WriteByte('}')
	case crdt.Type:
		if s.deep {
			s.dump(v)
		} else {
			fmt.Fprintf(s, `{"$type":"%s","id":"%s"}`, kindNames[v.Kind()], idOf(v))
		}
	default:
		if v == lib0.Undefined {
			s.WriteString(`{"$undef":1}`)
		} else {
			fmt.Fprintf(s, "<%T>", v)
		}
	}
}

func idOf(t crdt.Type) string {
	if id, ok := t.ID(); ok {
		return fmt.Sprintf("%d:%d", id.Client, id.Clock)
	}
	return "root"
}

func (s *shower) delta(delta []crdt.Op) {
	s.WriteByte('[')
	for i, o := range delta {
		if i > 0 {
			s.WriteByte(',')
		}
		s.WriteByte('{')
		switch {
		case o.Retain > 0:
			fmt.Fprintf(s, `"retain":%d`, o.Retain)
		case o.Delete > 0:
			fmt.Fprintf(s, `"delete":%d`, o.Delete)
		default:
			s.WriteString(`"insert":`)
			s.value(o.Insert)
		}
		if o.Attributes != nil {
			s.WriteString(`,"attributes":`)
			s.object(o.Attributes)
		}
		s.WriteByte('}')
	}
	s.WriteByte(']')
}

func (s *shower) entries(m mapType) {
	s.WriteByte('[')
	for i, k := range s.keys(m.Keys()) {
		if i > 0 {
			s.WriteByte(',')
		}
		s.WriteByte('[')
		s.quote(k)
		s.WriteByte(',')
		v, _ := m.Get(k)
		s.value(v)
		s.WriteByte(']')
	}
	s.WriteByte(']')
}

// dump writes everything a type holds.
func (s *shower) dump(t crdt.Type) {
	name := kindNames[t.Kind()]
	switch t := t.(type) {
	case textType:
		fmt.Fprintf(s, `["%s",%d,`, name, t.Len())
		s.quote(t.String())
		s.WriteByte(',')
		s.delta(t.ToDelta())
		s.WriteByte(',')
		s.object(t.Attrs())
	case elementType:
		s.WriteString(`["element",`)
		s.quote(t.NodeName())
		fmt.Fprintf(s, `,%d,`, t.Len())
		s.object(t.Attrs())
		s.WriteByte(',')
		s.list(t.Slice())
	case hookType:
		s.WriteString(`["hook",`)
		s.quote(t.HookName())
		s.WriteByte(',')
		s.entries(t)
	case listType:
		fmt.Fprintf(s, `["%s",%d,`, name, t.Len())
		s.list(t.Slice())
	case mapType:
		fmt.Fprintf(s, `["map",%d,`, t.Len())
		s.entries(t)
	}
	s.WriteByte(']')
}

// rootOf is the name of the root that holds a type, "?" if nobody has asked for it.
func (p *peer) rootOf(t crdt.Type) string {
	for t.Parent() != nil {
		t = t.Parent()
	}
	for name, root := range p.asked {
		if root == t {
			return name
		}
	}
	return "?"
}

// showEvent is the event of a changed type as one line.
func (p *peer) showEvent(e *crdt.Event) string {
	var s shower
	fmt.Fprintf(&s, "event %s", p.rootOf(e.Target))
	s.WriteByte('[')
	for i, step := range e.Path() {
		if i > 0 {
			s.WriteByte(',')
		}
		switch step := step.(type) {
		case string:
			s.quote(step)
		case int:
			s.WriteString(strconv.Itoa(step))
		}
	}
	fmt.Fprintf(&s, "] %s list=%t changed=", kindNames[e.Target.Kind()], e.ChildListChanged())
	s.strings(e.ChangedKeys())
	s.WriteString(" keys=[")
	for i, k := range e.Keys() {
		if i > 0 {
			s.WriteByte(',')
		}
		s.WriteByte('[')
		s.quote(k.Key)
		fmt.Fprintf(&s, `,"%s",`, k.Action)
		s.value(k.OldValue)
		s.WriteByte(']')
	}
	s.WriteString("] delta=")
	s.delta(e.Delta())
	return s.String()
}

// showStateVector is a state vector as text, by ascending client.
func showStateVector(sv crdt.StateVector) string {
	var ids []uint64
	for id := range sv {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	var parts []string
	for _, id := range ids {
		parts = append(parts, fmt.Sprintf("%d:%d", id, sv[id]))
	}
	return strings.Join(parts, " ")
}
