package crdt

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"testing"
)

// A bytesCase is one thing that yjs did to updates without a document, as
// testdata/bytes.mjs wrote it.
type bytesCase struct {
	Op   string
	In   [][]byte
	Want []byte
}

// readLines reads a compressed file of one JSON value a line.
func readLines[T any](t testing.TB, file string) []T {
	t.Helper()
	f, err := os.Open(file)
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
	var all []T
	for lines.Scan() {
		var one T
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func (c *bytesCase) run() ([]byte, error) {
	diff := func(diff func([]byte, StateVector) ([]byte, error)) ([]byte, error) {
		sv, err := DecodeStateVector(c.In[1])
		if err != nil {
			return nil, err
		}
		return diff(c.In[0], sv)
	}
	switch c.Op {
	case "merge":
		return MergeUpdates(c.In)
	case "mergeV2":
		return MergeUpdatesV2(c.In)
	case "diff":
		return diff(DiffUpdate)
	case "diffV2":
		return diff(DiffUpdateV2)
	case "toV2":
		return ConvertV1ToV2(c.In[0])
	case "toV1":
		return ConvertV2ToV1(c.In[0])
	case "stateVector":
		return EncodeStateVectorFromUpdate(c.In[0])
	case "stateVectorV2":
		return EncodeStateVectorFromUpdateV2(c.In[0])
	case "snapshot":
		s, err := DecodeSnapshot(c.In[0])
		return EncodeSnapshot(s), err
	case "snapshotV2":
		s, err := DecodeSnapshotV2(c.In[0])
		return EncodeSnapshotV2(s), err
	}
	return nil, fmt.Errorf("no operation %q", c.Op)
}

// TestGoldenBytes compares with yjs, byte for byte. BYTES names another file of
// testdata/bytes.mjs to read.
func TestGoldenBytes(t *testing.T) {
	file := "testdata/bytes.jsonl.gz"
	if other := os.Getenv("BYTES"); other != "" {
		file = other
	}
	failed := 0
	for i, c := range readLines[bytesCase](t, file) {
		got, err := c.run()
		if err == nil && bytes.Equal(got, c.Want) {
			continue
		}
		t.Errorf("case %d, %s: %v\n got %x\nwant %x\n  of %x", i, c.Op, err, got, c.Want, c.In)
		if failed++; failed == 5 {
			t.Fatal("and more")
		}
	}
}
