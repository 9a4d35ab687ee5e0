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
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/ncruces/go-sqlite3"

	"github.com/inkwire/inkwire/internal/store"
)

// The files in the data directory.
const (
	logFile  = "inkwire.db"
	lockFile = "inkwire.lock"
)

// readers is the number of documents that are loaded at the same time.
const readers = 2

// A Store is a log in a directory.
type Store struct {
	dir    string
	lock   *sqlite3.Conn // holds lockFile for as long as the store is open
	lastID atomic.Int64  // the last document id given out
	free   chan *reader  // readers that nobody uses
	committer
}

var _ store.Store = (*Store)(nil)

// Options say how a log is opened. The zero value is what a server uses.
type Options struct {
	// VFS is the name of the registered SQLite file system for the log, such as
	// one that fails on demand. "" is the system's files.
	VFS string

	// synchronous is SQLite's setting of that name, FULL if "". Any other breaks
	// the promise of Append: tests alone set it, to show that they would notice.
	synchronous string
}

// Open opens the log in a directory, which it creates if need be. Only one
// process may have it open; for another, the error is store.ErrLocked.
func Open(dir string, o Options) (_ *Store, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	s := &Store{dir: dir, free: make(chan *reader, readers)}
	s.committer.open, err = newOpener(dir, o)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.closeConns()
		}
	}()
	if s.lock, err = lock(filepath.Join(dir, lockFile)); err != nil {
		return nil, fmt.Errorf("data directory %s: %w", dir, err)
	}
	if s.w, err = s.open.writer(); err != nil {
		return nil, err
	}
	if err := s.w.migrate(); err != nil {
		return nil, err
	}
	id, err := s.w.number(`SELECT coalesce(max(id), 0) FROM documents`)
	if err != nil {
		return nil, err
	}
	s.lastID.Store(id)
	for range readers {
		r, err := s.open.reader()
		if err != nil {
			return nil, err
		}
		s.free <- r
	}
	// The file's entry in the directory must survive a power cut as its
	// content does.
	if err := syncDir(dir); err != nil {
		return nil, err
	}
	s.committer.start()
	return s, nil
}

// Close writes what was accepted and closes the files.
func (s *Store) Close() error {
	if !s.committer.stop() {
		return nil
	}
	var idle []*reader
	for range readers { // waits for loads
		idle = append(idle, <-s.free)
	}
	for _, r := range idle {
		s.free <- r
	}
	return s.closeConns()
}

func (s *Store) closeConns() error {
	var errs []error
	for range len(s.free) {
		errs = append(errs, (<-s.free).close())
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

// An opener opens connections to a log's file.
type opener struct {
	path        string
	uri         string // of path, with its VFS
	synchronous string
}

func newOpener(dir string, o Options) (opener, error) {
	path, err := filepath.Abs(filepath.Join(dir, logFile))
	if err != nil {
		return opener{}, fmt.Errorf("data directory: %w", err)
	}
	uri := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path)}
	if o.VFS != "" {
		uri.RawQuery = "vfs=" + url.QueryEscape(o.VFS)
	}
	return opener{path: path, uri: uri.String(), synchronous: cmp.Or(o.synchronous, "FULL")}, nil
}

func (o opener) conn(pragmas string) (*conn, error) {
	c, err := sqlite3.Open(o.uri)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.path, err)
	}
	if err := c.Exec(pragmas); err != nil {
		c.Close()
		return nil, fmt.Errorf("%s: %w", o.path, err)
	}
	return &conn{c, map[string]*sqlite3.Stmt{}}, nil
}

// A conn is a connection with its prepared statements.
type conn struct {
	*sqlite3.Conn
	stmts map[string]*sqlite3.Stmt
}

func (c *conn) close() error {
	for _, s := range c.stmts {
		s.Close()
	}
	return c.Conn.Close()
}

// stmt returns the prepared statement of a text, with its parameters bound:
// int64, string or []byte. It stays valid until the same text is asked for.
func (c *conn) stmt(sql string, params ...any) (*sqlite3.Stmt, error) {
	s := c.stmts[sql]
	if s == nil {
		var err error
		if s, _, err = c.PrepareFlags(sql, sqlite3.PREPARE_PERSISTENT); err != nil {
			return nil, err
		}
		c.stmts[sql] = s
	}
	if err := s.Reset(); err != nil {
		return nil, err
	}
	for i, p := range params {
		var err error
		switch p := p.(type) {
		case int64:
			err = s.BindInt64(i+1, p)
		case string:
			err = s.BindText(i+1, p)
		case []byte:
			err = s.BindBlob(i+1, p)
		default:
			err = fmt.Errorf("parameter %d is a %T", i+1, p)
		}
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

// run executes a statement without a result.
func (c *conn) run(sql string, params ...any) error {
	s, err := c.stmt(sql, params...)
	if err != nil {
		return err
	}
	err = s.Exec()
	return errors.Join(err, s.ClearBindings()) // let blobs go
}

// number executes a statement whose result is one number.
func (c *conn) number(sql string, params ...any) (int64, error) {
	s, err := c.stmt(sql, params...)
	if err != nil {
		return 0, err
	}
	var n int64
	if s.Step() {
		n = s.ColumnInt64(0)
	}
	return n, s.Reset()
}

// schemaVersion is the version that this program writes.
const schemaVersion = 1

// applicationID marks the file as Inkwire's: "Inkw".
const applicationID = 0x496e6b77

// schema: epoch and seq in documents are the revision of the last row.
// A checkpoint's pieces are counted from 0; it counts once it is valid.
const schema = `
CREATE TABLE documents (
	id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, created INTEGER NOT NULL
) STRICT;
CREATE TABLE names (
	name TEXT PRIMARY KEY, doc INTEGER NOT NULL REFERENCES documents
) STRICT, WITHOUT ROWID;
CREATE TABLE rows (
	doc INTEGER NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
	session INTEGER NOT NULL, time INTEGER NOT NULL, checksum INTEGER NOT NULL, data BLOB NOT NULL,
	PRIMARY KEY (doc, epoch, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE checkpoints (
	id INTEGER PRIMARY KEY, doc INTEGER NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
	time INTEGER NOT NULL, size INTEGER NOT NULL, checksum INTEGER NOT NULL, valid INTEGER NOT NULL
) STRICT;
CREATE INDEX checkpoints_doc ON checkpoints (doc);
CREATE TABLE pieces (
	id INTEGER PRIMARY KEY, checkpoint INTEGER NOT NULL, n INTEGER NOT NULL, data BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX pieces_checkpoint ON pieces (checkpoint, n);
`

// migrate brings the file to schemaVersion, and removes checkpoints that a
// crash left unfinished.
func (c *conn) migrate() error {
	v, err := c.number(`PRAGMA user_version`)
	if err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	switch {
	case v > schemaVersion:
		return fmt.Errorf("schema version %d, this program knows %d: %w", v, schemaVersion, store.ErrNewer)
	case v == 0:
		err = c.Exec(fmt.Sprintf(`BEGIN IMMEDIATE; %s
			PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT`, schema, applicationID, schemaVersion))
	default:
		err = c.Exec(`BEGIN IMMEDIATE;
			DELETE FROM pieces WHERE checkpoint IN (SELECT id FROM checkpoints WHERE valid = 0);
			DELETE FROM checkpoints WHERE valid = 0; COMMIT`)
	}
	if err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	return nil
}

// withReader lends a reading connection, within one read transaction.
func (s *Store) withReader(ctx context.Context, f func(*reader) error) error {
	var r *reader
	select {
	case r = <-s.free:
	case <-s.committer.stopped:
		return store.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { s.free <- r }()
	if s.committer.isStopped() {
		return store.ErrClosed
	}
	r.SetInterrupt(ctx)
	err := r.Exec(`BEGIN`)
	if err == nil {
		err = f(r)
	}
	r.SetInterrupt(context.Background())
	if !r.GetAutocommit() {
		err = errors.Join(err, r.Exec(`COMMIT`))
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
