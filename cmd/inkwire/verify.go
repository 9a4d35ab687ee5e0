package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/inkwire/inkwire/crdt"
	"github.com/inkwire/inkwire/internal/store"
	"github.com/inkwire/inkwire/internal/store/authors"
	"github.com/inkwire/inkwire/internal/store/sqlite"
)

const aboutVerify = `Reads every document with all that is kept of it, and prints what is damaged:
checksums, missing rows, updates that aren't, the files in documents, and the
log's own file as a whole. It changes
nothing and may run beside the server. DIR may also be a backup, a file.`

func verify(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c := newCommand("verify", aboutVerify)
	if _, status, ok := c.parse(args, stdout, stderr); !ok {
		return status
	}
	found, err := verifyData(ctx, c.data, stdout)
	if err != nil {
		return c.fail(stderr, failed, err)
	}
	fmt.Fprintln(stdout, found)
	if found.damage() {
		return failed
	}
	return done
}

// found is what verifying data found.
type found struct {
	documents, rows, checkpoints, files int
	damaged                             int // documents
	faults                              int // of the log's file
}

func (f found) damage() bool { return f.damaged > 0 || f.faults > 0 }

func (f found) String() string {
	s := fmt.Sprintf("%s, %s, %s, %s: ", count(f.documents, "document"), count(f.rows, "row"),
		count(f.checkpoints, "checkpoint"), count(f.files, "file"))
	if !f.damage() {
		return s + "everything is whole"
	}
	s += fmt.Sprintf("damage in %s", count(f.damaged, "document"))
	if f.faults > 0 {
		s += ", and in the log's file itself"
	}
	return s
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// verifyData checks all that is in a directory or backup and prints each damage.
func verifyData(ctx context.Context, path string, out io.Writer) (f found, err error) {
	v, err := sqlite.OpenView(path, sqlite.Options{})
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	faults, err := v.Integrity(ctx)
	if err != nil {
		return f, err
	}
	f.faults = len(faults)
	for _, fault := range faults {
		fmt.Fprintln(out, "the log's file:", fault)
	}
	reading := sqlite.Reading{Row: checkRow, Checkpoint: checkCheckpoint}
	return f, v.Verify(ctx, reading, func(c *sqlite.Check) error {
		f.documents++
		f.rows += c.Rows
		f.checkpoints += c.Checkpoints
		f.files += c.Files
		if c.Document != nil {
			if _, err := updatesOf(c.Document); err != nil && c.Document.Damage == nil {
				c.Damage = append(c.Damage, fmt.Errorf("document %q: its updates can't be merged: %w", c.Name, err))
			}
		}
		if len(c.Damage) == 0 {
			return nil
		}
		f.damaged++
		for _, damage := range c.Damage {
			fmt.Fprintln(out, damage)
		}
		fmt.Fprintln(out, consequence(c))
		return nil
	})
}

// consequence says what a document's damage means for who uses it.
func consequence(c *sqlite.Check) string {
	switch d := c.Document; {
	case c.Deleted:
		return fmt.Sprintf("document %q is deleted, and would be damaged if it were restored", c.Name)
	case d == nil:
		return fmt.Sprintf("document %q can't be read", c.Name)
	case d.Damage != nil:
		return fmt.Sprintf("document %q is read-only, as it was at %v; to go on from there: inkwire repair %[1]q", c.Name, d.Revision)
	default:
		return fmt.Sprintf("document %q itself is whole, at %v; what is damaged is an older copy, its history or a file", c.Name, d.Revision)
	}
}

// checkRow says whether a row's data is what it should be.
func checkRow(r *store.Row) error {
	if r.Kind != store.KindUpdate {
		return nil
	}
	_, err := crdt.Validate(r.Data, crdt.Limits{})
	return err
}

func checkCheckpoint(c *store.Checkpoint) error {
	if _, err := crdt.Validate(c.State, crdt.Limits{}); err != nil {
		return err
	}
	if c.Authors == nil {
		return nil
	}
	_, err := authors.Decode(c.Authors)
	return err
}
