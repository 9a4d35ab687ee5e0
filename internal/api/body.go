package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"github.com/inkwire/inkwire/internal/access"
)

// maxBody bounds the body of a request in bytes.
const maxBody = 64 << 10

func isJSON(r *http.Request) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return access.MediaType.Because("")
	}
	return nil
}

// read reads a body that is one JSON object with members of to only.
func (c *call) read(to any) error {
	if err := isJSON(c.r); err != nil {
		return err
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return access.TooLarge.Because(fmt.Sprintf("the body has more than %d bytes", maxBody))
	case err != nil:
		return access.Malformed.Because("the body ends early")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return access.Malformed.Because(fmt.Sprintf("the body, byte %d: %v", d.InputOffset(), err))
	}
	if end := d.InputOffset(); len(bytes.TrimSpace(body[end:])) > 0 {
		return access.Malformed.Because(fmt.Sprintf("the body, byte %d: more than one value", end))
	}
	return nil
}

// private keeps an answer from being stored, or taken for something else.
func private(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
}

func writeJSON(w http.ResponseWriter, status int, kind string, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // of strings, numbers and times that were read from JSON
	}
	private(w)
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	// An error means that the client has gone.
	_, _ = w.Write(append(b, '\n'))
}
