// Package docs has the documents that the program serves itself.
package docs

import _ "embed"

// OpenAPI describes the HTTP API, in OpenAPI 3.1.
//
//go:embed openapi.yaml
var OpenAPI []byte
