package ws

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/gobwas/ws"
)

// IsUpgrade reports whether a request asks for a WebSocket.
func IsUpgrade(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// Accept answers an upgrade request and takes its connection over. If it
// fails, the request has been answered and the connection is closed.
//
// A connection whose type has a method Bare() net.Conn is replaced by what the
// method returns, unless that is nil: a wrapper that has done its work steps
// aside.
func Accept(w http.ResponseWriter, r *http.Request, c Config) (*Conn, error) {
	up := ws.HTTPUpgrader{Timeout: c.WriteTimeout, Protocol: c.Subprotocol}
	nc, rw, _, err := up.Upgrade(r, w)
	if err != nil {
		if nc != nil {
			err = errors.Join(err, nc.Close())
		}
		return nil, fmt.Errorf("websocket handshake: %w", err)
	}
	// A client may send its first message without waiting for the answer.
	early, _ := rw.Peek(rw.Reader.Buffered()) // what is buffered can't fail
	early = bytes.Clone(early)                // and let the buffer go
	if b, ok := nc.(interface{ Bare() net.Conn }); ok {
		if bare := b.Bare(); bare != nil {
			nc = bare
		}
	}
	return newConn(nc, early, c), nil
}
