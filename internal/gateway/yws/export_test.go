package yws

import (
	"context"
	"time"

	"github.com/inkwire/inkwire/internal/room"
	"github.com/inkwire/inkwire/internal/ws"
)

// ServeTimed is Serve with other times.
func ServeTimed(ctx context.Context, conn *ws.Conn, rooms *room.Rooms, name string, keepaliveAfter, holdFor time.Duration) error {
	return serve(ctx, conn, rooms, name, times{keepaliveAfter, holdFor})
}
