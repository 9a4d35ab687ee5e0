package yws_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/gateway"
	"github.com/inkwire/inkwire/internal/ws"
)

// tokens are people by the tokens that they have.
type tokens map[string]access.Identity

func (ts tokens) Identify(_ context.Context, token string) (access.Identity, error) {
	who, ok := ts[token]
	if token == "later" {
		return who, access.Unverified.Because("")
	}
	if !ok {
		return who, access.BadToken.Because("")
	}
	return who, nil
}

// Who shows no valid token gets the denied message, is held without joining, and
// then closed with 4401, or 4403 if it is known and may not come in.
func TestTokens(t *testing.T) {
	may := func(r access.Role, expires time.Time) access.Identity {
		return access.Identity{Subject: "s", Docs: access.Grants{{Pattern: "doc", Role: r}}, Expires: expires}
	}
	addr, _ := serveTo(t, access.Config{Tokens: tokens{
		"writer": may(access.Writer, time.Time{}), "reader": may(access.Reader, time.Time{}), "nobody": may(access.None, time.Time{}),
		"short": may(access.Writer, time.Now().Add(6*time.Second)),
	}}, ws.Defaults, gateway.KeepaliveAfter, nil)
	isDenied := func(c *client, code int, reason string) {
		t.Helper()
		for {
			if m := c.next(); m[0] != 2 {
				continue // what came before
			} else if !bytes.HasPrefix(m[3:], []byte(reason)) {
				t.Fatalf("%q is no denied message for %q", m, reason)
			}
			c.isClosed(code, reason)
			return
		}
	}
	isDenied(dial(t, addr), 4401, "a token is required")
	isDenied(dial(t, addr+"/?token=forged"), 4401, "the token isn't valid")
	isDenied(dial(t, addr+"/?token=nobody"), 4403, "not allowed")
	begun := time.Now()
	isDenied(dial(t, addr+"/?token=later"), 1013, "who you are can't be checked")
	if held := time.Since(begun); held < holdFor {
		t.Errorf("held for %v, want %v", held, holdFor)
	}

	open := func(token string) *client {
		t.Helper()
		c := dial(t, addr+"/?token="+token)
		c.send(0, 0, 1, 0)
		c.gets(0, 1, 2, 0, 0)
		c.gets(0, 0, 1, 0)
		return c
	}
	reader := dial(t, addr+"/?scope&token=reader")
	reader.gets(cat([]byte{2, 2, 8}, []byte("readonly"))...)
	reader.send(0, 0, 1, 0)
	reader.gets(0, 1, 2, 0, 0)
	reader.gets(0, 0, 1, 0)
	short := open("short")
	edit := cat([]byte{0, 2, byte(len(update))}, update)
	reader.send(edit...)
	reader.send(0, 0, 1, 0) // it is there still, and nothing was written
	reader.gets(0, 1, 2, 0, 0)
	reader.gets(0, 0, 1, 0)
	isDenied(short, 4401, "access has expired")
	writer := open("writer")
	writer.send(edit...)
	reader.gets(edit...)
}
