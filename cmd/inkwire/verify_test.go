package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/ncruces/go-sqlite3"

	"github.com/inkwire/inkwire/crdt"
	"github.com/inkwire/inkwire/internal/store"
	"github.com/inkwire/inkwire/internal/store/authors"
	"github.com/inkwire/inkwire/internal/store/sqlite"
	"github.com/inkwire/inkwire/lib0"
)

// inkwire runs a command and checks its exit status.
func inkwire(t *testing.T, status int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	if got := Run(t.Context(), args, &out, &errs); got != status {
		t.Fatalf("inkwire %s: status %d, want %d\n%s%s", strings.Join(args, " "), got, status, &out, &errs)
	}
	return out.String(), errs.String()
}

func want(t *testing.T, got string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(got, part) {
			t.Errorf("it printed %q, want %q", got, part)
		}
	}
}

// typed makes one update for each word of a text typed into the root "t".
func typed(t *testing.T, client uint64, words ...string) [][]byte {
	t.Helper()
	d := crdt.New(crdt.Options{ClientID: client})
	var updates [][]byte
	d.OnUpdate(func(u []byte, _ *crdt.Transaction) { updates = append(updates, u) })
	text, err := d.Text("t")
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range words {
		if err := text.Insert(text.Len(), word, nil); err != nil {
			t.Fatal(err)
		}
	}
	return updates
}

// fill makes data with a document "notes" of five rows and a checkpoint after
// the second, and another one.
func fill(t *testing.T, data string) {
	t.Helper()
	s, err := sqlite.Open(data, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, name := range []string{"notes", "other"} {
		d, err := s.Load(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		var rows []store.Row
		updates := typed(t, 7, "one ", "two ", "three ", "four ", "five ")
		for i, u := range updates {
			rows = append(rows, store.Row{Revision: store.Revision{Epoch: 1, Seq: uint64(i + 1)}, Session: 1, Client: 7, Time: time.Now(), Data: u})
		}
		if err := s.Append(t.Context(), []store.Entry{{Doc: d.ID, Name: name, Rows: rows}}); err != nil {
			t.Fatal(err)
		}
		state, err := crdt.MergeUpdates(updates[:2])
		if err != nil {
			t.Fatal(err)
		}
		by, err := authors.Of(&store.Document{Rows: rows[:2]})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Checkpoint(t.Context(), store.Checkpoint{Doc: d.ID, Revision: rows[1].Revision, State: state, Authors: by.Encode()}); err != nil {
			t.Fatal(err)
		}
	}
}

// harm changes the data behind the program's back.
func harm(t *testing.T, data, sql string) {
	t.Helper()
	c, err := sqlite3.Open(filepath.Join(data, "inkwire.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Exec(sql); err != nil {
		t.Fatal(err)
	}
	if c.Changes() == 0 {
		t.Fatal("nothing was changed by ", sql)
	}
}

// files are the names in a directory.
func files(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// The commands that only read run beside the server, and see what has just been
// written; repair says that the server runs.
func TestBesideServer(t *testing.T) {
	data := t.TempDir()
	fill(t, data)
	server := start(t, os.Args[0], "127.0.0.1:0", data)
	c, _, err := websocket.Dial(t.Context(), "ws://"+server.addr+"/yjs/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	update := typed(t, 8, "written a moment ago")[0]
	if err := c.Write(t.Context(), websocket.MessageBinary, lib0.AppendBytes([]byte{0, 2}, update)); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; {
		var out bytes.Buffer
		if Run(t.Context(), []string{"export", "live", "--data", data, "--format=text"}, &out, &bytes.Buffer{}) == 0 {
			want(t, out.String(), "written a moment ago")
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("what was written isn't there:\n%s", server.stderr)
		}
	}
	stdout, _ := inkwire(t, 0, "verify", "--data", data)
	want(t, stdout, "3 documents, 11 rows, 2 checkpoints, 0 files: everything is whole")
	backup := filepath.Join(t.TempDir(), "copy")
	stdout, _ = inkwire(t, 0, "backup", backup, "--data", data)
	want(t, stdout, "copy: 3 documents, 11 rows, 2 checkpoints, 0 files: everything is whole")
	_, stderr := inkwire(t, 1, "repair", "notes", "--data", data)
	want(t, stderr, "in use by another process: stop the server first")
	server.stop()

	// The backup is data like any other.
	restored := t.TempDir()
	if err := os.Rename(backup, filepath.Join(restored, "inkwire.db")); err != nil {
		t.Fatal(err)
	}
	start(t, os.Args[0], "127.0.0.1:0", restored).stop()
	stdout, _ = inkwire(t, 0, "export", "live", "--data", restored, "--format=text")
	want(t, stdout, "written a moment ago")
}

func TestVerify(t *testing.T) {
	data := t.TempDir()
	fill(t, data)
	before := files(t, data)
	stdout, _ := inkwire(t, 0, "verify", "--data", data)
	want(t, stdout, "2 documents, 10 rows, 2 checkpoints, 0 files: everything is whole\n")
	if after := files(t, data); !slices.Equal(before, after) {
		t.Fatalf("files %v became %v", before, after)
	}
	for _, tt := range []struct{ sql, damage, consequence, sum string }{
		{`UPDATE rows SET data = zeroblob(3) WHERE doc = 1 AND seq = 4`, `document "notes", row 1.4: the log is damaged: its checksum differs`,
			`document "notes" is read-only, as it was at 1.3; to go on from there: inkwire repair "notes"`, "damage in 1 document\n"},
		{`DELETE FROM rows WHERE seq = 5`, `document "other", row 1.4: the log is damaged: it is the last one, the log should go on to 1.5`,
			`document "notes" is read-only, as it was at 1.4`, "damage in 2 documents\n"},
		{`UPDATE rows SET time = 0 WHERE doc = 2 AND seq = 1`, `document "other", row 1.1: the log is damaged: its checksum differs`,
			`document "other" itself is whole, at 1.5`, "damage in 1 document\n"},
		{`UPDATE checkpoints SET checksum = 0 WHERE doc = 1`, `document "notes", checkpoint 1.2: the log is damaged: its checksum differs`,
			`document "notes" itself is whole, at 1.5`, "damage in 1 document\n"},
		{`UPDATE names SET doc = 1 WHERE name = 'other'`, `document "other": the log is damaged: its name leads to document 1, not 2`,
			`document "other" can't be read`, "damage in 1 document\n"},
		{`DROP INDEX checkpoints_doc; CREATE INDEX checkpoints_doc ON checkpoints (doc) WHERE doc > 1;
			PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE INDEX checkpoints_doc ON checkpoints (doc)' WHERE name = 'checkpoints_doc'`,
			`the log's file: row 1 missing from index checkpoints_doc`, "", "and in the log's file itself"},
	} {
		t.Run(tt.sql, func(t *testing.T) {
			data := t.TempDir()
			fill(t, data)
			harm(t, data, tt.sql)
			stdout, _ := inkwire(t, 1, "verify", "--data", data)
			want(t, stdout, tt.damage, tt.consequence, tt.sum)
		})
	}
	// A row whose checksum is right, but which is no update.
	s, err := sqlite.Open(data, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := s.Load(t.Context(), "notes")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Append(t.Context(), []store.Entry{{Doc: d.ID, Name: "notes", Rows: []store.Row{{Revision: store.Revision{Epoch: 2, Seq: 1}, Data: []byte("nonsense")}}}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	stdout, _ = inkwire(t, 1, "verify", "--data", data)
	want(t, stdout, `document "notes", row 2.1: the log is damaged: update:`)
}

func TestRepairAndExport(t *testing.T) {
	data := t.TempDir()
	fill(t, data)
	stdout, _ := inkwire(t, 0, "export", "--data="+data, "--format", "text", "notes")
	want(t, stdout, "one two three four five ")
	stdout, _ = inkwire(t, 0, "repair", "notes", "--data", data)
	want(t, stdout, `document "notes" is whole; nothing was done`)
	harm(t, data, `UPDATE rows SET data = zeroblob(3) WHERE doc = 1 AND seq = 4`)

	out := filepath.Join(t.TempDir(), "notes.update")
	_, stderr := inkwire(t, 1, "export", "notes", "--data", data, "--out", out)
	want(t, stderr, `exported what is whole, up to 1.3: document "notes", row 1.4: the log is damaged`)
	update, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	d := crdt.New(crdt.Options{})
	if err := d.ApplyUpdate(update, nil); err != nil {
		t.Fatal(err)
	}
	text, err := d.Text("t")
	if err != nil || text.String() != "one two three " {
		t.Fatal(text, err)
	}
	_, stderr = inkwire(t, 1, "export", "notes", "--data", data, "--out", out)
	want(t, stderr, "file exists")

	stdout, _ = inkwire(t, 0, "repair", "notes", "--data", data)
	want(t, stdout, `document "notes" is as it was at 1.3 and goes on at 2.1; 2 rows and 0 checkpoints were moved aside because of row 1.4: its checksum differs`)
	stdout, _ = inkwire(t, 0, "verify", "--data", data)
	want(t, stdout, "2 documents, 9 rows, 2 checkpoints, 0 files: everything is whole")
	stdout, _ = inkwire(t, 0, "export", "notes", "--data", data, "--format", "text")
	want(t, stdout, "one two three ")
	v2, _ := inkwire(t, 0, "export", "other", "--data", data, "--format", "update-v2")
	if _, err := crdt.ValidateV2([]byte(v2), crdt.Limits{}); err != nil {
		t.Fatal(err)
	}
}

func TestExportXML(t *testing.T) {
	data := t.TempDir()
	fill(t, data)
	d := crdt.New(crdt.Options{})
	fragment, err := d.XmlFragment("page")
	if err != nil {
		t.Fatal(err)
	}
	p := crdt.NewXmlElement("p")
	if err := fragment.Insert(0, p); err != nil {
		t.Fatal(err)
	}
	if err := p.Insert(0, crdt.NewXmlText("hello")); err != nil {
		t.Fatal(err)
	}
	s, err := sqlite.Open(data, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, updates := range map[string][][]byte{
		"page": {d.EncodeStateAsUpdate(nil)}, "both": {typed(t, 7, "a text")[0], d.EncodeStateAsUpdate(nil)},
	} {
		doc, err := s.Load(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		e := store.Entry{Doc: doc.ID, Name: name}
		for i, u := range updates {
			e.Rows = append(e.Rows, store.Row{Revision: store.Revision{Epoch: 1, Seq: uint64(i + 1)}, Data: u})
		}
		if err := s.Append(t.Context(), []store.Entry{e}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Create(t.Context(), "empty"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	stdout, _ := inkwire(t, 0, "export", "page", "--data", data, "--format", "xml")
	want(t, stdout, "<p>hello</p>")
	_, stderr := inkwire(t, 1, "export", "page", "--data", data, "--format", "text")
	want(t, stderr, "isn't a text; try --format xml")
	_, stderr = inkwire(t, 1, "export", "both", "--data", data, "--format", "text")
	want(t, stderr, "choose with --root: page, t")
	stdout, _ = inkwire(t, 0, "export", "both", "--data", data, "--format", "text", "--root", "t")
	want(t, stdout, "a text")
	_, stderr = inkwire(t, 1, "export", "empty", "--data", data, "--format", "text")
	want(t, stderr, "the document is empty")
}

func TestBackup(t *testing.T) {
	data, dir := t.TempDir(), t.TempDir()
	fill(t, data)
	file := filepath.Join(dir, "backup ?#.db")
	t.Setenv("INKWIRE_DATA", data)
	stdout, _ := inkwire(t, 0, "backup", file)
	want(t, stdout, "backup ?#.db: 2 documents, 10 rows, 2 checkpoints, 0 files: everything is whole")
	if got := files(t, dir); !slices.Equal(got, []string{"backup ?#.db"}) {
		t.Fatal(got)
	}
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, stderr := inkwire(t, 1, "backup", file)
	want(t, stderr, "file already exists")
	stdout, _ = inkwire(t, 0, "verify", "--data", file)
	want(t, stdout, "everything is whole")
	after, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(before, after) {
		t.Fatal("the backup was changed", err)
	}
	// A copy of damaged data is a copy all the same.
	harm(t, data, `UPDATE rows SET data = zeroblob(3) WHERE doc = 1 AND seq = 4`)
	damaged := filepath.Join(dir, "damaged.db")
	_, stderr = inkwire(t, 1, "backup", damaged)
	want(t, stderr, "damaged.db was written; 2 documents, 10 rows, 2 checkpoints, 0 files: damage in 1 document")
	if _, err := os.Stat(damaged); err != nil {
		t.Fatal(err)
	}
	_, stderr = inkwire(t, 1, "backup", filepath.Join(dir, "no", "such", "directory"))
	want(t, stderr, "no such file or directory")
}

func TestCommandLines(t *testing.T) {
	empty := t.TempDir()
	for _, tt := range []struct {
		line   string
		status int
		want   string
	}{
		{"verify --help", 0, "usage: inkwire verify [flags]"},
		{"repair -h", 0, "usage: inkwire repair DOC [flags]"},
		{"export --help", 0, "--format FORMAT"},
		{"backup --help", 0, "INKWIRE_DATA"},
		{"verify now", 2, `unexpected argument "now"`},
		{"repair", 2, "no DOC"},
		{"backup a b", 2, `unexpected argument "b"`},
		{"export a --wings", 2, "-wings"},
		{"export a --format pdf", 2, `unknown format "pdf"`},
		{"verify --data " + empty, 1, "there is no data here"},
		{"repair a --data " + empty, 1, "there is no data here"},
		{"export a --data " + empty + "/none", 1, "there is no data here"},
		{"backup " + empty + "/b --data " + empty, 1, "there is no data here"},
	} {
		t.Run(tt.line, func(t *testing.T) {
			stdout, stderr := inkwire(t, tt.status, strings.Fields(tt.line)...)
			want(t, stdout+stderr, tt.want)
			if tt.status != 0 && strings.Count(stderr, "\n") != 1 {
				t.Errorf("not one line: %q", stderr)
			}
		})
	}
	if got := files(t, empty); got != nil {
		t.Fatalf("a command left %v", got)
	}
	data := t.TempDir()
	fill(t, data)
	for _, args := range [][]string{{"export", "nobody's", "--data", data}, {"repair", "nobody's", "--data", data}} {
		_, stderr := inkwire(t, 1, args...)
		want(t, stderr, "there is no such document")
	}
	_, stderr := inkwire(t, 1, "export", "notes", "--data", data, "--format", "text", "--root", "misspelt")
	want(t, stderr, `the document has no type "misspelt"; it has: `)
}
