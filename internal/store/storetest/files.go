package storetest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"strings"
	"testing/iotest"
	"time"

	"github.com/inkwire/inkwire/internal/store"
)

// much is more than all files of the tests take.
const much = 100 << 20

func (s *suite) addFile(document, content string, added time.Time) store.Hash {
	s.Helper()
	f, err := s.store.AddFile(s.Context(), document, store.File{Type: "image/png", Name: "dots.png", Added: added}, strings.NewReader(content), much)
	s.must(err)
	if f.Hash != sha256.Sum256([]byte(content)) || f.Size != int64(len(content)) || f.Type != "image/png" || f.Name != "dots.png" || !f.Added.Equal(added) {
		s.Fatalf("%+v", f)
	}
	return f.Hash
}

func (s *suite) isFile(document string, hash store.Hash, want string) {
	s.Helper()
	f, content, err := s.store.OpenFile(s.Context(), document, hash)
	s.must(err)
	got, err := io.ReadAll(content)
	s.must(err)
	if string(got) != want || f.Hash != hash || f.Size != int64(len(want)) {
		s.Fatalf("%d bytes of %+v, want %d", len(got), f, len(want))
	}
}

func (s *suite) isNoFile(document string, hash store.Hash) {
	s.Helper()
	_, _, err := s.store.OpenFile(s.Context(), document, hash)
	s.is(err, store.ErrNoFile)
}

func files(t *suite) {
	_, err := t.store.AddFile(t.Context(), "a", store.File{}, strings.NewReader("x"), much)
	t.is(err, store.ErrUnknown)
	_, _, err = t.store.OpenFile(t.Context(), "a", store.Hash{})
	t.is(err, store.ErrUnknown)
	t.stored("a", "b")
	large := strings.Repeat("0123456789", 100_000)
	contents := []string{"", "x", large[:64<<10], large[:128<<10+1], large}
	for range 2 {
		for _, content := range contents {
			t.isFile("a", t.addFile("a", content, start), content) // again the second time
		}
		t.reopen()
	}
	t.isNoFile("b", sha256.Sum256([]byte("x")))
	// Any part of it can be read.
	_, content, err := t.store.OpenFile(t.Context(), "a", sha256.Sum256([]byte(large)))
	t.must(err)
	for _, from := range []int64{999_990, 65_530, 0, 500_000} {
		_, err := content.Seek(from, io.SeekStart)
		t.must(err)
		part := make([]byte, 10)
		_, err = io.ReadFull(content, part)
		t.must(err)
		if string(part) != large[from:from+10] {
			t.Fatalf("%q at %d", part, from)
		}
	}
	// What fails on its way is no file, and its error is told.
	broken := errors.New("broken")
	_, err = t.store.AddFile(t.Context(), "a", store.File{}, io.MultiReader(strings.NewReader(large+"y"), iotest.ErrReader(broken)), much)
	t.is(err, broken)
	t.isNoFile("a", sha256.Sum256([]byte(large+"y")))
	t.must(t.store.Delete(t.Context(), "a"))
	_, _, err = t.store.OpenFile(t.Context(), "a", store.Hash{})
	t.is(err, store.ErrDeleted)
	_, err = t.store.AddFile(t.Context(), "a", store.File{}, strings.NewReader("x"), much)
	t.is(err, store.ErrDeleted)
	t.must(t.store.Restore(t.Context(), "a"))
	t.isFile("a", sha256.Sum256([]byte(large)), large)
}

func filesAreBounded(t *suite) {
	t.stored("a")
	add := func(content string, most int64) error {
		_, err := t.store.AddFile(t.Context(), "a", store.File{Added: start}, strings.NewReader(content), most)
		return err
	}
	t.is(add("12345", 4), store.ErrFiles)
	t.must(add("12345", 5))
	t.must(add("12345", 5)) // the same
	t.is(add("6", 5), store.ErrFiles)
	t.must(add("6", 6))
	// One whose document goes while it comes isn't another's.
	r, w := io.Pipe()
	result := make(chan error, 1)
	go func() {
		_, err := t.store.AddFile(t.Context(), "a", store.File{Added: start}, r, much)
		result <- err
	}()
	_, err := w.Write(make([]byte, 200_000))
	t.must(err)
	t.must(t.store.Delete(t.Context(), "a"))
	t.must(t.store.Create(t.Context(), "a"))
	t.must(w.Close())
	t.is(<-result, store.ErrUnknown)
	t.isNoFile("a", sha256.Sum256(make([]byte, 200_000)))
}

func damagedFiles(t *suite) {
	t.stored("a")
	content := string(bytes.Repeat([]byte("abc"), 100_000))
	hash := t.addFile("a", content, start)
	other := t.addFile("a", "other", start)
	t.must(t.place.HarmFile(hash))
	_, r, err := t.store.OpenFile(t.Context(), "a", hash)
	t.must(err)
	b, err := io.ReadAll(r)
	t.is(err, store.ErrCorrupt)
	if !strings.HasPrefix(content, string(b)) {
		t.Fatal("damaged bytes were read")
	}
	t.isFile("a", other, "other")
}

// A clock is what the collection of files goes by.
type clock struct {
	*suite
	now    time.Time
	refers []store.Hash
	asked  int
	fails  error
}

// collect collects once an hour, for a time.
func (c *clock) collect(d time.Duration) {
	c.Helper()
	for end := c.now.Add(d); c.now.Before(end); {
		c.now = c.now.Add(hour)
		err := c.store.CollectFiles(c.Context(), func() time.Time { return c.now }, 10*hour, func(*store.Document) ([]store.Hash, error) {
			c.asked++
			return c.refers, c.fails
		})
		c.is(err, c.fails)
	}
}

// write changes the document's state to one that refers to some files.
func (c *clock) write(refers ...store.Hash) {
	c.Helper()
	c.edit("a", c.now, "", "")
	c.refers = refers
}

func collectedFiles(t *suite) {
	t.stored("a")
	c := &clock{suite: t, now: start}
	used := t.addFile("a", "used", c.now)
	unused := t.addFile("a", "unused", c.now)
	c.write(used)
	c.collect(10 * hour)
	t.isFile("a", unused, "unused") // an upload is kept for the history
	if c.asked != 1 {
		t.Fatalf("%d questions about a document that doesn't change", c.asked)
	}
	c.collect(2 * hour)
	t.isNoFile("a", unused)
	c.collect(100 * hour)
	t.isFile("a", used, "used") // for as long as it's referred to
	c.write()
	c.collect(10 * hour)
	t.isFile("a", used, "used") // and for the history after
	c.write(used)
	c.collect(100 * hour)
	t.isFile("a", used, "used") // it was put back
	c.write()
	c.collect(8 * hour)
	t.addFile("a", "used", c.now) // brought anew
	c.collect(10 * hour)
	t.isFile("a", used, "used")
	c.collect(2 * hour)
	t.isNoFile("a", used)

	// One that comes to a document that doesn't change.
	late := t.addFile("a", "late", c.now)
	c.collect(10 * hour)
	t.isFile("a", late, "late")
	c.collect(2 * hour)
	t.isNoFile("a", late)

	// What can't be known keeps them.
	kept := t.addFile("a", "kept", c.now)
	c.fails = errors.New("unreadable")
	c.collect(30 * hour)
	c.fails = nil
	t.isFile("a", kept, "kept")
	t.must(t.store.Delete(t.Context(), "a"))
	c.collect(30 * hour)
	t.must(t.store.Restore(t.Context(), "a"))
	c.collect(10 * hour)
	t.isFile("a", kept, "kept")
	t.must(t.place.HarmRow(t.load("a").ID, rev(2, 1)))
	t.must(t.append(store.Entry{Doc: t.load("b").ID, Name: "b", Rows: Rows(1, 1, 1)}))
	other := t.addFile("b", "other", c.now)
	during := t.addFile("a", "during", c.now)
	c.collect(30 * hour)
	t.isNoFile("b", other) // one damaged document doesn't keep those of others
	_, err := t.store.Repair(t.Context(), "a")
	t.must(err)
	c.collect(10 * hour)
	t.isFile("a", during, "during") // what could be known counts from now
	c.collect(2 * hour)
	t.isNoFile("a", during)
}

func filesOfPrunedDocuments(t *suite) {
	t.stored("a", "b")
	hash := t.addFile("a", strings.Repeat("x", 1_000_000), start)
	t.addFile("b", "x", start)
	t.must(t.store.Delete(t.Context(), "a"))
	t.must(t.store.Prune(t.Context(), time.Now().Add(-hour)))
	t.must(t.store.Restore(t.Context(), "a"))
	t.isFile("a", hash, strings.Repeat("x", 1_000_000))
	t.must(t.store.Delete(t.Context(), "a"))
	t.must(t.store.Prune(t.Context(), time.Now().Add(hour)))
	t.must(t.store.Create(t.Context(), "a"))
	t.isNoFile("a", hash)
	t.isFile("b", sha256.Sum256([]byte("x")), "x")
}
