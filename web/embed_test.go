package web

import (
	"errors"
	"io/fs"
	"regexp"
	"testing"
	"testing/fstest"
)

func TestUnbuiltPageIsAnError(t *testing.T) {
	_, err := built(fstest.MapFS{"dist/.keep": {}})
	if !errors.Is(err, ErrNotBuilt) {
		t.Fatalf("error is %v, want ErrNotBuilt", err)
	}
}

// What index.html names must be embedded as well: a stale or half-made dist would serve a blank page.
func TestBuiltPageIsWhole(t *testing.T) {
	page, err := Dist()
	if errors.Is(err, ErrNotBuilt) {
		t.Skip("the page is not built")
	}
	if err != nil {
		t.Fatal(err)
	}
	index, err := fs.ReadFile(page, "index.html")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`(?:src|href)="/([^"]+)"`).FindAllSubmatch(index, -1)
	if len(named) < 3 { // a script, a style, an icon
		t.Fatalf("index.html names %d files, want at least 3:\n%s", len(named), index)
	}
	for _, match := range named {
		if _, err := fs.Stat(page, string(match[1])); err != nil {
			t.Errorf("index.html names a file that is not embedded: %v", err)
		}
	}
}
