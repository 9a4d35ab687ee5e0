// Package sqlite keeps the log in one SQLite file, in WAL mode with
// synchronous=FULL: a commit is on disk when it returns.
//
// All writes go through one goroutine, the committer (committer.go), which has
// the only writing connection. Loads use connections of their own, and see the
// last commit that ended before they began.
package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/inkwire/inkwire/internal/store"
)

// The files in the data directory.
const (
	logFile  = "inkwire.db"
	lockFile = "inkwire.lock"
)

// readers is the number of documents that are loaded at the same time; there are
// as many connections for grants, and for lists and files, which don't wait for
// documents.
const readers = 2

// A Store is a log in a directory.
type Store struct {
	dir    string
	lock   *sqlite3.Conn // holds lockFile for as long as the store is open
	lastID atomic.Int64  // the last document id given out
	free   pool          // for documents
	grants pool          // for grants
	pages  pool          // for the catalogue and files
	marks  marks
	pruner pruner
	committer
}

var (
	_ store.Store     = (*Store)(nil)
	_ store.Grants    = (*Store)(nil)
	_ store.Catalogue = (*Store)(nil)
	_ store.Files     = (*Store)(nil)
)

// Options say how a log is opened. The zero value is what a server uses.
type Options struct {
	// VFS is the name of the registered SQLite file system for the log, such as
	// one that fails on demand. "" is the system's files.
	VFS string

	// History is for how long what Load doesn't need is kept: once an hour the
	// store prunes what is older. 0 keeps all of it, and prunes grants alone.
	History time.Duration
	// Refers tells which files a document's state refers to. Those that none has for
	// longer than History are removed; if it is nil, none is.
	Refers store.Refers
	// Observer is told how the log does.
	Observer store.Observer
	// Report takes the errors of what the store does by itself, which it does
	// again later. It may be nil.
	Report func(error)

	// synchronous is SQLite's setting of that name, FULL if "". Any other breaks
	// the promise of Append: tests alone set it, to show that they would notice.
	synchronous string
	// maxWAL takes the place of the constant, if it isn't 0.
	maxWAL int
	// pruneEvery is an hour if 0.
	pruneEvery time.Duration
	// now takes the place of time.Now for the pruner, if it isn't nil.
	now func() time.Time
}

// Open opens the log in a directory, which it creates if need be. Only one
// process may have it open; for another, the error is store.ErrLocked.
func Open(dir string, o Options) (_ *Store, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	s := &Store{dir: dir, free: make(pool, readers), grants: make(pool, readers), pages: make(pool, readers)}
	s.committer.open, err = newOpener(filepath.Join(dir, logFile), o)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.closeConns()
		}
	}()
	s.observer = o.Observer
	s.maxWAL = cmp.Or(o.maxWAL, maxWAL)
	if s.lock, err = lock(filepath.Join(dir, lockFile)); err != nil {
		return nil, fmt.Errorf("data directory %s: %w", dir, explain(err))
	}
	if s.w, err = s.open.writer(); err != nil {
		return nil, err
	}
	if err := s.w.migrate(); err != nil {
		return nil, explain(err)
	}
	if err := s.w.settle(); err != nil {
		return nil, explain(err)
	}
	id, err := s.w.number(`SELECT coalesce(max(id), 0) FROM documents`)
	if err != nil {
		return nil, err
	}
	s.lastID.Store(id)
	for _, p := range s.pools() {
		for range readers {
			r, err := s.open.reader()
			if err != nil {
				return nil, err
			}
			p <- r
		}
	}
	// The file's entry in the directory must survive a power cut as its
	// content does.
	if err := syncDir(dir); err != nil {
		return nil, err
	}
	s.committer.start()
	s.pruner.start(s, o)
	return s, nil
}

// Close writes what was accepted and closes the files.
func (s *Store) Close() error {
	s.pruner.stop()
	if !s.committer.stop() {
		return nil
	}
	for _, p := range s.pools() {
		var idle []*reader
		for range readers { // waits for who reads
			idle = append(idle, <-p)
		}
		for _, r := range idle {
			p <- r
		}
	}
	return s.closeConns()
}

func (s *Store) pools() []pool { return []pool{s.free, s.grants, s.pages} }

func (s *Store) closeConns() error {
	var errs []error
	for _, p := range s.pools() {
		for range len(p) {
			errs = append(errs, (<-p).close())
		}
	}
	if s.w != nil {
		errs = append(errs, s.w.close()) // the last: it folds the WAL into the file
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}

// lock takes SQLite's exclusive lock on a file of its own, so that backups and
// other readers of the log aren't kept out. The system gives it back when the
// process ends, however it ends.
func lock(path string) (*sqlite3.Conn, error) {
	c, err := sqlite3.Open(path)
	if err != nil {
		return nil, err
	}
	if err := c.Exec(`PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE`); err != nil {
		c.Close()
		if errors.Is(err, sqlite3.BUSY) {
			return nil, store.ErrLocked
		}
		return nil, err
	}
	return c, nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	return nil
}

// A pool has the reading connections that nobody uses.
type pool chan *reader

// withReader lends a reading connection for documents, within one read
// transaction.
func (s *Store) withReader(ctx context.Context, f func(*reader) error) error {
	return s.read(ctx, s.free, f)
}

func (s *Store) read(ctx context.Context, from pool, f func(*reader) error) error {
	var r *reader
	select {
	case r = <-from:
	case <-s.committer.stopped:
		return store.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { from <- r }()
	if s.committer.isStopped() {
		return store.ErrClosed
	}
	return r.transact(ctx, func() error { return f(r) })
}
