package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"syscall"

	"github.com/ncruces/go-sqlite3"

	"github.com/inkwire/inkwire/internal/store"
)

// An opener opens connections to a log's file.
type opener struct {
	path        string
	uri         string // of path, with its VFS
	synchronous string
}

func newOpener(path string, o Options) (opener, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return opener{}, fmt.Errorf("data directory: %w", err)
	}
	uri := fileURI(path)
	if o.VFS != "" {
		uri += "?vfs=" + url.QueryEscape(o.VFS)
	}
	return opener{path: path, uri: uri, synchronous: cmp.Or(o.synchronous, "FULL")}, nil
}

// fileURI is an absolute path as SQLite takes it, whatever is in it.
func fileURI(path string) string {
	uri := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path)}
	return uri.String()
}

func (o opener) conn(pragmas string) (*conn, error) {
	c, err := sqlite3.Open(o.uri)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.path, explain(err))
	}
	if err := c.Exec(pragmas); err != nil {
		c.Close()
		return nil, fmt.Errorf("%s: %w", o.path, explain(err))
	}
	return &conn{c, map[string]*sqlite3.Stmt{}}, nil
}

// A reader is a reading connection.
type reader struct{ *conn }

func (o opener) reader() (*reader, error) {
	// The query opens the WAL too, which couldn't be opened any more once the
	// system lets nothing be written.
	c, err := o.conn(`PRAGMA query_only = ON; PRAGMA busy_timeout = 5000; SELECT count(*) FROM sqlite_schema`)
	if err != nil {
		return nil, err
	}
	return &reader{c}, nil
}

// transact calls f within one read transaction, which ctx interrupts.
func (r *reader) transact(ctx context.Context, f func() error) error {
	r.SetInterrupt(ctx)
	err := r.Exec(`BEGIN`)
	if err == nil {
		err = f()
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

// explain says in the store's words that a file can't be written.
func explain(err error) error {
	if errors.Is(err, sqlite3.READONLY) || errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return fmt.Errorf("%w: %w", store.ErrReadOnly, err)
	}
	return err
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
