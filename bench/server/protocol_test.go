//go:build linux

package main

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/inkwire/inkwire/crdt"
	"github.com/inkwire/inkwire/lib0"
)

// What typists send is what a document takes: each text is whole, and in one piece.
func TestTypistsUpdatesIntegrate(t *testing.T) {
	const keys = 40
	var updates [][]byte
	typists := []*typist{{id: firstID}, {id: firstID + 1}}
	for range keys {
		for _, one := range typists {
			updates = append(updates, one.next())
		}
	}
	text, vector := integrated(t, updates...)
	if len(text) != 2*keys || text[:keys] != text[keys:] || text[:4] != letters[:4] {
		t.Errorf("the typists wrote %q", text)
	}
	if vector[firstID] != keys || vector[firstID+1] != keys {
		t.Errorf("state vector %v", vector)
	}
}

// A key is counted once, whether it comes alone, merged with others, or joined with its neighbours into one struct.
func TestOperationsCountKeys(t *testing.T) {
	const keys = 30
	var updates [][]byte
	one, two := &typist{id: firstID}, &typist{id: firstID + 1}
	for range keys {
		updates = append(updates, one.next(), two.next())
	}
	merged, err := crdt.MergeUpdates(updates)
	if err != nil {
		t.Fatal(err)
	}
	doc := crdt.New(crdt.Options{})
	for _, u := range updates {
		if err := doc.ApplyUpdate(u, nil); err != nil {
			t.Fatal(err)
		}
	}
	for name, list := range map[string][][]byte{"alone": updates, "merged": {merged}, "joined": {doc.EncodeStateAsUpdate(nil)}} {
		next := map[uint64]uint32{}
		for _, u := range list {
			if err := operations(u, func(client uint64, clock, n uint32) {
				if clock != next[client] {
					t.Errorf("%s: clock %d of client %d, want %d", name, clock, client, next[client])
				}
				next[client] = clock + n
			}); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if next[one.id] != keys || next[two.id] != keys {
			t.Errorf("%s: counted %v, want %d each", name, next, keys)
		}
	}
}

// Frames and messages arrive whole, however the bytes are cut; what is too big is cut by the connection, not lost.
func TestConnectionReadsFramesInPieces(t *testing.T) {
	big := make([]byte, bigMessage+1)
	wire := []byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")
	for _, m := range [][]byte{{1}, make([]byte, 200), big, {2, 2}} {
		frame := appendFrame(nil, opBinary, m)
		h, ok, err := parseHeader(append([]byte{frame[0], frame[1] &^ maskBit}, frame[2:]...))
		if err != nil || !ok || h.size != len(m) {
			t.Fatalf("header %+v %v %v of a frame of %d bytes", h, ok, err, len(m))
		}
		frame[1] &^= maskBit // as servers send it, without a mask
		wire = append(wire, slices.Delete(frame, h.len, h.len+4)...)
	}
	for _, step := range []int{1, 7, 1000, len(wire)} {
		var sizes []int
		opened := false
		c := &conn{l: &loop{}, keepBig: true, onOpen: func() { opened = true }}
		c.onMessage = func(m []byte, size int) {
			if len(m) != size {
				t.Errorf("a message of %d bytes came as %d", size, len(m))
			}
			sizes = append(sizes, size)
		}
		var held []byte
		for piece := range slices.Chunk(wire, step) {
			rest, err := c.take(append(held, piece...))
			if err != nil {
				t.Fatal(err)
			}
			held = bytes.Clone(rest)
		}
		if !opened || !slices.Equal(sizes, []int{1, 200, len(big), 2}) || len(held) > 0 {
			t.Errorf("in pieces of %d: opened %v, messages of %v bytes, %d bytes left", step, opened, sizes, len(held))
		}
	}
}

// The same messages, with and without the document's name before them.
func TestClientSpeaksBothProtocols(t *testing.T) {
	update := (&typist{id: firstID}).next()
	for _, keyed := range []bool{false, true} {
		var key []byte
		if keyed {
			key = lib0.AppendString(nil, "name")
		}
		message := func(parts ...[]byte) []byte { return slices.Concat(append([][]byte{key}, parts...)...) }
		k := &client{conn: &conn{l: &loop{}}, key: key}
		var got [][]byte
		statuses := 0
		k.onUpdate = func(u []byte, _ int) { got = append(got, bytes.Clone(u)) }
		k.onStatus = func(saved bool) { statuses++ }
		for _, m := range [][]byte{
			message([]byte{messageSync, syncStep1, 1, 0}),
			message([]byte{messageSync, syncStep2, 2, 0, 0}),
			message([]byte{messageSync, syncUpdate, byte(len(update))}, update),
			message([]byte{messageStatus, 1}),
		} {
			if err := k.receive(m, len(m)); err != nil {
				t.Fatalf("keyed %v: %x: %v", keyed, m, err)
			}
		}
		if answer := appendFrame(nil, opBinary, key, []byte{messageSync, syncStep2, 2, 0, 0}); !bytes.Equal(k.out, answer) {
			t.Errorf("keyed %v: step 1 was answered with %x, want %x", keyed, k.out, answer)
		}
		if !k.synced || len(got) != 2 || !bytes.Equal(got[1], update) || statuses != 1 {
			t.Errorf("keyed %v: synced %v, updates %x, %d acknowledgements", keyed, k.synced, got, statuses)
		}
		if err := k.receive(message([]byte{messageSync, syncUpdate, 9, 1}), len(key)+4); err == nil {
			t.Errorf("keyed %v: no error for an update that is shorter than it says", keyed)
		}
	}
}

func TestHistogramQuantiles(t *testing.T) {
	var h histogram
	for i := 1; i <= 1000; i++ {
		h.add(time.Duration(i) * time.Millisecond)
	}
	for q, want := range map[float64]float64{0.5: 500, 0.99: 990, 1: 1000} {
		if got := h.quantile(q); got < want || got > want*17/16+1 {
			t.Errorf("quantile %g is %g ms, want about %g", q, got, want)
		}
	}
}
