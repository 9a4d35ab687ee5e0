package api

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/room"
	"github.com/inkwire/inkwire/internal/store"
)

// A documentAnswer is a document as it is shown to somebody.
type documentAnswer struct {
	Name    string        `json:"name"`
	Title   string        `json:"title"`
	Preview string        `json:"preview"`
	Created time.Time     `json:"created"`
	Role    string        `json:"role"` // of whom it is shown to
	Edited  *edited       `json:"edited,omitempty"`
	Here    []room.Person `json:"here"`
}

type edited struct {
	At time.Time `json:"at"`
	By string    `json:"by"`
}

// show shows documents to somebody who has a role in each.
func (a *api) show(headers []store.Header, roles []access.Role) []documentAnswer {
	names := make([]string, len(headers))
	for i := range headers {
		names[i] = headers[i].Name
	}
	here := a.Documents.Here(names)
	shown := make([]documentAnswer, len(headers))
	for i := range headers {
		h := &headers[i]
		d := documentAnswer{
			Name: h.Name, Title: h.Facts.Title, Preview: h.Facts.Preview, Created: h.Created.UTC(), Role: roles[i].String(),
			Here: append([]room.Person{}, here[h.Name]...),
		}
		if h.Edited != (store.Edit{}) {
			d.Edited = &edited{At: h.Edited.Time.UTC(), By: h.By}
		}
		shown[i] = d
	}
	return shown
}

// catalogue is where documents are listed.
func (a *api) catalogue() (store.Catalogue, error) {
	if a.Catalogue == nil {
		return nil, access.NoAddress.Because("documents aren't listed here")
	}
	return a.Catalogue, nil
}

// header is the document of a call, as it is shown to its caller.
func (a *api) header(c *call) (documentAnswer, error) {
	catalogue, err := a.catalogue()
	if err != nil {
		return documentAnswer{}, err
	}
	role, err := a.Guard.Role(c.r.Context(), c.Credentials, c.name)
	if err != nil {
		return documentAnswer{}, err
	}
	h, err := catalogue.Header(c.r.Context(), c.name)
	if err != nil {
		return documentAnswer{}, err
	}
	return a.show([]store.Header{h}, []access.Role{role})[0], nil
}

// document shows a document.
func (a *api) document(c *call) error {
	if _, err := a.may(c, access.Read); err != nil {
		return err
	}
	shown, err := a.header(c)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, shown)
}

// create makes a document come to exist.
func (a *api) create(c *call) error {
	var wish struct {
		Name *string `json:"name"`
	}
	if err := c.read(&wish); err != nil {
		return err
	}
	if wish.Name == nil {
		return a.createAny(c)
	}
	if err := store.CheckName(*wish.Name); err != nil {
		return access.Malformed.Because("the member name: " + err.Error())
	}
	c.name = *wish.Name
	if err := a.begin(c); err != nil {
		return err
	}
	return a.created(c)
}

// createAny makes one under a name that nobody has used, and that the caller may
// create.
func (a *api) createAny(c *call) error {
	who, asks, err := a.Guard.Reach(c.r.Context(), c.Credentials)
	if err != nil {
		return err
	}
	for range 3 {
		// 50 bits and more: a name is taken about never.
		word := strings.ToLower(rand.Text()[:11])
		name, ok := who.Docs.AnyName(word)
		switch {
		case ok:
		case asks:
			name = word
		default:
			return access.Forbidden.Because("this needs the role writer for a pattern of names")
		}
		c.name = name
		var refused *access.Refused
		switch err = a.begin(c); {
		case err == nil:
			return a.created(c)
		case !errors.As(err, &refused) || refused.Label != access.Exists.Label:
			return err
		}
	}
	return err
}

// begin makes the document of a call come to exist, if the caller may.
func (a *api) begin(c *call) error {
	who, err := a.may(c, access.Create)
	if err != nil {
		return err
	}
	if refused := a.Guard.MayBegin(c.Credentials, who); refused != nil {
		return refused
	}
	return a.Documents.Create(c.r.Context(), c.name)
}

func (a *api) created(c *call) error {
	shown, err := a.header(c)
	if err != nil {
		return err
	}
	c.w.Header().Set("Location", pathOf(c.name))
	return c.answer(http.StatusCreated, shown)
}

// pathOf is the path of a document.
func pathOf(name string) string { return docsPath + "/" + url.PathEscape(name) }

// maxTitle bounds a title that is given, in bytes.
const maxTitle = 500

// rename gives a document another title.
func (a *api) rename(c *call) error {
	who, err := a.may(c, access.Write)
	if err != nil {
		return err
	}
	var wish struct {
		Title string `json:"title"`
	}
	if err := c.read(&wish); err != nil {
		return err
	}
	title := strings.TrimSpace(wish.Title)
	if title == "" || len(title) > maxTitle || !utf8.ValidString(title) || strings.ContainsFunc(title, unicode.IsControl) {
		return access.Malformed.Because("the member title: want 1 to 500 bytes without control characters")
	}
	// Only what is there has a title.
	if _, err := a.header(c); err != nil {
		return err
	}
	ctx, cancel := c.lasting()
	defer cancel()
	if err := a.Documents.Rename(ctx, c.name, title, who); err != nil {
		return err
	}
	shown, err := a.header(c)
	if err != nil {
		return err
	}
	shown.Title = title // which the list learns of in a moment
	return c.answer(http.StatusOK, shown)
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
