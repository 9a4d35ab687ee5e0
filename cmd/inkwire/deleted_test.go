package main

import (
	"net/http"
	"os"
	"strings"
	"testing"
)

// A client that was away while its document was deleted comes back with the
// document's content and an edit, and doesn't bring the document to life. Who
// restores it finds what was there.
func TestOldCopyRevivesNothing(t *testing.T) {
	t.Parallel()
	for _, kind := range allKinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			data := t.TempDir()
			srv := start(t, os.Args[0], "127.0.0.1:0", data)
			addr := srv.addr
			p := newPuppets(t)
			p.open("old", kind, addr, "doc")
			p.do("old", "untilSynced")
			p.do("old", "insert", 0, "kept")
			p.open("witness", "hocuspocus-4", addr, "doc")
			p.do("witness", "untilText", "kept")
			p.do("witness", "untilSaved") // it has all, and all it has is on disk
			p.do("old", "disconnect")
			p.do("old", "untilDown")

			ask(t, http.MethodDelete, addr, "doc")
			p.do("witness", "untilDenied")
			p.do("witness", "leave")
			p.do("old", "insert", 0, "never ")
			p.do("old", "connect")
			refusedForGood := func(name string) {
				t.Helper()
				// Only these kinds say that they were refused; the others are closed, and
				// come back and back.
				if kind == "y-websocket-1" || kind == "y-websocket-2" {
					p.do(name, "untilClosedWith", 4403)
				} else if why := p.text(name, "untilDenied"); !strings.Contains(why, "deleted") {
					t.Errorf("refused with %q", why)
				}
			}
			refusedForGood("old")
			p.do("old", "disconnect")
			srv.stop()
			srv = start(t, os.Args[0], addr, data)
			p.open("new", kind, addr, "doc")
			refusedForGood("new")
			p.do("new", "leave")
			ask(t, http.MethodPost, addr, "doc/restore")
			p.open("reader", "hocuspocus-3", addr, "doc")
			p.do("reader", "untilText", "kept")
			p.do("reader", "leave")
			srv.stop()
		})
	}
}

// ask makes a request to the API, which has nothing to answer but that it's done.
func ask(t *testing.T, method, addr, path string) {
	t.Helper()
	r, err := http.NewRequest(method, "http://"+addr+"/api/v1/docs/"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusNoContent {
		t.Fatalf("%s %s: %s", method, path, answer.Status)
	}
}
