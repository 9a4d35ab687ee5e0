package api

import (
	"net/http"
	"time"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/store"
)

// who is somebody, as it is shown to itself.
type who struct {
	Subject   string        `json:"subject,omitempty"`
	Name      string        `json:"name,omitempty"`
	Color     string        `json:"color,omitempty"`
	Documents access.Grants `json:"documents"`
	Role      string        `json:"role,omitempty"` // in the document that was asked for
}

// whoAmI tells a client who it is, and with ?doc=NAME what it is in a document.
func (a *api) whoAmI(c *call) error {
	ctx := c.r.Context()
	id, err := a.Guard.Who(ctx, c.Credentials)
	if err != nil {
		return err
	}
	shown := who{Subject: id.Subject, Name: id.Name, Color: id.Color, Documents: id.Docs}
	if query := c.r.URL.Query(); query.Has("doc") {
		name := query.Get("doc")
		if err := store.CheckName(name); err != nil {
			return access.Malformed.Because("the parameter doc: " + err.Error())
		}
		role, err := a.Guard.Role(ctx, c.Credentials, name)
		if err != nil {
			return err
		}
		shown.Role = role.String()
	}
	return c.answer(http.StatusOK, shown)
}

// ownPage refuses whoever isn't the server's own page: another one could log
// somebody in as somebody else, or out.
func (c *call) ownPage() error {
	if !c.site.OwnOrigin(c.r) {
		return access.ForeignOrigin.Because("a browser's session is for this server's own page")
	}
	return nil
}

// collect takes a token or a share into the browser's session, and tells who that
// is now.
func (a *api) collect(c *call) error {
	if err := c.ownPage(); err != nil {
		return err
	}
	if c.r.ContentLength != 0 {
		var body struct {
			Token string `json:"token"`
		}
		if err := c.read(&body); err != nil {
			return err
		}
		if body.Token != "" {
			c.Token = body.Token
		}
	}
	if c.Token == "" {
		return access.NoToken.Because("in the member token, or as Authorization: Bearer TOKEN")
	}
	session, until, err := a.Guard.Collect(c.r.Context(), c.Credentials)
	if err != nil {
		return err
	}
	http.SetCookie(c.w, c.site.SessionCookie(c.r, session, until))
	c.Token, c.Session = "", session
	return a.whoAmI(c)
}

// endSession ends the browser's session.
func (a *api) endSession(c *call) error {
	if err := c.ownPage(); err != nil {
		return err
	}
	ctx, cancel := c.lasting()
	defer cancel()
	if err := a.Guard.EndSession(ctx, c.Session); err != nil {
		return err
	}
	http.SetCookie(c.w, c.site.SessionCookie(c.r, "", time.Time{}))
	return c.done()
}
