package crdt

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/inkwire/inkwire/lib0"
)

// loadState makes a document of a state, as a room does.
func loadState(t testing.TB, state []byte) *Doc {
	t.Helper()
	d := New(Options{NoCleanup: true})
	if err := d.LoadState(state); err != nil {
		t.Fatalf("%x: %v", state, err)
	}
	return d
}

// collectAll collects updates, and what that makes until it stays.
func collectAll(t testing.TB, updates ...[]byte) []byte {
	t.Helper()
	b, err := CollectUpdates(updates, nil)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; ; n++ {
		if _, err := Validate(b, Limits{}); err != nil {
			t.Fatalf("%x: %v", b, err)
		}
		again, err := CollectUpdates([][]byte{b}, nil)
		switch {
		case err != nil:
			t.Fatal(err)
		case bytes.Equal(again, b):
			return b
		case len(again) > len(b) || n == 1000:
			t.Fatalf("collecting makes %x of %x", again, b)
		}
		b = again
	}
}

// checkCollected fails unless collected updates come to the very document that
// the updates come to. It returns the sizes of both encodings.
func checkCollected(t *testing.T, updates [][]byte) (collected, encoded int) {
	t.Helper()
	merged, err := MergeUpdates(updates)
	if err != nil {
		t.Fatal(err)
	}
	want := loadState(t, merged).EncodeStateAsUpdate(nil)
	got, err := CollectUpdates(updates, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{got, collectAll(t, got)} {
		sameBytes(t, "the document of what was collected", loadState(t, b).EncodeStateAsUpdate(nil), want, nil)
	}
	return len(got), len(want)
}

// checkTail fails unless collected updates may be the base of those after them.
func checkTail(t *testing.T, updates [][]byte) {
	t.Helper()
	merged, err := MergeUpdates(updates)
	if err != nil {
		t.Fatal(err)
	}
	want := loadState(t, merged).EncodeStateAsUpdate(nil)
	half := len(updates) / 2
	base, err := CollectUpdates(updates[:half], nil)
	if err != nil {
		t.Fatal(err)
	}
	onBase, err := CollectUpdates(append([][]byte{base}, updates[half:]...), nil)
	if err != nil {
		t.Fatal(err)
	}
	sameBytes(t, "the document of a base and a tail", loadState(t, onBase).EncodeStateAsUpdate(nil), want, nil)
}

func TestCollectGolden(t *testing.T) {
	n := 0
	for i, c := range readLines[bytesCase](t, "testdata/bytes.jsonl.gz") {
		if c.Op == "merge" && len(c.In) > 1 {
			n++
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				merged, err := MergeUpdates(c.In)
				if err != nil {
					t.Fatal(err)
				}
				if d := loadState(t, merged); d.pending.empty() {
					checkCollected(t, c.In) // their clients contradict themselves: no base of some for others
				}
			})
		}
	}
	if n == 0 {
		t.Error("no case")
	}
}

func TestCollectSessions(t *testing.T) {
	dir := os.Getenv("TRACES")
	if dir == "" {
		t.Skip("TRACES is not set: TestCollectGolden and TestCollectTyped make do with what is here")
	}
	collected, encoded := 0, 0
	for _, s := range readLines[session](t, filepath.Join(dir, "yjs-sessions", "sessions.jsonl.gz")) {
		t.Run(s.ID, func(t *testing.T) {
			c, e := checkCollected(t, s.Updates)
			checkTail(t, s.Updates)
			collected, encoded = collected+c, encoded+e
		})
	}
	if collected > encoded {
		t.Errorf("%d bytes in all, the documents have %d", collected, encoded)
	}
}

func TestCollectTyped(t *testing.T) {
	updates, _ := keystrokes(t, 5000)
	c, e := checkCollected(t, updates)
	checkTail(t, updates)
	if c > e {
		t.Errorf("%d bytes, the document has %d", c, e)
	}
}

// structs writes an update's structs in words.
func structs(t *testing.T, update []byte) string {
	t.Helper()
	var r structReader
	if err := r.reset(update, formatV1); err != nil {
		t.Fatal(err)
	}
	names := map[byte]string{kindGC: "gc", kindDeleted: "deleted", kindJSON: "json", kindString: "string",
		kindFormat: "format", kindType: "type", kindAny: "any", kindSkip: "skip"}
	var all []string
	var e encoded
	for {
		ok, err := r.next(&e)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return strings.Join(all, ", ")
		}
		s := fmt.Sprintf("%d:%d+%d %s", e.id.Client, e.id.Clock, e.length, names[e.kind()])
		if e.kind() == kindString {
			s += fmt.Sprintf(" %q", e.text())
		}
		if e.kind() != kindGC && e.kind() != kindSkip {
			if e.info&infoOrigin != 0 {
				s += fmt.Sprintf(" after %d:%d", e.origin.Client, e.origin.Clock)
			}
			if e.info&infoRight != 0 {
				s += fmt.Sprintf(" before %d:%d", e.right.Client, e.right.Clock)
			}
		}
		all = append(all, s)
	}
}

// A written struct, as a test composes it.
func written(info byte, ids ...uint64) []byte {
	b := []byte{info}
	for _, x := range ids {
		b = lib0.AppendUvarint(b, x)
	}
	return b
}

// updateOf puts structs of one client, from a clock on, and deletes into an
// update; each delete is a client, a clock and a length.
func updateOf(client, clock uint64, structs [][]byte, deletes ...[3]uint64) []byte {
	b := lib0.AppendUvarint([]byte{1}, uint64(len(structs)))
	b = lib0.AppendUvarint(lib0.AppendUvarint(b, client), clock)
	for _, s := range structs {
		b = append(b, s...)
	}
	b = lib0.AppendUvarint(b, uint64(len(deletes)))
	for _, d := range deletes {
		b = lib0.AppendUvarint(lib0.AppendUvarint(b, d[0]), 1)
		b = lib0.AppendUvarint(lib0.AppendUvarint(b, d[1]), d[2])
	}
	return b
}

func text(header []byte, s string) []byte { return lib0.AppendString(bytes.Clone(header), s) }

func TestCollect(t *testing.T) {
	root := append([]byte{kindString, 1}, "\x01t"...)
	keyed := append([]byte{kindAny | infoSub, 1}, "\x01m\x01k"...)
	value := func(b []byte, n ...byte) []byte {
		b = append(bytes.Clone(b), byte(len(n)))
		for _, x := range n {
			b = append(b, 125, x)
		}
		return b
	}
	aType := append([]byte{kindType, 1}, "\x01a\x00"...) // an array in an array
	for name, c := range map[string]struct {
		updates [][]byte
		want    string
	}{
		"typed letter by letter": {
			[][]byte{
				updateOf(1, 0, [][]byte{text(root, "a")}),
				updateOf(1, 1, [][]byte{text(written(kindString|infoOrigin, 1, 0), "b")}),
				updateOf(1, 2, [][]byte{text(written(kindString|infoOrigin, 1, 1), "c")}),
			},
			`1:0+3 string "abc"`,
		},
		"somebody between them": {
			[][]byte{
				updateOf(1, 0, [][]byte{text(root, "a")}),
				updateOf(1, 1, [][]byte{text(written(kindString|infoOrigin, 1, 0), "b")}),
				updateOf(2, 0, [][]byte{text(written(kindString|infoOrigin|infoRight, 1, 0, 1, 1), "x")}),
			},
			`2:0+1 string "x" after 1:0 before 1:1, 1:0+2 string "ab"`,
		},
		"another right neighbour": {
			[][]byte{updateOf(1, 0, [][]byte{text(root, "a"), text(root, "z"),
				text(written(kindString|infoOrigin|infoRight, 1, 0, 1, 1), "b"),
				text(written(kindString|infoOrigin|infoRight, 1, 2, 1, 1), "c"),
				text(written(kindString|infoOrigin, 1, 3), "d")})},
			`1:0+1 string "a", 1:1+1 string "z", 1:2+2 string "bc" after 1:0 before 1:1, 1:4+1 string "d" after 1:3`,
		},
		"a part deleted": {
			[][]byte{updateOf(1, 0, [][]byte{text(root, "abcdef")}, [3]uint64{1, 2, 2})},
			`1:0+2 string "ab", 1:2+2 deleted after 1:1, 1:4+2 string "ef" after 1:3`,
		},
		"deletes that touch, of joined structs": {
			[][]byte{
				updateOf(1, 0, [][]byte{text(root, "abc")}, [3]uint64{1, 1, 1}),
				updateOf(1, 3, [][]byte{text(written(kindString|infoOrigin, 1, 2), "def")}, [3]uint64{1, 2, 2}),
			},
			`1:0+1 string "a", 1:1+3 deleted after 1:0, 1:4+2 string "ef" after 1:3`,
		},
		"half a surrogate pair": {
			[][]byte{updateOf(1, 0, [][]byte{text(root, "a😀é😀b")}, [3]uint64{1, 2, 3})},
			`1:0+2 string "a` + "\uFFFD" + `", 1:2+3 deleted after 1:1, 1:5+2 string "` + "\uFFFD" + `b" after 1:4`,
		},
		"values of a list": {
			[][]byte{updateOf(1, 0, [][]byte{value(append([]byte{kindAny, 1}, "\x01a"...), 1),
				value(written(kindAny|infoOrigin, 1, 0), 2, 3)}, [3]uint64{1, 2, 1})},
			`1:0+2 any, 1:2+1 deleted after 1:1`,
		},
		"values of a key": {
			[][]byte{updateOf(1, 0, [][]byte{value(keyed, 1), value(written(kindAny|infoOrigin, 1, 0), 2),
				value(written(kindAny|infoOrigin, 1, 1), 3)})},
			`1:0+1 any, 1:1+1 any after 1:0, 1:2+1 any after 1:1`,
		},
		"older values of a key": {
			[][]byte{updateOf(1, 0, [][]byte{value(keyed, 1), value(written(kindAny|infoOrigin, 1, 0), 2),
				value(written(kindAny|infoOrigin, 1, 1), 3)}, [3]uint64{1, 0, 2})},
			`1:0+2 deleted, 1:2+1 any after 1:1`,
		},
		"in a deleted type": {
			[][]byte{updateOf(1, 0, [][]byte{aType, text(written(kindString, 0, 1, 0), "ab"), text(written(kindString|infoOrigin, 1, 1), "c"),
				text(written(kindString|infoRight, 1, 1), "d")}, [3]uint64{1, 0, 5})},
			`1:0+1 deleted, 1:1+4 gc`,
		},
		"in a type that isn't deleted": {
			[][]byte{updateOf(1, 0, [][]byte{aType, text(written(kindString, 0, 1, 0), "ab")}, [3]uint64{1, 1, 2})},
			`1:0+1 type, 1:1+2 deleted`,
		},
		"in a deleted type that hasn't come": {
			[][]byte{updateOf(1, 0, [][]byte{text(written(kindString, 0, 2, 7), "ab")}, [3]uint64{1, 0, 2}, [3]uint64{2, 7, 1})},
			`1:0+2 deleted`,
		},
		"not deleted, in a deleted type": {
			[][]byte{updateOf(1, 0, [][]byte{aType, text(written(kindString, 0, 1, 0), "ab")}, [3]uint64{1, 0, 1})},
			`1:0+1 deleted, 1:1+2 string "ab"`,
		},
		"a gap": {
			[][]byte{
				updateOf(1, 0, [][]byte{text(root, "ab")}, [3]uint64{1, 1, 4}),
				updateOf(1, 4, [][]byte{text(written(kindString|infoOrigin, 1, 3), "ef")}),
			},
			`1:0+1 string "a", 1:1+1 deleted after 1:0, 1:2+2 skip, 1:4+1 deleted after 1:3, 1:5+1 string "f" after 1:4`,
		},
		"sent twice": {
			[][]byte{
				updateOf(1, 0, [][]byte{text(root, "abc")}),
				updateOf(1, 1, [][]byte{text(written(kindString|infoOrigin, 1, 0), "bcd")}, [3]uint64{1, 2, 1}),
			},
			`1:0+2 string "ab", 1:2+1 deleted after 1:1, 1:3+1 string "d" after 1:2`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := CollectUpdates(c.updates, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := structs(t, b); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			sv, err := StateVectorFromUpdate(b)
			if err != nil {
				t.Fatal(err)
			}
			merged, err := MergeUpdates(c.updates)
			if err != nil {
				t.Fatal(err)
			}
			want, err := StateVectorFromUpdate(merged)
			sameBytes(t, "state vector", EncodeStateVector(sv), EncodeStateVector(want), err)
			sameBytes(t, "document", loadState(t, collectAll(t, b)).EncodeStateAsUpdate(nil), loadState(t, b).EncodeStateAsUpdate(nil), nil)
		})
	}
}

func TestCollectRefuses(t *testing.T) {
	_, err := CollectUpdates([][]byte{{0, 0}, {1, 1, 1}}, nil)
	checkRefusal(t, err, 3)
	if got, err := CollectUpdates(nil, nil); err != nil || !bytes.Equal(got, []byte{0, 0}) {
		t.Errorf("of none: %x, %v", got, err)
	}
}

func BenchmarkCollect(b *testing.B) {
	updates, _ := keystrokes(b, typedLen)
	base, err := CollectUpdates(updates[:typedLen*9/10], nil)
	if err != nil {
		b.Fatal(err)
	}
	parts := append([][]byte{base}, updates[typedLen*9/10:]...)
	b.SetBytes(int64(len(base)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := CollectUpdates(parts, nil); err != nil {
			b.Fatal(err)
		}
	}
}
