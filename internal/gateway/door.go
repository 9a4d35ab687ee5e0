package gateway

import (
	"context"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/room"
)

// A Door is where sessions come in: who may, and where to.
type Door struct {
	Guard *access.Guard
	Rooms *room.Rooms
	// Entered is told who has come in, from many goroutines; it may be nil.
	Entered func(access.Identity)
}

// A Client is a gateway's side of a session.
type Client interface {
	room.Receiver
	access.Watcher
}

// Enter makes a session of whoever shows these credentials, if it may read the
// document. Its error is an *access.Refused, or that of ctx.
func (d Door) Enter(ctx context.Context, c access.Credentials, document string, client Client) (*room.Session, error) {
	pass, err := d.Guard.Admit(ctx, c, document, client)
	if err != nil {
		return nil, err
	}
	who := pass.Identity()
	s, err := d.Rooms.Join(ctx, pass, client)
	if err == nil && d.Entered != nil {
		d.Entered(who)
	}
	return s, err
}
