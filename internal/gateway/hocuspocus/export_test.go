package hocuspocus

import (
	"context"
	"time"

	"github.com/inkwire/inkwire/internal/gateway"
	"github.com/inkwire/inkwire/internal/room"
	"github.com/inkwire/inkwire/internal/ws"
)

// OpenTimed is Open with another time.
func OpenTimed(ctx context.Context, conn *ws.Conn, rooms *room.Rooms, keepaliveAfter time.Duration) gateway.Socket {
	return open(ctx, conn, rooms, MaxDocuments, func(string) {}, keepaliveAfter)
}

// The limits.
const (
	MaxKey     = maxKey
	MaxWaiting = maxWaiting
)
