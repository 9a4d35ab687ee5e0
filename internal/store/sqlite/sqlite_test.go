package sqlite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
	"go.uber.org/goleak"

	"github.com/inkwire/inkwire/internal/store"
	"github.com/inkwire/inkwire/internal/store/storetest"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerDir); dir != "" {
		writeForEver(dir)
	}
	goleak.VerifyTestMain(m)
}

func TestRules(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Place {
		dir := filepath.Join(t.TempDir(), "data")
		harm := func(sql string) func(store.DocID, store.Revision) error {
			return func(doc store.DocID, at store.Revision) error {
				return change(dir, fmt.Sprintf(sql, doc, at.Epoch, at.Seq))
			}
		}
		return storetest.Place{
			Open: func() (storetest.Store, error) {
				s, err := Open(dir, Options{})
				if err != nil {
					return nil, err
				}
				return s, nil
			},
			HarmRow: harm(`UPDATE rows SET data = zeroblob(length(data)) WHERE doc = %d AND epoch = %d AND seq = %d`),
			HarmFile: func(hash store.Hash) error {
				return change(dir, fmt.Sprintf(`UPDATE chunks SET data = zeroblob(length(data)) WHERE
					n = (SELECT size FROM files WHERE hash = x'%v') / %d / 2 AND file = (SELECT id FROM files WHERE hash = x'%[1]v')`, hash, pieceSize))
			},
			HarmCheckpoint: harm(`UPDATE pieces SET data = zeroblob(length(data)) WHERE n = 0 AND
				checkpoint = (SELECT id FROM checkpoints WHERE doc = %d AND epoch = %d AND seq = %d)`),
		}
	})
}

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// raw changes the file behind the store's back.
func raw(t *testing.T, dir, sql string) {
	t.Helper()
	if err := change(dir, sql); err != nil {
		t.Fatal(err)
	}
}

func change(dir, sql string) error {
	c, err := sqlite3.Open(filepath.Join(dir, logFile))
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Exec(sql); err != nil {
		return err
	}
	if c.Changes() == 0 && strings.HasPrefix(sql, "UPDATE") {
		return fmt.Errorf("nothing was changed by %s", sql)
	}
	return nil
}

// Whatever is damaged in a document is named when it's loaded, also when older
// rows make up for it.
func TestDamage(t *testing.T) {
	for _, tt := range []struct{ sql, want string }{
		{`UPDATE rows SET data = x'00' WHERE doc = 1 AND seq = 4`, `document "a", row 1.4: the log is damaged: its checksum differs`},
		{`UPDATE rows SET kind = 1 WHERE doc = 1 AND seq = 5`, `document "a", row 1.5: the log is damaged: its checksum differs`},
		{`UPDATE rows SET client = 0 WHERE doc = 1 AND seq = 5`, `document "a", row 1.5: the log is damaged: its checksum differs`},
		{`UPDATE rows SET session = session + 1 WHERE doc = 1 AND seq = 5`, `document "a", row 1.5: the log is damaged: its checksum differs`},
		{`UPDATE rows SET checksum = checksum + 1 WHERE doc = 1 AND seq = 4`, `document "a", row 1.4: the log is damaged: its checksum differs`},
		{`DELETE FROM rows WHERE doc = 1 AND seq = 4`, `document "a", row 1.5: the log is damaged: rows are missing between it and 1.3`},
		{`DELETE FROM rows WHERE doc = 1 AND seq = 5`, `document "a", row 1.4: the log is damaged: it is the last one, the log should go on to 1.5`},
		{`UPDATE rows SET epoch = 2 WHERE doc = 1 AND seq = 5`, `document "a", row 2.5: the log is damaged: rows are missing between it and 1.4`},
		{`UPDATE pieces SET data = x'00010203' WHERE checkpoint = 1`, `document "a", checkpoint 1.3: the log is damaged: its checksum differs`},
		{`UPDATE pieces SET n = n + 1, checkpoint = 9 WHERE checkpoint = 1`, `document "a", checkpoint 1.3: the log is damaged: it has 0 bytes, not 4`},
	} {
		t.Run(tt.sql, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir)
			d, err := s.Load(t.Context(), "a")
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Append(t.Context(), []store.Entry{{Doc: d.ID, Name: "a", Rows: storetest.Rows(1, 1, 5)}}); err != nil {
				t.Fatal(err)
			}
			if err := s.Checkpoint(t.Context(), store.Checkpoint{Doc: d.ID, Revision: store.Revision{Epoch: 1, Seq: 3}, State: []byte("1234")}); err != nil {
				t.Fatal(err)
			}
			raw(t, dir, tt.sql)
			if d, err = s.Load(t.Context(), "a"); err != nil {
				t.Fatal(err)
			}
			damage := d.Damage
			if strings.Contains(tt.want, "checkpoint") {
				damage = d.Recovered
			}
			if damage == nil || damage.Error() != tt.want {
				t.Fatalf("got  %v\nwant %v", damage, tt.want)
			}
		})
	}
}

// A checkpoint that a crash left unfinished never counts, and goes away.
func TestUnfinishedCheckpoint(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	d, err := s.Load(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Append(t.Context(), []store.Entry{{Doc: d.ID, Name: "a", Rows: storetest.Rows(1, 1, 2)}}); err != nil {
		t.Fatal(err)
	}
	raw(t, dir, `INSERT INTO checkpoints VALUES (1, 1, 1, 1, 0, 4, 0, 0, 0); INSERT INTO pieces VALUES (1, 1, 0, x'00')`)
	for range 2 {
		got, err := s.Load(t.Context(), "a")
		if err != nil || got.Checkpoint != nil || len(got.Rows) != 2 {
			t.Fatal(got, err)
		}
		s.Close()
		s = open(t, dir)
	}
	n, err := s.w.number(`SELECT (SELECT count(*) FROM checkpoints) + (SELECT count(*) FROM pieces)`)
	if err != nil || n != 0 {
		t.Fatal(n, err)
	}
}

// The promise of this package rests on these settings.
func TestSettings(t *testing.T) {
	s := open(t, t.TempDir())
	mode, err := s.w.stmt(`PRAGMA journal_mode`)
	if err != nil || !mode.Step() || mode.ColumnText(0) != "wal" {
		t.Fatal("journal_mode: ", err)
	}
	mode.Reset()
	if n, err := s.w.number(`PRAGMA synchronous`); err != nil || n != 2 { // FULL
		t.Fatal("synchronous: ", n, err)
	}
}

// Writes that queue during a commit share the next.
func TestGroupCommit(t *testing.T) {
	s := open(t, t.TempDir())
	const writers = 50
	commits := 0
	s.w.CommitHook(func() bool { commits++; return true })
	// Hold the committer until all have queued.
	hold, held := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		s.do(t.Context(), func(*writer) error { close(held); <-hold; return nil })
	})
	<-held
	for i := range writers {
		d, err := s.Load(t.Context(), fmt.Sprint(i))
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			if err := s.Append(t.Context(), []store.Entry{{Doc: d.ID, Name: fmt.Sprint(i), Rows: storetest.Rows(1, 1, 1)}}); err != nil {
				t.Error(err)
			}
		})
	}
	queued := func() int {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.queue)
	}
	for queued() < writers {
		select {
		case <-t.Context().Done():
			t.Fatal("not all queued")
		default:
			runtime.Gosched()
		}
	}
	close(hold)
	wg.Wait()
	s.Close()
	if files, err := filepath.Glob(filepath.Join(s.dir, "*-wal")); err != nil || files != nil {
		t.Fatal("closing left a connection open: ", files, err)
	}
	if commits != 2 { // one of them the holder's
		t.Fatalf("%d appends took %d commits", writers, commits-1)
	}
}

// After a commit of several writes the next begins commitPace after it began;
// after a lone one there is nothing to wait for.
func TestCommitPace(t *testing.T) {
	s := open(t, t.TempDir())
	var began []time.Time
	begin := func(*writer) error { began = append(began, time.Now()); return nil }
	hold, held := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		s.do(t.Context(), func(*writer) error { close(held); <-hold; return nil })
	})
	<-held
	for range 2 {
		j := &job{run: begin, done: make(chan struct{})}
		s.queue = append(s.queue, j) // the committer is held, and doesn't look
		wg.Go(func() { <-j.done })
	}
	s.wake <- struct{}{}
	close(hold)
	wg.Wait()
	if err := s.do(t.Context(), begin); err != nil {
		t.Fatal(err)
	}
	if d := began[2].Sub(began[0]); d < commitPace {
		t.Fatalf("a commit %v after one of two writes began", d)
	}
}

// After a failure that isn't a refusal nothing of the commit is stored, all of
// its writers are told, and the next commit works on a file opened anew.
func TestFailedCommit(t *testing.T) {
	s := open(t, t.TempDir())
	d, err := s.Load(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	e := []store.Entry{{Doc: d.ID, Name: "a", Rows: storetest.Rows(1, 1, 1)}}
	broken := s.w
	s.w.CommitHook(func() bool { return false }) // the commit becomes a rollback
	if err := s.Append(t.Context(), e); !errors.Is(err, sqlite3.CONSTRAINT_COMMITHOOK) {
		t.Fatal(err)
	}
	if got, err := s.Load(t.Context(), "a"); err != nil || len(got.Rows) != 0 {
		t.Fatal(got, err)
	}
	if err := s.Append(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Load(t.Context(), "a"); err != nil || len(got.Rows) != 1 {
		t.Fatal(got, err)
	}
	s.Close()
	if s.w == broken {
		t.Fatal("the connection whose commit failed is still in use")
	}
}

// A long WAL is folded into the file between commits.
func TestLongWAL(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	d, err := s.Load(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	row := storetest.Rows(1, 1, 1)
	row[0].Data = make([]byte, maxWAL*4096)
	if err := s.Append(t.Context(), []store.Entry{{Doc: d.ID, Name: "a", Rows: row}}); err != nil {
		t.Fatal(err)
	}
	if err := s.do(t.Context(), func(*writer) error { return nil }); err != nil { // begins after the fold
		t.Fatal(err)
	}
	if fi, err := os.Stat(filepath.Join(dir, logFile)); err != nil || fi.Size() < maxWAL*4096 {
		t.Fatal(fi.Size(), err)
	}
}

// writerDir names the environment variable that makes the test's program a
// writer of the log in that directory.
const writerDir = "INKWIRE_TEST_WRITER_DIR"

// writeForEver appends to several documents and prints each append once it is
// acknowledged.
func writeForEver(dir string) {
	s, err := Open(dir, Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	ctx := context.Background()
	for i := range 4 {
		go func() {
			name := fmt.Sprint(i)
			d, err := s.Load(ctx, name)
			for seq := uint64(1); err == nil; seq++ {
				if err = s.Append(ctx, []store.Entry{{Doc: d.ID, Name: name, Rows: storetest.Rows(d.Revision.Epoch+1, seq, seq)}}); err == nil {
					fmt.Printf("%s %d %d\n", name, d.Revision.Epoch+1, seq)
				}
			}
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}()
	}
	select {}
}

// A writer that is killed loses nothing that it acknowledged, several times
// over the same data.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	acked := map[string]store.Revision{}
	for round := range 3 {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), writerDir+"="+dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		n := 0
		for lines.Scan() {
			var name string
			var r store.Revision
			if _, err := fmt.Sscan(lines.Text(), &name, &r.Epoch, &r.Seq); err != nil {
				break // a line cut by the kill
			}
			acked[name] = r
			if n++; n == 200 {
				cmd.Process.Kill()
			}
		}
		cmd.Wait()
		if n < 200 {
			t.Fatalf("round %d: the writer ended after %d appends", round, n)
		}
		s := open(t, dir)
		for name, want := range acked {
			d, err := s.Load(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			if d.Revision.Before(want) {
				t.Fatalf("round %d: document %s is at %v, %v was acknowledged", round, name, d.Revision, want)
			}
			for _, r := range d.Rows {
				if string(r.Data) != string(storetest.Rows(r.Epoch, r.Seq, r.Seq)[0].Data) {
					t.Fatalf("row %v holds %q", r.Revision, r.Data)
				}
			}
		}
		s.Close()
	}
}

// A path is a path, whatever it has of a URI's characters, and the log's files
// go through the file system that the options name.
func TestOpenOptions(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a ?#%41")
	s := open(t, dir)
	s.Close()
	if _, err := os.Stat(filepath.Join(dir, logFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.TempDir(), Options{VFS: "nobody's"}); err == nil {
		t.Fatal("a file system that isn't registered was accepted")
	}
	counter := &countingVFS{VFSFilename: vfs.Find("").(vfs.VFSFilename)}
	vfs.Register("counting", counter)
	defer vfs.Unregister("counting")
	s, err := Open(t.TempDir(), Options{VFS: "counting"})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if counter.opened.Load() == 0 {
		t.Fatal("the log didn't go through the file system")
	}
}

type countingVFS struct {
	vfs.VFSFilename
	opened atomic.Int64
}

func (v *countingVFS) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	v.opened.Add(1)
	return v.VFSFilename.OpenFilename(name, flags)
}
