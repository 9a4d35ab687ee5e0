package ws

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/http"
	"strings"
	"time"
)

// IsUpgrade reports whether a request asks for a WebSocket.
func IsUpgrade(r *http.Request) bool { return hasToken(r.Header["Upgrade"], "websocket") }

// Accept answers an upgrade request and takes its connection over. If it
// fails, the request has been answered or its connection is closed. The
// configuration must not change any more.
//
// A connection whose type has a method Bare() net.Conn is replaced by what the
// method returns, unless that is nil: a wrapper that has done its work steps
// aside.
func Accept(w http.ResponseWriter, r *http.Request, c *Config) (*Conn, error) {
	key, extension, refused := check(w.Header(), r, c)
	if refused != nil {
		http.Error(w, refused.Error(), refused.status)
		return nil, fmt.Errorf("websocket handshake: %w", refused)
	}
	nc, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, "this connection can't become a WebSocket", http.StatusInternalServerError)
		return nil, fmt.Errorf("websocket handshake: %w", err)
	}
	if err := answer(nc, key, c.choose(r), extension, c.WriteTimeout); err != nil {
		return nil, fmt.Errorf("websocket handshake: %w", errors.Join(err, nc.Close()))
	}
	// A client may send its first message without waiting for the answer.
	early, _ := rw.Peek(rw.Reader.Buffered()) // what is buffered can't fail
	early = bytes.Clone(early)                // and let the buffer go
	if b, ok := nc.(interface{ Bare() net.Conn }); ok {
		if bare := b.Bare(); bare != nil {
			nc = bare
		}
	}
	return newConn(nc, early, extension != "", c), nil
}

// refused is a handshake that is answered with an HTTP status.
type refused struct {
	status int
	msg    string
}

func (r *refused) Error() string { return r.msg }

// check checks the request (RFC 6455, 4.2.1) and negotiates the extension. It
// may set headers of a refusal.
func check(h http.Header, r *http.Request, c *Config) (key, extension string, _ *refused) {
	keys := r.Header["Sec-Websocket-Key"]
	switch {
	case r.Method != http.MethodGet:
		h.Set("Allow", http.MethodGet)
		return "", "", &refused{http.StatusMethodNotAllowed, "a WebSocket's request is a GET"}
	case r.ProtoMajor != 1 || r.ProtoMinor < 1:
		return "", "", &refused{http.StatusHTTPVersionNotSupported, "a WebSocket's request is of HTTP/1.1"}
	case !IsUpgrade(r) || !hasToken(r.Header["Connection"], "upgrade"):
		return "", "", &refused{http.StatusBadRequest, "a WebSocket's request has Upgrade: websocket and Connection: Upgrade"}
	case r.Header.Get("Sec-WebSocket-Version") != "13":
		h.Set("Upgrade", "websocket")
		h.Set("Sec-WebSocket-Version", "13")
		return "", "", &refused{http.StatusUpgradeRequired, "only version 13 of the WebSocket protocol is spoken"}
	case len(keys) != 1 || !isKey(keys[0]):
		return "", "", &refused{http.StatusBadRequest, "the header Sec-WebSocket-Key isn't 16 bytes in base64"}
	}
	if c.Deflate {
		var err error
		if extension, err = answerDeflate(r.Header["Sec-Websocket-Extensions"]); err != nil {
			return "", "", &refused{http.StatusBadRequest, err.Error()}
		}
	}
	return keys[0], extension, nil
}

func isKey(s string) bool {
	nonce, err := base64.StdEncoding.DecodeString(s)
	return err == nil && len(nonce) == 16
}

// answer accepts the handshake (RFC 6455, 4.2.2).
func answer(nc net.Conn, key, subprotocol, extension string, within time.Duration) error {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	b := []byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ")
	b = base64.StdEncoding.AppendEncode(b, sum[:])
	if subprotocol != "" {
		b = append(append(b, "\r\nSec-WebSocket-Protocol: "...), subprotocol...)
	}
	if extension != "" {
		b = append(append(b, "\r\nSec-WebSocket-Extensions: "...), extension...)
	}
	// This also clears net/http's deadlines.
	if err := nc.SetDeadline(time.Now().Add(within)); err != nil {
		return err
	}
	if _, err := nc.Write(append(b, "\r\n\r\n"...)); err != nil {
		return err
	}
	return nc.SetDeadline(time.Time{})
}

// choose returns the first subprotocol that is offered and wanted, or "".
func (c *Config) choose(r *http.Request) string {
	if c.Subprotocol != nil {
		for offered := range listed(r.Header["Sec-Websocket-Protocol"]) {
			if isToken(offered) && c.Subprotocol(offered) {
				return offered
			}
		}
	}
	return ""
}

func hasToken(headers []string, token string) bool {
	for t := range listed(headers) {
		if strings.EqualFold(t, token) {
			return true
		}
	}
	return false
}

// listed goes through the elements of headers that are lists.
func listed(headers []string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, h := range headers {
			for e := range strings.SplitSeq(h, ",") {
				if !yield(strings.TrimSpace(e)) {
					return
				}
			}
		}
	}
}
