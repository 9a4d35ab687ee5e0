package access

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bounds on what is said of somebody, in bytes.
const (
	maxSubject = 255
	maxName    = 100
)

// claims reads what a token says that a key has signed. Its error is an *Refused.
func claims(body []byte, issuer, audience string, now time.Time) (Identity, error) {
	members, err := object(body)
	switch {
	case errors.Is(err, errTwice):
		return Identity{}, BadToken.Because("its claims have a member twice")
	case err != nil:
		return Identity{}, BadToken.Because("its claims are no JSON object")
	}
	r := reader{members: members}
	who := Identity{
		Subject: r.text("sub"), Name: r.text("name"), Color: r.text("color"),
		Docs: r.grants("docs"), Topics: r.grants("topics"),
		Issued: r.moment("iat"), Expires: r.moment("exp"),
	}
	by, to, from := r.text("iss"), r.texts("aud"), r.moment("nbf")
	why := who.fault()
	if r.err != nil {
		why = r.err.Error()
	}
	switch {
	case why != "":
	case who.Expires.IsZero():
		why = "it has no exp, and would count for ever"
	case issuer != "" && by != issuer:
		why = "its iss isn't the issuer whose tokens are taken"
	case audience != "" && !slices.Contains(to, audience):
		why = "its aud doesn't name this server"
	case from.After(now.Add(Leeway)):
		why = "it doesn't count yet (nbf)"
	case who.Issued.After(now.Add(Leeway)):
		why = "it was issued in the future (iat)"
	case !now.Before(who.Expires.Add(Leeway)): // before that, whoever asked has to mind
		return Identity{}, Expired.Because("")
	}
	if why != "" {
		return Identity{}, BadToken.Because(why)
	}
	return who, nil
}

// fault is what is wrong with what is said of somebody, "" for nothing. Others'
// pages show it.
func (who Identity) fault() string {
	switch {
	case !printable(who.Subject, maxSubject):
		return fmt.Sprintf("sub must be at most %d bytes without control characters", maxSubject)
	case !printable(who.Name, maxName):
		return fmt.Sprintf("name must be at most %d bytes without control characters", maxName)
	case who.Color != "" && !isColor(who.Color):
		return "color must be # and six hexadecimal digits"
	}
	return ""
}

func printable(s string, most int) bool {
	return len(s) <= most && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// isColor reports whether a color is one that all editors take: they put it into
// their styles as it is.
func isColor(s string) bool {
	digits, ok := strings.CutPrefix(s, "#")
	return ok && len(digits) == 6 && strings.Trim(digits, "0123456789abcdefABCDEF") == ""
}
