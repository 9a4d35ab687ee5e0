package hocuspocus_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/gateway"
)

// tokens are people by the tokens that they have.
type tokens struct {
	mu    sync.Mutex
	known map[string]access.Identity
}

func (ts *tokens) Identify(_ context.Context, token string) (access.Identity, error) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	who, ok := ts.known[token]
	if !ok {
		return who, access.BadToken.Because("")
	}
	return who, nil
}

func (ts *tokens) set(token string, r access.Role, expires time.Time) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	ts.known[token] = access.Identity{Subject: token, Docs: access.Grants{{Pattern: "doc", Role: r}}, Expires: expires}
}

// serveMembers serves those who have a token: "writer" and "reader", and others
// that a test makes.
func serveMembers(t *testing.T, set func(*server)) (*server, *tokens) {
	t.Helper()
	ts := &tokens{known: make(map[string]access.Identity)}
	ts.set("writer", access.Writer, time.Time{})
	ts.set("reader", access.Reader, time.Time{})
	return serve(t, nil, func(s *server) {
		s.access = access.Config{Tokens: ts}
		if set != nil {
			set(s)
		}
	}), ts
}

func auth(token string) []byte { return append([]byte{2, 0}, str(token)...) }

// Who shows no valid token is denied, document by document; the socket goes on.
func TestTokens(t *testing.T) {
	s, _ := serveMembers(t, nil)
	c := dial(t, s)
	c.send(str("doc"), sync1(0))
	c.isDenied("doc", "a token is required")
	c.send(str("doc"), auth(""))
	c.isDenied("doc", "a token is required")
	c.send(str("doc"), auth("forged"))
	c.isDenied("doc", "the token isn't valid")
	c.send(str("other"), auth("writer"))
	c.isDenied("other", "not allowed")
	c.send(str("doc"), auth("writer"))
	c.gets(str("doc"), []byte{2, 2}, str("read-write"))
	c.sync("doc")
	c.send(str("doc"), sync2(empty))
	c.gets(str("doc"), saved)
	c.send(str("doc"), updating(text(0, "x")))
	c.gets(str("doc"), saved)
}

// Who goes on to guess tokens is cut off; a socket of the same address that shows
// what is valid goes on.
func TestGuesses(t *testing.T) {
	s, _ := serveMembers(t, func(s *server) { s.access.Limits.FailuresPerMinute = 3 })
	c, member := dial(t, s), dial(t, s)
	member.send(str("doc"), auth("writer"))
	member.gets(str("doc"), []byte{2, 2}, str("read-write"))
	for range 3 {
		c.send(str("doc"), auth("guess"))
		c.isDenied("doc", "the token isn't valid")
	}
	c.send(str("doc"), auth("guess"))
	c.isClosed(1013, "too many tokens")
	member.send(str("doc"), auth("reader"))
	member.gets(str("doc"), []byte{2, 2}, str("readonly"))
}

// A reader is told so, its edits are refused one by one, and others don't see them.
func TestReader(t *testing.T) {
	s, _ := serveMembers(t, nil)
	w, r, key := dial(t, s), dial(t, s), str("doc")
	w.send(key, auth("writer"))
	w.gets(key, []byte{2, 2}, str("read-write"))
	w.sync("doc")
	r.send(key, auth("reader"))
	r.gets(key, []byte{2, 2}, str("readonly"))
	r.sync("doc")
	r.send(key, updating(text(0, "x")))
	r.gets(key, refused)
	r.send(key, sync2(empty))
	r.gets(key, saved)
	r.lives()
	w.lives() // and got nothing before
}

// A session whose token expires is asked for another one first. With it, it goes
// on; one that doesn't answer is denied.
func TestRenew(t *testing.T) {
	s, ts := serveMembers(t, nil)
	ts.set("short", access.Writer, time.Now().Add(8*time.Second)) // also where everything is slow
	c, silent, key := dial(t, s), dial(t, s), str("doc")
	for _, c := range []*client{c, silent} {
		c.send(key, auth("short"))
		c.gets(key, []byte{2, 2}, str("read-write"))
	}
	ask := []byte{2, 0}
	c.gets(key, ask)
	c.send(key, auth("reader"))
	c.gets(key, []byte{2, 2}, str("readonly"))
	silent.gets(key, ask)
	silent.isDenied("doc", "access has expired")
	silent.send(key, updating(text(0, "x")))
	silent.send(key, auth("short"))
	silent.isDenied("doc", "access has expired")
	c.lives()
}

// A changed role is told on the open connection, and one whose access ends is
// denied.
func TestRevoked(t *testing.T) {
	s, ts := serveMembers(t, nil)
	c, key := dial(t, s), str("doc")
	c.send(key, auth("writer"))
	c.gets(key, []byte{2, 2}, str("read-write"))
	c.sync("doc")
	all := func(access.Identity) bool { return true }
	ts.set("writer", access.Reader, time.Time{})
	s.guard.Recheck(t.Context(), "", all)
	c.gets(key, []byte{2, 2}, str("readonly"))
	ts.set("writer", access.None, time.Time{})
	s.guard.Recheck(t.Context(), "", all)
	c.isDenied("doc", "access was revoked")
	c.lives()
}

// Where a token is required, a socket that shows none is closed: after a while, or
// once it has sent too much.
func TestUnauthenticated(t *testing.T) {
	limits := gateway.Unauthenticated{Time: time.Hour, Messages: 3, Bytes: 100, Documents: 2}
	within := func(t *testing.T, change func(*gateway.Unauthenticated)) *client {
		t.Helper()
		s, _ := serveMembers(t, func(s *server) {
			s.limits.Unauthenticated = limits
			change(&s.limits.Unauthenticated)
		})
		return dial(t, s)
	}
	nothing := func(*gateway.Unauthenticated) {}
	t.Run("time", func(t *testing.T) {
		c := within(t, func(u *gateway.Unauthenticated) { u.Time = 100 * time.Millisecond })
		c.isClosed(4408, "--unauthenticated-time")
	})
	t.Run("messages", func(t *testing.T) {
		c := within(t, nothing)
		for range 4 {
			c.send(str("a"), []byte{1, 0})
		}
		c.isClosed(4408, "--max-unauthenticated-messages")
	})
	t.Run("bytes", func(t *testing.T) {
		c := within(t, nothing)
		c.send(str("a"), make([]byte, 100))
		c.isClosed(4408, "--max-unauthenticated-bytes")
	})
	t.Run("documents", func(t *testing.T) {
		c := within(t, func(u *gateway.Unauthenticated) { u.Messages = 100 })
		for _, name := range []string{"a", "b"} {
			c.send(str(name), auth("x"))
			c.isDenied(name, "isn't valid")
		}
		c.send(str("c"), auth("x"))
		c.isDenied("c", "--max-unauthenticated-documents")
	})
	t.Run("with a token", func(t *testing.T) {
		soon := func(u *gateway.Unauthenticated) { u.Time = 3 * time.Second }
		c, elsewhere := within(t, soon), within(t, soon)
		c.send(str("doc"), auth("writer"))
		c.gets(str("doc"), []byte{2, 2}, str("read-write"))
		for range 10 {
			c.sync("doc")
		}
		elsewhere.send(str("other"), auth("writer"))
		elsewhere.isDenied("other", "not allowed")
		<-time.After(3200 * time.Millisecond) // that is the event
		c.lives()
		elsewhere.lives() // it needn't come back to be told the same
	})
}
