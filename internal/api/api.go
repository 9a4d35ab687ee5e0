// Package api is the HTTP API: documents as resources. It knows neither sockets
// nor SQL; what it asks of documents is in one interface.
//
//	POST   /api/v1/docs                 {"name": NAME}: create a document, 201
//	DELETE /api/v1/docs/NAME            delete it, 204; its sessions are ended
//	POST   /api/v1/docs/NAME/restore    make a deleted document usable again, 204
//
// A NAME in a path may be escaped or not, and may hold slashes; one that ends
// with "/restore" has that slash escaped. Errors are problem documents
// (RFC 9457) with the label of access's row in the member "reason".
//
// A browser's page can't misuse a person's access: the server checks Origin and
// Host before it calls the handler (access), and a body must be
// application/json, which no form can send.
package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

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

// maxBody bounds the body of a request in bytes.
const maxBody = 64 << 10

const (
	docsPath      = Prefix + "v1/docs"
	restoreAction = "/restore"
)

// New makes the handler of all paths with Prefix. It tells report of errors that
// are the program's own.
func New(docs Documents, report func(error)) http.Handler {
	a := &api{docs: docs}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := a.serve(w, r); err != nil && r.Context().Err() == nil {
			var refused *access.Refused
			if !errors.As(err, &refused) {
				report(fmt.Errorf("%s %s: %w", r.Method, r.URL.EscapedPath(), err))
			}
			Refuse(w, err)
		}
	})
}

type api struct{ docs Documents }

// serve answers a request, or returns why not.
func (a *api) serve(w http.ResponseWriter, r *http.Request) error {
	path := r.URL.EscapedPath()
	if strings.TrimSuffix(path, "/") == docsPath {
		if err := allow(w, r, http.MethodPost); err != nil {
			return err
		}
		return a.create(w, r)
	}
	name, ok := strings.CutPrefix(path, docsPath+"/")
	if !ok {
		return access.NoAddress.Because("")
	}
	do, method := a.docs.Delete, http.MethodDelete
	if of, ok := strings.CutSuffix(name, restoreAction); ok && r.Method != http.MethodDelete {
		name, do, method = of, a.docs.Restore, http.MethodPost
	}
	if err := allow(w, r, method); err != nil {
		return err
	}
	name, err := url.PathUnescape(name)
	if err == nil {
		err = store.CheckName(name)
	}
	if err != nil {
		return access.Malformed.Because("the path: " + err.Error())
	}
	if r.ContentLength != 0 {
		if err := isJSON(r); err != nil {
			return err
		}
	}
	if err := do(r.Context(), name); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *api) create(w http.ResponseWriter, r *http.Request) error {
	var doc struct {
		Name string `json:"name"`
	}
	if err := readJSON(w, r, &doc); err != nil {
		return err
	}
	if err := store.CheckName(doc.Name); err != nil {
		return access.Malformed.Because("the member name: " + err.Error())
	}
	if err := a.docs.Create(r.Context(), doc.Name); err != nil {
		return err
	}
	w.Header().Set("Location", docsPath+"/"+url.PathEscape(doc.Name))
	writeJSON(w, http.StatusCreated, "application/json", doc)
	return nil
}

func allow(w http.ResponseWriter, r *http.Request, method string) error {
	if r.Method == method {
		return nil
	}
	w.Header().Set("Allow", method)
	return access.Method.Because("only " + method + " is")
}

func isJSON(r *http.Request) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return access.MediaType.Because("")
	}
	return nil
}

// readJSON reads a body that is one JSON object with members of to only.
func readJSON(w http.ResponseWriter, r *http.Request, to any) error {
	if err := isJSON(r); err != nil {
		return err
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return access.TooLarge.Because(fmt.Sprintf("the body has more than %d bytes", maxBody))
	case err != nil:
		return access.Malformed.Because("the body ends early")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return access.Malformed.Because(fmt.Sprintf("the body, byte %d: %v", d.InputOffset(), err))
	}
	if end := d.InputOffset(); len(bytes.TrimSpace(body[end:])) > 0 {
		return access.Malformed.Because(fmt.Sprintf("the body, byte %d: more than one value", end))
	}
	return nil
}

func writeJSON(w http.ResponseWriter, status int, kind string, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // of strings and numbers alone
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	// An error means that the client has gone.
	_, _ = w.Write(append(b, '\n'))
}
