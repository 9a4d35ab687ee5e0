package hocuspocus

import (
	"context"
	"time"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/gateway"
	"github.com/inkwire/inkwire/internal/ws"
)

// OpenTimed is Open with another time.
func OpenTimed(ctx context.Context, conn *ws.Conn, door gateway.Door, shown access.Credentials, limits Limits, keepaliveAfter time.Duration) gateway.Socket {
	return open(ctx, conn, door, shown, limits, unobserved{}, keepaliveAfter)
}

// The limits.
const (
	MaxKey     = maxKey
	MaxWaiting = maxWaiting
)

// unobserved is told of nothing.
type unobserved struct{}

func (unobserved) Opens(string)                   {}
func (unobserved) Denied(string, *access.Refused) {}
