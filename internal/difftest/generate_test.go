package difftest

import (
	"encoding/json"
	"hash/fnv"
	"math/rand/v2"
	"strings"
)

// kinds are the kinds of sessions, in the order in which a run goes round them.
var kinds = []string{
	"text", "unicode", "format", "array", "map", "odd", "nested", "xml", "subdoc", "mixed", "undo", "nogc", "shuffled", "bigid", "late",
	"yjs-13-2", "yjs-13-3", "yjs-13-4", "yjs-13-5", "yjs-13-5-44",
}

// An edit makes the operation of one local edit.
type edit func(g *gen, c int) op

// generate makes the session of a kind and seed.
func generate(kind string, seed uint64) *session {
	h := fnv.New64a()
	h.Write([]byte(kind))
	g := &gen{Rand: rand.New(rand.NewPCG(seed, h.Sum64())), kind: kind, cursors: map[int]int{}}
	s := &session{Kind: kind, Seed: seed}
	old := strings.HasPrefix(kind, "yjs-")
	switch r := g.IntN(100); {
	case old || kind == "undo" || r >= 65 && r < 85:
		s.Mode = modeNode
	case r < 65:
		s.Mode = modeMirror
	default:
		s.Mode = modeGo
	}
	g.mode = s.Mode
	s.Markers = true
	g.old = old
	if old {
		g.kind = pickOne(g, []string{"text", "unicode", "format", "array", "map", "nested", "xml"})
	}
	writers, readers := 2+g.IntN(3), 1+g.IntN(2)
	if g.chance(10) {
		writers += 3
	}
	gc := kind != "nogc"
	for i := range writers + readers {
		c := client{ID: g.clientID(uint64(i)), GC: gc || g.chance(30), Early: kind != "late" && g.chance(70), Side: sideBoth}
		if i < writers && s.Mode != modeMirror {
			c.Side = s.Mode
		}
		if c.Side == sideNode {
			if old {
				c.Yjs = kind
			} else if kind == "undo" || g.chance(20) {
				c.Undo = new(int)
				if g.chance(50) {
					*c.Undo = 1 << 40 // everything until a stop is one change
				}
			}
		}
		if i >= writers && g.chance(25) {
			c.Unclean = true
		}
		c.Quiet = g.chance(30)
		s.Clients = append(s.Clients, c)
	}
	steps := 40 + g.IntN(90)
	if g.chance(2) {
		steps *= 8
	}
	for range steps {
		s.Ops = append(s.Ops, g.step(s, writers, old))
	}
	g.settle(s, old)
	return s
}

func (g *gen) clientID(i uint64) uint64 {
	switch {
	case g.kind == "bigid":
		return 1<<32 + g.Uint64N(1<<53-1<<33)/1024*1024 + i // distinct below 1024 clients
	case g.chance(20):
		return 1 + g.Uint64N(5)*1024 + i
	}
	return uint64(g.Uint32())/1024*1024 + i
}

// step is one random step.
func (g *gen) step(s *session, writers int, old bool) op {
	all := len(s.Clients)
	c := g.IntN(writers)
	if s.Kind == "subdoc" && g.chance(3) {
		return op{C: g.IntN(all), K: "load", N: g.IntN(100)}
	}
	if s.Kind == "late" && g.chance(4) {
		return g.ask(s)
	}
	if s.Kind == "nogc" && g.chance(6) {
		return op{C: g.IntN(all), K: pickOne(g, []string{"snap", "snap", "snapdelta", "fromsnap"}), T: "text", N: g.IntN(100), I: g.IntN(100), L: g.IntN(5), ID: 7}
	}
	switch r := g.IntN(1000); {
	case r < 530:
		if s.Clients[c].Undo != nil && g.chance(25) {
			return op{C: c, K: pickOne(g, []string{"undo", "undo", "redo", "stop"})}
		}
		if g.chance(15) {
			tx := op{C: c, K: "tx"}
			if g.chance(30) {
				tx.O = "mine"
			}
			edits := 1 + g.IntN(5)
			if g.chance(1) {
				edits += 150 // more than Yjs keeps search markers
			}
			for range edits {
				tx.Ops = append(tx.Ops, g.edit(c))
			}
			return tx
		}
		return g.edit(c)
	case r < 880:
		return g.take(s, old)
	case r < 910:
		return op{C: g.IntN(all), K: "check"}
	case r < 935:
		return op{C: g.IntN(all), K: "bytes", N: g.IntN(1000), I: 1 + g.IntN(5), L: 1 + g.IntN(8), State: g.chance(30)}
	case r < 950:
		return op{C: g.IntN(all), K: "since", F: g.IntN(all)}
	case r < 965:
		c := g.IntN(all)
		if s.Clients[c].Yjs != "" {
			return op{C: c, K: "check"}
		}
		return op{C: c, K: "mark", T: g.markable(), N: g.IntN(100), I: g.position(c), L: g.IntN(3)}
	case r < 980:
		return op{C: g.IntN(all), K: "find", N: g.IntN(100)}
	case r < 983:
		return op{C: g.IntN(all), K: "strain", I: g.IntN(50), L: 1 + g.IntN(60), V2: g.chance(50)}
	case r < 987 && !old && s.Clients[c].Undo == nil:
		return op{C: c, K: "reload", ID: g.clientID(uint64(100 + len(s.Ops))), V2: g.chance(50)}
	}
	return g.ask(s)
}

// ask is a step in which a client asks for a root, sometimes as another kind than it is.
func (g *gen) ask(s *session) op {
	all := len(s.Clients)
	if s.Kind == "late" && g.chance(50) {
		as := pickOne(g, [][2]string{{"x", "element"}, {"e", "fragment"}, {"x", "map"}, {"m", "fragment"}, {"a", "map"}, {"m", "array"}, {"t", "xmltext"}, {"s", "text"}})
		return op{C: g.IntN(all), K: "askas", S: as[0], T: as[1]}
	}
	return op{C: g.IntN(all), K: "ask", T: pickOne(g, []string{"text", "array", "map", "fragment", "element", "xmltext"})}
}

func (g *gen) markable() string {
	switch g.kind {
	case "array":
		return "array"
	case "xml":
		return pickOne(g, []string{"fragment", "element", "xmltext"})
	case "nested", "mixed":
		return pickOne(g, []string{"text", "array", "fragment"})
	}
	return "text"
}

// take is a step in which something reaches a client from another. Old versions of Yjs know neither Skips nor this
// version's V2, so they get updates as they were made.
func (g *gen) take(s *session, old bool) op {
	o := op{C: g.IntN(len(s.Clients)), F: g.IntN(len(s.Clients)), N: g.IntN(1000), I: 1 + g.IntN(4), L: 1 + g.IntN(6)}
	for o.F == o.C {
		o.F = g.IntN(len(s.Clients))
	}
	strayed := g.kind == "shuffled" && g.chance(60)
	if old {
		o.K = pickOne(g, []string{"next", "next", "next", "pick", "sync"})
		// 13.3 kept halves of surrogate pairs, which its V2 puts together again and V1 doesn't.
		o.V2 = s.Clients[o.C].Yjs == "" && s.Clients[o.F].Yjs != "" && o.K != "sync" && s.Kind != "yjs-13-3" && g.chance(40)
		return o
	}
	o.V2 = g.chance(40)
	switch r := g.IntN(100); {
	case strayed:
		o.K = pickOne(g, []string{"pick", "pick", "pick", "merge", "diff"})
	case r < 62:
		o.K = "next"
	case r < 72:
		o.K = "pick"
	case r < 84:
		o.K = "sync"
	case r < 90:
		o.K = "merge"
	case r < 95:
		o.K = "diff"
	default:
		o.K = "state"
	}
	return o
}

// settle ends a session: everything reaches everyone, and all is compared.
func (g *gen) settle(s *session, old bool) {
	last := len(s.Clients) - 1
	for range 2 {
		for i := range s.Clients {
			s.Ops = append(s.Ops, op{C: last, K: "sync", F: i}, op{C: i, K: "sync", F: last, V2: !old && g.chance(50)})
		}
	}
	for i, c := range s.Clients {
		if c.Side != sideBoth {
			continue
		}
		for _, kind := range []string{"text", "array", "map", "fragment", "element", "xmltext"} {
			s.Ops = append(s.Ops, op{C: i, K: "ask", T: kind})
		}
		s.Ops = append(s.Ops, op{C: i, K: "check"}, op{C: i, K: "bytes", I: 1, L: 30}, op{C: i, K: "find", N: g.IntN(100)})
	}
	s.Ops = append(s.Ops, op{C: last, K: "reload", ID: g.clientID(900), V2: g.chance(50)}, op{C: last, K: "check"})
}

// position is where a client edits: often where it was, often at the start, where all conflict.
func (g *gen) position(c int) int {
	switch r := g.IntN(10); {
	case r < 4:
	case r < 6:
		g.cursors[c] = g.IntN(3)
	default:
		g.cursors[c] = g.IntN(1000)
	}
	at := g.cursors[c]
	g.cursors[c]++
	return at
}

// nested decides between a root (even) and some type below one (odd).
func (g *gen) nested() int {
	n := g.IntN(50) * 2
	if g.kind != "text" && g.kind != "format" && g.chance(55) {
		n++
	}
	return n
}

func (g *gen) edit(c int) op {
	o := pickOne(g, g.edits())(g, c)
	o.C = c
	return o
}

// edits are the local edits of a kind, each as often as it is to come.
func (g *gen) edits() []edit {
	text := []edit{insertText, insertText, insertText, deleteText}
	format := []edit{insertText, insertText, insertText, deleteText, formatText, formatText, formatText, insertEmbed, applyDelta, deleteText}
	array := []edit{insertList("array"), insertList("array"), pushList("array"), deleteList("array")}
	maps := []edit{setKey, setKey, setKey, deleteKey}
	xml := []edit{insertList("fragment"), insertList("element"), insertList("element"), pushList("fragment"), deleteList("fragment"), deleteList("element"), setAttribute, setAttribute, deleteAttribute, insertXMLText, insertXMLText, formatXMLText, setHook}
	switch g.kind {
	case "text", "unicode":
		return text
	case "format":
		return format
	case "array":
		return array
	case "map":
		return maps
	case "odd":
		return join(array, maps, []edit{insertEmbed, formatText, insertText, setAttribute})
	case "nested":
		return join(array, maps, text, format)
	case "xml":
		return xml
	case "subdoc":
		return join(array, maps)
	}
	return join(text, format, array, maps, xml)
}

func join(lists ...[]edit) []edit {
	var out []edit
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}

func insertText(g *gen, c int) op {
	return op{K: "tins", T: "text", N: g.nested(), I: g.position(c), S: g.text(), A: g.maybeAttributes()}
}

func insertXMLText(g *gen, c int) op {
	o := insertText(g, c)
	o.T = "xmltext"
	return o
}

func deleteText(g *gen, c int) op {
	l := 1 + g.IntN(4)
	if g.chance(20) {
		l = 1 + g.IntN(30)
	}
	return op{K: "tdel", T: g.textKind(), N: g.nested(), I: g.position(c), L: l}
}

func (g *gen) textKind() string {
	if (g.kind == "xml" || g.kind == "mixed") && g.chance(60) {
		return "xmltext"
	}
	return "text"
}

func formatText(g *gen, c int) op {
	return op{K: "tfmt", T: "text", N: g.nested(), I: g.position(c), L: 1 + g.IntN(12), A: g.attributes(), Over: g.chance(5)}
}

func formatXMLText(g *gen, c int) op {
	o := formatText(g, c)
	o.T = "xmltext"
	return o
}

func insertEmbed(g *gen, c int) op {
	return op{K: "temb", T: g.textKind(), N: g.nested(), I: g.position(c), V: json.RawMessage(g.embed()), A: g.maybeAttributes()}
}

func applyDelta(g *gen, _ int) op {
	o := op{K: "tdelta", T: g.textKind(), N: g.nested()}
	for range 1 + g.IntN(4) {
		var p deltaPart
		n := g.IntN(10)
		switch r := g.IntN(10); {
		case r < 4:
			p.R = &n
			if g.chance(50) {
				p.A = g.attributes()
			}
		case r < 6:
			p.X = &n
		case r < 9:
			p.V, p.A = json.RawMessage(quoted(g.text())), g.maybeAttributes()
		default:
			p.V, p.A = json.RawMessage(g.embed()), g.maybeAttributes()
		}
		o.D = append(o.D, p)
	}
	return o
}

func (g *gen) listValues(kind string) json.RawMessage {
	var parts []string
	for range 1 + g.IntN(3) {
		switch {
		case kind != "array":
			parts = append(parts, g.newXML(0))
		case g.kind == "subdoc" && g.chance(40), g.kind == "mixed" && g.chance(4):
			parts = append(parts, g.newDoc())
		case g.nests() && g.chance(40):
			parts = append(parts, g.newType(0))
		default:
			parts = append(parts, g.value(0, true))
		}
	}
	return json.RawMessage("[" + strings.Join(parts, ",") + "]")
}

func insertList(kind string) edit {
	return func(g *gen, c int) op {
		return op{K: "lins", T: kind, N: g.nested(), I: g.position(c), V: g.listValues(kind)}
	}
}

func pushList(kind string) edit {
	return func(g *gen, c int) op {
		if g.old && kind != "array" {
			return insertList(kind)(g, c)
		}
		return op{K: "lpush", T: kind, N: g.nested(), V: g.listValues(kind)}
	}
}

func deleteList(kind string) edit {
	return func(g *gen, c int) op {
		return op{K: "ldel", T: kind, N: g.nested(), I: g.position(c), L: 1 + g.IntN(4)}
	}
}

func (g *gen) mapValue() json.RawMessage {
	switch {
	case g.kind == "subdoc" && g.chance(40), g.kind == "mixed" && g.chance(4):
		return json.RawMessage(g.newDoc())
	case g.nests() && g.chance(45):
		return json.RawMessage(g.newType(0))
	}
	return json.RawMessage(g.value(0, false))
}

func setKey(g *gen, _ int) op {
	return op{K: "mset", T: "map", N: g.nested(), S: pickOne(g, mapKeys), V: g.mapValue()}
}

func setHook(g *gen, _ int) op {
	return op{K: "mset", T: "hook", N: 1 + 2*g.IntN(10), S: pickOne(g, mapKeys), V: g.mapValue()}
}

func deleteKey(g *gen, _ int) op {
	return op{K: "mdel", T: "map", N: g.nested(), S: pickOne(g, mapKeys)}
}

func (g *gen) attributed() string {
	if !g.old && (g.kind == "odd" || g.chance(15)) {
		return pickOne(g, []string{"text", "xmltext"})
	}
	return "element"
}

func setAttribute(g *gen, _ int) op {
	return op{K: "aset", T: g.attributed(), N: g.nested(), S: pickOne(g, mapKeys), V: json.RawMessage(g.attributeValue())}
}

func deleteAttribute(g *gen, _ int) op {
	return op{K: "adel", T: g.attributed(), N: g.nested(), S: pickOne(g, mapKeys)}
}
