package api

import (
	"slices"
	"strings"
)

// Paths are all paths of the API, as its description has them.
func Paths() []string {
	paths := []string{"/docs/{name}", "/docs/{name}/shares/{id}", "/docs/{name}/files/{hash}", "/docs/{name}/files/copy"}
	for ending := range byEnding {
		paths = append(paths, "/docs/{name}/"+ending)
	}
	for path := range byPath {
		if !strings.HasSuffix(path, "/") {
			paths = append(paths, strings.TrimPrefix(path, Prefix+"v1"))
		}
	}
	slices.Sort(paths)
	return paths
}
