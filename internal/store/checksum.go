package store

import (
	"encoding/binary"
	"hash/crc32"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Checksum is the CRC-32C of a row with its place, so that a row that was
// damaged, or moved to another place or document, shows.
//
// An update of a session without a client id has the checksum that it had before
// rows had kinds and client ids.
func (r *Row) Checksum(doc DocID) uint32 {
	place := [7]uint64{uint64(doc), r.Epoch, r.Seq, uint64(r.Session), uint64(r.Time.UnixMilli()), uint64(r.Kind), r.Client}
	if r.Kind == 0 && r.Client == 0 {
		return checksum(place[:5], r.Data)
	}
	return checksum(place[:], r.Data)
}

// Checksum is the CRC-32C of a checkpoint with its place.
//
// One without authors has the checksum that it had before there were any.
func (c *Checkpoint) Checksum() uint32 {
	sum := c.ChecksumOfPlace(len(c.State), len(c.Authors))
	return UpdateChecksum(UpdateChecksum(sum, c.State), c.Authors)
}

// ChecksumOfPlace begins the checksum of a checkpoint with a state and authors of
// so many bytes, which UpdateChecksum adds in that order.
func (c *Checkpoint) ChecksumOfPlace(state, authors int) uint32 {
	place := [4]uint64{uint64(c.Doc), c.Epoch, c.Seq, uint64(state)}
	if authors == 0 {
		return checksum(place[:3])
	}
	return checksum(place[:])
}

// ChunkChecksum is the CRC-32C of a part of a file with its place, so that a part
// that was damaged or moved shows where it is read alone.
func ChunkChecksum(file, n int64, data []byte) uint32 {
	return checksum([]uint64{uint64(file), uint64(n)}, data)
}

// UpdateChecksum adds bytes to a checksum.
func UpdateChecksum(sum uint32, b []byte) uint32 { return crc32.Update(sum, castagnoli, b) }

func checksum(place []uint64, data ...[]byte) uint32 {
	var b [7 * 8]byte
	for i, p := range place {
		binary.LittleEndian.PutUint64(b[8*i:], p)
	}
	sum := crc32.Checksum(b[:8*len(place)], castagnoli)
	for _, d := range data {
		sum = UpdateChecksum(sum, d)
	}
	return sum
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
