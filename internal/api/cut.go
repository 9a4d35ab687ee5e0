package api

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/store"
)

// A scope is whose access a request is about. What isn't there means all.
type scope struct {
	Document string `json:"document"`
	Subject  string `json:"subject"`
	Share    int64  `json:"share"`
}

// maxSubject bounds a subject's name in bytes.
const maxSubject = 1024

// readScope reads a scope whose document and share the caller may share, or which
// is an owner's of everything.
func (a *api) readScope(c *call) (s scope, err error) {
	if err := c.read(&s); err != nil {
		return s, err
	}
	if len(s.Subject) > maxSubject {
		return s, access.Malformed.Because(fmt.Sprintf("the member subject: more than %d bytes", maxSubject))
	}
	if s.Document != "" {
		if err := store.CheckName(s.Document); err != nil {
			return s, access.Malformed.Because("the member document: " + err.Error())
		}
	}
	ctx := c.r.Context()
	if s.Share != 0 {
		grants, err := a.grants()
		if err != nil {
			return s, err
		}
		l, err := grants.ShareByID(ctx, s.Share)
		unknown := errors.Is(err, store.ErrUnknown) || err == nil && s.Document != "" && s.Document != l.Document
		if err != nil && !unknown {
			return s, err
		}
		// Which shares there are, and of which documents, who doesn't own this one's
		// mustn't find out by what is answered.
		if c.name = l.Document; !unknown {
			_, err = a.may(c, access.Share)
		}
		if unknown || err != nil {
			_, err = a.Guard.CheckAll(ctx, c.Credentials)
		}
		if err == nil && unknown {
			err = access.UnknownShare.Because("")
		}
		s.Document = l.Document
		return s, err
	}
	if s.Document == "" {
		_, err = a.Guard.CheckAll(ctx, c.Credentials)
		return s, err
	}
	c.name = s.Document
	_, err = a.may(c, access.Share)
	return s, err
}

// picks reports whether somebody in the document is meant.
func (s *scope) picks(who access.Identity) bool {
	return (s.Subject == "" || s.Subject == who.Subject) && (s.Share == 0 || s.Share == who.Share)
}

type checked struct {
	Checked int `json:"checked"`
}

// recheck judges anew what is open.
func (a *api) recheck(c *call) error {
	s, err := a.readScope(c)
	if err != nil {
		return err
	}
	ctx, cancel := c.lasting()
	defer cancel()
	return c.answer(http.StatusOK, checked{a.Guard.Recheck(ctx, s.Document, s.picks)})
}

// cut voids what was given before: a subject's tokens, a share, or all shares of a
// document.
func (a *api) cut(c *call) error {
	s, err := a.readScope(c)
	if err != nil {
		return err
	}
	grants, err := a.grants()
	if err != nil {
		return err
	}
	ctx, cancel := c.lasting()
	defer cancel()
	switch {
	case s.Share != 0 && s.Subject == "":
		n, err := a.endShare(c, s.Document, s.Share)
		if err != nil {
			return err
		}
		return c.answer(http.StatusOK, checked{n})
	case s.Share == 0 && s.Document == "" && s.Subject != "":
		err = grants.Cut(ctx, s.Subject, time.Now())
	case s.Share == 0 && s.Document != "" && s.Subject == "":
		err = grants.RevokeShares(ctx, s.Document)
	default:
		return access.Malformed.Because("the body: want one member of subject, document and share")
	}
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, checked{a.Guard.Recheck(ctx, s.Document, s.picks)})
}
