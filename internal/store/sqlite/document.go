package sqlite

import (
	"fmt"
	"time"

	"github.com/inkwire/inkwire/internal/store"
)

// A header is a document without its log.
type header struct {
	id      store.DocID // 0: it isn't stored
	last    store.Revision
	pruned  store.Revision
	deleted bool
}

// header reads a document's header.
func (c *conn) header(doc store.DocID) (header, error) {
	s, err := c.stmt(`SELECT epoch, seq, pruned_epoch, pruned_seq, deleted FROM documents WHERE id = ?`, int64(doc))
	if err != nil {
		return header{}, err
	}
	var h header
	if s.Step() {
		h = header{
			id:   doc,
			last: store.Revision{Epoch: uint64(s.ColumnInt64(0)), Seq: uint64(s.ColumnInt64(1))}, pruned: store.Revision{Epoch: uint64(s.ColumnInt64(2)), Seq: uint64(s.ColumnInt64(3))},
			deleted: s.ColumnInt64(4) != 0,
		}
	}
	return h, s.Reset()
}

// named reads the header of the document that a name leads to.
func (c *conn) named(name string) (header, error) {
	id, err := c.number(`SELECT doc FROM names WHERE name = ?`, name)
	if err != nil || id == 0 {
		return header{}, err
	}
	h, err := c.header(store.DocID(id))
	if err == nil && h.id == 0 {
		err = fmt.Errorf("document %d of the name %q: %w: it is missing", id, name, store.ErrCorrupt)
	}
	return h, err
}

// about reads what a document says of itself.
func (c *conn) about(doc store.DocID) (store.Edit, store.Facts, error) {
	s, err := c.stmt(`SELECT edited_epoch, edited_seq, edited_session, edited_time,
		facts_epoch, facts_seq, title, preview FROM documents WHERE id = ?`, int64(doc))
	if err != nil {
		return store.Edit{}, store.Facts{}, err
	}
	var edited store.Edit
	var facts store.Facts
	if s.Step() {
		if s.ColumnInt64(0) != 0 || s.ColumnInt64(1) != 0 {
			edited = store.Edit{
				Revision: store.Revision{Epoch: uint64(s.ColumnInt64(0)), Seq: uint64(s.ColumnInt64(1))},
				Session:  s.ColumnInt64(2), Time: time.UnixMilli(s.ColumnInt64(3)),
			}
		}
		facts = store.Facts{
			At:    store.Revision{Epoch: uint64(s.ColumnInt64(4)), Seq: uint64(s.ColumnInt64(5))},
			Title: s.ColumnText(6), Preview: s.ColumnText(7),
		}
	}
	return edited, facts, s.Reset()
}
