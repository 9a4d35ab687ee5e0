// Package api is the HTTP API: documents and what happened in them, their files,
// shares of them, browsers' sessions, and the end of what somebody may do, as
// resources. It knows neither sockets nor
// SQL: what it asks of documents is in a few interfaces, and who may ask for what the
// guard decides. docs/api.md tells all of it to those who use it, and
// docs/openapi.yaml to programs.
//
// A NAME in a path may be escaped or not, and may hold slashes; one that ends as a
// resource below a document does, with "/restore" or "/shares/1", has those slashes
// escaped. Errors are problem documents (RFC 9457) with the label of access's row
// in the member "reason".
//
// A browser's page can't misuse a person's access: the server checks Origin and
// Host before it calls the handler (access), a browser's session counts only for
// the server's own page, and a body must be application/json, or a file of another
// type than those that a form can send.
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
	"github.com/inkwire/inkwire/internal/room"
	"github.com/inkwire/inkwire/internal/store"
)

// Prefix begins each path of the API.
const Prefix = "/api/"

// Documents is what the API asks of live documents. An error that the client may
// know is an *access.Refused.
type Documents interface {
	// Create makes a document come to exist under a name that has none, or whose
	// document was deleted.
	Create(ctx context.Context, name string) error
	// Delete marks a document deleted, and ends its sessions.
	Delete(ctx context.Context, name string) error
	// Restore takes the mark off again.
	Restore(ctx context.Context, name string) error
	// Rename gives a document another title, as an edit, and returns when that is on
	// disk.
	Rename(ctx context.Context, name, title string, by access.Identity) error
	// Here is who is in documents now.
	Here(names []string) map[string][]room.Person
}

// Contents is what there is. Without Documents there is no API; without a Catalogue
// or Files nothing of what they have.
type Contents struct {
	Documents Documents
	Catalogue store.Catalogue
	Files     store.Files
	MaxFile   int64 // bytes of a file
	MaxFiles  int64 // bytes of all files of a document
}

// Config is what the API is made of.
type Config struct {
	Contents
	Guard   *access.Guard
	Site    *access.Site                         // where it is reached
	Report  func(error)                          // is told of errors that are the program's own
	Refused func(*http.Request, *access.Refused) // is told of all others; may be nil
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
	id   int64  // of the share
	hash string // of the file
}

// A resource has a handler for each of its methods.
type resource map[string]func(*api, *call) error

const (
	docsPath    = Prefix + "v1/docs"
	sessionPath = Prefix + "v1/session"
	recheckPath = Prefix + "v1/access/recheck"
	cutPath     = Prefix + "v1/access/cut"
	openAPIPath = Prefix + "v1/openapi.yaml"
)

// The resources, by their paths or by what follows a document's name in them.
var (
	byPath = map[string]resource{
		docsPath:       {http.MethodGet: (*api).listDocuments, http.MethodPost: (*api).create},
		docsPath + "/": {http.MethodGet: (*api).listDocuments, http.MethodPost: (*api).create},
		sessionPath:    {http.MethodGet: (*api).whoAmI, http.MethodPost: (*api).collect, http.MethodDelete: (*api).endSession},
		recheckPath:    {http.MethodPost: (*api).recheck},
		cutPath:        {http.MethodPost: (*api).cut},
		openAPIPath:    {http.MethodGet: (*api).describe},
	}
	document = resource{http.MethodGet: (*api).document, http.MethodPatch: (*api).rename, http.MethodDelete: (*api).delete}
	byEnding = map[string]resource{
		"restore":  {http.MethodPost: (*api).restore},
		"activity": {http.MethodGet: (*api).listActivity},
		"shares":   {http.MethodGet: (*api).listShares, http.MethodPost: (*api).addShare},
		"files":    {http.MethodPost: (*api).addFile},
	}
	share    = resource{http.MethodPatch: (*api).changeShare, http.MethodDelete: (*api).revokeShare}
	file     = resource{http.MethodGet: (*api).file}
	fileCopy = resource{http.MethodPost: (*api).copyFile}
)

// A target is what a path leads to.
type target struct {
	resource
	name  string // of the document, as it came
	id    int64
	hash  string
	raw   bool // the body is a file, not JSON
	whole bool // the path is one without a document
}

// find finds the resource of a path, escaped as it came.
func find(path string) target {
	if to := byPath[path]; to != nil {
		return target{resource: to, whole: true}
	}
	name, ok := strings.CutPrefix(path, docsPath+"/")
	if !ok {
		return target{}
	}
	of, last := cutLast(name)
	if to := byEnding[last]; to != nil {
		return target{resource: to, name: of, raw: last == "files"}
	}
	of, collection := cutLast(of)
	if id, err := strconv.ParseInt(last, 10, 64); err == nil && collection == "shares" {
		return target{resource: share, name: of, id: id}
	}
	if collection == "files" && last == "copy" {
		return target{resource: fileCopy, name: of}
	}
	if of, hash := findFile(path); hash != "" {
		return target{resource: file, name: of, hash: hash}
	}
	return target{resource: document, name: name}
}

// findFile finds the document's name, still escaped, and the hash in the path of a
// file; the hash is "" if it isn't one.
func findFile(path string) (name, hash string) {
	of, last := cutLast(path)
	of, collection := cutLast(of)
	name, ok := strings.CutPrefix(of, docsPath+"/")
	if _, err := store.ParseHash(last); err != nil || !ok || collection != "files" {
		return "", ""
	}
	return name, last
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
	to := find(r.URL.EscapedPath())
	if to.resource == nil {
		return access.NoAddress.Because("")
	}
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	handle := to.resource[method]
	if handle == nil {
		allowed := strings.Join(slices.Sorted(maps.Keys(to.resource)), ", ")
		w.Header().Set("Allow", allowed)
		return access.Method.Because("allowed: " + allowed)
	}
	name := ""
	if !to.whole {
		var err error
		if name, err = documentName(to.name); err != nil {
			return access.Malformed.Because("the path: " + err.Error())
		}
	}
	if r.ContentLength != 0 && !to.raw {
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
	return handle(a, &call{Credentials: c, site: a.Site, w: w, r: r, name: name, id: to.id, hash: to.hash})
}

// documentName is the name of a document as a path has it.
func documentName(escaped string) (string, error) {
	name, err := url.PathUnescape(escaped)
	if err == nil {
		err = store.CheckName(name)
	}
	return name, err
}

// may refuses who may not do something with the call's document.
func (a *api) may(c *call, do access.Action) (access.Identity, error) {
	return a.Guard.Check(c.r.Context(), c.Credentials, c.name, do)
}

// grants is where shares are.
func (a *api) grants() (store.Grants, error) {
	if g := a.Guard.Grants(); g != nil {
		return g, nil
	}
	return nil, access.NoAddress.Because("nothing is shared here")
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
