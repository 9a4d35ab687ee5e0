package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ncruces/go-sqlite3"

	"github.com/inkwire/inkwire/internal/store"
)

// errOlder refuses data of a version that a View doesn't read.
var errOlder = errors.New("the data was written by an older version; start the server once to bring it up to date")

// A View reads a log, also beside the server that has it open. It isn't safe for
// concurrent use.
type View struct{ r *reader }

// OpenView opens the log in a directory, or a backup of one, which is a file. It
// creates nothing and changes nothing.
func OpenView(path string, o Options) (*View, error) {
	v, err := openView(path, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return v, nil
}

func openView(path string, o Options) (*View, error) {
	fi, err := os.Stat(path)
	if err == nil && fi.IsDir() {
		path = filepath.Join(path, logFile)
		_, err = os.Stat(path)
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil, errors.New("there is no data here")
	}
	if err != nil {
		return nil, err
	}
	// What a crash left in the WAL stays there; the server folds it in.
	wal, err := os.Stat(path + "-wal")
	leave := err == nil && wal.Size() > 0
	open, err := newOpener(path, o)
	if err != nil {
		return nil, err
	}
	r, err := open.reader()
	if err != nil {
		return nil, err
	}
	v := &View{r}
	if leave {
		_, err = r.Config(sqlite3.DBCONFIG_NO_CKPT_ON_CLOSE, true)
	} else {
		err = nil
	}
	if err == nil {
		err = v.check()
	}
	if err != nil {
		return nil, errors.Join(err, v.Close())
	}
	return v, nil
}

// check says whether the data is of this program's version.
func (v *View) check() error {
	n, err := v.r.version()
	switch {
	case err != nil:
		return err
	case n == 0:
		return errors.New("there is no data here")
	case n < schemaVersion:
		return errOlder
	case n > schemaVersion:
		return fmt.Errorf("schema version %d, this program knows %d: %w", n, schemaVersion, store.ErrNewer)
	}
	return nil
}

// Close ends the view.
func (v *View) Close() error { return v.r.close() }

// Load reads a document as Store.Load does, and gives ErrUnknown for a name that
// nobody has used.
func (v *View) Load(ctx context.Context, name string) (*store.Document, error) {
	l := loaded{name: name}
	err := v.r.transact(ctx, func() error { return v.r.load(&l) })
	if err == nil && l.ID == 0 {
		err = store.ErrUnknown
	}
	if err != nil {
		return nil, fmt.Errorf("load %q: %w", name, err)
	}
	return &l.Document, nil
}
