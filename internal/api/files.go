package api

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/store"
)

// A fileAnswer is a file as it is shown.
type fileAnswer struct {
	Hash string `json:"hash"`
	Type string `json:"type"`
	Size int64  `json:"size"`
	URL  string `json:"url"`
}

// maxFileName bounds what a file is called, in bytes.
const maxFileName = 255

// files is where files are.
func (a *api) files() (store.Files, error) {
	if a.Files == nil {
		return nil, access.NoAddress.Because("there are no files here")
	}
	return a.Files, nil
}

// addFile takes a file into a document.
func (a *api) addFile(c *call) error {
	if _, err := a.may(c, access.Write); err != nil {
		return err
	}
	if _, err := a.files(); err != nil {
		return err
	}
	name := c.r.URL.Query().Get("name")
	if len(name) > maxFileName || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return badParameter("name", fmt.Sprintf("want at most %d bytes without control characters", maxFileName))
	}
	if c.r.ContentLength > a.MaxFile {
		return a.tooLarge()
	}
	body := bufio.NewReaderSize(&steady{r: http.MaxBytesReader(c.w, c.r.Body, a.MaxFile), w: http.NewResponseController(c.w)}, sniffed)
	head, err := body.Peek(sniffed)
	if err != nil && !errors.Is(err, io.EOF) {
		return a.bodyFault(err)
	}
	if len(head) == 0 {
		return access.Malformed.Because("the body is empty, and must be the file")
	}
	kind, err := fileType(c.r.Header.Get("Content-Type"), head)
	if err != nil {
		return err
	}
	return a.keep(c, store.File{Type: kind, Name: name}, fileBody{a, body})
}

// A fileBody is what a client sends. Its errors are *access.Refused.
type fileBody struct {
	a *api
	r io.Reader
}

func (b fileBody) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = b.a.bodyFault(err)
	}
	return n, err
}

// begun notes whether something was read.
type begun struct {
	r    io.Reader
	read bool
}

func (b *begun) Read(p []byte) (int, error) {
	b.read = true
	return b.r.Read(p)
}

// keep adds a file to the document of a call, which comes to exist by it.
func (a *api) keep(c *call, f store.File, content io.Reader) error {
	files, err := a.files()
	if err != nil {
		return err
	}
	f.Added = time.Now()
	from := &begun{r: content}
	kept, err := files.AddFile(c.r.Context(), c.name, f, from, a.MaxFiles)
	if errors.Is(err, store.ErrUnknown) && !from.read {
		if err = a.begin(c); err == nil {
			kept, err = files.AddFile(c.r.Context(), c.name, f, from, a.MaxFiles)
		}
	}
	if err != nil {
		return err
	}
	shown := fileAnswer{Hash: kept.Hash.String(), Type: kept.Type, Size: kept.Size, URL: pathOf(c.name) + "/files/" + kept.Hash.String()}
	c.w.Header().Set("Location", shown.URL)
	return c.answer(http.StatusCreated, shown)
}

func (a *api) tooLarge() error {
	return access.TooLarge.Because(fmt.Sprintf("a file has at most %d bytes (--max-file)", a.MaxFile))
}

// bodyFault says why a body couldn't be read.
func (a *api) bodyFault(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return a.tooLarge()
	}
	return access.Malformed.Because("the body ends early, or takes too long")
}

// copyFile takes a file of another document that the caller may read.
func (a *api) copyFile(c *call) error {
	if _, err := a.may(c, access.Write); err != nil {
		return err
	}
	var wish struct {
		From string `json:"from"`
	}
	if err := c.read(&wish); err != nil {
		return err
	}
	var escaped, digits string
	if u, err := url.Parse(wish.From); err == nil {
		escaped, digits = findFile(u.EscapedPath())
	}
	document, err := documentName(escaped)
	if digits == "" || err != nil {
		return access.Malformed.Because("the member from: want a file's address, such as " + docsPath + "/NAME/files/HASH")
	}
	ctx := c.r.Context()
	if _, err := a.Guard.Check(ctx, c.Credentials, document, access.Read); err != nil {
		return err
	}
	files, err := a.files()
	if err != nil {
		return err
	}
	hash, err := store.ParseHash(digits)
	if err != nil {
		return err
	}
	f, content, err := files.OpenFile(ctx, document, hash)
	if err != nil {
		return err
	}
	return a.keep(c, store.File{Type: f.Type, Name: f.Name}, content)
}

// file serves a file. Whatever it holds, it runs nowhere as a page of this server:
// a browser takes it for what it is said to be, and shows nothing but pictures of
// dots.
func (a *api) file(c *call) error {
	if _, err := a.may(c, access.Read); err != nil {
		return err
	}
	files, err := a.files()
	if err != nil {
		return err
	}
	hash, err := store.ParseHash(c.hash)
	if err != nil {
		return err
	}
	f, content, err := files.OpenFile(c.r.Context(), c.name, hash)
	if err != nil {
		return err
	}
	disposition := "attachment"
	if rasters[f.Type] {
		disposition = "inline"
	}
	if f.Name != "" {
		disposition = mime.FormatMediaType(disposition, map[string]string{"filename": f.Name})
	}
	h := c.w.Header()
	h.Set("Content-Type", f.Type)
	h.Set("Content-Disposition", disposition)
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox; frame-ancestors 'none'")
	h.Set("ETag", `"`+c.hash+`"`)
	// The content of a hash never changes; who may read it can, so it's nobody else's.
	h.Set("Cache-Control", "private, max-age=31536000, immutable")
	http.ServeContent(c.w, c.r, "", time.Time{}, &steadyContent{ReadSeeker: content, steady: steady{r: content, w: http.NewResponseController(c.w)}})
	return nil
}

// What is carried of a file within the time that a request has: so much more time
// for each part.
const (
	steadyPart = 64 << 10
	steadyTime = 30 * time.Second
)

// steady gives a request more time for as long as its content is carried. One
// that stands still ends as others do.
type steady struct {
	r      io.Reader
	w      *http.ResponseController
	n, due int
}

func (s *steady) Read(p []byte) (int, error) {
	if s.n >= s.due {
		until := time.Now().Add(steadyTime)
		// Where nothing bounds the time it can't be extended either.
		_ = s.w.SetReadDeadline(until)
		_ = s.w.SetWriteDeadline(until)
		s.due = s.n + steadyPart
	}
	n, err := s.r.Read(p)
	s.n += n
	return n, err
}

// steadyContent is content that is read so.
type steadyContent struct {
	io.ReadSeeker
	steady steady
}

func (s *steadyContent) Read(p []byte) (int, error) { return s.steady.Read(p) }
