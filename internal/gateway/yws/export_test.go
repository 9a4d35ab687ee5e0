package yws

import (
	"context"
	"time"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/gateway"
	"github.com/inkwire/inkwire/internal/ws"
)

// OpenTimed is Open with other times.
func OpenTimed(ctx context.Context, conn *ws.Conn, door gateway.Door, shown access.Credentials, name string, scope bool, keepaliveAfter, holdFor time.Duration) gateway.Socket {
	return open(ctx, conn, door, shown, name, scope, times{keepaliveAfter, holdFor})
}
