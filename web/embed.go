// Package web is Inkwire's page: a React program in TypeScript, built by Vite into dist and
// embedded from there. Its source is in src; the only Go is this file.
package web

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
)

// dist holds only a placeholder until the page is built, so that Go code compiles without Node.
//
//go:embed all:dist
var dist embed.FS

// ErrNotBuilt means that the program was compiled before its page was.
var ErrNotBuilt = errors.New("the page is not built into this program: run `make build`")

// Dist returns the built page: index.html, to be sent for every address of the page, and the files
// that it names, whose names under assets change with their content. The error is ErrNotBuilt when
// there is no page; everything else of the server works without it.
func Dist() (fs.FS, error) {
	return built(dist)
}

func built(all fs.FS) (fs.FS, error) {
	page, err := fs.Sub(all, "dist")
	if err != nil {
		return nil, fmt.Errorf("open the embedded page: %w", err)
	}
	if _, err := fs.Stat(page, "index.html"); errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotBuilt
	} else if err != nil {
		return nil, fmt.Errorf("look for the embedded page: %w", err)
	}
	return page, nil
}
