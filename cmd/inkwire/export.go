package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/inkwire/inkwire/crdt"
	"github.com/inkwire/inkwire/internal/store"
	"github.com/inkwire/inkwire/internal/store/sqlite"
)

const aboutExport = `Writes a document: as one Yjs update that every Yjs client can apply (update,
update-v2), or the content of one of its types (text, xml). Of a damaged document
it writes what is whole, and says so. It may run beside the server.`

func export(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c := newCommand("export", aboutExport, "DOC")
	format := c.String("format", "update", "write it as `FORMAT`: update, update-v2, text or xml")
	root := c.String("root", "", "with text or xml, the type called `NAME`; not needed if there is one")
	out := c.String("out", "", "write to `FILE`, which must not exist, instead of the output")
	values, status, ok := c.parse(args, stdout, stderr)
	if !ok {
		return status
	}
	encode := formats[*format]
	if encode == nil {
		return c.fail(stderr, wrong, fmt.Errorf("unknown format %q: want one of update, update-v2, text, xml", *format))
	}
	d, err := load(ctx, c.data, values[0])
	if err != nil {
		return c.fail(stderr, failed, err)
	}
	state, err := updatesOf(d)
	if err != nil {
		return c.fail(stderr, failed, fmt.Errorf("document %q: %w", values[0], err))
	}
	b, err := encode(state, *root)
	if err == nil {
		err = write(b, *out, stdout)
	}
	if err != nil {
		return c.fail(stderr, failed, err)
	}
	if d.Damage != nil {
		return c.fail(stderr, failed, fmt.Errorf("exported what is whole, up to %v: %w", d.Revision, d.Damage))
	}
	return done
}

func load(ctx context.Context, data, name string) (d *store.Document, err error) {
	v, err := sqlite.OpenView(data, sqlite.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	return v.Load(ctx, name)
}

// updatesOf merges what was loaded of a document into one update.
func updatesOf(d *store.Document) ([]byte, error) { return crdt.MergeUpdates(updatesIn(d)) }

// updatesIn is the updates that were loaded of a document, at least one.
func updatesIn(d *store.Document) [][]byte {
	updates := [][]byte{{0, 0}} // an empty document's
	if d.Checkpoint != nil {
		updates = append(updates, d.Checkpoint)
	}
	for i := range d.Rows {
		if d.Rows[i].Kind == store.KindUpdate {
			updates = append(updates, d.Rows[i].Data)
		}
	}
	return updates
}

// formats encode a state, or the root type of a name in it.
var formats = map[string]func(state []byte, root string) ([]byte, error){
	"update":    func(state []byte, _ string) ([]byte, error) { return state, nil },
	"update-v2": func(state []byte, _ string) ([]byte, error) { return crdt.ConvertV1ToV2(state) },
	"text": func(state []byte, root string) ([]byte, error) {
		doc, root, err := openRoot(state, root)
		if err != nil {
			return nil, err
		}
		text, err := doc.Text(root)
		if err != nil {
			return nil, err
		}
		s := text.String()
		if s == "" && text.Len() > 0 {
			return nil, fmt.Errorf("%q isn't a text; try --format xml", root)
		}
		return []byte(s), nil
	},
	"xml": func(state []byte, root string) ([]byte, error) {
		doc, root, err := openRoot(state, root)
		if err != nil {
			return nil, err
		}
		fragment, err := doc.XmlFragment(root)
		if err != nil {
			return nil, err
		}
		return []byte(fragment.String()), nil
	},
}

// openRoot integrates a state and finds the one root type that is meant.
func openRoot(state []byte, root string) (*crdt.Doc, string, error) {
	doc := crdt.New(crdt.Options{NoCleanup: true})
	if err := doc.LoadState(state); err != nil {
		return nil, "", err
	}
	roots := slices.Sorted(slices.Values(doc.Roots()))
	switch {
	case root != "" && !slices.Contains(roots, root):
		return nil, "", fmt.Errorf("the document has no type %q; it has: %s", root, strings.Join(roots, ", "))
	case root != "":
	case len(roots) == 0:
		return nil, "", errors.New("the document is empty")
	case len(roots) > 1:
		return nil, "", fmt.Errorf("the document has several types; choose with --root: %s", strings.Join(roots, ", "))
	default:
		root = roots[0]
	}
	return doc, root, nil
}

// write writes to a new file, or to out if it has no name.
func write(b []byte, file string, out io.Writer) (err error) {
	if file == "" {
		_, err := out.Write(b)
		return err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(file))
	}
	return nil
}
