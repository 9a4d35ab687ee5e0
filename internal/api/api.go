// Package api is the HTTP API: documents, the links to them, browsers' sessions,
// and the end of what somebody may do, as resources. It knows neither sockets nor
// SQL: what it asks of documents is in one interface, and who may ask for what the
// guard decides. docs/api.md tells all of it to those who use it.
//
// A NAME in a path may be escaped or not, and may hold slashes; one that ends as a
// resource below a document does, with "/restore" or "/links", has that slash
// escaped. Errors are problem documents (RFC 9457) with the label of access's row
// in the member "reason".
//
// A browser's page can't misuse a person's access: the server checks Origin and
// Host before it calls the handler (access), a browser's session counts only for
// the server's own page, and a body must be application/json, which no form can
// send.
package api

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/store"
)

// Prefix begins each path of the API.
const Prefix = "/api/"

// Documents is what the API asks of documents. An error that the client may
// know is an *access.Refused.
type Documents interface {
	// Create makes a document come to exist under a name that has none, or whose
	// document was deleted.
	Create(ctx context.Context, name string) error
	// Delete marks a document deleted, and ends its sessions.
	Delete(ctx context.Context, name string) error
	// Restore takes the mark off again.
	Restore(ctx context.Context, name string) error
}

// Config is what the API is made of.
type Config struct {
	Documents Documents
	Guard     *access.Guard
	Site      *access.Site                         // where it is reached
	Report    func(error)                          // is told of errors that are the program's own
	Refused   func(*http.Request, *access.Refused) // is told of all others; may be nil
}

// New makes the handler of all paths with Prefix.
func New(cfg Config) http.Handler { return &api{cfg} }

type api struct{ Config }

// A call is a request to a resource.
type call struct {
	access.Credentials
	site *access.Site
	w    http.ResponseWriter
	r    *http.Request
	name string // of the document
	id   int64  // of the link
}

// A resource has a handler for each of its methods.
type resource map[string]func(*api, *call) error

const (
	docsPath    = Prefix + "v1/docs"
	sessionPath = Prefix + "v1/session"
	recheckPath = Prefix + "v1/access/recheck"
	cutPath     = Prefix + "v1/access/cut"
)

// The resources, by their paths or by what follows a document's name in them.
var (
	byPath = map[string]resource{
		docsPath:       {http.MethodPost: (*api).create},
		docsPath + "/": {http.MethodPost: (*api).create},
		sessionPath:    {http.MethodGet: (*api).whoAmI, http.MethodPost: (*api).collect, http.MethodDelete: (*api).endSession},
		recheckPath:    {http.MethodPost: (*api).recheck},
		cutPath:        {http.MethodPost: (*api).cut},
	}
	document = resource{http.MethodDelete: (*api).delete}
	byEnding = map[string]resource{
		"restore": {http.MethodPost: (*api).restore},
		"links":   {http.MethodGet: (*api).listLinks, http.MethodPost: (*api).addLink},
	}
	link = resource{http.MethodPatch: (*api).changeLink, http.MethodDelete: (*api).revokeLink}
)

// find finds the resource of a path, escaped as it came, and the document's name
// in it, which is still escaped.
func find(path string) (to resource, name string, id int64) {
	if to := byPath[path]; to != nil {
		return to, "", 0
	}
	name, ok := strings.CutPrefix(path, docsPath+"/")
	if !ok {
		return nil, "", 0
	}
	of, last := cutLast(name)
	if to := byEnding[last]; to != nil {
		return to, of, 0
	}
	if id, err := strconv.ParseInt(last, 10, 64); err == nil {
		if of, last := cutLast(of); last == "links" {
			return link, of, id
		}
	}
	return document, name, 0
}

// cutLast cuts off what follows the last slash; nothing if there is none.
func cutLast(s string) (before, last string) {
	if i := strings.LastIndexByte(s, '/'); i >= 0 {
		return s[:i], s[i+1:]
	}
	return s, ""
}

// ServeHTTP implements http.Handler.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	private(w)
	if err := a.serve(w, r); err != nil && r.Context().Err() == nil {
		err = access.OfStore(err)
		var refused *access.Refused
		if !errors.As(err, &refused) {
			a.Report(fmt.Errorf("%s %s: %w", r.Method, r.URL.EscapedPath(), err))
		} else if a.Refused != nil {
			a.Refused(r, refused)
		}
		Refuse(w, err)
	}
}

// serve answers a request, or returns why not.
func (a *api) serve(w http.ResponseWriter, r *http.Request) error {
	to, name, id := find(r.URL.EscapedPath())
	if to == nil {
		return access.NoAddress.Because("")
	}
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	handle := to[method]
	if handle == nil {
		allowed := strings.Join(slices.Sorted(maps.Keys(to)), ", ")
		w.Header().Set("Allow", allowed)
		return access.Method.Because("allowed: " + allowed)
	}
	if byPath[r.URL.EscapedPath()] == nil {
		var err error
		if name, err = url.PathUnescape(name); err == nil {
			err = store.CheckName(name)
		}
		if err != nil {
			return access.Malformed.Because("the path: " + err.Error())
		}
	}
	if r.ContentLength != 0 {
		if err := isJSON(r); err != nil {
			return err
		}
	}
	c, err := a.Site.RequestCredentials(r)
	if blocked := a.Guard.Blocked(c.Addr); blocked != nil {
		return blocked
	}
	if err != nil {
		return err
	}
	return handle(a, &call{Credentials: c, site: a.Site, w: w, r: r, name: name, id: id})
}

// may refuses who may not do something with the call's document.
func (a *api) may(c *call, do access.Action) (access.Identity, error) {
	return a.Guard.Check(c.r.Context(), c.Credentials, c.name, do)
}

// grants is where links are.
func (a *api) grants() (store.Grants, error) {
	if g := a.Guard.Grants(); g != nil {
		return g, nil
	}
	return nil, access.NoAddress.Because("there are no links here")
}

// mostWork is how long what a client has asked for may take after it has gone.
const mostWork = 30 * time.Second

// lasting is a context for what must not be left half-done when its client goes.
func (c *call) lasting() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(c.r.Context()), mostWork)
}

// done answers that there is nothing to say.
func (c *call) done() error {
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

func (c *call) answer(status int, v any) error {
	writeJSON(c.w, status, "application/json", v)
	return nil
}
