package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/inkwire/inkwire/internal/store"
	"github.com/inkwire/inkwire/internal/store/sqlite"
)

const aboutRepair = `Lets a damaged document be written again, from where it is whole. What comes
after that is moved aside in the same file, not destroyed, and no longer part of
the document: try a backup first. The server must not run.`

func repair(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c := newCommand("repair", aboutRepair, "DOC")
	values, status, ok := c.parse(args, stdout, stderr)
	if !ok {
		return status
	}
	cut, err := repairDocument(ctx, c.data, values[0])
	switch {
	case errors.Is(err, store.ErrLocked):
		return c.fail(stderr, failed, fmt.Errorf("%w: stop the server first", err))
	case err != nil:
		return c.fail(stderr, failed, err)
	case cut.Damage == nil:
		fmt.Fprintf(stdout, "document %q is whole; nothing was done\n", values[0])
	default:
		fmt.Fprintf(stdout, "document %q is as it was at %v and goes on at %v; %s and %s were moved aside because of %s %v: %s\n",
			values[0], cut.From, cut.To, count(cut.Rows, "row"), count(cut.Checkpoints, "checkpoint"),
			cut.Damage.What, cut.Damage.Revision, cut.Damage.Msg)
	}
	return done
}

func repairDocument(ctx context.Context, data, name string) (cut store.Cut, err error) {
	// Opening to write would create what isn't there.
	v, err := sqlite.OpenView(data, sqlite.Options{})
	if err != nil {
		return cut, err
	}
	if err := v.Close(); err != nil {
		return cut, err
	}
	s, err := sqlite.Open(data, sqlite.Options{})
	if err != nil {
		return cut, err
	}
	cut, err = s.Repair(ctx, name)
	return cut, errors.Join(err, s.Close())
}
