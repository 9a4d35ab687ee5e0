package crdt

import (
	"maps"

	"github.com/inkwire/inkwire/lib0"
)

// A Snapshot is a state of a document in terms of a later one: what was there,
// and what of it was deleted.
type Snapshot struct {
	DeleteSet   DeleteSet
	StateVector StateVector
}

// Equal reports whether two snapshots are alike.
func (s Snapshot) Equal(t Snapshot) bool {
	return s.DeleteSet.Equal(t.DeleteSet) && maps.Equal(s.StateVector, t.StateVector)
}

// EncodeSnapshot encodes s: its delete set, then its state vector.
func EncodeSnapshot(s Snapshot) []byte { return encodeSnapshot(s, formatV1) }

// EncodeSnapshotV2 encodes s with the delete set in V2's layout.
func EncodeSnapshotV2(s Snapshot) []byte { return encodeSnapshot(s, formatV2) }

func encodeSnapshot(s Snapshot, f format) []byte {
	return appendStateVector(appendDeleteSet(nil, s.DeleteSet, f), s.StateVector)
}

// DecodeSnapshot decodes what EncodeSnapshot encodes.
func DecodeSnapshot(b []byte) (Snapshot, error) { return decodeSnapshot(b, formatV1) }

// DecodeSnapshotV2 decodes what EncodeSnapshotV2 encodes.
func DecodeSnapshotV2(b []byte) (Snapshot, error) { return decodeSnapshot(b, formatV2) }

func decodeSnapshot(b []byte, f format) (Snapshot, error) {
	d := lib0.NewDecoder(b)
	var s Snapshot
	if _, err := readDeleteSet(&d, f, &s.DeleteSet); err != nil {
		return Snapshot{}, refuse("snapshot", err)
	}
	s.DeleteSet.normalise()
	sv, err := readStateVector(&d)
	if err != nil {
		return Snapshot{}, refuse("snapshot", err)
	}
	s.StateVector = sv
	return s, nil
}
