package sqlite

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/inkwire/inkwire/internal/store"
	"github.com/inkwire/inkwire/internal/store/storetest"
)

func view(t *testing.T, path string) *View {
	t.Helper()
	v, err := OpenView(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
	return v
}

// contents are the files of a directory. SQLite's index of the WAL holds locks
// and is made anew by whoever comes first.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if filepath.Ext(e.Name()) == ".db-shm" {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = string(b)
	}
	return all
}

// A view sees each commit, is in nobody's way, and leaves the files as they are,
// also when a crash has left some in the WAL.
func TestView(t *testing.T) {
	dir, crashed := t.TempDir(), t.TempDir()
	s := open(t, dir)
	id := appended(t, s, 3, "a")[0]
	v := view(t, dir)
	for seq := uint64(4); seq < 7; seq++ {
		if err := s.Append(t.Context(), []store.Entry{{Doc: id, Name: "a", Rows: storetest.Rows(1, seq, seq)}}); err != nil {
			t.Fatal(err)
		}
		d, err := v.Load(t.Context(), "a")
		if err != nil || len(d.Rows) != int(seq) {
			t.Fatal(d, err)
		}
	}
	if _, err := v.Load(t.Context(), "b"); !errors.Is(err, store.ErrUnknown) {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Load(t.Context(), "a"); !errors.Is(err, store.ErrDeleted) {
		t.Fatal(err)
	}
	if err := s.Restore(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	before := contents(t, dir)
	if len(before[logFile+"-wal"]) == 0 {
		t.Fatal("the WAL is empty")
	}
	// The files as they are now are what a crash would leave.
	for name, b := range before {
		if err := os.WriteFile(filepath.Join(crashed, name), []byte(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w, err := OpenView(crashed, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if d, err := w.Load(t.Context(), "a"); err != nil || len(d.Rows) != 6 {
		t.Fatal(d, err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	after := contents(t, crashed)
	for name := range before {
		if before[name] != after[name] {
			t.Errorf("%s has changed from %d to %d bytes", name, len(before[name]), len(after[name]))
		}
	}
}

func TestViewVersions(t *testing.T) {
	old := version1(t)
	if _, err := OpenView(old, Options{}); !errors.Is(err, errOlder) {
		t.Fatal(err)
	}
	open(t, old).Close()
	view(t, old)
	raw(t, old, `PRAGMA user_version = 99`)
	if _, err := OpenView(old, Options{}); !errors.Is(err, store.ErrNewer) {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "none")} {
		if _, err := OpenView(path, Options{}); err == nil {
			t.Fatal("there is nothing at ", path)
		}
	}
	if len(contents(t, dir)) > 0 {
		t.Fatal("a view made files")
	}
}

// A backup is the log at one moment, and leaves nothing behind if it's given up.
func TestBackup(t *testing.T) {
	dir, to := t.TempDir(), t.TempDir()
	s := open(t, dir)
	ids := appended(t, s, 3, "a", "b")
	if err := s.Checkpoint(t.Context(), store.Checkpoint{Doc: ids[0], Revision: store.Revision{Epoch: 1, Seq: 2}, State: make([]byte, 30*pieceSize)}); err != nil {
		t.Fatal(err)
	}
	v := view(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := v.Backup(ctx, filepath.Join(to, "given up")); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if left := contents(t, to); len(left) > 0 {
		t.Fatal(left)
	}
	file := filepath.Join(to, "b.db")
	// Somebody writes all the while.
	stop, stopped := make(chan struct{}), make(chan error, 1)
	go func() {
		for seq := uint64(4); ; seq++ {
			for i, name := range []string{"a", "b"} {
				if err := s.Append(t.Context(), []store.Entry{{Doc: ids[i], Name: name, Rows: storetest.Rows(1, seq, seq)}}); err != nil {
					stopped <- err
					return
				}
			}
			select {
			case <-stop:
				stopped <- nil
				return
			default:
			}
		}
	}()
	err := v.Backup(t.Context(), file)
	close(stop)
	if err := errors.Join(err, <-stopped); err != nil {
		t.Fatal(err)
	}
	b := view(t, file)
	a1, err := b.Load(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	b1, err := b.Load(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	if n := a1.Revision.Seq - b1.Revision.Seq; a1.Damage != nil || b1.Damage != nil || n > 1 || len(a1.Checkpoint) != 30*pieceSize {
		t.Fatalf("a is at %v, b at %v", a1.Revision, b1.Revision)
	}
	if err := v.Backup(t.Context(), file); !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(to, "c.db.part"), []byte("another's"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := v.Backup(t.Context(), filepath.Join(to, "c.db")); !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
	var names []string
	for name := range contents(t, to) {
		names = append(names, name)
	}
	slices.Sort(names)
	if !slices.Equal(names, []string{"b.db", "c.db.part"}) {
		t.Fatal(names)
	}
}
