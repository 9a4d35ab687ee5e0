package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/inkwire/inkwire/internal/store/sqlite"
)

const aboutBackup = `Copies all documents, as they are at one moment, into a new file, and verifies
the copy. It may run beside the server. To use a backup, put it into an empty
directory under the name inkwire.db.`

func backup(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c := newCommand("backup", aboutBackup, "FILE")
	values, status, ok := c.parse(args, stdout, stderr)
	if !ok {
		return status
	}
	file := values[0]
	if err := copyData(ctx, c.data, file); err != nil {
		return c.fail(stderr, failed, err)
	}
	found, err := verifyData(ctx, file, stdout)
	switch {
	case err != nil:
		return c.fail(stderr, failed, fmt.Errorf("%s was written, but can't be verified: %w", file, err))
	case found.damage():
		return c.fail(stderr, failed, fmt.Errorf("%s was written; %s", file, found))
	}
	fmt.Fprintf(stdout, "%s: %s\n", file, found)
	return done
}

func copyData(ctx context.Context, data, file string) (err error) {
	v, err := sqlite.OpenView(data, sqlite.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	return v.Backup(ctx, file)
}
