package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/api"
	"github.com/inkwire/inkwire/internal/room"
	"github.com/inkwire/inkwire/internal/store"
)

// A shelf keeps its documents' names: true for one that is there, false for one
// that was deleted.
type shelf map[string]bool

func (d shelf) Create(_ context.Context, name string) error {
	if name == "broken" {
		return errors.New("secret: the disk is on fire")
	}
	if d[name] {
		return access.Exists.Because("")
	}
	d[name] = true
	return nil
}

func (d shelf) Delete(_ context.Context, name string) error {
	switch there, known := d[name]; {
	case !known:
		return access.Unknown.Because("")
	case !there:
		return access.Deleted.Because("")
	}
	d[name] = false
	return nil
}

func (d shelf) Restore(_ context.Context, name string) error {
	if _, known := d[name]; !known {
		return access.Unknown.Because("")
	}
	d[name] = true
	return nil
}

func (d shelf) Rename(context.Context, string, string, access.Identity) error { return nil }

func (d shelf) Here([]string) map[string][]room.Person { return nil }

// headers knows of documents that they are there.
type headers struct {
	store.Catalogue
	shelf
}

func (h headers) Header(_ context.Context, name string) (store.Header, error) {
	switch there, known := h.shelf[name]; {
	case !known:
		return store.Header{}, store.ErrUnknown
	case !there:
		return store.Header{}, store.ErrDeleted
	}
	return store.Header{Name: name}, nil
}

func TestAPI(t *testing.T) {
	all := shelf{}
	var reported []error
	h := api.New(api.Config{
		Contents: api.Contents{Documents: all, Catalogue: headers{shelf: all}},
		Guard:    access.NewGuard(access.Config{Open: access.Owner}),
		Site:     &access.Site{Loopback: true},
		Report:   func(err error) { reported = append(reported, err) },
	})
	do := func(method, path, kind, body string) *http.Response {
		t.Helper()
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		if kind != "" {
			r.Header.Set("Content-Type", kind)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Result()
	}
	const (
		docsPath = "/api/v1/docs"
		kind     = "application/json"
	)
	for _, tt := range []struct {
		method, path, kind, body string
		status                   int
		says                     string
	}{
		{"POST", docsPath, kind, `{"name":"a/b c"}`, 201, `{"name":"a/b c","title":""`},
		{"POST", docsPath, kind + "; charset=utf-8", ` {"name":"a/b c"} `, 409, "exists"},
		{"DELETE", docsPath + "/a/b%20c", "", "", 204, ""},
		{"DELETE", docsPath + "/a%2Fb%20c", "", "", 410, "deleted"},
		{"POST", docsPath + "/a/b%20c/restore", "", "", 204, ""},
		{"DELETE", docsPath + "/a%2Fb%20c", "", "", 204, ""},
		{"POST", docsPath + "/a%2Fb%20c/restore", kind, "{}", 204, ""},
		{"POST", docsPath + "/", kind, `{"name":"x/restore"}`, 201, "x/restore"},
		{"DELETE", docsPath + "/x%2Frestore", "", "", 204, ""},
		{"POST", docsPath + "/x%2Frestore/restore", "", "", 204, ""},
		{"DELETE", docsPath + "/none", "", "", 404, "no such document"},
		{"POST", docsPath + "/none/restore", "", "", 404, "unknown"},

		{"PUT", docsPath, "", "", 405, "GET, POST"},
		{"POST", docsPath + "/a", "", "", 405, "DELETE, GET, PATCH"},
		{"DELETE", docsPath + "/a/activity", "", "", 405, "GET"},
		{"GET", docsPath + "/a/files", "", "", 405, "POST"},
		{"GET", docsPath + "/a/files/copy", "", "", 405, "POST"},
		{"DELETE", docsPath + "/a/files/" + strings.Repeat("0f", 32), "", "", 405, "GET"},
		{"GET", docsPath + "/a/files/" + strings.Repeat("0f", 32), "", "", 404, "there are no files here"},
		{"GET", docsPath + "/a/files/" + strings.Repeat("0F", 32), "", "", 404, "no such document"},
		{"POST", docsPath + "/a/files", "application/pdf", "%PDF-", 404, "there are no files here"},
		{"GET", docsPath + "/a/restore", "", "", 405, "POST"},
		{"DELETE", docsPath + "/x/restore", "", "", 405, "POST"},
		{"DELETE", docsPath + "/x/shares", "", "", 405, "GET, POST"},
		{"GET", docsPath + "/x/shares/1", "", "", 405, "DELETE, PATCH"},
		{"DELETE", docsPath + "/x/shares/one", "", "", 404, "no such document"},
		{"DELETE", docsPath + "/x%2Fshares/1", "", "", 404, "no such document"},
		{"DELETE", docsPath + "/shares/1", "", "", 404, "no such document"},
		{"GET", docsPath + "/x/shares", "", "", 404, "nothing is shared here"},
		{"PUT", "/api/v1/session", "", "", 405, "DELETE, GET, POST"},
		{"GET", "/api/v1/access/cut", "", "", 405, "POST"},
		{"GET", "/api/v1/access", "", "", 404, "no_address"},
		{"POST", "/api/v2/docs", kind, "{}", 404, "no_address"},
		{"POST", docsPath, "text/plain", `{"name":"a"}`, 415, "application/json"},
		{"POST", docsPath, "", `{"name":"a"}`, 415, "application/json"},
		{"POST", docsPath, "application/x-www-form-urlencoded", "name=a", 415, "application/json"},
		{"POST", docsPath + "/a/restore", "text/plain", "x", 415, "application/json"},
		{"POST", docsPath, kind, `{"name":`, 400, "the body, byte "},
		{"POST", docsPath, kind, ``, 400, "the body, byte 0"},
		{"POST", docsPath, kind, `[]`, 400, "the body"},
		{"POST", docsPath, kind, `{"name":1}`, 400, "the body"},
		{"POST", docsPath, kind, `{"name":"a","size":1}`, 400, "size"},
		{"POST", docsPath, kind, `{"name":"a"}{"name":"b"}`, 400, "byte 12: more than one value"},
		{"POST", docsPath, kind, `{"name":""}`, 400, "the member name"},
		{"PATCH", docsPath + "/b", kind, `{}`, 400, "the member title"},
		{"PATCH", docsPath + "/b", kind, `{"title":"a\u0000"}`, 400, "the member title"},
		{"PATCH", docsPath + "/b", kind, `{"title":"` + strings.Repeat("a", 501) + `"}`, 400, "the member title"},
		{"PATCH", docsPath + "/b", kind, `{"title":"b"}`, 404, "no such document"},
		{"POST", docsPath, kind, `{"name":"a/../b"}`, 400, "the member name"},
		{"POST", docsPath, kind, `{"name":"` + strings.Repeat("a", 70_000) + `"}`, 413, "65536"},
		{"DELETE", docsPath + "/a%00", "", "", 400, "the path"},
		{"DELETE", docsPath + "/", "", "", 405, "GET, POST"},
		{"POST", docsPath + "//restore", "", "", 400, "the path"},
		{"POST", docsPath, kind, `{"name":"broken"}`, 500, "the server failed"},
	} {
		resp := do(tt.method, tt.path, tt.kind, tt.body)
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s %s: %v", tt.method, tt.path, resp.Header)
		}
		said := string(body) + resp.Header.Get("Allow")
		if resp.StatusCode != tt.status || !strings.Contains(said, tt.says) || strings.Contains(said, "secret") {
			t.Errorf("%s %s %.60s: %s %s, want %d %s", tt.method, tt.path, tt.body, resp.Status, body, tt.status, tt.says)
		}
		if resp.StatusCode < 400 {
			continue
		}
		var p struct {
			Title, Detail, Reason string
			Status                int
		}
		if err := json.Unmarshal(body, &p); err != nil || resp.Header.Get("Content-Type") != "application/problem+json" ||
			p.Status != tt.status || p.Title != http.StatusText(tt.status) || p.Detail == "" || p.Reason == "" {
			t.Errorf("%s %s: no problem document: %s, %v", tt.method, tt.path, body, err)
		}
	}
	if resp := do("POST", docsPath, kind, `{"name":"ü /?"}`); resp.Header.Get("Location") != docsPath+"/%C3%BC%20%2F%3F" {
		t.Error(resp.Header)
	}
	if len(reported) != 1 || !strings.Contains(reported[0].Error(), "POST /api/v1/docs: secret") {
		t.Error("reported: ", reported)
	}
	for name, there := range map[string]bool{"a/b c": true, "x/restore": true} {
		if all[name] != there {
			t.Errorf("%q: %v", name, all[name])
		}
	}
}

// Whoever comes at a bad time is told when to come back.
func TestRefuse(t *testing.T) {
	w := httptest.NewRecorder()
	api.Refuse(w, access.Unsaved.Because(""))
	if w.Code != 503 || w.Header().Get("Retry-After") != "5" {
		t.Error(w.Code, w.Header())
	}
	w = httptest.NewRecorder()
	api.Refuse(w, access.TextFrame.Because("")) // a row without a status
	if w.Code != 500 {
		t.Error(w.Code)
	}
}
