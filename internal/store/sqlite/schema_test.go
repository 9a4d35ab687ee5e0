package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/inkwire/inkwire/internal/store"
	"github.com/inkwire/inkwire/internal/store/storetest"
)

func TestNewerData(t *testing.T) {
	dir := t.TempDir()
	open(t, dir).Close()
	raw(t, dir, fmt.Sprintf(`PRAGMA user_version = %d`, schemaVersion+1))
	if _, err := Open(dir, Options{}); !errors.Is(err, store.ErrNewer) {
		t.Fatal(err)
	}
	raw(t, dir, fmt.Sprintf(`PRAGMA user_version = %d`, schemaVersion))
	open(t, dir)
}

// version1 makes a log as the program's first version wrote it: three rows of a
// document and a checkpoint at the second.
func version1(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	c, err := sqlite3.Open(filepath.Join(dir, logFile))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// The checksums were computed by that version.
	if err := c.Exec(`PRAGMA journal_mode = WAL;` + migrations[0] + fmt.Sprintf(`
		PRAGMA application_id = %d; PRAGMA user_version = 1;
		INSERT INTO documents (id, epoch, seq, created) VALUES (3, 2, 1, 1700000000000);
		INSERT INTO names (name, doc) VALUES ('notes/ä', 3);
		INSERT INTO rows (doc, epoch, seq, session, time, checksum, data) VALUES
			(3, 1, 1, 11, 1700000000001, 3956028693, x'0000'),
			(3, 1, 2, -12, 1700000000002, 2298368335, x'0102'),
			(3, 2, 1, 13, 1700000000003, 163660001, x'');
		INSERT INTO checkpoints (id, doc, epoch, seq, time, size, checksum, valid) VALUES
			(1, 3, 1, 2, 1700000000004, 3, 90010682, 1), (2, 3, 1, 2, 1700000000005, 3, 0, 0);
		INSERT INTO pieces (checkpoint, n, data) VALUES (1, 0, x'0a0b'), (1, 1, x'0c'), (2, 0, x'00')`, applicationID)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestVersion1(t *testing.T) {
	dir := version1(t)
	for range 2 {
		s := open(t, dir)
		d, err := s.Load(t.Context(), "notes/ä")
		if err != nil {
			t.Fatal(err)
		}
		if d.Damage != nil || d.Recovered != nil || d.ID != 3 || string(d.Checkpoint) != "\n\v\f" || len(d.Rows) != 1 {
			t.Fatalf("%+v", d)
		}
		last := store.Edit{Revision: store.Revision{Epoch: 2, Seq: 1}, Session: 13, Time: time.UnixMilli(1_700_000_000_003)}
		if d.Edited != last || d.Revision != last.Revision {
			t.Fatalf("%+v", d.Edited)
		}
		rows, err := s.Rows(t.Context(), 3, store.Revision{}, 0)
		if err != nil || len(rows) != 3 || rows[1].Session != -12 || string(rows[1].Data) != "\x01\x02" {
			t.Fatal(rows, err)
		}
		if n, err := s.w.number(`SELECT count(*) FROM pieces`); err != nil || n != 2 {
			t.Fatal(n, err)
		}
		s.Close()
	}
	s := open(t, dir)
	if err := s.Append(t.Context(), []store.Entry{{Doc: 3, Name: "notes/ä", Rows: storetest.Rows(3, 1, 2)}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), "notes/ä"); err != nil {
		t.Fatal(err)
	}
}

// A migration that fails half-way leaves the file as it was.
func TestFailedMigration(t *testing.T) {
	dir := version1(t)
	raw(t, dir, `CREATE TABLE damaged (in_the TEXT) STRICT`)
	before, err := os.ReadFile(filepath.Join(dir, logFile))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "damaged already exists") {
		t.Fatal(err)
	}
	after, err := os.ReadFile(filepath.Join(dir, logFile))
	if err != nil {
		t.Fatal(err)
	}
	if string(before) != string(after) {
		t.Fatal("the file has changed")
	}
	raw(t, dir, `DROP TABLE damaged`)
	open(t, dir)
}

// The file of another program is left alone.
func TestForeignFile(t *testing.T) {
	dir := t.TempDir()
	raw(t, dir, `CREATE TABLE t (a); PRAGMA user_version = 1`)
	if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "isn't Inkwire's") {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, logFile), []byte(strings.Repeat("no database", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{}); !errors.Is(err, sqlite3.NOTADB) {
		t.Fatal(err)
	}
}
