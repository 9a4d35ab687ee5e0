package difftest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/inkwire/inkwire/crdt"
	"github.com/inkwire/inkwire/lib0"
)

// A recorded session: updates in an order, and what yjs makes of them.
type recorded struct {
	ID      string
	Kind    string
	GC      bool
	Updates [][]byte
	V2      [][]byte
	HalfSv  []byte
	Want    struct {
		Text, Delta, Array, Map, Xml, Sv       string
		V1, V2, Diff, Reload                   []byte
		Merged, MergedDiff, MergedSv, Snapshot []byte
	}
}

// TestRecordedSessions replays the recorded sessions in the folder that TRACES names, in both formats, byte for byte.
func TestRecordedSessions(t *testing.T) {
	traces := os.Getenv("TRACES")
	if traces == "" {
		t.Skip("TRACES is not set: TestDifferential makes sessions of the same kinds, and more, afresh")
	}
	f, err := os.Open(filepath.Join(traces, "yjs-sessions", "sessions.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 64<<20)
	n := 0
	for lines.Scan() {
		var r recorded
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		n++
		t.Run(r.ID, func(t *testing.T) {
			r.replay(t, false)
			r.replay(t, true)
		})
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if n == 0 {
		t.Fatal("no session was replayed")
	}
	t.Logf("%d sessions replayed in both formats", n)
}

func (r *recorded) replay(t *testing.T, v2 bool) {
	updates := r.Updates
	apply := (*crdt.Doc).ApplyUpdate
	if v2 {
		updates, apply = r.V2, (*crdt.Doc).ApplyUpdateV2
	}
	d := crdt.New(crdt.Options{NoGC: !r.GC})
	roots := askRecorded(t, d)
	for i, u := range updates {
		if err := apply(d, u, nil); err != nil {
			t.Fatalf("update %d: %v", i, err)
		}
	}
	same := func(name, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s (v2 %t): got\n%s\nwant\n%s", name, v2, clip(got), clip(want))
		}
	}
	sameBytes := func(name string, got, want []byte, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s (v2 %t): %v", name, v2, err)
		} else if !bytes.Equal(got, want) {
			same(name, base64.StdEncoding.EncodeToString(got), base64.StdEncoding.EncodeToString(want))
		}
	}
	same("text", roots.text.String(), r.Want.Text)
	same("delta", showDelta(roots.text.ToDelta()), canonical(t, r.Want.Delta))
	same("array", show(stringified(roots.array.ToJSON())), canonical(t, r.Want.Array))
	same("map", show(stringified(roots.m.ToJSON())), canonical(t, r.Want.Map))
	same("xml", roots.xml.String(), r.Want.Xml)
	same("state vector", showStateVector(d.StateVector()), spaced(r.Want.Sv))
	half, err := crdt.DecodeStateVector(r.HalfSv)
	if err != nil {
		t.Fatal(err)
	}
	sameBytes("v1", d.EncodeStateAsUpdate(nil), r.Want.V1, nil)
	sameBytes("v2", d.EncodeStateAsUpdateV2(nil), r.Want.V2, nil)
	sameBytes("diff", d.EncodeStateAsUpdate(half), r.Want.Diff, nil)
	sameBytes("snapshot", crdt.EncodeSnapshot(d.Snapshot()), r.Want.Snapshot, nil)
	fresh := crdt.New(crdt.Options{NoGC: !r.GC})
	askRecorded(t, fresh)
	if err := fresh.ApplyUpdate(r.Want.V1, nil); err != nil {
		t.Fatalf("reload: %v", err)
	}
	sameBytes("reload", fresh.EncodeStateAsUpdate(nil), r.Want.Reload, nil)
	if v2 {
		return
	}
	merged, err := crdt.MergeUpdates(r.Updates)
	sameBytes("merged", merged, r.Want.Merged, err)
	diff, err := crdt.DiffUpdate(r.Want.Merged, half)
	sameBytes("mergedDiff", diff, r.Want.MergedDiff, err)
	sv, err := crdt.EncodeStateVectorFromUpdate(r.Want.Merged)
	sameBytes("mergedSv", sv, r.Want.MergedSv, err)
}

type recordedRoots struct {
	text  *crdt.Text
	array *crdt.Array
	m     *crdt.Map
	xml   *crdt.XmlFragment
}

func askRecorded(t *testing.T, d *crdt.Doc) (r recordedRoots) {
	t.Helper()
	var errs [4]error
	r.text, errs[0] = d.Text("t")
	r.array, errs[1] = d.Array("a")
	r.m, errs[2] = d.Map("m")
	r.xml, errs[3] = d.XmlFragment("x")
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// stringified is a value as JSON.stringify, with which the sessions were recorded, sees it.
func stringified(v any) any {
	switch v := v.(type) {
	case float64:
		return v + 0 // no negative zero
	case []byte:
		o := lib0.NewObject()
		for i, b := range v {
			o.Set(strconv.Itoa(i), float64(b))
		}
		return o
	case *crdt.Doc:
		return lib0.NewObject()
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = stringified(v[i])
		}
		return list
	case *lib0.Object:
		o := lib0.NewObject()
		for key, one := range v.All() {
			o.Set(key, stringified(one))
		}
		return o
	}
	return v
}

// canonical reads recorded JSON and writes it as this package does.
func canonical(t *testing.T, text string) string {
	t.Helper()
	v, err := parseTagged(json.RawMessage(text))
	if err != nil {
		t.Fatal(err)
	}
	return show(v)
}

// spaced puts a recorded state vector into this package's form.
func spaced(sv string) string { return string(bytes.ReplaceAll([]byte(sv), []byte(","), []byte(" "))) }
