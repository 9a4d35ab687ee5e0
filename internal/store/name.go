package store

import (
	"fmt"
	"unicode/utf8"
)

// MaxName is the longest name of a document in bytes.
const MaxName = 512

// CheckName says whether a document may be called so: 1 to MaxName bytes of
// UTF-8 without control characters, and no segment "." or "..", which clients
// and proxies resolve.
func CheckName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%w: it is empty", ErrName)
	case len(name) > MaxName:
		return fmt.Errorf("%w: %d bytes are more than %d", ErrName, len(name), MaxName)
	case !utf8.ValidString(name):
		return fmt.Errorf("%w: it isn't UTF-8", ErrName)
	}
	start := 0
	for i, r := range name + "/" {
		if r < 0x20 || 0x7f <= r && r < 0xa0 {
			return fmt.Errorf("%w: byte %d is a control character", ErrName, i)
		}
		if r == '/' {
			if s := (name + "/")[start:i]; s == "." || s == ".." {
				return fmt.Errorf("%w: it has the segment %q", ErrName, s)
			}
			start = i + 1
		}
	}
	return nil
}
