package main

import (
	"regexp"

	"github.com/inkwire/inkwire/crdt"
	"github.com/inkwire/inkwire/internal/store"
)

// fileAddress is the end of a file's address, as pictures and links have it.
var fileAddress = regexp.MustCompile(`/files/([0-9a-f]{64})`)

// refersTo finds the files that a document's state refers to, whatever editor wrote
// it, in whatever node, mark or value: an address is whole in the encoded state.
// What was deleted is in the log, but not in the state.
func refersTo(d *store.Document) ([]store.Hash, error) {
	state, err := crdt.CollectUpdates(updatesIn(d), nil)
	if err != nil {
		return nil, err
	}
	var all []store.Hash
	for _, address := range fileAddress.FindAllSubmatch(state, -1) {
		hash, err := store.ParseHash(string(address[1]))
		if err != nil {
			return nil, err
		}
		all = append(all, hash)
	}
	return all, nil
}
