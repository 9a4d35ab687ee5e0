package inkwire_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/inkwire/inkwire"

// Documents rot from their names: a sentence goes on naming a file long after it moved. So each path
// and package that a document names must exist, and the table of packages must name each one there is.

func TestPathsInDocumentsExist(t *testing.T) {
	bases := baseNames(t)
	checked := 0
	for _, doc := range documents(t) {
		for _, name := range namesIn(t, doc) {
			checked++
			if !exists(name, bases) {
				t.Errorf("%s names %s, which is neither here nor in Go's library", doc, name)
			}
		}
		for _, target := range linksIn(t, doc) {
			checked++
			if _, err := os.Stat(filepath.Join(filepath.Dir(doc), target)); err != nil {
				t.Errorf("%s links to %s: %v", doc, target, err)
			}
		}
	}
	if checked < 20 {
		t.Fatalf("found %d names in the documents, want at least 20: is the pattern right?", checked)
	}
}

func TestArchitectureNamesEachPackage(t *testing.T) {
	table := packageTable(t)
	packages := packagesHere(t)
	for _, dir := range table {
		if !slices.Contains(packages, dir) {
			t.Errorf("ARCHITECTURE.md's table names %s, which is no package", dir)
		}
	}
	for _, dir := range packages {
		if !slices.Contains(table, dir) {
			t.Errorf("ARCHITECTURE.md's table lacks the package %s", dir)
		}
	}
}

// The table is in the order of imports: a package may import only those above it. One that would
// need another has its seam in the wrong place. Tests may import what they like.
func TestImportsFollowTheTable(t *testing.T) {
	table := packageTable(t)
	for at, dir := range table {
		for _, imported := range importsOf(t, dir) {
			of := slices.Index(table, imported)
			if of >= at {
				t.Errorf("%s imports %s, which stands below it in ARCHITECTURE.md's table", dir, imported)
			}
		}
	}
}

// Each direct dependency has a line in docs/dependencies.md with its version.
func TestDependenciesAreExplained(t *testing.T) {
	lines := strings.Split(read(t, "docs/dependencies.md"), "\n")
	explained := func(names []string, version string) bool {
		return slices.ContainsFunc(lines, func(line string) bool {
			return strings.HasPrefix(line, "| `") && strings.Contains(line, version) &&
				slices.ContainsFunc(names, func(name string) bool { return strings.Contains(line, "`"+name+"`") })
		})
	}
	checked := 0
	for _, match := range regexp.MustCompile(`(?m)^(?:require |\t)([a-z]\S+/\S+) (v\S+)$`).FindAllStringSubmatch(read(t, "go.mod"), -1) {
		checked++
		if !explained([]string{match[1]}, match[2]) {
			t.Errorf("docs/dependencies.md has no line for %s %s of go.mod", match[1], match[2])
		}
	}
	var page struct{ Dependencies, DevDependencies map[string]string }
	if err := json.Unmarshal([]byte(read(t, "web/package.json")), &page); err != nil {
		t.Fatal(err)
	}
	for _, packages := range []map[string]string{page.Dependencies, page.DevDependencies} {
		for name, version := range packages {
			checked++
			scope, _, _ := strings.Cut(name, "/")
			if !strings.HasPrefix(name, "@types/") && !explained([]string{name, scope + "/…"}, version) {
				t.Errorf("docs/dependencies.md has no line for %s %s of web/package.json", name, version)
			}
		}
	}
	if checked < 20 {
		t.Fatalf("found %d dependencies, want at least 20: is the pattern right?", checked)
	}
}

// Each test that docs/rules.md and docs/security.md name exists: a function, or a
// rule of storetest.
func TestRulesAreTested(t *testing.T) {
	var tests strings.Builder
	walk(t, ".", func(name string) {
		if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "internal/store/storetest/") {
			tests.WriteString(read(t, name))
		}
	})
	for _, doc := range []string{"docs/rules.md", "docs/security.md"} {
		checked := 0
		for _, match := range regexp.MustCompile("`((?:Test[A-Z]|Fuzz[A-Z]|ST[0-9])\\w+)`").FindAllStringSubmatch(read(t, doc), -1) {
			checked++
			if name := match[1]; !strings.Contains(tests.String(), "func "+name+"(") && !strings.Contains(tests.String(), `{"`+name+`", `) {
				t.Errorf("%s names %s, which is no test", doc, name)
			}
		}
		if checked < 20 {
			t.Fatalf("found %d tests in %s, want at least 20: is the pattern right?", checked, doc)
		}
	}
}

// documents lists the Markdown files that describe this repository as it is. The changelog tells of
// what was.
func documents(t *testing.T) []string {
	t.Helper()
	docs := []string{"README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"}
	walk(t, "docs", func(name string) {
		if path.Ext(name) == ".md" {
			docs = append(docs, name)
		}
	})
	return docs
}

var (
	fence    = regexp.MustCompile("(?ms)^```.*?^```$")
	codeSpan = regexp.MustCompile("`([^`\n]+)`")
	link     = regexp.MustCompile(`\]\(([^)#:]+)\)`)
	filePath = regexp.MustCompile(`^\.?[A-Za-z0-9_]+[A-Za-z0-9_.-]*(/[A-Za-z0-9_.-]+)+/?$`)
	fileName = regexp.MustCompile(`^[A-Za-z0-9_.-]+\.(go|md|mod|sum|ts|tsx|css|json|mjs)$`)
)

// namesIn lists the paths and file names that a document writes as code. Modules and addresses of
// others have a dot in their first part, npm packages an "@", and aren't ours to check.
func namesIn(t *testing.T, doc string) []string {
	t.Helper()
	var names []string
	for _, match := range codeSpan.FindAllStringSubmatch(fence.ReplaceAllString(read(t, doc), ""), -1) {
		name := match[1]
		first, _, isPath := strings.Cut(name, "/")
		switch {
		case isPath && filePath.MatchString(name) && !strings.Contains(strings.TrimPrefix(first, "."), "."):
			names = append(names, strings.TrimSuffix(name, "/"))
		case fileName.MatchString(name):
			names = append(names, name)
		}
	}
	return names
}

func linksIn(t *testing.T, doc string) []string {
	t.Helper()
	var targets []string
	for _, match := range link.FindAllStringSubmatch(fence.ReplaceAllString(read(t, doc), ""), -1) {
		targets = append(targets, match[1])
	}
	return targets
}

// exists tells whether a path is in the repository, made by its build, or a package of Go's library.
func exists(name string, bases map[string]bool) bool {
	if slices.Contains([]string{"bin/inkwire", "web/dist"}, name) {
		return true
	}
	if !strings.Contains(name, "/") {
		return bases[name]
	}
	for _, at := range []string{name, filepath.Join(build.Default.GOROOT, "src", name)} {
		if _, err := os.Stat(filepath.FromSlash(at)); err == nil {
			return true
		}
	}
	return false
}

func baseNames(t *testing.T) map[string]bool {
	t.Helper()
	bases := map[string]bool{}
	walk(t, ".", func(name string) { bases[path.Base(name)] = true })
	return bases
}

// packageTable lists the packages of ARCHITECTURE.md's table, from the top down.
func packageTable(t *testing.T) []string {
	t.Helper()
	var table []string
	for _, match := range regexp.MustCompile("(?m)^\\| `([a-z0-9/]+)` \\|").FindAllStringSubmatch(read(t, "ARCHITECTURE.md"), -1) {
		table = append(table, match[1])
	}
	if len(table) == 0 {
		t.Fatal("ARCHITECTURE.md has no table of packages")
	}
	return table
}

// packagesHere lists the folders that hold Go code other than tests.
func packagesHere(t *testing.T) []string {
	t.Helper()
	var dirs []string
	walk(t, ".", func(name string) {
		dir := path.Dir(name)
		if path.Ext(name) == ".go" && !strings.HasSuffix(name, "_test.go") && !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	})
	return dirs
}

// importsOf lists the packages of this module that a folder's code imports, as folders.
func importsOf(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var imports []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range parsed.Imports {
			if rest, ok := strings.CutPrefix(strings.Trim(spec.Path.Value, `"`), module+"/"); ok {
				imports = append(imports, rest)
			}
		}
	}
	return imports
}

// walk calls f for each file below a folder, without what others wrote or builds made.
func walk(t *testing.T, root string, f func(name string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && name != root:
			return nil // made and removed again by a test that runs beside this one
		case err != nil:
			return fmt.Errorf("walk %s: %w", root, err)
		case entry.IsDir() && slices.Contains([]string{".git", "node_modules", "dist", "bin", "testdata", "inkwire-data"}, entry.Name()):
			return fs.SkipDir
		case !entry.IsDir():
			f(filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
