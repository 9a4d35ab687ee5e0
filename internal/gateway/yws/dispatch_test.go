package yws

import (
	"errors"
	"testing"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/gateway"
	"github.com/inkwire/inkwire/lib0"
)

// A state vector is read into memory many times its size, so it has a limit of
// its own.
func TestHugeStateVector(t *testing.T) {
	err := (&connection{}).call(nil, lib0.AppendBytes([]byte{messageSync, syncStep1}, lib0.AppendUvarint(nil, gateway.MaxVector+1)))
	var refused *access.Refused
	if !errors.As(err, &refused) || refused.Yjs != 4400 {
		t.Fatalf("got %v", err)
	}
}
