package server

import (
	"errors"
	"fmt"
	"strings"

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

var errNoDocument = errors.New("no document is served at this address; connect to /yjs/NAME")

// documentName finds the document's name in an upgrade's request target, which
// is taken as it came: /yjs/NAME or /NAME.
func documentName(target string) (string, error) {
	path, _, _ := strings.Cut(target, "?")
	if i := strings.Index(path, "://"); i >= 0 && !strings.HasPrefix(path, "/") { // as proxies write it
		_, path, _ = strings.Cut(path[i+len("://"):], "/")
		path = "/" + path
	}
	if !strings.HasPrefix(path, "/") {
		return "", errNoDocument
	}
	name, direct := strings.CutPrefix(path, socketPath)
	if !direct {
		name = strings.TrimPrefix(path, "/")
	}
	name = unescape(name)
	if !direct && reserved(name) {
		return "", errNoDocument
	}
	if err := store.CheckName(name); err != nil {
		return "", fmt.Errorf("the address: %w", err)
	}
	return name, nil
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
	return name == ""
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
