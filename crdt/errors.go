package crdt

import (
	"errors"
	"fmt"

	"github.com/inkwire/inkwire/lib0"
)

// Causes of an Error.
var (
	ErrMalformed = errors.New("malformed") // bytes that don't follow the format
	ErrLimit     = errors.New("over a limit")
	// ErrPending is the ErrLimit of Limits.PendingBytes.
	ErrPending = fmt.Errorf("%w of what waits", ErrLimit)
	// ErrStructs and ErrItems are those of Limits.StructsInAll and Limits.Items.
	ErrStructs = fmt.Errorf("%w of structs", ErrLimit)
	ErrItems   = fmt.Errorf("%w of items", ErrLimit)
)

// An Error says where in some input what was wrong.
type Error struct {
	In     string // what was read: "update", "state vector", "snapshot"
	Offset int    // in bytes
	Msg    string // what was expected or is wrong
	Err    error  // ErrMalformed or ErrLimit
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s: byte %d: %s", e.In, e.Offset, e.Msg)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// refuse makes of a decoder's error one about the input it came from. Without
// an error it allocates nothing.
func refuse(in string, err error) error {
	if err == nil {
		return nil
	}
	if _, known := errors.AsType[*Error](err); known {
		return err
	}
	e, ok := errors.AsType[*lib0.Error](err)
	if !ok {
		return &Error{In: in, Msg: err.Error(), Err: ErrMalformed}
	}
	cause := ErrMalformed
	if e.Err == lib0.ErrDepth {
		cause = ErrLimit
	}
	return &Error{In: in, Offset: e.Offset, Msg: e.Msg, Err: cause}
}

func malformed(offset int, format string, args ...any) error {
	return &lib0.Error{Offset: offset, Msg: fmt.Sprintf(format, args...)}
}

func overLimit(in string, offset int, format string, args ...any) error {
	return &Error{In: in, Offset: offset, Msg: fmt.Sprintf(format, args...), Err: ErrLimit}
}

func clockTooLarge(offset int, n uint64) error {
	return malformed(offset, "expected a clock below 2^31, found %d", n)
}
