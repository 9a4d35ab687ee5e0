package api

import (
	"bytes"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"github.com/inkwire/inkwire/internal/access"
)

// sniffed is how many bytes of a file are looked at (WHATWG, MIME Sniffing, 5.2).
const sniffed = 512

// anything is the type of a file of which nothing is said.
const anything = "application/octet-stream"

// rasters are the types that browsers show as pictures and that hold nothing but
// that. SVG can hold scripts.
var rasters = map[string]bool{"image/png": true, "image/jpeg": true, "image/gif": true, "image/webp": true, "image/avif": true}

// formTypes are what a form can send, of another site's page too and without a
// question to the server before (Fetch, "CORS-safelisted request-header").
var formTypes = map[string]bool{"text/plain": true, "multipart/form-data": true, "application/x-www-form-urlencoded": true}

// told reports whether a file's first bytes tell that it is of a type.
func told(kind string) bool {
	return rasters[kind] || kind == "image/svg+xml" || kind == "application/pdf" || kind == "text/html"
}

// fileType is the type of a file that is said to be of one and begins with some
// bytes. Its error is an *access.Refused.
func fileType(said string, head []byte) (string, error) {
	kind, _, err := mime.ParseMediaType(said)
	if err != nil || !strings.Contains(kind, "/") || strings.Contains(kind, "*") || len(kind) > 100 {
		return "", access.FileType.Because("Content-Type must say of which, such as image/png")
	}
	if kind == "image/jpg" {
		kind = "image/jpeg"
	}
	if formTypes[kind] {
		return "", access.FileType.Because(kind + " is what forms send; use " + anything)
	}
	looks := looksLike(head)
	page := looks == "text/html" && strings.HasPrefix(kind, "text/") // such as Markdown that begins so; it is never shown
	if kind != looks && (told(kind) || told(looks) && kind != anything && !page) {
		return "", access.FileType.Because(fmt.Sprintf("it is said to be %s and looks like %s", kind, looks))
	}
	return kind, nil
}

// looksLike is what a file's first bytes say it is.
func looksLike(head []byte) string {
	if isAVIF(head) {
		return "image/avif"
	}
	if isSVG(head) {
		return "image/svg+xml"
	}
	kind, _, _ := strings.Cut(http.DetectContentType(head), ";")
	return kind
}

// isAVIF reports whether a file begins as one of ISO's media files with a brand of
// AVIF (AV1 Image File Format, 6).
func isAVIF(head []byte) bool {
	if len(head) < 16 || string(head[4:8]) != "ftyp" {
		return false
	}
	size := int(head[0])<<24 | int(head[1])<<16 | int(head[2])<<8 | int(head[3])
	brands := head[8:min(max(size, 8), len(head))]
	for at := 0; at+4 <= len(brands); at += 4 {
		if brand := string(brands[at : at+4]); at != 4 && (brand == "avif" || brand == "avis") { // the second is a version
			return true
		}
	}
	return false
}

// isSVG reports whether a file begins with an svg element, behind what XML may
// have before it.
func isSVG(head []byte) bool {
	rest := bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	for {
		rest = bytes.TrimLeft(rest, " \t\r\n")
		var end string
		switch lower := bytes.ToLower(rest); {
		case bytes.HasPrefix(lower, []byte("<svg")):
			return true
		case bytes.HasPrefix(lower, []byte("<?")):
			end = "?>"
		case bytes.HasPrefix(lower, []byte("<!--")):
			end = "-->"
		case bytes.HasPrefix(lower, []byte("<!doctype svg")):
			return true
		default:
			return false
		}
		_, after, ok := bytes.Cut(rest, []byte(end))
		if !ok {
			return false
		}
		rest = after
	}
}
