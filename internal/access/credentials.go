package access

import (
	"net/http"
	"net/netip"
	"net/url"
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
func RequestCredentials(r *http.Request, addr netip.Addr) (Credentials, error) {
	c := Credentials{Session: browserSession(r), Addr: addr, Header: r.Header}
	given := r.Header.Values("Authorization")
	if len(given) == 0 {
		return c, nil
	}
	scheme, token, ok := strings.Cut(given[0], " ")
	if token = strings.TrimSpace(token); len(given) > 1 || !ok || !strings.EqualFold(scheme, "Bearer") || token == "" || strings.Contains(token, " ") {
		return Credentials{}, BadToken.Because("the header must be Authorization: Bearer TOKEN")
	}
	c.Token = token
	return c, nil
}

// SocketCredentials are what a request for a socket shows: a token in its query,
// since browsers let pages set no header there, or else likewise.
func SocketCredentials(r *http.Request, addr netip.Addr) Credentials {
	return Credentials{Token: r.URL.Query().Get("token"), Session: browserSession(r), Addr: addr, Header: r.Header}
}

// browserSession is the secret of a browser's session, "" if there is none that
// counts.
func browserSession(r *http.Request) string {
	if !OwnPage(r) {
		return ""
	}
	name := cookieName
	if overTLS(r) {
		name = secureCookieName
	}
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// SessionCookie is the cookie of a browser's session, as the answer to a request
// has it; without a secret, the one that takes it away.
func SessionCookie(r *http.Request, secret string, until time.Time) *http.Cookie {
	c := &http.Cookie{
		Name: cookieName, Value: secret, Path: "/",
		MaxAge: int(time.Until(until).Seconds()), HttpOnly: true, SameSite: http.SameSiteStrictMode,
	}
	if overTLS(r) {
		c.Name, c.Secure = secureCookieName, true
	}
	if secret == "" || c.MaxAge <= 0 {
		c.MaxAge = -1
	}
	return c
}

// OwnPage reports whether the server's own page makes a request: by its Origin, or
// where browsers send none, as when a page gets what is of its own origin, by what
// they tell instead, which no page can set.
func OwnPage(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return r.Header.Get("Sec-Fetch-Site") == "same-origin"
	}
	u, err := url.Parse(origins[0])
	return len(origins) == 1 && err == nil && (u.Scheme == "https" || u.Scheme == "http" && !overTLS(r)) &&
		u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

// overTLS reports whether a request came encrypted.
func overTLS(r *http.Request) bool { return r.TLS != nil }
