package crdt

import (
	"cmp"

	"github.com/inkwire/inkwire/lib0"
)

// An ID names one unit of what a client wrote: the client and its clock, the
// number of units that client wrote before.
type ID struct {
	Client uint64
	Clock  uint32
}

// Compare orders IDs by client, then clock.
func (a ID) Compare(b ID) int {
	return cmp.Or(cmp.Compare(a.Client, b.Client), cmp.Compare(a.Clock, b.Clock))
}

// plus is the ID n units later.
func (a ID) plus(n uint32) ID { return ID{a.Client, a.Clock + n} }

// maxClock is the largest clock, the end of a struct or range included.
const maxClock = 1<<31 - 1

// readClock reads a clock or a length in clocks.
func readClock(d *lib0.Decoder) (uint32, error) {
	at := d.Offset()
	n, err := d.Uvarint()
	if err != nil {
		return 0, err
	}
	if n > maxClock {
		return 0, clockTooLarge(at, n)
	}
	return uint32(n), nil
}

// readID reads a client and a clock.
func readID(d *lib0.Decoder) (ID, error) {
	client, err := d.Uvarint()
	if err != nil {
		return ID{}, err
	}
	clock, err := readClock(d)
	return ID{client, clock}, err
}

func appendID(dst []byte, id ID) []byte {
	return lib0.AppendUvarint(lib0.AppendUvarint(dst, id.Client), uint64(id.Clock))
}
