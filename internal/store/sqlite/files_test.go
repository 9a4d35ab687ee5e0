package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/inkwire/inkwire/internal/store"
	"github.com/inkwire/inkwire/internal/store/storetest"
)

// A large file comes in small commits, between which others are served.
func TestAppendsBetweenChunks(t *testing.T) {
	const n = 24
	dir := t.TempDir()
	var counter *View // looks at what each commit has changed
	var before int64
	s, err := Open(dir, Options{Observer: store.Observer{Sync: func(time.Duration) {
		if counter == nil {
			return
		}
		now, err := counter.r.number(`SELECT count(*) FROM chunks`)
		if err != nil || now > before+1 || now < before-piecesAtOnce {
			t.Errorf("a commit made %d chunks of %d: %v", now, before, err)
		}
		before = now
	}}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ids := appended(t, s, 3, "large", "small")
	counter = view(t, dir)
	done := make(chan error, 1)
	go func() {
		var errs []error
		for i := range 3 { // the second time it goes again, as there is one already
			content := bytes.Repeat([]byte{byte(i / 2)}, n*pieceSize)
			_, err := s.AddFile(t.Context(), "large", store.File{}, bytes.NewReader(content), 3*n*pieceSize)
			errs = append(errs, err)
		}
		done <- errors.Join(errs...)
	}()
	for seq := uint64(4); ; seq++ {
		if err := s.Append(t.Context(), []store.Entry{{Doc: ids[1], Name: "small", Rows: storetest.Rows(1, seq, seq)}}); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-done:
			if err != nil || before != 2*n {
				t.Errorf("%d chunks are left, want %d: %v", before, 2*n, err)
			}
			return
		default:
		}
	}
}

func (s *Store) countFiles(t *testing.T) (files, chunks int64) {
	t.Helper()
	if err := s.read(context.Background(), s.pages, func(r *reader) (err error) {
		if files, err = r.number(`SELECT count(*) FROM files`); err == nil {
			chunks, err = r.number(`SELECT count(*) FROM chunks`)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return files, chunks
}

// What doesn't become a file leaves nothing behind: at once, or after a crash when
// files are collected.
func TestUnfinishedFile(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	appended(t, s, 1, "a")
	ctx, cancel := context.WithCancel(t.Context())
	content := &counted{r: strings.NewReader(strings.Repeat("x", 20*pieceSize)), at: 10 * pieceSize, do: cancel}
	if _, err := s.AddFile(ctx, "a", store.File{}, content, 1<<30); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, err := s.AddFile(t.Context(), "a", store.File{}, strings.NewReader(strings.Repeat("x", 20*pieceSize)), 10*pieceSize); !errors.Is(err, store.ErrFiles) {
		t.Fatal(err)
	}
	if files, chunks := s.countFiles(t); files != 0 || chunks != 0 {
		t.Fatalf("%d files and %d chunks are left", files, chunks)
	}
	raw(t, dir, `INSERT INTO files (id, doc, hash, type, name, size, added, unreferred, state) VALUES (9, 1, x'', '', '', 0, 0, 0, 0);
		INSERT INTO chunks (file, n, checksum, data) VALUES (9, 0, 0, x'00'), (9, 1, 0, x'00')`)
	s.Close()
	s = open(t, dir)
	if err := s.CollectFiles(t.Context(), time.Now, time.Hour, func(*store.Document) ([]store.Hash, error) { return nil, nil }); err != nil {
		t.Fatal(err)
	}
	if files, chunks := s.countFiles(t); files != 0 || chunks != 0 {
		t.Fatalf("%d files and %d chunks are left", files, chunks)
	}
}

// Nothing is left of the files of a document that was pruned.
func TestPrunedFiles(t *testing.T) {
	s := open(t, t.TempDir())
	appended(t, s, 1, "a", "b")
	for _, name := range []string{"a", "b"} {
		if _, err := s.AddFile(t.Context(), name, store.File{}, strings.NewReader(strings.Repeat("x", 20*pieceSize)), 1<<30); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if err := s.Prune(t.Context(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if files, chunks := s.countFiles(t); files != 1 || chunks != 20 {
		t.Fatalf("%d files and %d chunks are left", files, chunks)
	}
}

// counted calls a function when so much was read.
type counted struct {
	r     io.Reader
	n, at int
	do    func()
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.n += n; c.n >= c.at {
		c.do()
	}
	return n, err
}

// Verify tells each way in which a file is damaged, and a backup has what it has.
func TestVerifyFiles(t *testing.T) {
	for sql, says := range map[string]string{
		`UPDATE chunks SET data = zeroblob(length(data)) WHERE n = 1`:        "chunk 1: its checksum differs",
		`DELETE FROM chunks WHERE n = 1`:                                     "chunk 2 comes after 0",
		`DELETE FROM chunks WHERE n = 2`:                                     "it ends after 2 chunks",
		`UPDATE files SET size = size + 1`:                                   "chunk 2: it has 1000 bytes, not 1001",
		`UPDATE files SET hash = zeroblob(32)`:                               "its content is another",
		`UPDATE chunks SET n = CASE n WHEN 0 THEN 10 ELSE 0 END WHERE n < 2`: "chunk 0: its checksum differs",
		``: "",
	} {
		t.Run(says, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir)
			appended(t, s, 1, "a")
			content := bytes.Repeat([]byte("0123456789"), (2*pieceSize+1000)/10+1)[:2*pieceSize+1000]
			f, err := s.AddFile(t.Context(), "a", store.File{Type: "image/png"}, bytes.NewReader(content), 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			if sql != "" {
				raw(t, dir, sql)
			}
			backup := filepath.Join(t.TempDir(), "backup")
			if err := view(t, dir).Backup(t.Context(), backup); err != nil {
				t.Fatal(err)
			}
			for _, path := range []string{dir, backup} {
				reading := Reading{Row: func(*store.Row) error { return nil }, Checkpoint: func(*store.Checkpoint) error { return nil }}
				if err := view(t, path).Verify(t.Context(), reading, func(c *Check) error {
					got := fmt.Sprint(c.Damage)
					if c.Files != 1 || says == "" && len(c.Damage) > 0 || says != "" && (len(c.Damage) != 1 || !strings.HasSuffix(got, says+"]")) {
						t.Errorf("%d files, %s, want %s of %v", c.Files, got, says, f.Hash)
					}
					return nil
				}); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// The store collects files by itself, at its own time.
func TestFilesAreCollectedByThemselves(t *testing.T) {
	var ahead atomic.Int64
	begun := time.Now()
	s, err := Open(t.TempDir(), Options{
		History: time.Hour, pruneEvery: time.Millisecond,
		Refers: func(*store.Document) ([]store.Hash, error) { return nil, nil },
		now:    func() time.Time { return begun.Add(time.Duration(ahead.Load())) },
		Report: func(err error) { t.Error(err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	appended(t, s, 1, "a")
	f, err := s.AddFile(t.Context(), "a", store.File{Added: begun}, strings.NewReader("x"), 10)
	if err != nil {
		t.Fatal(err)
	}
	until := func(sql string) {
		t.Helper()
		for n := int64(0); n == 0; {
			if err := s.read(t.Context(), s.pages, func(r *reader) (err error) {
				n, err = r.number(sql)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	until(`SELECT count(*) FROM files WHERE unreferred != 0`)
	ahead.Store(int64(59 * time.Minute))
	if _, _, err := s.OpenFile(t.Context(), "a", f.Hash); err != nil {
		t.Fatal(err)
	}
	ahead.Store(int64(61 * time.Minute))
	until(`SELECT count(*) = 0 FROM files`)
}
