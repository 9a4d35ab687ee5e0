package inkwire_test

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Bans beside the table's order: what a package must not import itself, with the
// reason. A package ends with "/" if all below it are meant, and then it may
// still import itself.
var bans = []struct{ in, imports, why string }{
	{"lib0", "internal/", "others use it alone"},
	{"crdt", "internal/", "others use it alone"},
	{"awareness", "internal/", "others use it alone"},
	{"richtext", "internal/", "others use it alone"},
	{"awareness", "crdt", "presence knows nothing of documents"},
	{"crdt", "net", "a document knows no networks"},
	{"crdt", "os", "a document knows no storage, and a library reads no environment"},
	{"awareness", "net", "presence knows no networks"},
	{"richtext", "net", "a text knows no networks"},
	{"richtext", "os", "a text knows no storage, and a library reads no environment"},
	{"lib0", "log", "a library says what is wrong by its errors"},
	{"crdt", "log", "a library says what is wrong by its errors"},
	{"crdt", "log/slog", "a library says what is wrong by its errors"},
	{"awareness", "log", "a library says what is wrong by its errors"},
	{"richtext", "log", "a library says what is wrong by its errors"},

	{"internal/ws", "crdt", "a connection carries bytes of any kind"},
	{"internal/ws", "lib0", "a connection carries messages of any protocol"},
	{"internal/store", "crdt", "a log holds bytes, whatever they mean"},
	{"internal/store/sqlite", "crdt", "a log holds bytes, whatever they mean"},
	{"internal/store", "github.com/ncruces/go-sqlite3", "the interface has more than one backend"},
	{"internal/store/sqlite", "database/sql", "the native interface allocates nothing a row"},
	{"internal/access", "crdt", "rules are about sessions, not about a document's inside"},
	{"internal/access", "github.com/gobwas/ws", "each gateway takes its code from the table"},

	{"internal/room", "net", "a room has sessions, not sockets"},
	{"internal/room", "net/http", "a room has sessions, not requests"},
	{"internal/room", "internal/ws", "a room has receivers, not connections"},
	{"internal/room", "internal/store/sqlite", "a room's log may be in any store"},
	{"internal/room", "internal/gateway/", "a room speaks no protocol"},
	{"internal/gateway", "net/http", "a gateway gets a connection, whatever made it"},
	{"internal/gateway/yws", "internal/store", "a gateway turns a protocol into a room's calls, no more"},
	{"internal/gateway/yws", "net/http", "a gateway gets a connection, whatever made it"},
	{"internal/gateway/hocuspocus", "internal/store", "a gateway turns a protocol into a room's calls, no more"},
	{"internal/gateway/hocuspocus", "net/http", "a gateway gets a connection, whatever made it"},
	{"internal/gateway/", "internal/gateway/", "one protocol knows nothing of another"},
	{"internal/server", "internal/store/sqlite", "the server knows nothing of SQL"},
	{"internal/server", "crdt", "what is in a document is the rooms' and gateways'"},
	{"internal/server", "web", "the page is given to the server as files"},
}

func TestBans(t *testing.T) {
	packages := packagesHere(t)
	for _, ban := range bans {
		applied := false
		for _, dir := range packages {
			if !covers(ban.in, dir) {
				continue
			}
			applied = true
			for _, imported := range allImportsOf(t, dir) {
				if covers(ban.imports, imported) && imported != dir {
					t.Errorf("%s imports %s, but %s", dir, imported, ban.why)
				}
			}
		}
		if !applied {
			t.Errorf("a ban names %s, which is no package", ban.in)
		}
		// A banned package of this module must exist too, or the ban says nothing.
		local := strings.HasPrefix(ban.imports, "internal/") || !strings.Contains(ban.imports, "/")
		if local && !isStandard(ban.imports) && !anyCovered(ban.imports, packages) {
			t.Errorf("a ban of %s names %s, which is no package", ban.in, ban.imports)
		}
	}
}

// covers reports whether a ban's pattern means a package.
func covers(pattern, dir string) bool {
	if strings.HasSuffix(pattern, "/") {
		return strings.HasPrefix(dir, pattern)
	}
	return dir == pattern
}

func anyCovered(pattern string, packages []string) bool {
	for _, dir := range packages {
		if covers(pattern, dir) {
			return true
		}
	}
	return false
}

// isStandard tells packages of Go's library that bans name.
func isStandard(name string) bool {
	switch name {
	case "net", "os", "log":
		return true
	}
	return false
}

// allImportsOf is what a package imports, those of this module by their folders.
func allImportsOf(t *testing.T, dir string) []string {
	t.Helper()
	var imports []string
	for _, file := range goFiles(t, dir) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range parsed.Imports {
			imports = append(imports, strings.TrimPrefix(strings.Trim(spec.Path.Value, `"`), module+"/"))
		}
	}
	return imports
}

func goFiles(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// Two package comments are shown one after the other, and drift apart.
func TestOnePackageComment(t *testing.T) {
	for _, dir := range packagesHere(t) {
		var with []string
		for _, file := range goFiles(t, dir) {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			if parsed.Doc != nil {
				with = append(with, file)
			}
		}
		if len(with) != 1 {
			t.Errorf("%s has %d package comments, want one: %v", dir, len(with), with)
		}
	}
}

// maxLines keeps a file to one idea.
const maxLines = 700

func TestFilesAreShort(t *testing.T) {
	walk(t, ".", func(name string) {
		if name == "web/src/api/types.ts" {
			return // made of docs/openapi.yaml
		}
		switch filepath.Ext(name) {
		case ".go", ".ts", ".tsx", ".mjs":
			content, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(content), "\n"); n > maxLines {
				t.Errorf("%s has %d lines, want at most %d: is it one idea?", name, n, maxLines)
			}
		}
	})
}
