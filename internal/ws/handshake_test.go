package ws_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// RFC 6455, 4.2.1: what a request must have, and what one without it gets.
func TestHandshake(t *testing.T) {
	cfg := config()
	cfg.Subprotocol = func(offered string) bool { return offered == "b" || offered == "c" }
	addr := serve(t, cfg, echo)
	for _, tt := range []struct {
		name, old, new string // a change of a good request
		status         int
		header, want   string // of the answer
	}{
		{"a good one", "", "", 101, "Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="},
		{"a list of connection options", "Connection: Upgrade", "Connection: keep-alive, UPGRADE", 101, "Upgrade", "websocket"},
		{"options in two headers", "Connection: Upgrade", "Connection: keep-alive\r\nConnection: upgrade", 101, "Upgrade", "websocket"},
		{"a list of upgrades", "Upgrade: websocket", "Upgrade: h2c, WebSocket", 101, "Upgrade", "websocket"},
		{"a subprotocol", "\r\n\r\n", "\r\nSec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Protocol: c\r\n\r\n", 101, "Sec-WebSocket-Protocol", "b"},
		{"subprotocols of others", "\r\n\r\n", "\r\nSec-WebSocket-Protocol: x, y\r\n\r\n", 101, "Sec-WebSocket-Protocol", ""},
		{"POST", "GET", "POST", 405, "Allow", "GET"},
		{"HTTP/1.0", "HTTP/1.1", "HTTP/1.0", 505, "", ""},
		{"no upgrade", "Upgrade: websocket\r\n", "", 400, "", ""},
		{"another upgrade", "Upgrade: websocket", "Upgrade: h2c", 400, "", ""},
		{"no connection option", "Connection: Upgrade\r\n", "", 400, "", ""},
		{"an old version", "Version: 13", "Version: 8", 426, "Sec-WebSocket-Version", "13"},
		{"a later version", "Version: 13", "Version: 14", 426, "Sec-WebSocket-Version", "13"},
		{"no version", "Sec-WebSocket-Version: 13\r\n", "", 426, "Sec-WebSocket-Version", "13"},
		{"no key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", 400, "", ""},
		{"a short key", "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j", 400, "", ""},
		{"a key that isn't base64", "dGhlIHNhbXBsZSBub25jZQ==", "!GhlIHNhbXBsZSBub25jZQ==", 400, "", ""},
		{"two keys", "\r\n\r\n", "\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", 400, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp := ask(t, addr, strings.Replace(handshake, tt.old, tt.new, 1))
			if got := resp.Header.Get(tt.header); resp.StatusCode != tt.status || got != tt.want {
				t.Fatalf("got %d, %s: %q; want %d, %q", resp.StatusCode, tt.header, got, tt.status, tt.want)
			}
		})
	}
}

// RFC 7692, 5 and 7.1: which offers are accepted, and how.
func TestOffers(t *testing.T) {
	const plain = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
	const window = plain + "; server_max_window_bits=15"
	addr := serve(t, config(), echo)
	for _, tt := range []struct {
		offer  string
		answer string
	}{
		{"permessage-deflate", plain},
		{"permessage-deflate; client_max_window_bits", plain}, // browsers
		{"permessage-deflate; client_max_window_bits=8", plain},
		{`permessage-deflate; client_max_window_bits="15"`, plain},
		{" permessage-deflate ; server_no_context_takeover\t; client_no_context_takeover ", plain},
		{"permessage-deflate; server_max_window_bits=15", window},
		{"x-webkit-deflate-frame, permessage-deflate", plain},
		{"bbf-usp-protocol; a=1; b=\"2\" , , permessage-deflate", plain},
		{"permessage-deflate; server_max_window_bits=10, permessage-deflate", plain}, // the second choice
		// Those that can't be accepted: the socket goes without.
		{"x-webkit-deflate-frame", ""},
		{"permessage-deflate; server_max_window_bits=10", ""},
		{"permessage-deflate; server_max_window_bits", ""},
		{"permessage-deflate; server_max_window_bits=16", ""},
		{"permessage-deflate; server_max_window_bits=015", ""},
		{"permessage-deflate; client_max_window_bits=7", ""},
		{"permessage-deflate; client_max_window_bits=16", ""},
		{"permessage-deflate; client_max_window_bits=09", ""},
		{"permessage-deflate; client_no_context_takeover=1", ""},
		{"permessage-deflate; server_no_context_takeover; server_no_context_takeover", ""},
		{"permessage-deflate; unheard_of", ""},
	} {
		t.Run(tt.offer, func(t *testing.T) {
			r, answer := dialOffering(t, addr, tt.offer)
			if answer != tt.answer {
				t.Fatalf("got %q, want %q", answer, tt.answer)
			}
			r.converse(text("x"), textReply("x"))
		})
	}
	for _, malformed := range []string{
		"permessage-deflate;", "permessage-deflate; =1", "permessage-deflate; a=", "permessage-deflate; a=\"b", "permessage-deflate; a=\"b c\"",
		"permessage deflate", "; a", "permessage-deflate; a b", "(permessage-deflate)",
	} {
		t.Run("malformed "+malformed, func(t *testing.T) {
			request := strings.Replace(handshake, "\r\n\r\n", "\r\nSec-WebSocket-Extensions: "+malformed+"\r\n\r\n", 1)
			if resp := ask(t, addr, request); resp.StatusCode != 400 {
				t.Fatalf("got %d, want 400", resp.StatusCode)
			}
		})
	}
	cfg := config()
	cfg.Deflate = false
	if _, answer := dialOffering(t, serve(t, cfg, echo), "permessage-deflate"); answer != "" {
		t.Fatalf("a server without deflate answers %q", answer)
	}
}

// ask sends a request and returns the answer's head.
func ask(t *testing.T, addr, request string) *http.Response {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	fmt.Fprint(c, request)
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp
}
