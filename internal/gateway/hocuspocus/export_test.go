package hocuspocus

import (
	"context"
	"time"

	"github.com/inkwire/inkwire/internal/room"
	"github.com/inkwire/inkwire/internal/ws"
)

// ServeTimed is Serve with another time.
func ServeTimed(ctx context.Context, conn *ws.Conn, rooms *room.Rooms, keepaliveAfter time.Duration) error {
	return serve(ctx, conn, rooms, MaxDocuments, keepaliveAfter)
}

// The limits.
const (
	MaxKey     = maxKey
	MaxWaiting = maxWaiting
)
