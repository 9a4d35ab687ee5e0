package server

import (
	"strings"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/store"
)

// socketPath is where every document name is reached.
const socketPath = "/yjs/"

// Names that begin so or are equal to an address of the server are reached
// under socketPath only.
var (
	reservedPrefixes = []string{"api/", "d/", "yjs/"}
	reservedNames    = []string{"api", "d", "yjs", "hocuspocus", "tutorial", "ws", "healthz", "readyz", "metrics"}
)

// The protocols, as metrics and logs name them.
const (
	yWebsocketProtocol = "y-websocket"
	hocuspocusProtocol = "hocuspocus"
	undecided          = "undecided" // the first message tells
)

const hocuspocusPath = "/hocuspocus"

// A destination is what an upgrade's address leads to. A name may be empty where
// the protocol doesn't take it from the address.
type destination struct{ protocol, name string }

// route finds the destination of an upgrade's request target, which is taken as
// it came. Its error is an *access.Refused.
func route(target string) (destination, error) {
	path, _, _ := strings.Cut(target, "?")
	if i := strings.Index(path, "://"); i >= 0 && !strings.HasPrefix(path, "/") { // as proxies write it
		_, path, _ = strings.Cut(path[i+len("://"):], "/")
		path = "/" + path
	}
	name, under := strings.CutPrefix(path, socketPath)
	switch {
	case path == "/":
		return destination{undecided, ""}, nil
	case path == hocuspocusPath || path == hocuspocusPath+"/":
		return destination{hocuspocusProtocol, ""}, nil
	case under:
		return named(yWebsocketProtocol, unescape(name))
	case !strings.HasPrefix(path, "/") || reserved(unescape(path[1:])):
		return destination{}, access.NoAddress.Because("connect to /yjs/NAME or /hocuspocus")
	default:
		return named(undecided, unescape(path[1:]))
	}
}

func named(protocol, name string) (destination, error) {
	if err := store.CheckName(name); err != nil {
		return destination{}, access.NoAddress.Because(err.Error())
	}
	return destination{protocol, name}, nil
}

func reserved(name string) bool {
	for _, p := range reservedPrefixes {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	for _, n := range reservedNames {
		if strings.TrimSuffix(name, "/") == n {
			return true
		}
	}
	return false
}

// unescape decodes %XX. A "%" without two hexadecimal digits stands for itself,
// for y-websocket puts names into its address as they are.
func unescape(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if escaped(s, i) {
			b = append(b, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
		} else {
			b = append(b, s[i])
		}
	}
	return string(b)
}

// escaped reports whether an escape begins at s[i].
func escaped(s string, i int) bool {
	return s[i] == '%' && i+2 < len(s) && ishex(s[i+1]) && ishex(s[i+2])
}

func ishex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}
