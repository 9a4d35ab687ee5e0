package sqlite

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/inkwire/inkwire/internal/store"
)

// AddFile implements store.Files. It writes chunks of at most pieceSize bytes, one
// a commit, and makes them a file by a last small commit.
func (s *Store) AddFile(ctx context.Context, document string, f store.File, content io.Reader, most int64) (store.File, error) {
	id, err := s.beginFile(ctx, document, &f)
	if err == nil {
		if err = s.writeChunks(ctx, id, &f, content, most); err == nil {
			f, err = s.endFile(ctx, document, id, f, most)
		}
		if err != nil {
			// What came of it isn't left to the pruner: somebody may do it again and again.
			err = errors.Join(err, s.dropFile(context.WithoutCancel(ctx), id))
		}
	}
	if err != nil {
		return store.File{}, fmt.Errorf("a file of %q: %w", document, err)
	}
	return f, nil
}

func (s *Store) beginFile(ctx context.Context, document string, f *store.File) (id int64, err error) {
	f.Added = time.UnixMilli(f.Added.UnixMilli())
	err = s.do(ctx, func(w *writer) error {
		h, err := w.present(document)
		if err != nil {
			return err
		}
		id, err = w.number(`INSERT INTO files (doc, hash, type, name, size, added, unreferred, state)
			VALUES (?, x'', ?, ?, 0, ?, 0, ?) RETURNING id`, int64(h.id), f.Type, f.Name, f.Added.UnixMilli(), int64(arriving))
		return err
	})
	return id, err
}

// writeChunks reads the content and stores it, and finds out its size and hash.
func (s *Store) writeChunks(ctx context.Context, id int64, f *store.File, content io.Reader, most int64) error {
	sum := sha256.New()
	for n := int64(0); ; n++ {
		chunk := make([]byte, pieceSize) // not the same again: a commit may outlast ctx
		size, err := io.ReadFull(content, chunk)
		end := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !end {
			return err
		}
		if chunk = chunk[:size]; size > 0 {
			if f.Size += int64(size); f.Size > most {
				return store.ErrFiles
			}
			sum.Write(chunk)
			if err := s.do(ctx, func(w *writer) error {
				return w.run(`INSERT INTO chunks (file, n, checksum, data) VALUES (?, ?, ?, ?)`,
					id, n, int64(store.ChunkChecksum(id, n, chunk)), chunk)
			}); err != nil {
				return err
			}
		}
		if end {
			f.Hash = store.Hash(sum.Sum(nil))
			return nil
		}
	}
}

// endFile makes a file of what was written, unless the document has it.
func (s *Store) endFile(ctx context.Context, document string, id int64, f store.File, most int64) (store.File, error) {
	err := s.do(ctx, func(w *writer) error {
		h, err := w.present(document)
		if err != nil {
			return err
		}
		// What is added is looked at anew, whether the document changes or not.
		if err := w.run(`UPDATE documents SET marked_epoch = -1 WHERE id = ?`, int64(h.id)); err != nil {
			return err
		}
		was, same, err := w.file(h.id, f.Hash)
		if err != nil {
			return err
		}
		if same != 0 {
			was.Added = f.Added
			f = was
			if err := w.run(`UPDATE files SET added = ?, unreferred = 0 WHERE id = ?`, f.Added.UnixMilli(), same); err != nil {
				return err
			}
			return w.run(`UPDATE files SET state = ? WHERE id = ?`, int64(going), id)
		}
		all, err := w.number(`SELECT coalesce(sum(size), 0) FROM files WHERE doc = ? AND state = 1`, int64(h.id))
		if err != nil {
			return err
		}
		if all+f.Size > most {
			return store.ErrFiles
		}
		if err := w.run(`UPDATE files SET hash = ?, size = ?, state = ? WHERE id = ? AND doc = ? AND state = ?`,
			f.Hash[:], f.Size, int64(whole), id, int64(h.id), int64(arriving)); err != nil {
			return err
		}
		if w.Changes() == 0 {
			return store.ErrUnknown // the document that it began in is another's place now
		}
		return nil
	})
	if err == nil {
		// Of two that are the same, one goes.
		err = s.removeFiles(ctx)
	}
	return f, err
}

// dropFile removes a file that didn't become one.
func (s *Store) dropFile(ctx context.Context, id int64) error {
	if err := s.do(ctx, func(w *writer) error {
		return w.run(`UPDATE files SET state = ? WHERE id = ? AND state = ?`, int64(going), id, int64(arriving))
	}); err != nil {
		return err
	}
	return s.removeFiles(ctx)
}

// removeFiles removes those that aren't needed any more.
func (s *Store) removeFiles(ctx context.Context) error {
	for more := true; more; {
		if err := s.do(ctx, func(w *writer) error {
			id, err := w.number(`SELECT id FROM files WHERE state = 2 LIMIT 1`)
			if more = id != 0; err != nil || !more {
				return err
			}
			if err := w.run(`DELETE FROM chunks WHERE id IN (SELECT id FROM chunks WHERE file = ? LIMIT ?)`,
				id, int64(piecesAtOnce)); err != nil {
				return err
			}
			if w.Changes() == piecesAtOnce {
				return nil
			}
			return w.run(`DELETE FROM files WHERE id = ?`, id)
		}); err != nil {
			return err
		}
	}
	return nil
}

const fileSQL = `SELECT id, hash, type, name, size, added FROM files WHERE doc = ? AND state = 1`

func readFile(s *sqlite3.Stmt) (f store.File, id int64) {
	f = store.File{Type: s.ColumnText(2), Name: s.ColumnText(3), Size: s.ColumnInt64(4), Added: time.UnixMilli(s.ColumnInt64(5))}
	copy(f.Hash[:], s.ColumnRawBlob(1))
	return f, s.ColumnInt64(0)
}

// file finds a file of a document; its id is 0 if there is none.
func (c *conn) file(doc store.DocID, hash store.Hash) (f store.File, id int64, err error) {
	s, err := c.stmt(fileSQL+` AND hash = ?`, int64(doc), hash[:])
	if err != nil {
		return f, 0, err
	}
	if s.Step() {
		f, id = readFile(s)
	}
	return f, id, s.Reset()
}

// OpenFile implements store.Files.
func (s *Store) OpenFile(ctx context.Context, document string, hash store.Hash) (f store.File, content io.ReadSeeker, err error) {
	var id int64
	err = s.read(ctx, s.pages, func(r *reader) error {
		h, err := r.present(document)
		if err != nil {
			return err
		}
		if f, id, err = r.file(h.id, hash); err == nil && id == 0 {
			err = store.ErrNoFile
		}
		return err
	})
	if err != nil {
		return store.File{}, nil, fmt.Errorf("a file of %q: %w", document, err)
	}
	return f, io.NewSectionReader(&chunks{s: s, ctx: ctx, file: id, size: f.Size}, 0, f.Size), nil
}

// chunks is the content of a file, of which it has one chunk in memory. It's for
// one goroutine.
type chunks struct {
	s          *Store
	ctx        context.Context
	file, size int64
	n          int64 // of the chunk
	chunk      []byte
}

// ReadAt implements io.ReaderAt.
func (c *chunks) ReadAt(p []byte, at int64) (read int, err error) {
	for read < len(p) && at < c.size {
		n, from := at/pieceSize, at%pieceSize
		if c.chunk == nil || c.n != n {
			if err := c.load(n); err != nil {
				return read, err
			}
		}
		done := copy(p[read:], c.chunk[from:])
		read, at = read+done, at+int64(done)
	}
	if read < len(p) {
		err = io.EOF
	}
	return read, err
}

func (c *chunks) load(n int64) error {
	c.chunk, c.n = nil, n
	err := c.s.read(c.ctx, c.s.pages, func(r *reader) error {
		var damage string
		s, err := r.stmt(`SELECT data, checksum FROM chunks WHERE file = ? AND n = ?`, c.file, n)
		if err != nil {
			return err
		}
		var b []byte
		sum := int64(-1)
		if s.Step() {
			b, sum = s.ColumnBlob(0, nil), s.ColumnInt64(1)
		}
		if damage, err = corrupt(s.Reset()); err != nil {
			return err
		}
		if damage == "" {
			damage = chunkDamage(c.file, n, c.size, b, sum)
		}
		if damage != "" {
			return fmt.Errorf("%w: %s", store.ErrCorrupt, damage)
		}
		c.chunk = b
		return nil
	})
	if err != nil {
		return fmt.Errorf("file %d, chunk %d: %w", c.file, n, err)
	}
	return nil
}

// chunkDamage says what is wrong with a chunk of a file of a size.
func chunkDamage(file, n, size int64, b []byte, sum int64) string {
	want := min(pieceSize, size-n*pieceSize)
	switch {
	case sum == -1:
		return "it is missing"
	case int64(len(b)) != want:
		return fmt.Sprintf("it has %d bytes, not %d", len(b), want)
	case int64(store.ChunkChecksum(file, n, b)) != sum:
		return "its checksum differs"
	}
	return ""
}

// verifyFiles reads all files of a document.
func (r *reader) verifyFiles(c *Check, h header) error {
	type saved struct {
		store.File
		id int64
	}
	var all []saved
	s, err := r.stmt(fileSQL+` ORDER BY id`, int64(h.id))
	if err != nil {
		return err
	}
	for s.Step() {
		f, id := readFile(s)
		all = append(all, saved{f, id})
	}
	if err := s.Reset(); err != nil {
		return err
	}
	c.Files = len(all)
	for _, f := range all {
		damage, err := r.fileDamage(f.id, &f.File)
		if err != nil {
			return err
		}
		if damage != "" {
			c.Damage = append(c.Damage, fmt.Errorf("document %q, file %v: %w: %s", c.Name, f.Hash, store.ErrCorrupt, damage))
		}
	}
	return nil
}

// fileDamage says what is wrong with the content of a file.
func (r *reader) fileDamage(id int64, f *store.File) (damage string, err error) {
	s, err := r.stmt(`SELECT n, data, checksum FROM chunks WHERE file = ? ORDER BY n`, id)
	if err != nil {
		return "", err
	}
	sum, n := sha256.New(), int64(0)
	for damage == "" && s.Step() {
		b := s.ColumnRawBlob(1)
		if s.ColumnInt64(0) != n || n*pieceSize >= f.Size {
			damage = fmt.Sprintf("chunk %d comes after %d", s.ColumnInt64(0), n-1)
		} else if damage = chunkDamage(id, n, f.Size, b, s.ColumnInt64(2)); damage != "" {
			damage = fmt.Sprintf("chunk %d: %s", n, damage)
		}
		sum.Write(b)
		n++
	}
	other, err := corrupt(s.Reset())
	switch {
	case damage == "" && other != "":
		damage = other
	case damage == "" && n*pieceSize < f.Size:
		damage = fmt.Sprintf("it ends after %d chunks", n)
	case damage == "" && store.Hash(sum.Sum(nil)) != f.Hash:
		damage = "its content is another"
	}
	return damage, err
}

// CollectFiles implements store.Files.
func (s *Store) CollectFiles(ctx context.Context, now func() time.Time, kept time.Duration, refers store.Refers) error {
	var errs []error
	for doc := int64(0); ; {
		err := s.read(ctx, s.pages, func(r *reader) (err error) {
			doc, err = r.number(`SELECT coalesce(min(doc), 0) FROM files WHERE doc > ? AND state = 1`, doc)
			return err
		})
		if err != nil || doc == 0 {
			errs = append(errs, err)
			break
		}
		if err := s.collect(ctx, store.DocID(doc), now, kept, refers); err != nil {
			// One document that can't be read doesn't keep the files of all.
			errs = append(errs, fmt.Errorf("the files of document %d: %w", doc, err))
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return errors.Join(append(errs, s.removeFiles(ctx))...)
}

func (s *Store) collect(ctx context.Context, doc store.DocID, now func() time.Time, kept time.Duration, refers store.Refers) error {
	var l loaded
	var marked store.Revision
	if err := s.read(ctx, s.pages, func(r *reader) error {
		q, err := r.stmt(`SELECT name, deleted, marked_epoch, marked_seq FROM documents WHERE id = ?`, int64(doc))
		if err != nil {
			return err
		}
		deleted := true
		if q.Step() {
			l.name, deleted = q.ColumnText(0), q.ColumnInt64(1) != 0
			marked = store.Revision{Epoch: uint64(q.ColumnInt64(2)), Seq: uint64(q.ColumnInt64(3))}
		}
		if err := q.Reset(); err != nil || deleted {
			return err
		}
		h, err := r.header(doc)
		if err != nil || h.last == marked {
			return err
		}
		return r.load(&l)
	}); err != nil {
		return err
	}
	looked := l.ID == doc && l.Damage == nil
	var referred []store.Hash
	if looked {
		var err error
		if referred, err = refers(&l.Document); err != nil {
			return err
		}
		marked = l.Revision
	}
	return s.do(ctx, func(w *writer) error {
		h, err := w.header(doc)
		if err != nil || h.deleted {
			return err
		}
		at := now()
		if looked {
			if err := w.markFiles(doc, referred, at); err != nil {
				return err
			}
			if err := w.run(`UPDATE documents SET marked_epoch = ?, marked_seq = ? WHERE id = ?`,
				int64(marked.Epoch), int64(marked.Seq), int64(doc)); err != nil {
				return err
			}
		}
		if h.last != marked {
			return nil // what was written meanwhile may refer to what was found unused
		}
		return w.run(`UPDATE files SET state = ? WHERE doc = ? AND state = 1 AND unreferred != 0 AND unreferred < ?`,
			int64(going), int64(doc), at.Add(-kept).UnixMilli())
	})
}

// markFiles notes which files of a document it refers to.
func (w *writer) markFiles(doc store.DocID, referred []store.Hash, at time.Time) error {
	s, err := w.stmt(`SELECT id, hash, unreferred FROM files WHERE doc = ? AND state = 1`, int64(doc))
	if err != nil {
		return err
	}
	changed := make(map[int64]int64)
	for s.Step() {
		var hash store.Hash
		copy(hash[:], s.ColumnRawBlob(1))
		switch id, since := s.ColumnInt64(0), s.ColumnInt64(2); {
		case slices.Contains(referred, hash):
			if since != 0 {
				changed[id] = 0
			}
		case since == 0:
			changed[id] = at.UnixMilli()
		}
	}
	if err := s.Reset(); err != nil {
		return err
	}
	for id, since := range changed {
		if err := w.run(`UPDATE files SET unreferred = ? WHERE id = ?`, since, id); err != nil {
			return err
		}
	}
	return nil
}
