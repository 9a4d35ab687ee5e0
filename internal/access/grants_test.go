package access

import (
	"encoding/json"
	"strings"
	"testing"
)

// "*" stays within a segment, "**" doesn't; the highest role of all that match
// counts.
func TestGrants(t *testing.T) {
	for _, tt := range []struct {
		pattern string
		yes, no []string
	}{
		{"a", []string{"a"}, []string{"", "b", "aa", "a/"}},
		{"*", []string{"", "a", "a b"}, []string{"a/b", "/"}},
		{"**", []string{"", "a", "a/b", "//"}, nil},
		{"team/*", []string{"team/a", "team/"}, []string{"team", "team/a/b", "steam/a"}},
		{"team/**", []string{"team/a", "team/a/b"}, []string{"team", "a/team/b"}},
		{"*/notes", []string{"a/notes", "/notes"}, []string{"notes", "a/b/notes"}},
		{"**/notes", []string{"a/notes", "a/b/notes"}, []string{"notes", "a/notes/b"}},
		{"a*b*c", []string{"abc", "axxbbxc", "abcbc"}, []string{"ab", "a/bc", "abcb"}},
		{"**/*.md", []string{"a/b.md", "a/b/c.md", "a/.md.md"}, []string{"b.md", "a/b.md/c"}},
		{"a**b", []string{"ab", "a/b", "axb/xb"}, []string{"a", "ba", "abx"}},
		{"***", []string{"", "a/b"}, nil},
		{`a\*`, []string{"a*"}, []string{"a", "ab", `a\*`}},
		{`\**`, []string{"*", "*a"}, []string{"a", "*/a", "**/a"}},
		{`a\\*`, []string{`a\`, `a\b`}, []string{"a*", `a\/b`}},
		{`a\b\`, []string{`a\b\`}, []string{"ab", `a\b`}},
		{"文/*", []string{"文/書"}, []string{"文"}},
	} {
		for _, name := range tt.yes {
			if !matches(tt.pattern, name) {
				t.Errorf("%q doesn't match %q", tt.pattern, name)
			}
		}
		for _, name := range tt.no {
			if matches(tt.pattern, name) {
				t.Errorf("%q matches %q", tt.pattern, name)
			}
		}
	}
	// Bounded, whatever they are: this would take for ever if each star were tried
	// with each.
	if matches(strings.Repeat("*a", 500)+"b", strings.Repeat("a", 512)) {
		t.Error("matches")
	}
	var g Grants
	if err := json.Unmarshal([]byte(`{"**":"reader","team/*":"writer","team/secret":"reader"}`), &g); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]Role{"a": Reader, "team/a": Writer, "team/secret": Writer} {
		if got := g.Role(name); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	for _, bad := range []string{`[]`, `{"a":1}`, `{"a":"admin"}`, `{"a":"none"}`, `{"":"reader"}`, `"**"`,
		`{"` + strings.Repeat("a", 1025) + `":"reader"}`} {
		if err := json.Unmarshal([]byte(bad), &g); err == nil {
			t.Errorf("%.40s: %v", bad, g)
		}
	}
}

// A name's own pattern matches it alone, also when the name looks like a pattern,
// and is short enough to be granted.
func TestExactly(t *testing.T) {
	for _, name := range []string{"a", "team/*", "**", `\`, `\*`, `\\**\`, `a\b`, strings.Repeat("*", 512)} {
		p := Exactly(name)
		if !matches(p, name) || len(p) > maxPattern {
			t.Errorf("%q doesn't match %q", p, name)
		}
		for _, other := range []string{"team/b", "", "x", name + "x", "a/" + name} {
			if matches(p, other) {
				t.Errorf("%q matches %q", p, other)
			}
		}
		if got, one := NameIn(p); !one || got != name {
			t.Errorf("the name in %q is %q, %v", p, got, one)
		}
	}
	for _, p := range []string{"*", "team/*", `\\*`, "a**"} {
		if name, one := NameIn(p); one {
			t.Errorf("%q is the name %q", p, name)
		}
	}
}
