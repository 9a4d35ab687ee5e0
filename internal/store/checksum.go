package store

import (
	"encoding/binary"
	"hash/crc32"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Checksum is the CRC-32C of a row with its place, so that a row that was
// damaged, or moved to another place or document, shows.
func (r *Row) Checksum(doc DocID) uint32 {
	return checksum(r.Update, uint64(doc), r.Epoch, r.Seq, uint64(r.Session), uint64(r.Time.UnixMilli()))
}

// Checksum is the CRC-32C of a checkpoint with its place.
func (c *Checkpoint) Checksum() uint32 {
	return checksum(c.State, uint64(c.Doc), c.Epoch, c.Seq)
}

func checksum(data []byte, place ...uint64) uint32 {
	b := make([]byte, 0, 5*8)
	for _, p := range place {
		b = binary.LittleEndian.AppendUint64(b, p)
	}
	return crc32.Update(crc32.Checksum(b, castagnoli), castagnoli, data)
}

// CheckEntry says whether the rows of an entry are of one epoch and contiguous.
func CheckEntry(e *Entry) error {
	for i := range e.Rows {
		if r := e.Rows[i].Revision; r.Epoch != e.Rows[0].Epoch || r.Seq != e.Rows[0].Seq+uint64(i) {
			return ErrGap
		}
	}
	return nil
}
