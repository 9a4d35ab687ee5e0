package crdt

import (
	"slices"

	"github.com/inkwire/inkwire/lib0"
)

// A StateVector says for each client how many units of it a document has, which
// is the clock of the next one.
type StateVector map[uint64]uint32

// EncodeStateVector encodes sv with clients descending, as yjs does.
func EncodeStateVector(sv StateVector) []byte {
	return appendStateVector(make([]byte, 0, 5+10*len(sv)), sv)
}

func appendStateVector(dst []byte, sv StateVector) []byte {
	clients := make([]uint64, 0, len(sv))
	for client := range sv {
		clients = append(clients, client)
	}
	slices.Sort(clients)
	dst = lib0.AppendUvarint(dst, uint64(len(sv)))
	for _, client := range slices.Backward(clients) {
		dst = appendID(dst, ID{client, sv[client]})
	}
	return dst
}

// DecodeStateVector decodes a state vector. Bytes after it are ignored, as yjs
// does.
func DecodeStateVector(b []byte) (StateVector, error) {
	d := lib0.NewDecoder(b)
	sv, err := readStateVector(&d)
	return sv, refuse("state vector", err)
}

func readStateVector(d *lib0.Decoder) (StateVector, error) {
	n, err := d.Count(2)
	if err != nil {
		return nil, err
	}
	sv := make(StateVector, n)
	for range n {
		id, err := readID(d)
		if err != nil {
			return nil, err
		}
		sv[id.Client] = id.Clock
	}
	return sv, nil
}
