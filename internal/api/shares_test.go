package api_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/store"
)

const shares = "/docs/team/a/shares"

// withDocument builds a house with the document team/a.
func withDocument(t *testing.T) *house {
	t.Helper()
	h := build(t, access.None)
	h.as("ann").wants(201, "", "POST", "/docs", `{"name":"team/a"}`)
	return h
}

// A share's secret is shown once, and is a token for its document alone.
func TestShares(t *testing.T) {
	h := withDocument(t)
	ann := h.as("ann")
	ann.wants(200, `{"shares":[]}`, "GET", shares, "")
	made := ann.wants(201, `"by":"ann"`, "POST", shares, `{"role":"writer","note":"for all","for":3600}`)
	secret := made.secret()
	if made.json["url"] != "/d/team%2Fa#link="+secret || made.Header.Get("Location") != "/api/v1/docs/team%2Fa/shares"+made.id() {
		t.Errorf("%s %v", made.text, made.Header)
	}
	expires, err := time.Parse(time.RFC3339, made.json["expires"].(string))
	created, _ := time.Parse(time.RFC3339, made.json["created"].(string))
	if err != nil || !expires.Equal(created.Add(time.Hour)) {
		t.Errorf("%s: %v", made.text, err)
	}
	ann.wants(201, "", "POST", "/docs/team%2Fa/shares", `{"role":"reader"}`)
	all := ann.wants(200, `"note":"for all"`, "GET", shares, "")
	if len(all.json["shares"].([]any)) != 2 || strings.Contains(all.text, secret) || strings.Contains(all.text, "secret") {
		t.Error(all.text)
	}
	guest := h.as(secret)
	guest.wants(200, `"role":"writer"`, "GET", "/session?doc=team/a", "")
	guest.wants(200, `"role":"none"`, "GET", "/session?doc=team/b", "")
	guest.wants(403, "needs the role owner", "GET", shares, "")
	guest.wants(403, "needs the role owner", "DELETE", shares+made.id(), "")
	h.as("bob").wants(403, "needs the role owner", "POST", shares, `{"role":"reader"}`)

	ann.wants(204, "", "DELETE", shares+made.id(), "")
	ann.wants(404, "unknown_share", "DELETE", shares+made.id(), "")
	ann.wants(404, "unknown_share", "PATCH", shares+made.id(), `{"role":"reader"}`)
	guest.wants(401, "there is no such link", "GET", "/session?doc=team/a", "")
}

// A share can be no more than a writer's, and ends in the future or never.
func TestMalformedShares(t *testing.T) {
	h := withDocument(t)
	ann := h.as("ann")
	for body, says := range map[string]string{
		`{}`:                                                          "the member role",
		`{"role":"owner"}`:                                            "none that a share can give",
		`{"role":"admin"}`:                                            "none that a share can give",
		`{"role":"reader","for":0}`:                                   "the member for",
		`{"role":"reader","for":99e99}`:                               "the body",
		`{"role":"reader","for":999999999999}`:                        "the member for",
		`{"role":"reader","expires":"tomorrow"}`:                      "the member expires",
		`{"role":"reader","expires":5}`:                               "the member expires",
		`{"role":"reader","expires":"2001-01-01T00:00:00Z"}`:          "it is over",
		`{"role":"reader","expires":"2101-01-01T00:00:00Z","for":5}`:  "there is expires as well",
		`{"role":"reader","note":"` + strings.Repeat("a", 257) + `"}`: "the member note",
		`{"role":"reader","secret":"mine"}`:                           "unknown field",
	} {
		ann.wants(400, says, "POST", shares, body)
	}
	ann.wants(404, "there is no such document", "POST", "/docs/team/none/shares", `{"role":"reader"}`)
	ann.wants(404, "there is no such document", "GET", "/docs/team/none/shares", "")
	ann.wants(415, "media_type", "POST", shares, "")
	ann.wants(200, `{"shares":[]}`, "GET", shares, "")
}

// What a share's owner changes reaches whoever is there by it, at once.
func TestChangedShares(t *testing.T) {
	h := withDocument(t)
	ann := h.as("ann")
	made := ann.wants(201, "", "POST", shares, `{"role":"writer"}`)
	other := ann.wants(201, "", "POST", shares, `{"role":"writer"}`)
	guest := h.as(made.secret()).visit("team/a")
	browser := h.browser()
	browser.wants(200, "", "POST", "/session", fmt.Sprintf(`{"token":%q}`, made.secret()))
	page := browser.visit("team/a")
	bystander := h.as(other.secret()).visit("team/a")

	ann.wants(200, `"role":"reader"`, "PATCH", shares+made.id(), `{"role":"reader","note":"less"}`)
	guest.is("a reader")
	page.is("a reader")
	later := ann.wants(200, `"note":"less"`, "PATCH", shares+made.id(), `{"expires":"2101-01-01T00:00:00Z"}`)
	if later.json["expires"] != "2101-01-01T00:00:00Z" || later.json["role"] != "reader" {
		t.Error(later.text)
	}
	never := ann.wants(200, "", "PATCH", shares+made.id(), `{"expires":null}`)
	if _, has := never.json["expires"]; has {
		t.Error(never.text)
	}
	ann.wants(204, "", "DELETE", shares+made.id(), "")
	guest.is("ended: revoked")
	page.is("ended: revoked")
	bystander.stays(access.Writer)
	browser.wants(200, `"role":"none"`, "GET", "/session?doc=team/a", "")
}

// A share is bound to its document, not to the name.
func TestSharesOfDeletedDocument(t *testing.T) {
	h := withDocument(t)
	ann := h.as("ann")
	made := ann.wants(201, "", "POST", shares, `{"role":"writer"}`)
	guest := h.as(made.secret())
	ann.wants(204, "", "DELETE", "/docs/team/a", "")
	ann.wants(410, "deleted", "POST", shares, `{"role":"reader"}`)
	ann.wants(204, "", "POST", "/docs/team/a/restore", "")
	guest.wants(200, `"role":"writer"`, "GET", "/session?doc=team/a", "")
	ann.wants(204, "", "DELETE", "/docs/team/a", "")
	ann.wants(201, "", "POST", "/docs", `{"name":"team/a"}`)
	guest.wants(401, "bad_token", "GET", "/session?doc=team/a", "")
	ann.wants(200, `{"shares":[]}`, "GET", shares, "")
	ann.wants(404, "unknown_share", "DELETE", shares+made.id(), "")
}

// A document has at most 1,000 shares, and all are listed.
func TestManyShares(t *testing.T) {
	h := withDocument(t)
	var wg sync.WaitGroup
	for range 1000 {
		wg.Go(func() {
			_, hash := access.NewShare()
			if _, err := h.guard.Grants().AddShare(t.Context(), hash, store.Share{Document: "team/a", Role: "reader"}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	h.as("ann").wants(409, "too_many_shares", "POST", shares, `{"role":"reader"}`)
	all := h.as("ann").wants(200, "", "GET", shares, "")
	if n := len(all.json["shares"].([]any)); n != 1000 {
		t.Fatal(n)
	}
}
