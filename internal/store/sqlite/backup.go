package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ncruces/go-sqlite3"
)

// pagesAtOnce is how many pages are copied between two looks at the context.
const pagesAtOnce = 1024

// Backup copies the log as it is at one moment into a new file, which is whole
// and on disk when it returns, and doesn't exist if it fails. To use a backup,
// put it into an empty directory under the name inkwire.db.
func (v *View) Backup(ctx context.Context, file string) error {
	if err := v.backup(ctx, file); err != nil {
		return fmt.Errorf("backup to %s: %w", file, err)
	}
	return nil
}

func (v *View) backup(ctx context.Context, file string) (err error) {
	if _, err := os.Lstat(file); err == nil {
		return fs.ErrExist
	}
	// It gets its name when it's whole.
	part, err := filepath.Abs(file + ".part")
	if err != nil {
		return err
	}
	f, err := os.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(part)) }()
	err = f.Close()
	if err == nil {
		err = v.copyTo(ctx, part)
	}
	if err == nil {
		err = syncFile(part)
	}
	if err == nil {
		err = os.Link(part, file) // which never overwrites
	}
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(file))
}

// copyTo copies the log into an empty file.
func (v *View) copyTo(ctx context.Context, file string) error {
	if err := v.r.transact(ctx, func() error {
		// The transaction holds on to one state of the file for all steps.
		if _, err := v.r.number(`SELECT count(*) FROM documents`); err != nil {
			return err
		}
		b, err := v.r.BackupInit("main", fileURI(file))
		if err != nil {
			return err
		}
		for done := false; err == nil && !done; {
			if err = ctx.Err(); err == nil {
				done, err = b.Step(pagesAtOnce)
			}
		}
		return errors.Join(err, b.Close())
	}); err != nil {
		return err
	}
	// A copy is one file, without the WAL that a log has beside it.
	c, err := sqlite3.Open(fileURI(file))
	if err != nil {
		return err
	}
	return errors.Join(c.Exec(`PRAGMA journal_mode = DELETE`), c.Close())
}

func syncFile(file string) error {
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
