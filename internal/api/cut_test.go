package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/inkwire/inkwire/internal/access"
)

const (
	recheck = "/access/recheck"
	cut     = "/access/cut"
)

// Every token that a subject was issued up to now is void, also those that
// browsers hold; the next one counts.
func TestCutSubject(t *testing.T) {
	h := withDocument(t)
	page := h.browser()
	page.wants(200, "", "POST", "/session", holding("bob"))
	bob, byPage, ann := h.as("bob").visit("team/a"), page.visit("team/a"), h.as("ann").visit("team/a")
	h.as("boss").wants(200, `{"checked":2}`, "POST", cut, `{"subject":"bob"}`)
	bob.is("ended: revoked")
	byPage.is("ended: revoked")
	ann.stays(access.Owner)
	h.as("bob").wants(403, "revoked", "GET", "/session", "")
	page.wants(200, `"role":"none"`, "GET", "/session?doc=team/a", "")
	again := h.keys["bob"]
	again.Issued = time.Now().Add(2 * time.Second)
	h.keys["bob"] = again
	h.as("bob").wants(200, `"role":"reader"`, "GET", "/session?doc=team/a", "")
}

// A share's end, and that of all shares of a document, is its owner's to say.
func TestCutShares(t *testing.T) {
	h := withDocument(t)
	ann := h.as("ann")
	one := ann.wants(201, "", "POST", shares, `{"role":"reader"}`)
	two := ann.wants(201, "", "POST", shares, `{"role":"reader"}`)
	first, second, bob := h.as(one.secret()).visit("team/a"), h.as(two.secret()).visit("team/a"), h.as("bob").visit("team/a")
	ann.wants(200, `{"checked":1}`, "POST", cut, fmt.Sprintf(`{"share":%s}`, one.id()[1:]))
	first.is("ended: revoked")
	second.stays(access.Reader)
	ann.wants(200, `{"checked":2}`, "POST", cut, `{"document":"team/a"}`)
	second.is("ended: revoked")
	bob.stays(access.Reader)
	ann.wants(200, `{"shares":[]}`, "GET", shares, "")
}

// What is open is judged anew when somebody says that it may have changed.
func TestRecheck(t *testing.T) {
	h := withDocument(t)
	ann := h.as("ann")
	made := ann.wants(201, "", "POST", shares, `{"role":"reader"}`)
	bob, guest := h.as("bob").visit("team/a"), h.as(made.secret()).visit("team/a")
	h.as("bob").visit("team/b")
	lifted := h.keys["bob"]
	lifted.Docs = access.Grants{{Pattern: "team/a", Role: access.Writer}}
	h.keys["bob"] = lifted
	ann.wants(200, `{"checked":1}`, "POST", recheck, fmt.Sprintf(`{"share":%s}`, made.id()[1:]))
	bob.stays(access.Reader)
	ann.wants(200, `{"checked":1}`, "POST", recheck, `{"document":"team/a","subject":"bob"}`)
	bob.is("a writer")
	delete(h.keys, "bob")
	ann.wants(200, `{"checked":2}`, "POST", recheck, `{"document":"team/a"}`)
	bob.is("ended: revoked")
	guest.stays(access.Reader)
	h.as("boss").wants(200, `{"checked":2}`, "POST", recheck, `{}`)
	guest.stays(access.Reader)
}

// Which shares there are, and of which documents, is nobody's to find out who doesn't
// own them.
func TestSharesAreNobodysToFind(t *testing.T) {
	h := withDocument(t)
	id := h.as("ann").wants(201, "", "POST", shares, `{"role":"reader"}`).id()[1:]
	outsider := h.keys["bob"]
	outsider.Docs = access.Grants{{Pattern: "other/*", Role: access.Owner}}
	h.keys["outsider"] = outsider
	for _, who := range []string{"", "bob", "outsider"} {
		for _, path := range []string{recheck, cut} {
			want := h.as(who).do("POST", path, `{"share":99}`).text
			for _, body := range []string{`{"share":%s}`, `{"share":%s,"document":"team/a"}`, `{"share":%s,"document":"team/b"}`, `{"share":%s,"document":"other/a"}`} {
				for _, share := range []string{id, "99"} {
					if got := h.as(who).do("POST", path, fmt.Sprintf(body, share)).text; got != want {
						t.Errorf("%s: %s, of share 99 %s", fmt.Sprintf(body, share), got, want)
					}
				}
			}
		}
	}
	h.as("ann").wants(200, `{"checked":0}`, "POST", recheck, `{"share":`+id+`,"document":"team/a"}`)
}

// A document's or share's owner decides about it, about anything else only who owns
// everything.
func TestWhoMayCut(t *testing.T) {
	h := withDocument(t)
	id := h.as("ann").wants(201, "", "POST", shares, `{"role":"reader"}`).id()[1:]
	for _, path := range []string{recheck, cut} {
		for _, body := range []string{`{"document":"team/a"}`, `{"subject":"bob"}`, `{"share":` + id + `}`, `{"share":99}`, `{}`} {
			h.as("").wants(401, "no_token", "POST", path, body)
			h.as("bob").wants(403, "forbidden", "POST", path, body)
		}
		h.as("ann").wants(403, "owner of **", "POST", path, `{"subject":"bob"}`)
		h.as("ann").wants(403, "owner of **", "POST", path, `{"share":99}`)
		h.as("ann").wants(403, "forbidden", "POST", path, `{"document":"other"}`)
		h.as("boss").wants(404, "unknown_share", "POST", path, `{"share":99}`)
		h.as("boss").wants(404, "unknown_share", "POST", path, `{"share":`+id+`,"document":"team/b"}`)
		h.as("boss").wants(400, "the member subject", "POST", path, `{"subject":"`+strings.Repeat("a", 1025)+`"}`)
		h.as("boss").wants(400, "the member document", "POST", path, `{"document":"../a"}`)
	}
	for _, body := range []string{`{}`, `{"subject":"bob","document":"team/a"}`, `{"subject":"bob","share":` + id + `}`} {
		h.as("boss").wants(400, "one member", "POST", cut, body)
	}
	h.as("boss").wants(404, "there is no such document", "POST", cut, `{"document":"none"}`)
	h.as("ann").wants(200, `"id":`+id, "GET", shares, "")
}
