package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/api"
	"github.com/inkwire/inkwire/internal/room"
	"github.com/inkwire/inkwire/internal/store/sqlite"
)

// keys know tokens by heart, in place of signatures.
type keys map[string]access.Identity

func (k keys) Identify(_ context.Context, token string) (access.Identity, error) {
	who, ok := k[token]
	if !ok {
		return who, access.ErrForeign
	}
	return who, nil
}

// A house is the API with a log, rooms and a guard. Its keys know boss, who owns
// everything; ann, who owns the documents of her team; and bob, who reads them.
type house struct {
	*testing.T
	url   string
	guard *access.Guard
	rooms *room.Rooms
	live  *live
	log   *sqlite.Store
	keys  keys
}

// Bounds on the files of a house.
const (
	maxFile  = 300_000
	maxFiles = 500_000
)

// live is the live documents of a house, of which tests say who is there.
type live struct {
	*room.Rooms
	here   map[string][]room.Person
	titles map[string]string // that documents were given, and by whom
}

func (l *live) Here([]string) map[string][]room.Person { return l.here }

func (l *live) Rename(_ context.Context, name, title string, by access.Identity) error {
	l.titles[name] = title + " by " + by.Subject
	return nil
}

func build(t *testing.T, open access.Role) *house {
	t.Helper()
	return buildWith(t, access.Config{Open: open})
}

func buildWith(t *testing.T, who access.Config) *house {
	t.Helper()
	log, err := sqlite.Open(t.TempDir(), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fails := func(err error) { t.Error(err) }
	rooms := room.New(room.Config{Store: log, Report: fails})
	issued := time.Now().Add(-time.Hour)
	h := &house{T: t, rooms: rooms, log: log, keys: keys{
		"boss": {Subject: "boss", Docs: access.Grants{{Pattern: "**", Role: access.Owner}}, Issued: issued},
		"ann":  {Subject: "ann", Name: "Ann", Color: "#aa0000", Docs: access.Grants{{Pattern: "team/*", Role: access.Owner}}, Issued: issued},
		"bob":  {Subject: "bob", Name: "Bob", Docs: access.Grants{{Pattern: "team/*", Role: access.Reader}}, Issued: issued},
	}}
	who.Tokens, who.Grants = h.keys, log
	h.guard = access.NewGuard(who)
	h.live = &live{Rooms: rooms, titles: make(map[string]string)}
	server := httptest.NewServer(api.New(api.Config{
		Contents: api.Contents{Documents: h.live, Catalogue: log, Files: log, MaxFile: maxFile, MaxFiles: maxFiles},
		Guard:    h.guard, Report: fails,
		Site: &access.Site{Loopback: true},
	}))
	h.url = server.URL
	t.Cleanup(func() {
		server.Close()
		for _, err := range []error{rooms.Close(context.Background()), log.Close()} {
			if err != nil {
				t.Error(err)
			}
		}
	})
	return h
}

// A caller is somebody who makes requests.
type caller struct {
	*house
	client *http.Client
	token  string // "" for none
	page   bool   // it is the server's own page in a browser, with its cookies
}

func (h *house) as(token string) *caller {
	return &caller{house: h, client: &http.Client{}, token: token}
}

// browser is a browser that shows the page.
func (h *house) browser() *caller {
	h.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.Fatal(err)
	}
	return &caller{house: h, client: &http.Client{Jar: jar}, page: true}
}

// An answer is what a request got.
type answer struct {
	*http.Response
	text string
	json map[string]any
}

func (c *caller) do(method, path, body string, header ...string) answer {
	c.Helper()
	r, err := http.NewRequest(method, c.url+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		c.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.page && method == http.MethodGet {
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	} else if c.page {
		r.Header.Set("Origin", c.url)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := c.client.Do(r)
	if err != nil {
		c.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		c.Fatal(err)
	}
	a := answer{Response: resp, text: string(b)}
	if strings.HasSuffix(resp.Header.Get("Content-Type"), "json") && len(b) > 0 {
		if err := json.Unmarshal(b, &a.json); err != nil {
			c.Fatalf("%s: %v", b, err)
		}
	}
	return a
}

// wants makes a request that gets a status, and an answer that says something.
func (c *caller) wants(status int, says, method, path, body string, header ...string) answer {
	c.Helper()
	a := c.do(method, path, body, header...)
	if a.StatusCode != status || !strings.Contains(a.text, says) {
		c.Fatalf("%s %s %s: %s %s, want %d %s", method, path, body, a.Status, a.text, status, says)
	}
	return a
}

// id is the path of a share that was made.
func (a answer) id() string { return fmt.Sprintf("/%d", int64(a.json["id"].(float64))) }

func (a answer) secret() string { return a.json["secret"].(string) }

// A visit is an open connection to a document: what becomes of its pass.
type visit struct {
	*testing.T
	pass   *access.Pass
	events chan string
}

func (v *visit) Renew()                  { v.events <- "renew" }
func (v *visit) Changed(r access.Role)   { v.events <- "a " + r.String() }
func (v *visit) Ended(r *access.Refused) { v.events <- "ended: " + r.Label }

// visit opens a connection with a token, or what the browser's session holds.
func (c *caller) visit(document string) *visit {
	c.Helper()
	v := &visit{T: c.T, events: make(chan string, 10)}
	r := httptest.NewRequest(http.MethodGet, c.url, nil)
	r.Header.Set("Origin", c.url)
	if c.client.Jar != nil {
		for _, cookie := range c.client.Jar.Cookies(r.URL) {
			r.AddCookie(cookie)
		}
	}
	shown := new(access.Site).SocketCredentials(r)
	shown.Token = c.token
	pass, err := c.guard.Admit(c.Context(), shown, document, v)
	if err != nil {
		c.Fatal(err)
	}
	v.pass = pass
	c.Cleanup(pass.Release)
	return v
}

// is waits for what becomes of it next.
func (v *visit) is(want string) {
	v.Helper()
	if got := <-v.events; got != want {
		v.Fatalf("it is %q, want %q", got, want)
	}
}

// stays checks that nothing has become of it, once what might is done.
func (v *visit) stays(role access.Role) {
	v.Helper()
	if len(v.events) > 0 || v.pass.Role() != role {
		v.Fatalf("a %v, and %d events", v.pass.Role(), len(v.events))
	}
}
