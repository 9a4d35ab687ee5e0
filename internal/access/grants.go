package access

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Grants are the roles that somebody has, by patterns of names: "*" stands for
// anything within a segment, between slashes, and "**" for anything. A backslash
// before a star or a backslash takes its meaning away. In JSON they are an object,
// {"team/*":"writer","**":"reader"}.
type Grants []Grant

// A Grant is a pattern with a role.
type Grant struct {
	Pattern string
	Role    Role
}

// Bounds on what a token, or an application's answer, may grant. Matching takes at
// most the product of pattern and name.
const (
	maxGrants  = 1000
	maxPattern = 1024
)

// Role is the highest role of all patterns that match a name.
func (g Grants) Role(name string) Role {
	role := None
	for _, grant := range g {
		if grant.Role > role && matches(grant.Pattern, name) {
			role = grant.Role
		}
	}
	return role
}

// Exactly is the pattern that matches one name alone, whatever it holds.
func Exactly(name string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`).Replace(name)
}

// NameIn is the one name that a pattern matches, if it has no stars.
func NameIn(pattern string) (name string, one bool) {
	var b strings.Builder
	for p := 0; p < len(pattern); p++ {
		if pattern[p] == '*' {
			return "", false
		}
		p += skip(pattern[p:])
		b.WriteByte(pattern[p])
	}
	return b.String(), true
}

// PrefixOf is what all names begin with that a pattern matches.
func PrefixOf(pattern string) string {
	var b strings.Builder
	for p := 0; p < len(pattern) && pattern[p] != '*'; p++ {
		p += skip(pattern[p:])
		b.WriteByte(pattern[p])
	}
	return b.String()
}

// AnyName is a name that the grants let somebody create, with a word of the
// caller's in place of the stars of a pattern; false if there is no such pattern.
func (g Grants) AnyName(word string) (name string, ok bool) {
	for _, grant := range g {
		if _, one := NameIn(grant.Pattern); one || !grant.Role.May(Create) {
			continue
		}
		prefix := PrefixOf(grant.Pattern)
		// The shortest: who may create anything gets the word alone.
		if candidate := prefix + word; g.Role(candidate).May(Create) && (!ok || len(candidate) < len(name)) {
			name, ok = candidate, true
		}
	}
	return name, ok
}

// skip is 1 at a backslash that makes what follows it an ordinary character.
func skip(pattern string) int {
	if len(pattern) > 1 && pattern[0] == '\\' && (pattern[1] == '*' || pattern[1] == '\\') {
		return 1
	}
	return 0
}

// matches goes back to the last "*" or, if that can't take more, to the last
// "**" when it doesn't get on: no earlier one has to be tried again.
func matches(pattern, name string) bool {
	type mark struct{ pattern, name int } // what follows the stars, and where they end
	none := mark{-1, -1}
	one, many := none, none
	for p, n := 0, 0; ; {
		switch {
		case strings.HasPrefix(pattern[p:], "**"):
			p += 2
			many, one = mark{p, n}, none
			continue
		case p < len(pattern) && pattern[p] == '*':
			p++
			one = mark{p, n}
			continue
		case p < len(pattern) && n < len(name) && pattern[p+skip(pattern[p:])] == name[n]:
			p += skip(pattern[p:]) + 1
			n++
			continue
		case p == len(pattern) && n == len(name):
			return true
		}
		switch {
		case one != none && one.name < len(name) && name[one.name] != '/':
			one.name++
			p, n = one.pattern, one.name
		case many != none && many.name < len(name):
			many.name++
			p, n = many.pattern, many.name
			one = none
		default:
			return false
		}
	}
}

// UnmarshalJSON implements json.Unmarshaler.
func (g *Grants) UnmarshalJSON(b []byte) error {
	var object map[string]string
	if err := json.Unmarshal(b, &object); err != nil {
		return fmt.Errorf("want an object of patterns and roles: %w", err)
	}
	if len(object) > maxGrants {
		return fmt.Errorf("%d patterns, more than %d", len(object), maxGrants)
	}
	*g = make(Grants, 0, len(object))
	for pattern, name := range object {
		role, err := ParseRole(name)
		if err != nil {
			return err
		}
		if pattern == "" || len(pattern) > maxPattern {
			return fmt.Errorf("a pattern of %d bytes, want 1 to %d", len(pattern), maxPattern)
		}
		*g = append(*g, Grant{pattern, role})
	}
	return nil
}

// MarshalJSON implements json.Marshaler. Of a pattern that is there twice, the
// higher role counts.
func (g Grants) MarshalJSON() ([]byte, error) {
	highest := make(map[string]Role, len(g))
	for _, grant := range g {
		highest[grant.Pattern] = max(highest[grant.Pattern], grant.Role)
	}
	object := make(map[string]string, len(highest))
	for pattern, role := range highest {
		object[pattern] = role.String()
	}
	return json.Marshal(object)
}
