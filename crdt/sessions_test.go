package crdt

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// A session is a random concurrent session and what yjs 13.6.33 made of it; the
// README beside the data names the fields.
type session struct {
	ID      string   `json:"id"`
	Kind    string   `json:"kind"`
	GC      bool     `json:"gc"`
	Updates [][]byte `json:"updates"`
	V2      [][]byte `json:"v2"`
	HalfSV  []byte   `json:"halfSv"`
	Want    struct {
		V1         []byte `json:"v1"`
		V2         []byte `json:"v2"`
		Diff       []byte `json:"diff"`
		Merged     []byte `json:"merged"`
		MergedDiff []byte `json:"mergedDiff"`
		MergedSV   []byte `json:"mergedSv"`
		Snapshot   []byte `json:"snapshot"`
	} `json:"want"`
}

func sameBytes(t *testing.T, what string, got, want []byte, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", what, err)
	} else if !bytes.Equal(got, want) {
		t.Errorf("%s:\n got %x\nwant %x", what, got, want)
	}
}

func TestSessionBytes(t *testing.T) {
	dir := os.Getenv("TRACES")
	if dir == "" {
		t.Skip("TRACES is not set: only the generated updates of TestGoldenBytes are compared with yjs")
	}
	for _, s := range readLines[session](t, filepath.Join(dir, "yjs-sessions", "sessions.jsonl.gz")) {
		t.Run(s.ID, func(t *testing.T) {
			got, err := transcode(s.Want.V2, formatV2, formatV1, true)
			sameBytes(t, "V2 to V1", got, s.Want.V1, err)
			got, err = transcode(s.Want.V1, formatV1, formatV2, true)
			sameBytes(t, "V1 to V2", got, s.Want.V2, err)
			for i, u := range s.Updates {
				if _, err := Validate(u, Limits{}); err != nil {
					t.Error(err)
				}
				// The sessions' V2 updates are conversions of the others.
				got, err = ConvertV1ToV2(u)
				sameBytes(t, "update V1 to V2", got, s.V2[i], err)
				plain, err := transcode(u, formatV1, formatV1, false)
				if err != nil {
					t.Error(err)
				}
				got, err = ConvertV2ToV1(s.V2[i])
				sameBytes(t, "update V2 to V1", got, plain, err)
			}
			merged, err := MergeUpdates(s.Updates)
			sameBytes(t, "merge", merged, s.Want.Merged, err)
			sv, err := DecodeStateVector(s.HalfSV)
			if err != nil {
				t.Error(err)
			}
			sameBytes(t, "state vector", EncodeStateVector(sv), s.HalfSV, nil)
			got, err = DiffUpdate(merged, sv)
			sameBytes(t, "diff", got, s.Want.MergedDiff, err)
			got, err = EncodeStateVectorFromUpdate(merged)
			sameBytes(t, "state vector of the merged", got, s.Want.MergedSV, err)
			snap, err := DecodeSnapshot(s.Want.Snapshot)
			sameBytes(t, "snapshot", EncodeSnapshot(snap), s.Want.Snapshot, err)
		})
	}
}
