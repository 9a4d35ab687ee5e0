package api

import (
	"errors"
	"net/http"

	"github.com/inkwire/inkwire/internal/access"
)

// A problem is the body that tells of an error (RFC 9457). It has no type of its
// own: title is the status's phrase, and reason tells more than it.
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Reason string `json:"reason"`
}

// retryAfter is how many seconds a client that came at a bad time shall wait.
const retryAfter = "5"

// Refuse answers a request with the row of the table of refusals that err is, or
// with that of a server's fault, which tells nothing of err.
func Refuse(w http.ResponseWriter, err error) {
	var refused *access.Refused
	if !errors.As(err, &refused) || refused.HTTP == 0 {
		refused = access.ServerFault.Because("")
	}
	switch refused.HTTP {
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		if w.Header().Get("Retry-After") == "" {
			w.Header().Set("Retry-After", retryAfter)
		}
	case http.StatusUnauthorized: // RFC 6750, 3
		challenge := "Bearer"
		if refused.Label != access.NoToken.Label {
			challenge += ` error="invalid_token"`
		}
		w.Header().Set("WWW-Authenticate", challenge)
	}
	writeJSON(w, refused.HTTP, "application/problem+json", problem{
		Title:  http.StatusText(refused.HTTP),
		Status: refused.HTTP,
		Detail: refused.Error(),
		Reason: refused.Label,
	})
}
