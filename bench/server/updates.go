//go:build linux

package main

import (
	"fmt"

	"github.com/inkwire/inkwire/lib0"
)

// Updates as Yjs writes them (its format 1), one for each key that is pressed.

// textName is the root text that everybody writes in.
const textName = "text"

// The first byte of a struct: what it holds, and what is said of its place.
const (
	infoKind        = 0x1f
	infoSub         = 0x20
	infoRightOrigin = 0x40
	infoOrigin      = 0x80

	kindGC      = 0
	kindDeleted = 1
	kindString  = 4
	kindSkip    = 10
)

// A typist types one text, each character after their last one, as somebody does who goes on writing in a place of
// their own.
type typist struct {
	id    uint64
	clock uint32
}

const letters = "etaoin shrdlu cmfwypvbgk "

// next is the update of one more key.
func (t *typist) next() []byte {
	u := make([]byte, 0, 32)
	u = append(u, 1, 1) // one client, one struct
	u = lib0.AppendUvarint(u, t.id)
	u = lib0.AppendUvarint(u, uint64(t.clock))
	if t.clock == 0 {
		u = append(u, kindString, 1)
		u = lib0.AppendString(u, textName)
	} else {
		u = append(u, kindString|infoOrigin)
		u = lib0.AppendUvarint(u, t.id)
		u = lib0.AppendUvarint(u, uint64(t.clock-1))
	}
	u = append(u, 1, letters[int(t.clock)%len(letters)])
	t.clock++
	return append(u, 0) // an empty delete set
}

// operations calls f with each run of a client's clocks in an update that typists wrote, merged or not. One clock is
// one key, however the server put them together.
func operations(update []byte, f func(client uint64, clock, n uint32)) error {
	d := lib0.NewDecoder(update)
	clients, err := d.Uvarint()
	if err != nil {
		return err
	}
	for range clients {
		structs, err := d.Uvarint()
		if err != nil {
			return err
		}
		client, err := d.Uvarint()
		if err != nil {
			return err
		}
		first, err := d.Uvarint()
		if err != nil {
			return err
		}
		clock := uint32(first)
		for range structs {
			n, kind, err := readStruct(&d)
			if err != nil {
				return err
			}
			if kind != kindSkip {
				f(client, clock, n)
			}
			clock += n
		}
	}
	return nil // the delete set is nobody's key
}

// readStruct reads a struct of a typed text and returns its length in clocks.
func readStruct(d *lib0.Decoder) (n uint32, kind byte, err error) {
	info, err := d.Byte()
	if err != nil {
		return 0, 0, err
	}
	kind = info & infoKind
	if kind != kindGC && kind != kindSkip {
		if err := readPlace(d, info); err != nil {
			return 0, 0, err
		}
	}
	switch kind {
	case kindGC, kindSkip, kindDeleted:
		length, err := d.Uvarint()
		return uint32(length), kind, err
	case kindString:
		text, err := d.Text()
		return uint32(lib0.UTF16Len(text)), kind, err
	}
	return 0, 0, fmt.Errorf("a struct of kind %d, which nobody typed", kind)
}

// readPlace reads over what says where an item belongs.
func readPlace(d *lib0.Decoder, info byte) error {
	numbers := 0
	if info&infoOrigin != 0 {
		numbers += 2
	}
	if info&infoRightOrigin != 0 {
		numbers += 2
	}
	for range numbers {
		if _, err := d.Uvarint(); err != nil {
			return err
		}
	}
	if numbers > 0 {
		return nil
	}
	named, err := d.Uvarint()
	if err != nil {
		return err
	}
	if named == 1 {
		_, err = d.Text()
	} else {
		_, err = d.Uvarint()
		if err == nil {
			_, err = d.Uvarint()
		}
	}
	if err == nil && info&infoSub != 0 {
		_, err = d.Text()
	}
	return err
}
