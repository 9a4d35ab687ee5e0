package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
)

// TLS is beneath the gate's connections, not above: what net/http is given looks
// like a plain connection, so a request's line can be mended in it (see lineConn)
// and a WebSocket's way down ends at the tls.Conn. net/http knows HTTP/2 on it by
// its preface, as if it were in the clear; ServeHTTP puts the TLS back into the
// request.

// A secured is the TLS of a connection. The handshake is made by whoever reads
// first, so its time is that of a request's header.
type secured struct {
	*tls.Conn
	done atomic.Bool // the handshake has succeeded
}

// NextProtocols are what a server's TLS offers (ALPN).
var NextProtocols = []string{"h2", "http/1.1"}

// acmeProtocol is that of a certificate authority's check, which is over with the
// handshake (RFC 8737).
const acmeProtocol = "acme-tls/1"

// handshake ends with io.EOF whatever is wrong: the client has been told.
func (c *secured) handshake() error {
	err := c.Handshake()
	var plain tls.RecordHeaderError
	if errors.As(err, &plain) && plain.Conn != nil && isHTTP(plain.RecordHeader[:]) {
		const text = "this address is served over https\n"
		// An error means that the client has gone.
		_, _ = fmt.Fprintf(plain.Conn, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n"+
			"Content-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
	}
	if err != nil || c.ConnectionState().NegotiatedProtocol == acmeProtocol {
		return io.EOF
	}
	c.done.Store(true)
	return nil
}

// isHTTP reports whether what should be TLS begins as a request does.
func isHTTP(header []byte) bool {
	for _, b := range header {
		if b != ' ' && b != '/' && (b < 'A' || b > 'Z') {
			return false
		}
	}
	return true
}

// cut closes a connection without a last word. TLS would wait for its own.
func (c *httpConn) cut() {
	var nc net.Conn = c
	if c.tls != nil {
		nc = c.tls.NetConn()
	}
	nc.Close()
}
