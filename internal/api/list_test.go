package api_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/room"
	"github.com/inkwire/inkwire/internal/store"
)

// edit appends an update with facts to a document, and activity before it.
func (h *house) edit(name string, at time.Time, title, preview string, happened ...string) {
	h.Helper()
	d, err := h.log.Load(h.Context(), name)
	if err != nil {
		h.Fatal(err)
	}
	var rows []store.Row
	next := store.Revision{Epoch: d.Revision.Epoch + 1}
	for _, data := range happened {
		next.Seq++
		rows = append(rows, store.Row{Revision: next, Kind: store.KindActivity, Session: 7, Time: at, Data: []byte(data)})
	}
	next.Seq++
	rows = append(rows, store.Row{Revision: next, Session: 7, Time: at, Data: []byte{0, 0}})
	if err := h.log.Append(h.Context(), []store.Entry{{Doc: d.ID, Name: name, Rows: rows,
		Sessions: []store.Session{{ID: 7, Subject: "ann", Name: "Ann", Start: at}},
		Facts:    &store.Facts{At: next, Title: title, Preview: preview}}}); err != nil {
		h.Fatal(err)
	}
}

// listed is the names of all documents that a caller gets by a query, page by page.
func (c *caller) listed(query string) string {
	c.Helper()
	var names []string
	for next := ""; ; {
		path := "/docs?" + query
		if next != "" {
			path += "&cursor=" + url.QueryEscape(next)
		}
		a := c.wants(200, `"documents":[`, "GET", path, "")
		for _, d := range a.json["documents"].([]any) {
			names = append(names, d.(map[string]any)["name"].(string))
		}
		var more bool
		if next, more = a.json["next"].(string); !more {
			return strings.Join(names, " ")
		}
	}
}

var noon = time.Date(2040, 1, 2, 12, 0, 0, 0, time.UTC)

// Whoever asks gets what it may read, in the order that it asks for.
func TestDocuments(t *testing.T) {
	h := build(t, access.None)
	for i, name := range []string{"team/b", "team/a", "team/a/deep", "other", "open"} {
		h.edit(name, noon.Add(time.Duration(i)*time.Minute), "Title of "+strings.ToUpper(name), "It begins with "+name)
	}
	h.as("boss").wants(201, "", "POST", "/docs", `{"name":"new"}`)
	share := h.as("boss").wants(201, "", "POST", "/docs/open/shares", `{"role":"writer"}`).secret()
	for _, limit := range []string{"limit=1", "limit=2", "limit=200", ""} {
		for _, tt := range []struct{ who, query, want string }{
			{"boss", "", "open other team/a/deep team/a team/b new"},
			{"boss", "sort=created", "new open other team/a/deep team/a team/b"},
			{"boss", "sort=title", "new open other team/a team/a/deep team/b"},
			{"boss", "q=TEAM%2FA", "team/a/deep team/a"},
			{"boss", "q=begins+with+o&sort=title", "open other"},
			{"boss", "q=nothing+like+it", ""},
			{"ann", "", "team/a team/b"},
			{"bob", "sort=title", "team/a team/b"},
			{"bob", "q=other", ""},
			{share, "", "open"},
		} {
			if got := h.as(tt.who).listed(tt.query + "&" + limit); got != tt.want {
				t.Errorf("%.5s, %s, %s: %q, want %q", tt.who, tt.query, limit, got, tt.want)
			}
		}
	}
	h.as("").wants(401, "no_token", "GET", "/docs", "")
	page := h.browser()
	page.wants(200, "", "POST", "/session", holding(share))
	page.wants(200, "", "POST", "/session", holding("bob"))
	if got := page.listed(""); got != "open team/a team/b" {
		t.Error(got)
	}
	a := page.wants(200, "", "GET", "/docs?limit=1", "")
	if d := a.json["documents"].([]any)[0].(map[string]any); d["role"] != "writer" || d["title"] != "Title of OPEN" || d["preview"] != "It begins with open" {
		t.Error(a.text)
	}
	for query, says := range map[string]string{
		"limit=0": "the parameter limit", "limit=201": "the parameter limit", "limit=x": "the parameter limit", "sort=size": "the parameter sort",
		"cursor=x": "the parameter cursor", "q=" + strings.Repeat("x", 201): "the parameter q",
		"sort=title&cursor=" + a.json["next"].(string): "the parameter cursor",
	} {
		page.wants(400, says, "GET", "/docs?"+query, "")
	}
}

// Where whoever comes owns everything, everything is listed.
func TestDocumentsOfOpenServer(t *testing.T) {
	h := build(t, access.Reader)
	h.edit("a", noon, "A", "")
	h.as("").wants(200, `"role":"reader"`, "GET", "/docs", "")
	h.as("").wants(403, "needs the role writer", "POST", "/docs", `{}`)
}

// An application is asked about each document.
func TestDocumentsByApplication(t *testing.T) {
	app := answers{"05": access.Writer, "55": access.Reader}
	h := buildWith(t, access.Config{Application: app})
	for i := range 60 {
		h.edit(fmt.Sprintf("%02d", i), noon.Add(-time.Duration(i)*time.Minute), "", "")
	}
	nobody := h.as("")
	if got := nobody.listed(""); got != "05 55" {
		t.Error(got)
	}
	if got := nobody.listed("limit=1"); got != "05 55" {
		t.Error(got)
	}
	h.as("bob").wants(200, `{"documents":[]}`, "GET", "/docs", "") // a token that is known says all
	app[""] = access.None
	nobody.wants(503, "unverified", "GET", "/docs", "")
}

// answers are an application's; with one for "" it answers nothing.
type answers map[string]access.Role

func (a answers) Ask(_ context.Context, _ access.Credentials, document string, _ bool) (access.Identity, error) {
	if _, fails := a[""]; fails {
		return access.Identity{}, access.Unverified.Because("")
	}
	role := a[document]
	if role == access.None {
		return access.Identity{}, access.Forbidden.Because("")
	}
	return access.Identity{Docs: access.Grants{{Pattern: access.Exactly(document), Role: role}}}, nil
}

// A document is shown with who edited it, and who is there.
func TestDocument(t *testing.T) {
	h := withDocument(t)
	h.live.here = map[string][]room.Person{"team/a": {{Key: "k", Name: "Kim", Color: "#00aa00"}}}
	a := h.as("bob").wants(200, `"here":[{"key":"k","name":"Kim","color":"#00aa00"}]`, "GET", "/docs/team/a", "")
	if _, is := a.json["edited"]; is || a.json["role"] != "reader" {
		t.Error(a.text)
	}
	h.edit("team/a", noon, "Plan", "of all")
	h.as("ann").wants(200, `"edited":{"at":"2040-01-02T12:00:00Z","by":"Ann"}`, "GET", "/docs/team%2Fa", "")
	h.as("ann").wants(404, "unknown", "GET", "/docs/team/none", "")
	h.as("ann").wants(403, "forbidden", "GET", "/docs/other", "")
	h.as("").wants(401, "no_token", "GET", "/docs/team/a", "")
	if a := h.as("ann").do("HEAD", "/docs/team/a", ""); a.StatusCode != 200 || a.text != "" {
		t.Error(a.Status, a.text)
	}
	h.as("bob").wants(403, "needs the role writer", "PATCH", "/docs/team/a", `{"title":"New"}`)
	h.as("ann").wants(200, `"title":"New"`, "PATCH", "/docs/team/a", `{"title":" New "}`)
	if got := h.live.titles["team/a"]; got != "New by ann" {
		t.Error(got)
	}
	h.as("ann").wants(404, "unknown", "PATCH", "/docs/team/none", `{"title":"New"}`)
	h.as("ann").wants(204, "", "DELETE", "/docs/team/a", "")
	h.as("ann").wants(410, "deleted", "GET", "/docs/team/a", "")
	h.as("ann").wants(410, "deleted", "PATCH", "/docs/team/a", `{"title":"New"}`)
}

// Without a name the server chooses one that the caller may create.
func TestCreateWithoutName(t *testing.T) {
	h := build(t, access.None)
	for who, prefix := range map[string]string{"boss": "", "ann": "team/"} {
		a := h.as(who).wants(201, `"role":"owner"`, "POST", "/docs", `{}`)
		name := a.json["name"].(string)
		if word, ok := strings.CutPrefix(name, prefix); !ok || len(word) != 11 || strings.Contains(word, "/") {
			t.Errorf("%s: %q", who, name)
		}
		if got := a.Header.Get("Location"); got != "/api/v1/docs/"+url.PathEscape(name) {
			t.Error(got)
		}
		h.as(who).wants(200, "", "GET", "/docs/"+name, "")
	}
	h.as("bob").wants(403, "needs the role writer", "POST", "/docs", `{}`)
	h.as("").wants(401, "no_token", "POST", "/docs", `{}`)
}

// What happened is told backwards, page by page.
func TestActivity(t *testing.T) {
	h := withDocument(t)
	const activity = "/docs/team/a/activity"
	bob := h.as("bob")
	bob.wants(200, `{"activity":[{"revision":"1.1",`, "GET", activity, "")
	bob.wants(200, `"type":"created","person":"","name":"","color":""}]}`, "GET", activity, "")
	h.edit("team/a", noon, "", "", `{"type":"joined","person":"k","name":"Kim","color":"#00aa00"}`, `{"type":"edited","person":"k","name":"Kim","color":"#00aa00"}`)
	a := bob.wants(200, `{"activity":[{"revision":"2.2","at":"2040-01-02T12:00:00Z","type":"edited","person":"k","name":"Kim","color":"#00aa00"}],"next":"2.2"}`,
		"GET", activity+"?limit=1", "")
	a = bob.wants(200, `"type":"joined"`, "GET", activity+"?limit=1&before="+a.json["next"].(string), "")
	a = bob.wants(200, `"type":"created"`, "GET", activity+"?limit=1&before="+a.json["next"].(string), "")
	if _, more := a.json["next"]; more {
		t.Error(a.text)
	}
	for _, before := range []string{"", "1", "0.0", "1.-1", "a.b", "1.2.3", "99999999999999999999.1"} {
		bob.wants(400, "the parameter before", "GET", activity+"?before="+before, "")
	}
	bob.wants(404, "unknown", "GET", "/docs/team/none/activity", "")
	h.as("").wants(401, "no_token", "GET", activity, "")
}
