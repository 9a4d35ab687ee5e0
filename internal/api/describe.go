package api

import (
	"bytes"
	"net/http"
	"time"

	"github.com/inkwire/inkwire/docs"
)

// describe answers with the API's description.
func (a *api) describe(c *call) error {
	c.w.Header().Set("Content-Type", "application/yaml") // RFC 9512
	http.ServeContent(c.w, c.r, "", time.Time{}, bytes.NewReader(docs.OpenAPI))
	return nil
}
