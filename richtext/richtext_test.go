package richtext_test

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/inkwire/inkwire/crdt"
	"github.com/inkwire/inkwire/lib0"
	"github.com/inkwire/inkwire/richtext"
)

// Documents that Tiptap wrote through y-tiptap; testdata/write.mjs makes them.
func TestDocumentsOfTiptap(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var cases []struct {
			Name, Title, Preview, Text string
			Images                     []string
			Update                     []byte
		}
		if err := json.Unmarshal(b, &cases); err != nil {
			t.Fatal(err)
		}
		for _, c := range cases {
			t.Run(c.Name, func(t *testing.T) {
				d := crdt.New(crdt.Options{})
				if err := d.ApplyUpdate(c.Update, nil); err != nil {
					t.Fatal(err)
				}
				if got := richtext.Title(d); got != c.Title {
					t.Errorf("title %q, want %q", got, c.Title)
				}
				if got := richtext.Preview(d); got != c.Preview {
					t.Errorf("preview %q, want %q", got, c.Preview)
				}
				if got := richtext.Text(d); got != c.Text {
					t.Errorf("text %q, want %q", got, c.Text)
				}
				if got := richtext.Images(d); !slices.Equal(got, c.Images) {
					t.Errorf("images %q, want %q", got, c.Images)
				}
			})
		}
	}
}

// el makes an element of nodes: elements, and strings for texts.
func el(name string, nodes ...any) *crdt.XmlElement {
	e := crdt.NewXmlElement(name)
	for _, n := range nodes {
		if s, ok := n.(string); ok {
			n = crdt.NewXmlText(s)
		}
		if err := e.Push(n); err != nil {
			panic(err)
		}
	}
	return e
}

func doc(t testing.TB, nodes ...any) *crdt.Doc {
	t.Helper()
	d := crdt.New(crdt.Options{ClientID: 1})
	f, err := d.XmlFragment(richtext.Root)
	if err == nil {
		err = f.Push(nodes...)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func xml(t testing.TB, d *crdt.Doc) string {
	t.Helper()
	f, err := d.XmlFragment(richtext.Root)
	if err != nil {
		t.Fatal(err)
	}
	return f.String()
}

func TestTitleAndPreview(t *testing.T) {
	long := strings.Repeat("word ", 100)
	for _, tt := range []struct {
		name           string
		nodes          []any
		title, preview string
	}{
		{"empty", nil, "", ""},
		{"no heading", []any{el("paragraph", "a  text"), el("paragraph"), el("paragraph", "and more")}, "", "a text and more"},
		{"heading", []any{el("heading", "A ", el("hardBreak"), " title"), el("paragraph", "text")}, "A title", "text"},
		{"empty heading", []any{el("heading"), el("heading", "second")}, "", "second"},
		{"text before", []any{el("paragraph", "before"), el("heading", "title"), el("paragraph", "after")}, "title", "before after"},
		{"within", []any{el("blockquote", el("heading", "quoted"), el("paragraph", "by me"))}, "quoted", "by me"},
		{"list", []any{el("bulletList", el("listItem", el("paragraph", "one")), el("listItem", el("paragraph", "two")))}, "", "one two"},
		{"long", []any{el("heading", long), el("paragraph", long)}, strings.TrimSpace(strings.Repeat("word ", 60)), strings.TrimSpace(strings.Repeat("word ", 40))},
		{"wide", []any{el("heading", strings.Repeat("😀", 5000))}, strings.Repeat("😀", richtext.MaxTitle), ""},
		{"unknown nodes", []any{el("callout", "text", el("mention", "who"), " end")}, "", "text who end"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := doc(t, tt.nodes...)
			if title, preview := richtext.Title(d), richtext.Preview(d); title != tt.title || preview != tt.preview {
				t.Errorf("%q and %q, want %q and %q", title, preview, tt.title, tt.preview)
			}
		})
	}
}

// What is of another kind, or nothing, has no text.
func TestOtherDocuments(t *testing.T) {
	d := crdt.New(crdt.Options{})
	text, err := d.Text(richtext.Root)
	if err == nil {
		err = text.Insert(0, "a text", nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	if richtext.Title(d)+richtext.Preview(d)+richtext.Text(d) != "" || richtext.Images(d) != nil {
		t.Error("it has a title, or text, or images")
	}
	if err := richtext.SetTitle(d, "x"); err == nil {
		t.Error("it takes a title")
	}
}

// A document that begins with much, or much that is deleted, costs little.
func TestBounds(t *testing.T) {
	var nodes []any
	for range 50_000 {
		nodes = append(nodes, el("paragraph"))
	}
	d := doc(t, append(nodes, el("heading", "far away"))...)
	if got := richtext.Title(d); got != "" {
		t.Errorf("it was looked for everywhere: %q", got)
	}
	if err := richtext.SetTitle(d, "near"); err != nil {
		t.Fatal(err)
	}
	if got := richtext.Title(d); got != "near" {
		t.Error(got)
	}
	if allocated := testing.AllocsPerRun(1, func() { richtext.Preview(d) }); allocated > 30_000 {
		t.Errorf("a preview allocates %v times", allocated)
	}
}

func TestSetTitle(t *testing.T) {
	for _, tt := range []struct {
		name  string
		nodes []any
		title string
		want  string
	}{
		{"none", nil, " A\n title ", `<heading level="1">A title</heading>`},
		{"no title for none", []any{el("paragraph", "x")}, "", `<paragraph>x</paragraph>`},
		{"at the top", []any{el("paragraph", "x")}, "T", `<heading level="1">T</heading><paragraph>x</paragraph>`},
		{"the first", []any{el("paragraph", "x"), el("heading", "old"), el("heading", "other")}, "new",
			`<paragraph>x</paragraph><heading>new</heading><heading>other</heading>`},
		{"taken away", []any{el("heading", "old")}, "", `<heading></heading>`},
		{"empty", []any{el("heading")}, "new", `<heading>new</heading>`},
		{"a break stays", []any{el("heading", "one", el("hardBreak"), "two")}, "one three", `<heading>one<hardbreak></hardbreak>three</heading>`},
		{"a break goes", []any{el("heading", "one", el("hardBreak"), "two")}, "onetwo", `<heading>onetwo</heading>`},
		{"what is no text goes where it's within", []any{el("heading", "a", el("image"), "b")}, "axb", `<heading>axb</heading>`},
		{"between elements", []any{el("heading", el("hardBreak"), el("hardBreak"))}, "new", `<heading>new</heading>`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := doc(t, tt.nodes...)
			if err := richtext.SetTitle(d, tt.title); err != nil {
				t.Fatal(err)
			}
			if got := xml(t, d); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
	d := doc(t, el("heading", "old"))
	for _, bad := range []string{"\xff", strings.Repeat("x", richtext.MaxTitle+1)} {
		if err := richtext.SetTitle(d, bad); err == nil || richtext.Title(d) != "old" {
			t.Errorf("%.10q: %v", bad, err)
		}
	}
	if err := richtext.SetTitle(d, strings.Repeat("😀 ", richtext.MaxTitle/2)); err != nil {
		t.Error(err)
	}
}

// The smallest difference: what others write in the title at once stays, and so
// does its formatting.
func TestSetTitleMerges(t *testing.T) {
	d := doc(t, el("heading", "Plan of 2025"))
	other := crdt.New(crdt.Options{ClientID: 2})
	if err := other.ApplyUpdate(d.EncodeStateAsUpdate(nil), nil); err != nil {
		t.Fatal(err)
	}
	f, _ := other.XmlFragment(richtext.Root)
	text := f.Get(0).(*crdt.XmlElement).Get(0).(*crdt.XmlText)
	if err := errors.Join(text.Insert(0, "My ", nil), text.Format(3, 4, lib0.NewObject("bold", lib0.NewObject()))); err != nil {
		t.Fatal(err)
	}
	n := 0
	cancel := d.OnUpdate(func(u []byte, _ *crdt.Transaction) {
		n++
		if err := other.ApplyUpdate(u, nil); err != nil {
			t.Error(err)
		}
	})
	if err := richtext.SetTitle(d, "Plan of 2026"); err != nil {
		t.Fatal(err)
	}
	if err := richtext.SetTitle(d, "Plan of 2026"); err != nil { // changes nothing
		t.Fatal(err)
	}
	cancel()
	if n != 1 {
		t.Errorf("%d updates, want 1", n)
	}
	if got, want := xml(t, other), "<heading>My <bold>Plan</bold> of 2026</heading>"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// grow makes a random text of a seed.
func grow(r *rand.Rand, depth int) any {
	if depth == 0 || r.IntN(3) == 0 {
		return strings.Repeat(string([]rune("a é😀\n\u200dz")[r.IntN(7)]), r.IntN(4)+1)
	}
	names := []string{"paragraph", "heading", "hardBreak", "image", "blockquote", "bulletList", "codeBlock", "other"}
	name := names[r.IntN(len(names))]
	var nodes []any
	for range r.IntN(4) {
		if name != "hardBreak" && name != "image" {
			nodes = append(nodes, grow(r, depth-1))
		}
	}
	return el(name, nodes...)
}

// Whatever the document is, a title that is set is the title, once, and nothing
// else has changed.
func FuzzSetTitle(f *testing.F) {
	f.Add(uint64(1), "A title")
	f.Add(uint64(2), "")
	f.Add(uint64(3), "😀😁")
	f.Add(uint64(4), " a\u2028b ")
	f.Add(uint64(5), "a \ufffc")
	f.Fuzz(func(t *testing.T, seed uint64, title string) {
		r := rand.New(rand.NewPCG(seed, 0))
		var nodes []any
		for range r.IntN(5) {
			n := grow(r, 4)
			if s, ok := n.(string); ok {
				n = el("paragraph", s)
			}
			nodes = append(nodes, n)
		}
		d := doc(t, nodes...)
		preview := richtext.Preview(d)
		had := richtext.Title(d)
		err := richtext.SetTitle(d, title)
		if err != nil {
			if utf8.ValidString(title) && utf8.RuneCountInString(title) <= richtext.MaxTitle {
				t.Fatal(err)
			}
			if richtext.Title(d) != had {
				t.Fatal("it was changed all the same")
			}
			return
		}
		if err := d.Check(); err != nil {
			t.Fatal(err)
		}
		want := strings.Join(strings.FieldsFunc(title, blank), " ")
		if got := richtext.Title(d); got != want {
			t.Fatalf("%q, want %q, of %s", got, want, xml(t, d))
		}
		if got := richtext.Preview(d); got != preview {
			t.Fatalf("preview %q, was %q", got, preview)
		}
		state := string(d.EncodeStateAsUpdate(nil))
		if err := richtext.SetTitle(d, want); err != nil || string(d.EncodeStateAsUpdate(nil)) != state {
			t.Fatal("setting it again changes something", err)
		}
	})
}

func blank(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
