package api_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/inkwire/inkwire/internal/access"
)

// The beginnings of files, and what they are.
const (
	png  = "\x89PNG\r\n\x1a\n and dots"
	jpeg = "\xff\xd8\xff and dots"
	gif  = "GIF89a and dots"
	webp = "RIFF\x00\x00\x00\x00WEBPVP8 and dots"
	avif = "\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00mif1avifmiaf"
	svg  = `<?xml version="1.0"?> <!-- a > b --> <svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`
	pdf  = "%PDF-1.7 and so on"
	page = "<!DOCTYPE html><script>alert(1)</script>"
)

const uploads = "/docs/team/a/files"

func (c *caller) upload(status int, says, path, kind, content string) answer {
	c.Helper()
	return c.wants(status, says, "POST", path, content, "Content-Type", kind)
}

// address is the path of a file that was added, below the API's.
func (a answer) address() string { return strings.TrimPrefix(a.json["url"].(string), "/api/v1") }

// A file is served as what it is, and runs nothing: only pictures of dots are shown.
func TestFiles(t *testing.T) {
	h := withDocument(t)
	ann, bob := h.as("ann"), h.as("bob")
	for _, tt := range []struct{ said, content, is, disposition string }{
		{"image/png", png, "image/png", "inline"},
		{"image/jpg", jpeg, "image/jpeg", "inline"},
		{"image/gif", gif, "image/gif", "inline"},
		{"image/webp", webp, "image/webp", "inline"},
		{"image/avif", avif, "image/avif", "inline"},
		{"image/svg+xml", svg, "image/svg+xml", "attachment"},
		{"application/pdf", pdf, "application/pdf", "attachment"},
		{"text/html; charset=utf-8", page, "text/html", "attachment"},
		{"text/markdown", "# A title", "text/markdown", "attachment"},
		{"application/octet-stream", "\x00\x01", "application/octet-stream", "attachment"},
		{"application/vnd.example", "PK\x03\x04", "application/vnd.example", "attachment"},
	} {
		made := ann.upload(201, fmt.Sprintf(`"type":%q,"size":%d`, tt.is, len(tt.content)), uploads, tt.said, tt.content)
		if made.Header.Get("Location") != made.json["url"] || made.json["url"] != "/api/v1/docs/team%2Fa/files/"+made.json["hash"].(string) {
			t.Error(made.text, made.Header)
		}
		got := bob.wants(200, tt.content, "GET", made.address(), "")
		for name, want := range map[string]string{
			"Content-Type": tt.is, "Content-Disposition": tt.disposition, "X-Content-Type-Options": "nosniff",
			"Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
			"Cache-Control":           "private, max-age=31536000, immutable", "ETag": `"` + made.json["hash"].(string) + `"`,
		} {
			if got.Header.Get(name) != want {
				t.Errorf("%s: %s: %q, want %q", tt.said, name, got.Header.Get(name), want)
			}
		}
	}
	named := ann.upload(201, "", uploads+"?name=%C3%BC%22%250.png", "image/png", png+"2")
	if got := bob.wants(200, "", "GET", named.address(), "").Header.Get("Content-Disposition"); got != "inline; filename*=utf-8''%C3%BC%22%250.png" {
		t.Error(got)
	}
}

func TestPartsOfFiles(t *testing.T) {
	h := withDocument(t)
	content := "\x89PNG\r\n\x1a\n" + strings.Repeat("0123456789", 20_000)
	made := h.as("ann").upload(201, "", uploads, "image/png", content)
	bob, at := h.as("bob"), made.address()
	etag := `"` + made.json["hash"].(string) + `"`
	head := bob.wants(200, "", "HEAD", at, "")
	if head.text != "" || head.ContentLength != int64(len(content)) || head.Header.Get("ETag") != etag {
		t.Error(head.Header)
	}
	part := bob.wants(206, content[99_990:100_010], "GET", at, "", "Range", "bytes=99990-100009")
	if len(part.text) != 20 {
		t.Error(part.Header)
	}
	bob.wants(416, "", "GET", at, "", "Range", "bytes=900000-")
	if same := bob.wants(304, "", "GET", at, "", "If-None-Match", etag); same.text != "" {
		t.Error(same.text)
	}
	bob.wants(200, "", "GET", at, "", "If-None-Match", `"another"`)
	// Who may not read it isn't told that it's the same.
	h.as("").wants(401, "no_token", "GET", at, "", "If-None-Match", etag)
}

func TestRefusedFiles(t *testing.T) {
	h := withDocument(t)
	ann := h.as("ann")
	h.as("bob").upload(403, "needs the role writer", uploads, "image/png", png)
	h.as("").upload(401, "no_token", uploads, "image/png", png)
	for _, tt := range []struct{ said, content, says string }{
		{"image/png", jpeg, "it is said to be image/png and looks like image/jpeg"},
		{"image/png", page, "looks like text/html"},
		{"image/png", "dots", "looks like text/plain"},
		{"image/avif", "\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom", "looks like video/mp4"},
		{"image/svg+xml", page, "looks like text/html"},
		{"image/webp", svg, "looks like image/svg+xml"},
		{"application/pdf", page, "looks like text/html"},
		{"application/vnd.example", page, "looks like text/html"},
		{"application/json", svg, "looks like image/svg+xml"},
		{"text/markdown", pdf, "looks like application/pdf"},
		{"", png, "Content-Type must say"},
		{"image", png, "Content-Type must say"},
		{"image/*", png, "Content-Type must say"},
		// What a page of another site could send without being asked before.
		{"text/plain", "text", "is what forms send"},
		{"Text/Plain; charset=utf-8", png, "is what forms send"},
		{"multipart/form-data; boundary=x", "--x", "is what forms send"},
		{"application/x-www-form-urlencoded", "a=b", "is what forms send"},
	} {
		ann.upload(415, tt.says, uploads, tt.said, tt.content)
	}
	ann.upload(400, "the body is empty", uploads, "image/png", "")
	ann.upload(400, "the parameter name", uploads+"?name=a%00", "image/png", png)
	ann.upload(410, "deleted", h.deletedUploads(), "image/png", png)
	ann.upload(413, "--max-file", uploads, "image/png", png+strings.Repeat("x", maxFile))
	ann.wants(404, "unknown_file", "GET", uploads+"/"+strings.Repeat("00", 32), "")
	ann.wants(404, "unknown", "GET", "/docs/team/none/files/"+strings.Repeat("00", 32), "")

	// It is counted as it comes when its length isn't said.
	endless := io.MultiReader(strings.NewReader(png), io.LimitReader(zeros{}, 10*maxFile))
	r, err := http.NewRequest("POST", h.url+"/api/v1"+uploads, endless)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "image/png")
	r.Header.Set("Authorization", "Bearer ann")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || resp.StatusCode != 413 || !strings.Contains(string(said), "(--max-file)") {
		t.Errorf("%s %s %v", resp.Status, said, err)
	}
	// And the document's are together.
	large := png + strings.Repeat("x", 200_000)
	ann.upload(201, "", uploads, "image/png", large+"1")
	ann.upload(201, "", uploads, "image/png", large+"2")
	ann.upload(413, "files_full", uploads, "image/png", large+"3")
	ann.upload(201, "", uploads, "image/png", large+"2")
	ann.upload(201, "", uploads, "image/png", png)
}

// deletedUploads is where files of a deleted document would be.
func (h *house) deletedUploads() string {
	h.Helper()
	h.as("ann").wants(201, "", "POST", "/docs", `{"name":"team/gone"}`)
	h.as("ann").wants(204, "", "DELETE", "/docs/team/gone", "")
	return "/docs/team/gone/files"
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// A document that nobody has used comes to exist by its first file, if that could
// be by its first edit.
func TestFirstFile(t *testing.T) {
	h := build(t, access.None)
	made := h.as("ann").upload(201, "", "/docs/team/new/files", "image/png", png)
	h.as("bob").wants(200, png, "GET", made.address(), "")
	h.as("bob").wants(200, `"name":"team/new"`, "GET", "/docs/team/new", "")
	h.as("ann").upload(415, "file_type", "/docs/team/other/files", "image/png", page)
	h.as("ann").wants(404, "unknown", "GET", "/docs/team/other", "")
}

// A picture that was copied from one document into another stays when the first is
// gone.
func TestCopiedFiles(t *testing.T) {
	h := withDocument(t)
	h.as("boss").wants(201, "", "POST", "/docs", `{"name":"other"}`)
	content := png + strings.Repeat("x", 100_000)
	secret := h.as("boss").upload(201, "", "/docs/other/files?name=dots.png", "image/png", content)
	ann := h.as("ann")
	from := func(of string) string { return fmt.Sprintf(`{"from":%q}`, of) }
	ann.wants(403, "forbidden", "POST", uploads+"/copy", from(secret.json["url"].(string)))
	ann.wants(403, "forbidden", "POST", "/docs/other/files/copy", from(secret.json["url"].(string)))
	made := h.as("boss").wants(201, `"type":"image/png"`, "POST", uploads+"/copy", from(secret.json["url"].(string)))
	if made.json["url"] != "/api/v1/docs/team%2Fa/files/"+secret.json["hash"].(string) {
		t.Error(made.text)
	}
	h.as("boss").wants(204, "", "DELETE", "/docs/other", "")
	got := h.as("bob").wants(200, "", "GET", made.address(), "")
	if !bytes.Equal([]byte(got.text), []byte(content)) || got.Header.Get("Content-Disposition") != "inline; filename=dots.png" {
		t.Error(got.Header)
	}
	for _, wrong := range []string{"", "x", "/api/v1/docs/team/a", "/api/v1/docs/team/a/files/00", "https://example.com/dots.png"} {
		ann.wants(400, "the member from", "POST", uploads+"/copy", from(wrong))
	}
	ann.wants(404, "unknown_file", "POST", uploads+"/copy", from("/api/v1/docs/team/a/files/"+strings.Repeat("00", 32)))
	ann.wants(415, "media_type", "POST", uploads+"/copy", from(made.json["url"].(string)), "Content-Type", "text/plain")
}
