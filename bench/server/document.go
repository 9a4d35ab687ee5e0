//go:build linux

package main

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/inkwire/inkwire/crdt"
	"github.com/inkwire/inkwire/lib0"
)

// A large document is made of chapters: one recorded editing trace, typed out by one client after another, each going on
// where the last one ended. So it has as many items for its size as documents that people wrote.

// A chapter is the encoded state of one client's typing, taken apart where ids stand.
type chapter struct {
	items   []chapterItem
	deletes []byte // the ranges of the client's delete set, with their count
	length  uint32 // clocks
}

type chapterItem struct {
	info          byte
	origin, right uint64 // clocks, where info has them
	content       []byte
}

// chapterID is the client of the first chapter; each next one has a lower id.
const chapterID = 0x40000000

// A document is what a server is given before a job.
type document struct {
	updates [][]byte // one a chapter
	vector  crdt.StateVector
	size    int
}

// maker makes documents of one chapter.
type maker struct {
	chapter chapter
	source  string // says where the chapter comes from
}

// document makes one of at least size bytes.
func (m *maker) document(size int) document {
	d := document{vector: crdt.StateVector{}}
	for id := uint64(chapterID); d.size < size; id-- {
		u := m.chapter.update(id, len(d.updates) == 0)
		d.updates = append(d.updates, u)
		d.size += len(u)
		d.vector[id] = m.chapter.length
	}
	return d
}

// update is the chapter as a client types it; what isn't the first begins after the last character of client id+1.
func (c *chapter) update(id uint64, first bool) []byte {
	u := lib0.AppendUvarint([]byte{1}, uint64(len(c.items)))
	u = append(lib0.AppendUvarint(u, id), 0)
	for _, item := range c.items {
		info := item.info
		if !first {
			info |= infoOrigin
		}
		u = append(u, info)
		switch {
		case item.info&infoOrigin != 0:
			u = lib0.AppendUvarint(lib0.AppendUvarint(u, id), item.origin)
		case !first:
			u = lib0.AppendUvarint(lib0.AppendUvarint(u, id+1), uint64(c.length-1))
		}
		if info&infoRightOrigin != 0 {
			u = lib0.AppendUvarint(lib0.AppendUvarint(u, id), item.right)
		}
		if info&(infoOrigin|infoRightOrigin) == 0 {
			u = lib0.AppendString(append(u, 1), textName)
		}
		u = append(u, item.content...)
	}
	u = lib0.AppendUvarint(append(u, 1), id)
	return append(u, c.deletes...)
}

// newMaker types the trace: the recorded one in the folder traces, or without it one that it makes up.
func newMaker(traces string) (*maker, error) {
	const length = 260_000
	source, edits := "a generated trace", generatedTrace(length)
	if traces != "" {
		name := filepath.Join(traces, "traces", "automerge-paper.json.gz")
		recorded, err := recordedTrace(name)
		if err != nil {
			return nil, err
		}
		source, edits = "the recorded trace automerge-paper", recorded
	}
	state, err := typeOut(edits)
	if err != nil {
		return nil, err
	}
	c, err := takeApart(state)
	if err != nil {
		return nil, fmt.Errorf("the typed trace: %w", err)
	}
	return &maker{chapter: c, source: source}, nil
}

// An edit deletes and inserts at a place.
type edit struct {
	at, deleted int
	inserted    string
}

func recordedTrace(name string) ([]edit, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var trace struct {
		Txns []struct{ Patches [][3]any }
	}
	if err := json.NewDecoder(z).Decode(&trace); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var edits []edit
	for _, txn := range trace.Txns {
		for _, p := range txn.Patches {
			at, ok1 := p[0].(float64)
			deleted, ok2 := p[1].(float64)
			inserted, ok3 := p[2].(string)
			if !ok1 || !ok2 || !ok3 {
				return nil, fmt.Errorf("%s: %v isn't an edit", name, p)
			}
			edits = append(edits, edit{int(at), int(deleted), inserted})
		}
	}
	return edits, nil
}

// generatedTrace is a writer who mostly types on, sometimes deletes, and sometimes goes elsewhere; the same each time.
func generatedTrace(n int) []edit {
	state := 1
	random := func(below int) int { // Lehmer's generator, as MINSTD
		state = state * 48271 % 2147483647
		return state % below
	}
	edits := make([]edit, 0, n)
	for length, cursor := 0, 0; len(edits) < n; {
		if random(100) < 4 {
			cursor = random(length + 1)
		}
		if cursor > 0 && random(100) < 25 {
			cursor--
			length--
			edits = append(edits, edit{at: cursor, deleted: 1})
		} else {
			edits = append(edits, edit{at: cursor, inserted: string(letters[random(len(letters))])})
			cursor++
			length++
		}
	}
	return edits
}

// typeOut returns the state of a document in which one client made the edits, and then ended the text with a new line:
// so the last character is the client's last clock.
func typeOut(edits []edit) ([]byte, error) {
	doc := crdt.New(crdt.Options{ClientID: chapterID})
	text, err := doc.Text(textName)
	if err != nil {
		return nil, err
	}
	for _, e := range edits {
		if e.deleted > 0 {
			if err := text.Delete(e.at, e.deleted); err != nil {
				return nil, err
			}
		}
		if e.inserted != "" {
			if err := text.Insert(e.at, e.inserted, nil); err != nil {
				return nil, err
			}
		}
	}
	if err := text.Insert(text.Len(), "\n", nil); err != nil {
		return nil, err
	}
	return doc.EncodeStateAsUpdate(nil), nil
}

// takeApart reads the state of one client's text.
func takeApart(state []byte) (c chapter, err error) {
	d := lib0.NewDecoder(state)
	head := [4]uint64{} // clients, structs, client, clock
	for i := range head {
		if head[i], err = d.Uvarint(); err != nil {
			return c, err
		}
	}
	if head[0] != 1 || head[3] != 0 {
		return c, fmt.Errorf("a state of %d clients from clock %d", head[0], head[3])
	}
	for range head[1] {
		item, n, err := takeItem(&d)
		if err != nil {
			return c, err
		}
		c.items = append(c.items, item)
		c.length += n
	}
	clients, err := d.Uvarint()
	if err != nil {
		return c, err
	}
	if clients == 0 {
		c.deletes = []byte{0}
		return c, nil
	}
	if _, err := d.Uvarint(); err != nil {
		return c, err
	}
	c.deletes = d.Rest()
	return c, nil
}

func takeItem(d *lib0.Decoder) (item chapterItem, n uint32, err error) {
	at := d.Offset()
	whole := *d
	n, _, err = readStruct(d)
	if err != nil {
		return item, 0, err
	}
	end := d.Offset()
	if item.info, err = whole.Byte(); err != nil {
		return item, 0, err
	}
	if kind := item.info & infoKind; kind == kindGC || kind == kindSkip {
		return item, 0, fmt.Errorf("a struct of kind %d, which has no place", kind)
	}
	start := whole
	if err := readPlace(&start, item.info); err != nil {
		return item, 0, err
	}
	for _, place := range []struct {
		flag byte
		to   *uint64
	}{{infoOrigin, &item.origin}, {infoRightOrigin, &item.right}} {
		if item.info&place.flag == 0 {
			continue
		}
		if _, err = whole.Uvarint(); err == nil { // the one client
			*place.to, err = whole.Uvarint()
		}
		if err != nil {
			return item, 0, err
		}
	}
	item.content = d.Since(at)[start.Offset()-at : end-at]
	return item, n, nil
}
