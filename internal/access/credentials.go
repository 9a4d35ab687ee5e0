package access

import (
	"net/http"
	"strings"
	"time"
)

// A browser's session is in a cookie. Over TLS its name has a prefix that binds it
// to the host alone (RFC 6265bis, 4.1.3).
const (
	cookieName       = "inkwire-session"
	secureCookieName = "__Host-" + cookieName
)

// RequestCredentials are what a request to the API shows: a token in its
// Authorization (RFC 6750, 2.1), or else the browser's session, which counts only
// for the server's own page. Its error is an *Refused.
func (s *Site) RequestCredentials(r *http.Request) (Credentials, error) {
	c := s.withoutToken(r)
	given := r.Header.Values("Authorization")
	if len(given) == 0 {
		return c, nil
	}
	scheme, token, ok := strings.Cut(given[0], " ")
	if token = strings.TrimSpace(token); len(given) > 1 || !ok || !strings.EqualFold(scheme, "Bearer") || token == "" || strings.Contains(token, " ") {
		return c, BadToken.Because("the header must be Authorization: Bearer TOKEN")
	}
	c.Token = token
	return c, nil
}

// SocketCredentials are what a request for a socket shows: a token in its query,
// since browsers let pages set no header there, or else likewise.
func (s *Site) SocketCredentials(r *http.Request) Credentials {
	c := s.withoutToken(r)
	if len(r.Header["Origin"]) == 0 {
		c.Session = "" // browsers name the page that opens a socket
	}
	c.Token = r.URL.Query().Get("token")
	return c
}

func (s *Site) withoutToken(r *http.Request) Credentials {
	c := Credentials{Addr: Household(s.ClientAddr(r)), Header: r.Header}
	if s.OwnOrigin(r) {
		if cookie, err := r.Cookie(s.cookieName(r)); err == nil {
			c.Session = cookie.Value
		}
	}
	return c
}

// SessionCookie is the cookie of a browser's session, as the answer to a request
// has it; without a secret, the one that takes it away.
func (s *Site) SessionCookie(r *http.Request, secret string, until time.Time) *http.Cookie {
	c := &http.Cookie{
		Name: s.cookieName(r), Value: secret, Path: "/", Secure: s.encrypted(r),
		MaxAge: int(time.Until(until).Seconds()), HttpOnly: true, SameSite: http.SameSiteStrictMode,
	}
	if secret == "" || c.MaxAge <= 0 {
		c.MaxAge = -1
	}
	return c
}

func (s *Site) cookieName(r *http.Request) string {
	if s.encrypted(r) {
		return secureCookieName
	}
	return cookieName
}

// encrypted reports whether a request left its client encrypted.
func (s *Site) encrypted(r *http.Request) bool {
	return strings.HasPrefix(string(s.own(r)), "https://")
}
