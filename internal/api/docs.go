package api

import (
	"context"
	"net/http"
	"net/url"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/store"
)

// create makes a document come to exist.
func (a *api) create(c *call) error {
	var doc struct {
		Name string `json:"name"`
	}
	if err := c.read(&doc); err != nil {
		return err
	}
	if err := store.CheckName(doc.Name); err != nil {
		return access.Malformed.Because("the member name: " + err.Error())
	}
	c.name = doc.Name
	who, err := a.may(c, access.Create)
	if err != nil {
		return err
	}
	if refused := a.Guard.MayBegin(c.Credentials, who); refused != nil {
		return refused
	}
	if err := a.Documents.Create(c.r.Context(), doc.Name); err != nil {
		return err
	}
	c.w.Header().Set("Location", docsPath+"/"+url.PathEscape(doc.Name))
	return c.answer(http.StatusCreated, doc)
}

func (a *api) delete(c *call) error { return a.mark(c, a.Documents.Delete) }

func (a *api) restore(c *call) error { return a.mark(c, a.Documents.Restore) }

func (a *api) mark(c *call, do func(context.Context, string) error) error {
	if _, err := a.may(c, access.Delete); err != nil {
		return err
	}
	if err := do(c.r.Context(), c.name); err != nil {
		return err
	}
	return c.done()
}
