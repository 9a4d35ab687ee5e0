package sqlite

import (
	"strings"
	"testing"
	"time"

	"github.com/inkwire/inkwire/internal/store"
)

// plan is how SQLite goes about a statement.
func plan(t *testing.T, s *Store, sql string) string {
	t.Helper()
	var lines []string
	if err := s.read(t.Context(), s.pages, func(r *reader) error {
		q, err := r.stmt(`EXPLAIN QUERY PLAN ` + sql)
		if err != nil {
			return err
		}
		for q.Step() {
			lines = append(lines, q.ColumnText(3))
		}
		return q.Reset()
	}); err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "; ")
}

// One page of all documents costs what the page holds: it comes off an index in
// its order, from where the last one ended. So does activity, whatever else was
// written.
func TestPagesUseIndexes(t *testing.T) {
	s := open(t, t.TempDir())
	for sort, index := range map[store.Sort]string{
		store.ByEdited: "documents_edited (listed<?)", store.ByTitle: "documents_title (title_key>?)", store.ByCreated: "documents_created (created<?)",
	} {
		got := plan(t, s, headerSQL+fromAll+whereSQL+orders[sort])
		if !strings.Contains(got, "SEARCH d USING INDEX "+index) || strings.Contains(got, "TEMP B-TREE") {
			t.Errorf("sort %d: %s", sort, got)
		}
		got = plan(t, s, headerSQL+fromFew+whereSQL+orders[sort])
		if !strings.Contains(got, "SEARCH d USING INTEGER PRIMARY KEY") {
			t.Errorf("sort %d of a few: %s", sort, got)
		}
	}
	if got := plan(t, s, activitySQL); !strings.Contains(got, "rows_activity (doc=?") || strings.Contains(got, "TEMP B-TREE") {
		t.Error("activity: ", got)
	}
}

func TestFold(t *testing.T) {
	for a, b := range map[string]string{
		"Über": "uber", "STRASSE": "straße", "Σίσυφος": "ΣΊΣΥΦΟΣ", "ﬁn": "FIN", "İstanbul": "istanbul", "ё": "Е", "Ａ１": "a1", "e\u0301": "É", "日本": "日本",
	} {
		if fold(a) != fold(b) {
			t.Errorf("%q is folded to %q, %q to %q", a, fold(a), b, fold(b))
		}
	}
	if fold("कि") == fold("क") || fold("が") == "" {
		t.Error("vowels are taken for accents")
	}
}

// A log of the version before lists is brought up to date with all that is in it.
func TestVersion3(t *testing.T) {
	dir := version1(t)
	raw(t, dir, migrations[1]+migrations[2]+`PRAGMA user_version = 3;
		UPDATE documents SET title = 'Ärger', preview = 'und mehr', created = 1700000000000, edited_time = 1700000000003 WHERE id = 3;
		INSERT INTO links (id, doc, secret, role, note, maker, created, expires) VALUES (7, 3, x'00', 'reader', '', 'ann', 1, 0);
		INSERT INTO rows (doc, epoch, seq, kind, session, client, time, checksum, data) VALUES (3, 3, 1, 1, 0, 0, 5, 0, x'7b7d')`)
	s := open(t, dir)
	for text, want := range map[string]int{"arger": 1, "NOTES/a": 1, "MEHR": 1, "x": 0} {
		page, err := s.Documents(t.Context(), store.Query{Reach: store.Reach{All: true}, Text: text, Limit: 5})
		if err != nil || len(page.Documents) != want {
			t.Fatal(text, page, err)
		}
	}
	if l, err := s.ShareByID(t.Context(), 7); err != nil || l.Document != "notes/ä" {
		t.Fatal(l, err)
	}
	var listed int64
	if err := s.read(t.Context(), s.pages, func(r *reader) (err error) {
		listed, err = r.number(`SELECT listed FROM documents WHERE id = 3 AND title_key = 'arger'`)
		return err
	}); err != nil || listed != 1_700_000_000_003 {
		t.Fatal(listed, err)
	}
	// The id of a share is never another's, whatever the table is called.
	if err := s.RevokeShare(t.Context(), "notes/ä", 7); err != nil {
		t.Fatal(err)
	}
	id, err := s.AddShare(t.Context(), store.Hash{1}, store.Share{Document: "notes/ä", Role: "reader", Created: time.Now()})
	if err != nil || id <= 7 {
		t.Fatal(id, err)
	}
}
