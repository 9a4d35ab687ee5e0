package difftest

import (
	"bufio"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/inkwire/inkwire/crdt"
)

// traced is what yjs makes of an editing trace.
type traced struct {
	Count    int
	Text     string
	V1       string
	V2       string
	Snapshot string
}

// TestTraces applies the updates of editing traces, one for each character, made by yjs: the recorded traces in the folder
// that TRACES names, or, without it, a typed text of the same shape.
func TestTraces(t *testing.T) {
	n := startNode(t)
	folder := os.Getenv("TRACES")
	var paths []string
	if folder == "" {
		t.Log("TRACES is not set: a generated trace takes the place of the recorded ones")
		paths = []string{""}
	} else {
		var err error
		if paths, err = filepath.Glob(filepath.Join(folder, "traces", "*.json.gz")); err != nil || len(paths) == 0 {
			t.Fatalf("no traces in %s: %v", folder, err)
		}
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".json.gz")
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name != "friendsforever" && path != "" {
				t.Skip("long")
			}
			replayTrace(t, n, path)
		})
	}
}

func replayTrace(t *testing.T, n *node, path string) {
	out := filepath.Join(t.TempDir(), "updates")
	var want traced
	if err := n.call(map[string]any{"trace": map[string]any{"path": path, "out": out}}, &want); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d := crdt.New(crdt.Options{})
	text, err := d.Text("text")
	if err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(f)
	count := 0
	for ; ; count++ {
		update, err := readUpdate(r)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := d.ApplyUpdate(update, nil); err != nil {
			t.Fatalf("update %d: %v", count, err)
		}
	}
	if count != want.Count || count == 0 {
		t.Fatalf("%d updates, yjs made %d", count, want.Count)
	}
	if text.String() != want.Text {
		t.Error("the text is not what yjs has")
	}
	for _, c := range []struct {
		name string
		got  []byte
		want string
	}{
		{"v1", d.EncodeStateAsUpdate(nil), want.V1},
		{"v2", d.EncodeStateAsUpdateV2(nil), want.V2},
		{"snapshot", crdt.EncodeSnapshot(d.Snapshot()), want.Snapshot},
	} {
		if got := base64.StdEncoding.EncodeToString(c.got); got != c.want {
			t.Errorf("%s: %d bytes are not the %d of yjs", c.name, len(c.got), base64.StdEncoding.DecodedLen(len(c.want)))
		}
	}
	t.Logf("%d updates, %d units of text", count, text.Len())
}

// readUpdate reads an update after its 32-bit big-endian length.
func readUpdate(r io.Reader) ([]byte, error) {
	var header [4]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, fmt.Errorf("the file of updates is cut off: %w", err)
		}
		return nil, err
	}
	update := make([]byte, binary.BigEndian.Uint32(header[:]))
	_, err := io.ReadFull(r, update)
	return update, err
}
