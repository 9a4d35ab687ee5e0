// Package awareness holds what the clients of a document show each other beside
// the document itself, such as cursors and names, in the protocol of Yjs's
// y-protocols 1: one JSON value for each client, replaced as a whole, with a
// clock that only its own client raises. None of it is kept.
//
// An update is
//
//	entries:uvarint
//	  client:uvarint clock:uvarint state:string
//
// in which a state is JSON text, and null says that the client is gone.
//
// Of two entries of a client a receiver keeps the one with the higher clock, and
// at an equal one null. A client whose clock hasn't risen for 30 s is gone.
// Keeping that account is left to whoever has the states.
package awareness

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/inkwire/inkwire/lib0"
)

// Causes of an Error.
var (
	ErrMalformed = errors.New("malformed")
	ErrLimit     = errors.New("over a limit")
)

// An Error says where in an update what was wrong.
type Error struct {
	Offset int    // in bytes
	Msg    string // what was expected or is wrong
	Err    error  // ErrMalformed or ErrLimit
}

func (e *Error) Error() string { return fmt.Sprintf("awareness: byte %d: %s", e.Offset, e.Msg) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Limits bound what an update may hold. A zero field stands for its default.
type Limits struct {
	Entries    int // in one update; default 10,000
	StateBytes int // of one state; default 64 KiB
}

func (l Limits) withDefaults() Limits {
	if l.Entries == 0 {
		l.Entries = 10_000
	}
	if l.StateBytes == 0 {
		l.StateBytes = 64 << 10
	}
	return l
}

// An Entry is what one client shows from one clock on.
type Entry struct {
	Client uint64
	Clock  uint64
	State  []byte // JSON text; nil: the client is gone
}

// Decode reads an update. The states are parts of it. Bytes after the last
// entry are ignored, as y-protocols does.
func Decode(update []byte, limits Limits) ([]Entry, error) {
	limits = limits.withDefaults()
	d, n, err := begin(update, limits)
	if err != nil {
		return nil, err
	}
	entries := make([]Entry, 0, n)
	for range n {
		e, err := readEntry(&d, limits)
		if err != nil {
			return nil, refuse(err)
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// begin reads how many entries an update has.
func begin(update []byte, limits Limits) (d lib0.Decoder, n int, err error) {
	d = lib0.NewDecoder(update)
	if n, err = d.Count(3); err != nil {
		return d, 0, refuse(err)
	}
	if n > limits.Entries {
		return d, 0, &Error{Msg: fmt.Sprintf("%d entries, %d are allowed", n, limits.Entries), Err: ErrLimit}
	}
	return d, n, nil
}

// DecodeOf reads what an update says of one client, as Decode does, and passes
// the states of all others unread. Most of what a client sends are echoes of
// others.
func DecodeOf(client uint64, update []byte, limits Limits) ([]Entry, error) {
	limits = limits.withDefaults()
	d, n, err := begin(update, limits)
	if err != nil {
		return nil, err
	}
	var entries []Entry
	for range n {
		at := d
		id, err := d.Uvarint()
		if err != nil {
			return nil, refuse(err)
		}
		if id == client {
			d = at
			e, err := readEntry(&d, limits)
			if err != nil {
				return nil, refuse(err)
			}
			entries = append(entries, e)
			continue
		}
		if _, err := d.Uvarint(); err != nil {
			return nil, refuse(err)
		}
		if _, err := d.Bytes(); err != nil {
			return nil, refuse(err)
		}
	}
	return entries, nil
}

func readEntry(d *lib0.Decoder, limits Limits) (e Entry, err error) {
	if e.Client, err = d.Uvarint(); err != nil {
		return e, err
	}
	if e.Clock, err = d.Uvarint(); err != nil {
		return e, err
	}
	at := d.Offset()
	state, err := d.Bytes()
	if err != nil {
		return e, err
	}
	if len(state) > limits.StateBytes {
		return e, &Error{Offset: at, Msg: fmt.Sprintf("state of %d bytes, %d are allowed", len(state), limits.StateBytes), Err: ErrLimit}
	}
	if _, err := lib0.ScanJSON(state); err != nil {
		var in *lib0.Error
		if errors.As(err, &in) {
			in.Offset += d.Offset() - len(state)
		}
		return e, err
	}
	// White space around the text is allowed.
	if text := bytes.TrimSpace(state); string(text) != "null" {
		e.State = state
	}
	return e, nil
}

// refuse makes of a decoder's error one about the update.
func refuse(err error) error {
	var in *lib0.Error
	if !errors.As(err, &in) {
		return err
	}
	cause := ErrMalformed
	if errors.Is(err, lib0.ErrDepth) {
		cause = ErrLimit
	}
	return &Error{Offset: in.Offset, Msg: in.Msg, Err: cause}
}

// Append appends an update of entries to dst.
func Append(dst []byte, entries ...Entry) []byte {
	dst = lib0.AppendUvarint(dst, uint64(len(entries)))
	for _, e := range entries {
		dst = AppendEntry(dst, e)
	}
	return dst
}

// AppendEntry appends one entry to dst. Entries that stand behind their number,
// a uvarint, are an update.
func AppendEntry(dst []byte, e Entry) []byte {
	dst = lib0.AppendUvarint(dst, e.Client)
	dst = lib0.AppendUvarint(dst, e.Clock)
	if e.State == nil {
		return lib0.AppendString(dst, "null")
	}
	return lib0.AppendBytes(dst, e.State)
}
