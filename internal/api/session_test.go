package api_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/inkwire/inkwire/internal/access"
)

func holding(token string) string { return fmt.Sprintf(`{"token":%q}`, token) }

// The page collects tokens and shares in a cookie that no script can read, and that
// other sites' requests don't carry.
func TestSession(t *testing.T) {
	h := withDocument(t)
	h.as("boss").wants(201, "", "POST", "/docs", `{"name":"open"}`)
	share := h.as("boss").wants(201, "", "POST", "/docs/open/shares", `{"role":"commenter"}`).secret()
	page := h.browser()
	page.wants(200, `{"documents":{}}`, "GET", "/session", "")
	page.wants(200, `"role":"none"`, "GET", "/session?doc=team/a", "")
	page.wants(401, "no_token", "DELETE", "/docs/team/a", "")

	first := page.wants(200, `"documents":{"open":"commenter"}`, "POST", "/session", holding(share))
	cookie := first.Cookies()[0]
	if cookie.Name != "inkwire-session" || !cookie.HttpOnly || cookie.Secure || cookie.SameSite != http.SameSiteStrictMode ||
		cookie.Path != "/" || cookie.MaxAge < 29*24*3600 || len(cookie.Value) < 43 {
		t.Error(first.Header)
	}
	// With the token in the header, and the document in question.
	second := page.wants(200, `"role":"owner"`, "POST", "/session?doc=team/a", "", "Authorization", "Bearer ann")
	if second.Cookies()[0].Value != cookie.Value {
		t.Error("another session: ", second.Header)
	}
	for key, want := range map[string]string{"name": "Ann", "subject": "ann", "color": "#aa0000"} {
		if second.json[key] != want {
			t.Errorf("%s: want %s", second.text, want)
		}
	}
	page.wants(200, `"documents":{"open":"commenter","team/*":"owner"}`, "GET", "/session", "")
	page.wants(200, `"role":"commenter"`, "GET", "/session?doc=open", "")
	page.wants(200, `"role":"owner"`, "GET", "/session?doc=team%2Fa", "")
	page.wants(400, "the parameter doc", "GET", "/session?doc=", "")
	page.wants(200, `"shares":[]`, "GET", shares, "")
	// A token given with a request counts instead.
	page.wants(403, "forbidden", "GET", shares, "", "Authorization", "Bearer bob")

	// The cookie counts for this server's own page alone.
	for _, header := range [][]string{{"Origin", "http://evil.example"}, {"Origin", "null"}, {"Sec-Fetch-Site", "same-site"}} {
		page.wants(401, "no_token", "GET", shares, "", header...)
	}
	page.wants(401, "no_token", "DELETE", "/docs/team/a", "", "Origin", "http://localhost:1")

	visit := page.visit("team/a")
	page.wants(204, "", "DELETE", "/session", "")
	visit.is("ended: revoked")
	page.wants(200, `{"documents":{}}`, "GET", "/session", "")
	// Nor does its value count any more.
	h.as("").wants(401, "no_token", "GET", shares, "", "Sec-Fetch-Site", "same-origin", "Cookie", "inkwire-session="+cookie.Value)
}

// Nobody else's page can log somebody in or out, and only what is valid is kept.
func TestSessionRefused(t *testing.T) {
	h := build(t, access.None)
	page := h.browser()
	page.wants(403, "foreign_origin", "POST", "/session", holding("ann"), "Origin", "http://evil.example")
	h.as("").wants(403, "foreign_origin", "POST", "/session", holding("ann"))
	page.wants(403, "foreign_origin", "DELETE", "/session", "", "Origin", "http://evil.example")
	page.wants(401, "no_token", "POST", "/session", `{}`)
	page.wants(401, "no_token", "POST", "/session", ``)
	page.wants(401, "bad_token", "POST", "/session", holding("eve"))
	page.wants(401, "bad_token", "POST", "/session", holding("inkwire-link-eve"))
	page.wants(400, "unknown field", "POST", "/session", `{"share":"a"}`)
	page.wants(415, "media_type", "POST", "/session", holding("ann"), "Content-Type", "text/plain")
	h.keys["old"] = access.Identity{Subject: "old", Expires: time.Now().Add(-time.Minute)}
	page.wants(401, "expired", "POST", "/session", holding("old"))
	// A secret that the browser made up is no session's.
	a := page.wants(200, "", "POST", "/session", holding("ann"), "Cookie", "inkwire-session=mine")
	if c := a.Cookies()[0]; c.Value == "mine" {
		t.Error(c)
	}
	page.wants(204, "", "DELETE", "/session", "")
	page.wants(204, "", "DELETE", "/session", "")
}

// What is held ends when it would have ended by itself, and the session with the
// last of it.
func TestSessionExpires(t *testing.T) {
	h := build(t, access.None)
	h.keys["soon"] = access.Identity{Subject: "soon", Expires: time.Now().Add(time.Hour), Docs: access.Grants{{Pattern: "a", Role: access.Writer}}}
	page := h.browser()
	a := page.wants(200, "", "POST", "/session", holding("soon"))
	if age := a.Cookies()[0].MaxAge; age > 3600 || age < 3500 {
		t.Error(a.Header)
	}
	a = page.wants(200, `"documents":{"a":"writer","team/*":"owner"}`, "POST", "/session", holding("ann"))
	if age := a.Cookies()[0].MaxAge; age < 29*24*3600 {
		t.Error(a.Header)
	}
	// Another token of the same subject, about something else, is beside the one before.
	h.keys["soon2"] = access.Identity{Subject: "soon", Docs: access.Grants{{Pattern: "b", Role: access.Reader}}}
	page.wants(200, `"documents":{"a":"writer","b":"reader","team/*":"owner"}`, "POST", "/session", holding("soon2"))
}

// Tabs that bring something at the same time keep it all.
func TestSessionOfManyTabs(t *testing.T) {
	h := build(t, access.None)
	const tabs = 10
	for i := range tabs {
		h.keys[fmt.Sprint(i)] = access.Identity{Subject: fmt.Sprint(i), Docs: access.Grants{{Pattern: fmt.Sprint("tab ", i), Role: access.Reader}}}
	}
	page := h.browser()
	page.wants(200, "", "POST", "/session", holding("bob"))
	var wg sync.WaitGroup
	for i := range tabs {
		wg.Go(func() { page.do("POST", "/session", holding(fmt.Sprint(i))) })
	}
	wg.Wait()
	for i := range tabs {
		page.wants(200, fmt.Sprintf(`"tab %d":"reader"`, i), "GET", "/session", "")
	}
}

// Where whoever comes may do something, what was collected makes it no less.
func TestSessionOfOpenServer(t *testing.T) {
	h := build(t, access.Owner)
	page := h.browser()
	page.wants(201, "", "POST", "/docs", `{"name":"a"}`)
	secret := page.wants(201, "", "POST", "/docs/a/shares", `{"role":"reader"}`).secret()
	page.wants(200, `"role":"owner"`, "POST", "/session?doc=a", holding(secret))
	page.wants(200, `"**":"owner"`, "GET", "/session", "")
	visit := page.visit("a")
	page.wants(204, "", "DELETE", "/session", "")
	visit.stays(access.Owner)
	h.as(secret).wants(200, `"role":"reader"`, "GET", "/session?doc=a", "")
}
