package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const tokenSecret = "a secret of more than thirty-two bytes"

// tokenFor makes a token of a subject for documents by pattern, which expires.
func tokenFor(t *testing.T, subject string, docs map[string]string, expires time.Time) string {
	t.Helper()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub": subject, "name": "Name of " + subject, "docs": docs, "exp": expires.Unix(), "iat": time.Now().Unix(),
	}).SignedString([]byte(tokenSecret))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// A caller calls the API with a token.
type caller struct {
	t     *testing.T
	addr  string
	token string
}

// call makes a request with a body, unless that is nil, and decodes the answer into
// out, likewise.
func (c caller) call(method, path string, in, out any, status int) {
	c.t.Helper()
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			c.t.Fatal(err)
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(c.t.Context(), method, "http://"+c.addr+path, body)
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != status {
		c.t.Fatalf("%s %s: %v %d %s, want %d", method, path, err, answer.StatusCode, b, status)
	}
	if out != nil {
		if err := json.Unmarshal(b, out); err != nil {
			c.t.Fatalf("%s %s: %s: %v", method, path, b, err)
		}
	}
}

// members are the real clients of a test, on a server that requires tokens.
type members struct {
	*puppets
	srv   *process
	owner caller
	doc   string
	kind  string
}

// eachKind runs a test with the real clients of every kind.
func eachKind(t *testing.T, test func(t *testing.T, m *members)) {
	t.Helper()
	srv := start(t, os.Args[0], "127.0.0.1:0", t.TempDir(), "--token-secret", tokenSecret)
	t.Run("kinds", func(t *testing.T) {
		for _, kind := range allKinds {
			t.Run(kind, func(t *testing.T) {
				t.Parallel()
				doc := "team/" + kind
				owner := tokenFor(t, "owner", map[string]string{doc: "owner"}, time.Now().Add(time.Hour))
				test(t, &members{newPuppets(t), srv, caller{t, srv.addr, owner}, doc, kind})
			})
		}
	})
	for _, secret := range []string{tokenSecret, "eyJ", "inkwire-link-"} {
		if strings.Contains(srv.stderr.String(), secret) {
			t.Errorf("the log holds %q:\n%s", secret, srv.stderr)
		}
	}
	srv.stop()
}

// told reports whether this kind is told what it may do, and asked for a new token.
func (m *members) told() bool { return m.kind == "hocuspocus-3" || m.kind == "hocuspocus-4" }

// enter opens the document with a token, and returns once it is there.
func (m *members) enter(name, kind, token string) {
	m.t.Helper()
	m.open(name, kind, m.srv.addr, m.doc, map[string]any{"token": token})
	m.do(name, "untilSynced")
}

func (m *members) member(name, role string, life time.Duration) string {
	m.t.Helper()
	return tokenFor(m.t, name, map[string]string{"team/*": role}, time.Now().Add(life))
}

// cutOff waits until a client is refused, and checks that it doesn't knock again
// at once.
func (m *members) cutOff(name string, code int) {
	m.t.Helper()
	if strings.HasPrefix(m.kind, "hocuspocus") {
		m.do(name, "untilDenied")
		return
	}
	m.do(name, "untilClosedWith", code)
}

// A writer writes, and a reader reads: what it writes itself nobody sees, and it
// isn't thrown out for it.
func TestRealClientsInTheirRoles(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, m *members) {
		m.enter("witness", "hocuspocus-4", m.member("witness", "writer", time.Hour))
		m.enter("writer", m.kind, m.member("writer", "writer", time.Hour))
		m.enter("reader", m.kind, m.member("reader", "reader", time.Hour))
		m.do("writer", "insert", 0, "hello")
		m.do("reader", "untilText", "hello")
		m.do("reader", "insert", 0, "never ")
		m.do("writer", "insert", 5, " there")
		m.do("reader", "untilText", "never hello there")
		m.do("witness", "untilText", "hello there")
		m.enter("fresh", m.kind, m.member("fresh", "reader", time.Hour))
		m.do("fresh", "untilText", "hello there")
		if n := m.number("reader", "sockets"); n != 1 {
			t.Errorf("the reader was thrown out: %s", m.do("reader", "closes"))
		}
		if m.told() {
			for name, scope := range map[string]string{"writer": "read-write", "reader": "readonly"} {
				if got := m.text(name, "scope"); got != scope {
					t.Errorf("the %s is told %q", name, got)
				}
			}
		}
		// What others see of a person is what its token says.
		m.do("writer", "say", "Somebody Else")
		m.do("witness", "untilNames", "Name of fresh", "Name of reader", "Name of writer")
		for _, name := range []string{"witness", "writer", "reader", "fresh"} {
			m.do(name, "leave")
		}
	})
}

// Who may not come in is told, and doesn't keep knocking.
func TestRealClientsDenied(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, m *members) {
		tokens := map[string]string{
			"other":   tokenFor(t, "other", map[string]string{"private/*": "owner"}, time.Now().Add(time.Hour)),
			"expired": m.member("expired", "owner", -time.Minute),
			"forged":  m.member("forged", "owner", time.Hour) + "x",
		}
		for name, token := range tokens {
			m.open(name, m.kind, m.srv.addr, m.doc, map[string]any{"token": token})
		}
		for name := range tokens {
			code := 4401
			if name == "other" {
				code = 4403
			}
			m.cutOff(name, code)
			// Older y-websockets come back whatever they are told, but held for 5 s.
			if n := m.number(name, "sockets"); n > 1 && m.kind != "y-websocket-1" && m.kind != "y-websocket-2" {
				t.Errorf("%s knocked %d times", name, n)
			}
			m.do(name, "leave")
		}
	})
}

// A client whose token expires goes on if it has another one when it's asked, and
// is cut off otherwise.
func TestRealClientsRenew(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, m *members) {
		const life = 20 * time.Second // also where everything is slow
		m.enter("witness", "hocuspocus-4", m.member("witness", "writer", time.Hour))
		m.enter("renews", m.kind, m.member("short", "writer", life))
		m.do("renews", "setToken", m.member("short", "writer", time.Hour))
		m.enter("silent", m.kind, m.member("silent", "writer", life))
		m.do("silent", "insert", 0, "in time ")
		m.do("witness", "untilText", "in time ")
		m.cutOff("silent", 4401)
		m.do("silent", "insert", 0, "too late ")
		switch {
		case m.told():
			m.do("renews", "insert", 0, "renewed ")
			m.do("witness", "untilText", "renewed in time ")
			if n := m.number("renews", "sockets"); n != 1 {
				t.Errorf("it needed %d sockets", n)
			}
		case m.kind == "y-websocket-2": // asks for its parameters at each connection
			m.do("renews", "untilUp", 2)
			m.do("renews", "insert", 0, "renewed ")
			m.do("witness", "untilText", "renewed in time ")
		}
		if got := m.text("witness", "text"); strings.Contains(got, "late") {
			t.Errorf("an expired session wrote: %q", got)
		}
		for _, name := range []string{"witness", "renews", "silent"} {
			m.do(name, "leave")
		}
	})
}

// Lowering a share's role, and revoking it, takes effect on open connections.
func TestRealClientsWithShares(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, m *members) {
		m.enter("witness", "hocuspocus-4", m.member("witness", "writer", time.Hour))
		m.do("witness", "insert", 0, "begun ")
		m.do("witness", "untilSaved")
		shares := "/api/v1/docs/" + m.doc + "/shares"
		var share struct {
			ID     int64
			Secret string
		}
		m.owner.call(http.MethodPost, shares, map[string]any{"role": "writer"}, &share, http.StatusCreated)
		m.enter("guest", m.kind, share.Secret)
		m.do("guest", "insert", 0, "guest ")
		m.do("witness", "untilText", "guest begun ")

		one := fmt.Sprintf("%s/%d", shares, share.ID)
		m.owner.call(http.MethodPatch, one, map[string]any{"role": "reader"}, nil, http.StatusOK)
		if m.told() {
			m.do("guest", "untilScope", "readonly")
		}
		m.do("guest", "insert", 0, "never ")
		m.do("witness", "insert", 0, "more ")
		m.do("guest", "untilWords", "begun", "guest", "more", "never")
		begun := time.Now()
		m.owner.call(http.MethodDelete, one, nil, nil, http.StatusNoContent)
		m.cutOff("guest", 4403)
		t.Logf("cut off %v after the share was revoked", time.Since(begun).Round(time.Millisecond))
		m.do("witness", "untilText", "more guest begun ")
		m.open("again", m.kind, m.srv.addr, m.doc, map[string]any{"token": share.Secret})
		m.cutOff("again", 4401)
		for _, name := range []string{"witness", "guest", "again"} {
			m.do(name, "leave")
		}
	})
}

// A cut takes everything away that a subject was issued, on open connections too.
func TestRealClientsCut(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, m *members) {
		subject := "cut-" + m.kind
		docs := map[string]string{m.doc: "writer"}
		m.enter("one", m.kind, tokenFor(t, subject, docs, time.Now().Add(time.Hour)))
		m.enter("other", m.kind, m.member("other", "writer", time.Hour))
		admin := caller{t, m.srv.addr, tokenFor(t, "admin", map[string]string{"**": "owner"}, time.Now().Add(time.Hour))}
		m.owner.call(http.MethodPost, "/api/v1/access/cut", map[string]any{"subject": subject}, nil, http.StatusForbidden)
		admin.call(http.MethodPost, "/api/v1/access/cut", map[string]any{"subject": subject}, nil, http.StatusOK)
		m.cutOff("one", 4403)
		m.do("other", "insert", 0, "goes on")
		m.enter("fresh", m.kind, m.member("fresh", "reader", time.Hour))
		m.do("fresh", "untilText", "goes on")
		for _, name := range []string{"one", "other", "fresh"} {
			m.do(name, "leave")
		}
	})
}
