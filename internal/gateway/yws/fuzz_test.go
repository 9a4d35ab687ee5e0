package yws

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/gateway"
	"github.com/inkwire/inkwire/internal/room"
	"github.com/inkwire/inkwire/internal/store/sqlite"
)

// deaf is a receiver that drops what it gets, until it is ended.
type deaf struct{ ended chan struct{} }

func (deaf) State(*room.Shared) bool    { return true }
func (deaf) Query(*room.Shared) bool    { return true }
func (deaf) Update(*room.Shared) bool   { return true }
func (deaf) Presence(*room.Shared) bool { return true }
func (deaf) Drained(func())             {}
func (deaf) Ping(func())                {}
func (deaf) Unsaved(bool)               {}
func (d deaf) End(*access.Refused)      { close(d.ended) }
func (deaf) Renew()                     {}
func (deaf) Changed(access.Role)        {}
func (deaf) Ended(*access.Refused)      {}

// FuzzDispatch gives any message to a session. It is taken, or refused with a
// row of the table; the room goes on either way.
func FuzzDispatch(f *testing.F) {
	f.Add([]byte{0, 0, 1, 0})
	f.Add([]byte{0, 2, 13, 1, 1, 7, 0, 4, 1, 1, 't', 2, 'h', 'i', 0, 0})
	f.Add([]byte{0, 1, 2, 0, 0})
	f.Add([]byte{1, 6, 1, 5, 1, 2, '{', '}'})
	f.Add([]byte{3})
	log, err := sqlite.Open(f.TempDir(), sqlite.Options{})
	if err != nil {
		f.Fatal(err)
	}
	rooms := room.New(room.Config{Store: log, Report: func(err error) { panic(err) }})
	f.Cleanup(func() {
		if err := errors.Join(rooms.Close(context.Background()), log.Close()); err != nil {
			f.Error(err)
		}
	})
	door := gateway.Door{Guard: access.NewGuard(access.Config{Open: access.Owner}), Rooms: rooms}
	c := &connection{}
	f.Fuzz(func(t *testing.T, message []byte) {
		s, err := door.Enter(t.Context(), access.Credentials{}, "doc", deaf{make(chan struct{})})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Leave()
		// The room keeps the bytes, and the fuzzer uses them again.
		if err := c.call(s, bytes.Clone(message)); err != nil {
			var refused *access.Refused
			if !errors.As(err, &refused) {
				t.Errorf("%v is no refusal", err)
			}
		}
	})
}
