package main

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"

	"github.com/inkwire/inkwire/crdt"
	"github.com/inkwire/inkwire/internal/store"
	"github.com/inkwire/inkwire/lib0"
)

// What a document refers to is found wherever it is, until it's deleted.
func TestRefersTo(t *testing.T) {
	address := func(content string) string {
		return fmt.Sprintf("/api/v1/docs/a%%2Fb/files/%v", store.Hash(sha256.Sum256([]byte(content))))
	}
	var rows []store.Row
	d := crdt.New(crdt.Options{})
	d.OnUpdate(func(u []byte, _ *crdt.Transaction) {
		rows = append(rows, store.Row{Revision: store.Revision{Epoch: 1, Seq: uint64(len(rows) + 1)}, Data: u})
	})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	is := func(contents ...string) {
		t.Helper()
		var want []store.Hash
		for _, content := range contents {
			want = append(want, sha256.Sum256([]byte(content)))
		}
		// As it is after the first half was made a checkpoint, too.
		half := len(rows) / 2
		var updates [][]byte
		for _, row := range rows[:half] {
			updates = append(updates, row.Data)
		}
		checkpoint, err := crdt.CollectUpdates(append(updates, []byte{0, 0}), nil)
		must(err)
		for _, stored := range []*store.Document{{Rows: rows}, {Checkpoint: checkpoint, Rows: rows[half:]}} {
			got, err := refersTo(stored)
			must(err)
			for _, list := range [][]store.Hash{got, want} {
				slices.SortFunc(list, func(a, b store.Hash) int { return slices.Compare(a[:], b[:]) })
			}
			if !slices.Equal(slices.Compact(got), want) {
				t.Fatalf("it refers to %v, want %v", got, want)
			}
		}
	}
	is()
	page, err := d.XmlFragment("default")
	must(err)
	paragraph, picture := crdt.NewXmlElement("paragraph"), crdt.NewXmlElement("image")
	must(picture.SetAttr("src", address("picture")))
	must(page.Push(paragraph, picture))
	is("picture")
	text := crdt.NewXmlText("see there")
	must(paragraph.Push(text))
	must(text.Format(0, 3, lib0.NewObject("link", lib0.NewObject("href", address("link")))))
	is("picture", "link")
	other, err := d.Text("other") // another editor's
	must(err)
	must(other.InsertEmbed(0, lib0.NewObject("image", "https://docs.example.com"+address("embed")), nil))
	is("picture", "link", "embed")
	must(picture.SetAttr("src", address("another")))
	is("another", "link", "embed")
	must(page.Delete(1, 1))
	must(other.Delete(0, 1))
	is("link")
	must(page.Delete(0, 1))
	is()
}
