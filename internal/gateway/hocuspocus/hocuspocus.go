// Package hocuspocus is the gateway for Hocuspocus's clients.
package hocuspocus

import (
	"context"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/room"
	"github.com/inkwire/inkwire/internal/ws"
)

// Serve serves a socket until it is closed, and returns why it ended.
func Serve(_ context.Context, conn *ws.Conn, _ *room.Rooms) error {
	if _, err := conn.Read(); err != nil {
		conn.Finish(1001, "")
		return err
	}
	r := access.Overload.Because("Hocuspocus's protocol isn't built yet")
	conn.Finish(r.Close, r.Error())
	return r
}
