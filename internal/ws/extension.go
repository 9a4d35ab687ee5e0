package ws

import (
	"errors"
	"strings"
)

// deflateName is the extension of RFC 7692.
const deflateName = "permessage-deflate"

// errExtensions refuses a malformed header (RFC 6455, 9.1).
var errExtensions = errors.New("the header Sec-WebSocket-Extensions is malformed")

// answerDeflate returns the answer to the first offer of permessage-deflate
// that can be accepted, or "" if there is none (RFC 7692, 5 and 7.1). Neither
// side keeps its window between messages: the server, so that one deflated body
// serves all, and the client, so that nothing is kept for it.
func answerDeflate(headers []string) (string, error) {
	const answer = deflateName + "; server_no_context_takeover; client_no_context_takeover"
	for _, h := range headers {
		for more := true; more; {
			var name string
			var params []param
			var err error
			if name, params, h, more, err = cutExtension(h); err != nil {
				return "", err
			}
			if name != deflateName {
				continue
			}
			switch ok, window := checkOffer(params); {
			case ok && window:
				return answer + "; server_max_window_bits=15", nil
			case ok:
				return answer, nil
			}
		}
	}
	return "", nil
}

// A param is a parameter of an extension.
type param struct {
	name, value string
	hasValue    bool
}

// checkOffer reports whether an offer with these parameters can be accepted,
// and whether the answer must name the server's window. A window smaller than
// deflate's own can't be promised.
func checkOffer(params []param) (ok, window bool) {
	seen := make(map[string]bool, len(params))
	for _, p := range params {
		if seen[p.name] {
			return false, false
		}
		seen[p.name] = true
		switch p.name {
		case "server_no_context_takeover", "client_no_context_takeover":
			if p.hasValue {
				return false, false
			}
		case "server_max_window_bits":
			if p.value != "15" {
				return false, false
			}
			window = true
		case "client_max_window_bits": // a hint: any window of the client's will do
			if p.hasValue && !isWindow(p.value) {
				return false, false
			}
		default:
			return false, false
		}
	}
	return true, window
}

// isWindow reports whether s is a number of bits from 8 to 15.
func isWindow(s string) bool {
	return s == "8" || s == "9" || len(s) == 2 && s[0] == '1' && '0' <= s[1] && s[1] <= '5'
}

// cutExtension cuts the first element off a header's list, an extension or
// nothing, and tells whether another must follow.
func cutExtension(s string) (name string, params []param, rest string, more bool, err error) {
	name, s = cutToken(s)
	for {
		switch {
		case s == "":
			return name, params, "", false, nil
		case s[0] == ',':
			return name, params, s[1:], true, nil
		case s[0] == ';' && name != "":
			var p param
			if p, s, err = cutParam(s[1:]); err != nil {
				return "", nil, "", false, err
			}
			params = append(params, p)
		default:
			return "", nil, "", false, errExtensions
		}
	}
}

func cutParam(s string) (p param, rest string, err error) {
	if p.name, s = cutToken(s); p.name == "" {
		return p, "", errExtensions
	}
	if s == "" || s[0] != '=' {
		return p, s, nil
	}
	p.hasValue = true
	s = strings.TrimLeft(s[1:], " \t")
	if s != "" && s[0] == '"' { // what is quoted must be a token too
		value, after, closed := strings.Cut(s[1:], `"`)
		if !closed || !isToken(value) {
			return p, "", errExtensions
		}
		p.value = value
		return p, strings.TrimLeft(after, " \t"), nil
	}
	if p.value, s = cutToken(s); p.value == "" {
		return p, "", errExtensions
	}
	return p, s, nil
}

// cutToken cuts a token with the white space around it off s.
func cutToken(s string) (token, rest string) {
	s = strings.TrimLeft(s, " \t")
	n := 0
	for n < len(s) && isTokenByte(s[n]) {
		n++
	}
	return s[:n], strings.TrimLeft(s[n:], " \t")
}

func isToken(s string) bool {
	token, rest := cutToken(s)
	return token != "" && rest == "" && len(token) == len(s)
}

// isTokenByte follows RFC 9110, 5.6.2.
func isTokenByte(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}
