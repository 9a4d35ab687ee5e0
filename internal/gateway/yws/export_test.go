package yws

import (
	"context"
	"time"

	"github.com/inkwire/inkwire/internal/gateway"
	"github.com/inkwire/inkwire/internal/room"
	"github.com/inkwire/inkwire/internal/ws"
)

// OpenTimed is Open with other times.
func OpenTimed(ctx context.Context, conn *ws.Conn, rooms *room.Rooms, name string, keepaliveAfter, holdFor time.Duration) gateway.Socket {
	return open(ctx, conn, rooms, name, times{keepaliveAfter, holdFor})
}
