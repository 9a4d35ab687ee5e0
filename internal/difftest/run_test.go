package difftest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/inkwire/inkwire/crdt"
)

// An entry of a log is one update in both formats.
type entry struct{ v1, v2 []byte }

func (e entry) in(v2 bool) []byte {
	if v2 {
		return e.v2
	}
	return e.v1
}

// A peer is a client of a session that lives here.
type peer struct {
	spec      client
	doc       *crdt.Doc
	asked     map[string]crdt.Type
	lines     []string
	log       []entry
	taken     map[int]int
	snapshots [][]byte
}

func newPeer(spec client) (*peer, error) {
	p := &peer{spec: spec, taken: map[int]int{}}
	return p, p.open(spec.ID)
}

func (p *peer) line(format string, args ...any) {
	p.lines = append(p.lines, fmt.Sprintf(format, args...))
}

// open gives the peer a new, empty document.
func (p *peer) open(id uint64) error {
	p.doc = crdt.New(crdt.Options{ClientID: id, GUID: "document", NoGC: !p.spec.GC, NoCleanup: p.spec.Unclean})
	p.asked = map[string]crdt.Type{}
	if p.spec.Early {
		for _, root := range roots {
			if _, err := p.ask(root.kind); err != nil {
				return err
			}
		}
	}
	if !p.spec.Quiet {
		p.doc.OnTransaction(func(tx *crdt.Transaction) {
			for _, e := range tx.Events() {
				p.lines = append(p.lines, p.showEvent(e))
			}
		})
	}
	p.doc.OnUpdate(func(update []byte, tx *crdt.Transaction) {
		p.log = append(p.log, entry{v1: bytes.Clone(update)})
		if _, err := crdt.Validate(update, crdt.Limits{}); err != nil {
			p.line("its own update doesn't validate: %v", err)
		}
		from := "remote"
		if tx.Local() {
			from = "local"
		}
		origin := "null"
		if o, ok := tx.Origin().(string); ok {
			origin = jsonString(o)
		}
		p.lines = append(p.lines, "u1 "+base64Of(update), "by "+from+" "+origin)
	})
	p.doc.OnUpdateV2(func(update []byte, _ *crdt.Transaction) {
		p.log[len(p.log)-1].v2 = bytes.Clone(update)
		if _, err := crdt.ValidateV2(update, crdt.Limits{}); err != nil {
			p.line("its own update doesn't validate: %v", err)
		}
		p.lines = append(p.lines, "u2 "+base64Of(update))
	})
	p.doc.OnSubdocs(func(e crdt.SubdocsEvent) {
		guids := func(docs []*crdt.Doc) string {
			var list []string
			for _, d := range docs {
				list = append(list, d.GUID())
			}
			slices.Sort(list)
			return jsonStrings(list)
		}
		p.line("subdocs added=%s removed=%s loaded=%s", guids(e.Added), guids(e.Removed), guids(e.Loaded))
	})
	return nil
}

func (p *peer) apply(update []byte, v2 bool) error {
	if v2 {
		return p.doc.ApplyUpdateV2(update, "net")
	}
	return p.doc.ApplyUpdate(update, "net")
}

func (p *peer) state(sv crdt.StateVector, v2 bool) []byte {
	if v2 {
		return p.doc.EncodeStateAsUpdateV2(sv)
	}
	return p.doc.EncodeStateAsUpdate(sv)
}

// some are the updates that an operation picks from the log.
func (p *peer) some(o *op, v2 bool) [][]byte {
	var out [][]byte
	if len(p.log) == 0 {
		return nil
	}
	for j, at := 0, o.N; j < o.L; j, at = j+1, at+o.I {
		out = append(out, p.log[at%len(p.log)].in(v2))
	}
	return out
}

func merge(updates [][]byte, v2 bool) ([]byte, error) {
	if v2 {
		return crdt.MergeUpdatesV2(updates)
	}
	return crdt.MergeUpdates(updates)
}

func diff(update []byte, sv crdt.StateVector, v2 bool) ([]byte, error) {
	if v2 {
		return crdt.DiffUpdateV2(update, sv)
	}
	return crdt.DiffUpdate(update, sv)
}

// A run is the run of a session on this side.
type run struct {
	session   *session
	peers     []*peer
	positions [][]byte
	refused   int // updates that strains refused
}

// takesBytes tells whether a step takes bytes from elsewhere.
func takesBytes(k string) bool {
	switch k {
	case "next", "pick", "state", "sync", "merge", "diff", "since", "find":
		return true
	}
	return false
}

// bytesFor are what a step takes; nil: nothing.
func (r *run) bytesFor(o *op) ([]byte, error) {
	to, from := r.peers[o.C], r.peers[o.F]
	switch o.K {
	case "find":
		if len(r.positions) == 0 {
			return nil, nil
		}
		return r.positions[o.N%len(r.positions)], nil
	case "next":
		at := to.taken[o.F]
		if at >= len(from.log) {
			return nil, nil
		}
		to.taken[o.F]++
		return from.log[at].in(o.V2), nil
	case "pick":
		if len(from.log) == 0 {
			return nil, nil
		}
		return from.log[o.N%len(from.log)].in(o.V2), nil
	case "state":
		return from.state(nil, o.V2), nil
	case "sync":
		return from.state(to.doc.StateVector(), o.V2), nil
	case "since":
		return from.doc.EncodeStateVector(), nil
	}
	updates := from.some(o, o.V2)
	if len(updates) == 0 {
		return nil, nil
	}
	merged, err := merge(updates, o.V2)
	if err != nil || o.K == "merge" {
		return merged, err
	}
	return diff(merged, to.doc.StateVector(), o.V2)
}

func result(name string, b []byte, err error) string {
	if err != nil {
		return name + " error"
	}
	return name + " " + base64Of(b)
}

// runHere runs a session with crdt. Of a session whose writers live in Node, node has their lines of each step. The lines
// of each step are returned, and, of a session whose writers live here, what Node has to be given.
func runHere(s *session, node [][]string) (lines [][]string, feed map[int]string, err error) {
	at := -1
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
		if err != nil {
			err = &stepError{at, err}
		}
	}()
	r := &run{session: s}
	for _, spec := range s.Clients {
		if spec.Side == sideNode {
			r.peers = append(r.peers, nil)
			continue
		}
		p, err := newPeer(spec)
		if err != nil {
			return nil, nil, err
		}
		r.peers = append(r.peers, p)
	}
	feed = map[int]string{}
	for at = range s.Ops {
		o := &s.Ops[at]
		p := r.peers[o.C]
		if p == nil {
			lines = append(lines, nil)
			continue
		}
		p.lines = nil
		if err := r.step(at, p, o, node, feed); err != nil {
			p.lines = append(p.lines, "error")
			errorNote(s, at, err)
		}
		if err := p.doc.Check(); err != nil {
			return nil, nil, err
		}
		lines = append(lines, p.lines)
	}
	return lines, feed, nil
}

// A stepError is a failure of this side alone.
type stepError struct {
	step int
	err  error
}

func (e *stepError) Error() string { return fmt.Sprintf("step %d: %v", e.step, e.err) }
func (e *stepError) Unwrap() error { return e.err }

func (r *run) step(at int, p *peer, o *op, node [][]string, feed map[int]string) error {
	var arg []byte
	if takesBytes(o.K) {
		line, b, err := r.take(at, o, node)
		if err != nil {
			return err
		}
		p.lines = append(p.lines, line)
		_, rest, _ := strings.Cut(line, " ")
		if r.session.Mode == modeGo && (o.K == "find" || r.session.Clients[o.F].Side == sideGo) {
			feed[at] = rest
		}
		if rest == "none" || rest == "error" {
			return nil
		}
		arg = b
	}
	switch o.K {
	case "check":
		return p.check()
	case "bytes":
		p.bytes(o)
	case "ask":
		_, err := p.ask(o.T)
		return err
	case "askas":
		_, err := p.askAs(o.S, o.T)
		return err
	case "load":
		docs := p.doc.Subdocs()
		slices.SortFunc(docs, func(a, b *crdt.Doc) int { return strings.Compare(a.GUID(), b.GUID()) })
		if len(docs) > 0 {
			docs[o.N%len(docs)].Load()
		}
	case "strain":
		return r.strain(p, o)
	case "undo", "redo", "stop": // nothing: only clients in Node have an undo manager
	case "since":
		sv, err := crdt.DecodeStateVector(arg)
		if err != nil {
			return err
		}
		p.lines = append(p.lines, result("since", p.state(sv, false), nil), result("since2", p.state(sv, true), nil))
	case "reload":
		state := p.state(nil, o.V2)
		if err := p.open(o.ID); err != nil {
			return err
		}
		return p.apply(state, o.V2)
	case "snap":
		p.snapshots = append(p.snapshots, crdt.EncodeSnapshot(p.doc.Snapshot()))
	case "snapdelta", "fromsnap":
		if p.spec.GC || len(p.snapshots) == 0 {
			return nil
		}
		return p.fromSnapshot(o)
	case "mark":
		return r.mark(p, o)
	case "find":
		return p.find(arg)
	case "next", "pick", "state", "sync", "merge", "diff":
		return p.apply(arg, o.V2)
	default:
		return p.edit(o)
	}
	return nil
}

// take gets the bytes that a step takes, and the line that tells them.
func (r *run) take(at int, o *op, node [][]string) (string, []byte, error) {
	s := r.session
	if s.Mode == modeNode && (o.K == "find" || s.Clients[o.F].Side == sideNode) {
		if len(node[at]) == 0 || !strings.HasPrefix(node[at][0], "arg ") {
			return "", nil, errors.New("Node gave no bytes for the step")
		}
		line := node[at][0]
		_, rest, _ := strings.Cut(line, " ")
		if rest == "none" || rest == "error" {
			return line, nil, nil
		}
		b, err := base64.StdEncoding.DecodeString(rest)
		return line, b, err
	}
	b, err := r.bytesFor(o)
	switch {
	case err != nil:
		errorNote(s, at, err)
		return "arg error", nil, nil
	case b == nil:
		return "arg none", nil, nil
	}
	return "arg " + base64Of(b), b, nil
}

func (p *peer) check() error {
	for _, root := range roots {
		t := p.asked[root.name]
		if t == nil {
			continue
		}
		p.line("root %s %s", root.name, dump(t))
		p.line("json %s %s", root.name, show(t.ToJSON()))
	}
	names := slices.Clone(p.doc.Roots())
	slices.Sort(names)
	p.line("roots %s", jsonStrings(names))
	if missing, pending := p.doc.Pending(); pending && len(missing) > 0 {
		p.line("pending %s", showStateVector(missing))
	} else {
		p.line("pending none")
	}
	snapshot := p.doc.Snapshot()
	p.lines = append(p.lines,
		result("sv", p.doc.EncodeStateVector(), nil),
		result("v1", p.state(nil, false), nil), result("v2", p.state(nil, true), nil),
		result("snapshot", crdt.EncodeSnapshot(snapshot), nil), result("snapshot2", crdt.EncodeSnapshotV2(snapshot), nil))
	return nil
}

// bytes runs the functions that work on bytes alone.
func (p *peer) bytes(o *op) {
	one, two := p.some(o, false), p.some(o, true)
	if len(one) == 0 {
		return
	}
	if o.State {
		one, two = append(one, p.state(nil, false)), append(two, p.state(nil, true))
	}
	add := func(name string, b []byte, err error) ([]byte, bool) {
		p.lines = append(p.lines, result(name, b, err))
		return b, err == nil
	}
	merged, err := merge(one, false)
	_, ok := add("merged", merged, err)
	merged2, err := merge(two, true)
	_, ok2 := add("merged2", merged2, err)
	half, err := crdt.EncodeStateVectorFromUpdate(one[0])
	_, ok3 := add("half", half, err)
	half2, err := crdt.EncodeStateVectorFromUpdateV2(two[0])
	add("half2", half2, err)
	if !ok || !ok2 || !ok3 {
		return
	}
	svOf, err := crdt.EncodeStateVectorFromUpdate(merged)
	add("svof", svOf, err)
	svOf, err = crdt.EncodeStateVectorFromUpdateV2(merged2)
	add("svof2", svOf, err)
	sv, err := crdt.DecodeStateVector(half)
	if err != nil {
		p.line("half can't be read: %v", err)
		return
	}
	b, err := diff(merged, sv, false)
	add("diff", b, err)
	b, err = diff(merged2, sv, true)
	add("diff2", b, err)
	b, err = crdt.ConvertV1ToV2(merged)
	add("to2", b, err)
	b, err = crdt.ConvertV2ToV1(merged2)
	add("to1", b, err)
	if _, err := crdt.Validate(merged, crdt.Limits{}); err != nil {
		p.line("merged doesn't validate: %v", err)
	}
	if _, err := crdt.ValidateV2(merged2, crdt.Limits{}); err != nil {
		p.line("merged2 doesn't validate: %v", err)
	}
}

func (p *peer) fromSnapshot(o *op) error {
	at := func(n int) (crdt.Snapshot, error) { return crdt.DecodeSnapshot(p.snapshots[n%len(p.snapshots)]) }
	if o.K == "fromsnap" {
		snapshot, err := at(o.N)
		if err != nil {
			return err
		}
		d, err := crdt.DocFromSnapshot(p.doc, snapshot, crdt.Options{ClientID: o.ID, GUID: "document", NoGC: o.L%2 == 1})
		if err != nil {
			return err
		}
		p.lines = append(p.lines, result("fromsnap", d.EncodeStateAsUpdate(nil), nil))
		return nil
	}
	t, err := pickAs[textType](p, o.T, o.N)
	if err != nil {
		return err
	}
	snapshot, err := at(o.I)
	if err != nil {
		return err
	}
	var previous *crdt.Snapshot
	if o.L != 0 {
		s, err := at(o.L)
		if err != nil {
			return err
		}
		previous = &s
	}
	p.line("snapdelta %s", showDelta(t.ToDeltaSnapshot(&snapshot, previous)))
	return nil
}

func (r *run) mark(p *peer, o *op) error {
	t, err := p.pick(o.T, o.N)
	if err != nil {
		return err
	}
	length := 0
	if t, ok := t.(interface{ Len() int }); ok {
		length = t.Len()
	}
	b := crdt.NewRelativePosition(t, o.I%(length+1), o.L-1).Encode()
	r.positions = append(r.positions, b)
	p.lines = append(p.lines, "mark "+base64Of(b))
	return nil
}

func (p *peer) find(b []byte) error {
	position, err := crdt.DecodeRelativePosition(b)
	if err != nil {
		return err
	}
	t, index, ok := p.doc.AbsolutePosition(position)
	if !ok {
		p.line("find none")
		return nil
	}
	p.line("find %s %s %d %d", kindNames[t.Kind()], idOf(t), index, position.Assoc)
	return nil
}

// strain has all updates so far applied under a budget that some of them exceed, and cut off at some byte. What is refused
// must leave nothing behind: the document must equal one that never met it. It may have been loaded anew, so both are
// compared as they are after a load, and the order in which keys came is left out. No clean-up of formatting: it stops,
// refusing nothing, where the budget ends.
func (r *run) strain(p *peer, o *op) error {
	options := crdt.Options{ClientID: 1, NoGC: !p.spec.GC, NoCleanup: true, Limits: crdt.Limits{Work: o.L}}
	strained := &peer{spec: client{GC: p.spec.GC, Early: p.spec.Early}, doc: crdt.New(options), asked: map[string]crdt.Type{}}
	options.Limits = crdt.Limits{}
	control := &peer{spec: strained.spec, doc: crdt.New(options), asked: map[string]crdt.Type{}}
	for _, one := range []*peer{strained, control} {
		for _, root := range roots {
			if !p.spec.Early {
				break
			}
			if _, err := one.ask(root.kind); err != nil {
				return err
			}
		}
	}
	emitted := 0
	strained.doc.OnUpdate(func([]byte, *crdt.Transaction) { emitted++ })
	for _, from := range r.peers {
		if from == nil {
			continue
		}
		for i, e := range from.log {
			update := e.in(o.V2)
			cut := update[:(o.I+i)%len(update)]
			if err := strained.apply(cut, o.V2); err == nil {
				return fmt.Errorf("an update of %d bytes was taken after %d", len(update), len(cut))
			}
			before := emitted
			_, waited := strained.doc.Pending()
			if err := strained.apply(update, o.V2); err != nil {
				r.refused++
				if emitted != before {
					return errors.New("a refused update was emitted")
				}
			} else if err := control.apply(update, o.V2); err != nil {
				return err
			}
			_, waits := strained.doc.Pending()
			_, waitsThere := control.doc.Pending()
			if waited && (waits != waitsThere || !maps.Equal(strained.doc.StateVector(), control.doc.StateVector())) {
				return nil // what waited was over the budget, and was dropped
			}
			if err := strained.doc.Check(); err != nil {
				return err
			}
		}
	}
	for _, v2 := range []bool{false, true} {
		a, err := strained.loaded(v2)
		if err != nil {
			return err
		}
		b, err := control.loaded(v2)
		if err != nil {
			return err
		}
		if !bytes.Equal(a, b) {
			return fmt.Errorf("refused updates left something behind: the state is %s, without them %s", base64Of(a), base64Of(b))
		}
	}
	a, b := strained.contents(), control.contents()
	for i := range a {
		if a[i] != b[i] {
			return fmt.Errorf("refused updates changed what is read: %s, without them %s", a[i], b[i])
		}
	}
	return nil
}

// loaded is the state of a fresh document that got the peer's.
func (p *peer) loaded(v2 bool) ([]byte, error) {
	fresh := &peer{doc: crdt.New(crdt.Options{ClientID: 1, NoGC: !p.spec.GC})}
	err := fresh.apply(p.state(nil, v2), v2)
	return fresh.state(nil, v2), err
}

// contents is what the roots that were asked for hold, keys sorted.
func (p *peer) contents() []string {
	var out []string
	for _, root := range roots {
		if t := p.asked[root.name]; t != nil {
			s := shower{deep: true, sorted: true}
			s.dump(t)
			out = append(out, root.name+" "+s.String())
		}
	}
	return out
}

func marshal(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
