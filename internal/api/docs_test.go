package api_test

import (
	"strings"
	"testing"

	"github.com/inkwire/inkwire/internal/access"
)

// Creating needs a writer, deleting and restoring an owner. Whoever may not isn't
// told whether there is such a document.
func TestDocumentsByRole(t *testing.T) {
	h := build(t, access.None)
	h.keys["wim"] = access.Identity{Subject: "wim", Docs: access.Grants{{Pattern: "team/*", Role: access.Writer}}}
	nobody, ann, bob, wim := h.as(""), h.as("ann"), h.as("bob"), h.as("wim")
	const body = `{"name":"team/a"}`
	if a := nobody.wants(401, "no_token", "POST", "/docs", body); a.Header.Get("WWW-Authenticate") != "Bearer" {
		t.Error(a.Header)
	}
	bob.wants(403, "needs the role writer", "POST", "/docs", body)
	wim.wants(201, "team/a", "POST", "/docs", body)
	wim.wants(409, "exists", "POST", "/docs", body)
	wim.wants(403, "forbidden", "POST", "/docs", `{"name":"other"}`)
	wim.wants(403, "needs the role owner", "DELETE", "/docs/team/a", "")
	wim.wants(403, "needs the role owner", "DELETE", "/docs/team/none", "")
	ann.wants(204, "", "DELETE", "/docs/team/a", "")
	wim.wants(403, "needs the role owner", "POST", "/docs/team/a/restore", "")
	ann.wants(204, "", "POST", "/docs/team%2Fa/restore", "")
	ann.wants(403, "forbidden", "DELETE", "/docs/other", "")
	ann.wants(404, "unknown", "DELETE", "/docs/team/none", "")
}

// A token that isn't valid, or isn't given as one, is said to be so, and soon no
// more of its address is looked at.
func TestBadTokens(t *testing.T) {
	h := build(t, access.Owner)
	for _, header := range []string{"Bearer", "Bearer ", "Basic YTpi", "ann", "Bearer a b"} {
		a := h.as("").wants(401, "Authorization: Bearer TOKEN", "GET", "/session", "", "Authorization", header)
		if !strings.HasPrefix(a.Header.Get("WWW-Authenticate"), "Bearer") {
			t.Error(a.Header)
		}
	}
	h.as("").wants(200, "", "GET", "/session", "", "Authorization", "bearer ann")
	for {
		a := h.as("eve").do("DELETE", "/docs/team/a", "")
		if a.StatusCode == 401 && a.Header.Get("WWW-Authenticate") != `Bearer error="invalid_token"` {
			t.Fatal(a.Header)
		}
		// Nothing is looked at for a while, whoever asks.
		if a := h.as("ann").do("GET", "/session", ""); a.StatusCode == 429 {
			if a.json["reason"] != "failures" || a.Header.Get("Retry-After") == "" {
				t.Error(a.text, a.Header)
			}
			return
		}
	}
}

// New documents are bounded by who makes them, by whatever way.
func TestNewDocumentsAreBounded(t *testing.T) {
	h := build(t, access.None)
	ann := h.as("ann")
	ann.wants(201, "", "POST", "/docs", `{"name":"team/a"}`)
	for range 1000 {
		if h.guard.MayBegin(access.Credentials{}, access.Identity{Subject: "ann"}) != nil {
			break
		}
	}
	ann.wants(429, "too_many_documents", "POST", "/docs", `{"name":"team/b"}`)
	h.as("boss").wants(201, "", "POST", "/docs", `{"name":"team/b"}`)
}
