package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

// page is the embedded page: index.html for every address of the page, and the
// files that it names.
type page struct{ files map[string]file }

type file struct {
	content []byte
	kind    string // its media type
	tag     string // its ETag
	cache   string
}

const index = "index.html"

// Files under assets are named after their content, so what a client has of
// them stays right; anything else is asked for again.
const (
	assets    = "assets/"
	forever   = "public, max-age=31536000, immutable"
	askAgain  = "no-cache"
	htmlType  = "text/html; charset=utf-8"
	plainType = "application/octet-stream"
)

func newPage(from fs.FS) (*page, error) {
	p := &page{files: make(map[string]file)}
	err := fs.WalkDir(from, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(from, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		f := file{
			content: content,
			kind:    mime.TypeByExtension(path.Ext(name)),
			tag:     `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`,
			cache:   askAgain,
		}
		if f.kind == "" {
			f.kind = plainType
		}
		if strings.HasPrefix(name, assets) {
			f.cache = forever
		}
		p.files[name] = f
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the page: %w", err)
	}
	f, ok := p.files[index]
	if !ok {
		return nil, fmt.Errorf("read the page: it has no %s", index)
	}
	f.kind = htmlType
	p.files[index] = f
	return p, nil
}

// ServeHTTP answers a request of the page: / and /d/NAME, whatever the name
// looks like, are index.html.
func (p *page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD are served here", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(r.URL.Path, "/")
	if name == "" || strings.HasPrefix(name, "d/") && name != "d/" {
		name = index
	}
	f, ok := p.files[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Etag", f.tag)
	h.Set("Cache-Control", f.cache)
	if name == index {
		h.Set("Content-Security-Policy", pagePolicy)
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.content))
}
