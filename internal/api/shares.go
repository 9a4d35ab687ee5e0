package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/store"
)

// A shareAnswer is a share as it is shown. Its secret is shown once, to its maker.
type shareAnswer struct {
	ID       int64     `json:"id"`
	Document string    `json:"document"`
	Role     string    `json:"role"`
	Note     string    `json:"note"`
	By       string    `json:"by"`
	Created  time.Time `json:"created"`
	Expires  time.Time `json:"expires,omitzero"`
	Secret   string    `json:"secret,omitempty"`
	URL      string    `json:"url,omitempty"`
}

func showShare(l store.Share) shareAnswer {
	shown := shareAnswer{ID: l.ID, Document: l.Document, Role: l.Role, Note: l.Note, By: l.By, Created: l.Created.UTC()}
	if !l.Expires.IsZero() {
		shown.Expires = l.Expires.UTC()
	}
	return shown
}

// A shareRequest is what a share shall be. What isn't there stays as it is.
type shareRequest struct {
	Role    *string         `json:"role"`
	Note    *string         `json:"note"`
	Expires json.RawMessage `json:"expires"` // a time, or null for never
	For     *int64          `json:"for"`     // seconds from now
}

// Bounds on a share.
const (
	maxNote = 256                   // bytes
	maxFor  = 100 * 365 * 24 * 3600 // seconds
)

// change checks a request and turns it into what it does to a share.
func (q *shareRequest) change(now time.Time) (func(*store.Share), error) {
	malformed := func(member, why string) error { return access.Malformed.Because("the member " + member + ": " + why) }
	var expires time.Time
	if q.Role != nil {
		if _, err := access.ParseShareRole(*q.Role); err != nil {
			return nil, malformed("role", err.Error())
		}
	}
	if q.Note != nil && len(*q.Note) > maxNote {
		return nil, malformed("note", fmt.Sprintf("%d bytes are more than %d", len(*q.Note), maxNote))
	}
	switch {
	case q.For != nil && q.Expires != nil:
		return nil, malformed("for", "there is expires as well")
	case q.For != nil:
		if *q.For < 1 || *q.For > maxFor {
			return nil, malformed("for", fmt.Sprintf("want 1 to %d seconds", maxFor))
		}
		expires = now.Add(time.Duration(*q.For) * time.Second)
	case q.Expires != nil && string(q.Expires) != "null":
		if err := json.Unmarshal(q.Expires, &expires); err != nil {
			return nil, malformed("expires", "want a time such as 2030-12-31T23:59:00Z, or null")
		}
		if !expires.After(now) {
			return nil, malformed("expires", "it is over")
		}
	}
	return func(l *store.Share) {
		if q.Role != nil {
			l.Role = *q.Role
		}
		if q.Note != nil {
			l.Note = *q.Note
		}
		if q.For != nil || q.Expires != nil {
			l.Expires = expires
		}
	}, nil
}

// addShare makes a share.
func (a *api) addShare(c *call) error {
	who, err := a.may(c, access.Share)
	if err != nil {
		return err
	}
	grants, err := a.grants()
	if err != nil {
		return err
	}
	var q shareRequest
	if err := c.read(&q); err != nil {
		return err
	}
	// To the millisecond, as it is kept.
	now := time.Now().Truncate(time.Millisecond)
	change, err := q.change(now)
	if err != nil {
		return err
	}
	if q.Role == nil {
		return access.Malformed.Because("the member role: it is missing")
	}
	l := store.Share{Document: c.name, By: who.Subject, Created: now}
	change(&l)
	secret, hash := access.NewShare()
	if l.ID, err = grants.AddShare(c.r.Context(), hash, l); err != nil {
		return err
	}
	shown := showShare(l)
	shown.Secret = secret
	shown.URL = "/d/" + url.PathEscape(c.name) + "#link=" + secret
	c.w.Header().Set("Location", fmt.Sprintf("%s/%s/shares/%d", docsPath, url.PathEscape(c.name), l.ID))
	return c.answer(http.StatusCreated, shown)
}

// listShares lists a document's shares.
func (a *api) listShares(c *call) error {
	if _, err := a.may(c, access.Share); err != nil {
		return err
	}
	grants, err := a.grants()
	if err != nil {
		return err
	}
	all, err := grants.Shares(c.r.Context(), c.name)
	if err != nil {
		return err
	}
	shown := make([]shareAnswer, 0, len(all))
	for _, l := range all {
		shown = append(shown, showShare(l))
	}
	return c.answer(http.StatusOK, map[string]any{"shares": shown})
}

// changeShare gives a share another role, end or note.
func (a *api) changeShare(c *call) error {
	if _, err := a.may(c, access.Share); err != nil {
		return err
	}
	grants, err := a.grants()
	if err != nil {
		return err
	}
	var q shareRequest
	if err := c.read(&q); err != nil {
		return err
	}
	change, err := q.change(time.Now())
	if err != nil {
		return err
	}
	ctx, cancel := c.lasting()
	defer cancel()
	l, err := grants.ChangeShare(ctx, c.name, c.id, change)
	if err != nil {
		return unknownShare(err)
	}
	a.recheckShare(ctx, c.name, c.id)
	return c.answer(http.StatusOK, showShare(l))
}

// revokeShare ends a share.
func (a *api) revokeShare(c *call) error {
	if _, err := a.may(c, access.Share); err != nil {
		return err
	}
	if _, err := a.endShare(c, c.name, c.id); err != nil {
		return err
	}
	return c.done()
}

// endShare revokes a share, and what rests on it.
func (a *api) endShare(c *call, document string, id int64) (checked int, err error) {
	grants, err := a.grants()
	if err != nil {
		return 0, err
	}
	ctx, cancel := c.lasting()
	defer cancel()
	if err := grants.RevokeShare(ctx, document, id); err != nil {
		return 0, unknownShare(err)
	}
	return a.recheckShare(ctx, document, id), nil
}

// recheckShare judges anew whoever has a role by a share.
func (a *api) recheckShare(ctx context.Context, document string, id int64) int {
	return a.Guard.Recheck(ctx, document, func(who access.Identity) bool { return who.Share == id })
}

func unknownShare(err error) error {
	if errors.Is(err, store.ErrUnknown) {
		return access.UnknownShare.Because("")
	}
	return err
}
