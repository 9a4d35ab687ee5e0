package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/inkwire/inkwire/crdt"
)

// The jobs with crdt, as yjs.mjs has them with Yjs.

// times is how often a short job is repeated within one process; a quarter of them is warming up.
const times = 40

func runJob(job, folder, name string) error {
	r, err := measureJob(job, folder, name)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

func measureJob(job, folder, name string) (r result, err error) {
	kind := ".state"
	if job == "apply" || job == "merge" {
		kind = ".updates"
	}
	list, err := readList(filepath.Join(folder, name+kind))
	if err != nil {
		return r, err
	}
	switch job {
	case "apply":
		return apply(list)
	case "merge":
		return merge(list)
	case "memory":
		return memory(list[0])
	case "load-first":
		return once(list[0])
	}
	d, err := load(list[0])
	if err != nil {
		return r, err
	}
	state := d.EncodeStateAsUpdate(nil)
	switch job {
	case "load-warm":
		return repeated(func() ([]byte, error) {
			_, err := load(list[0])
			return state, err
		})
	case "encode":
		return repeated(func() ([]byte, error) { return d.EncodeStateAsUpdate(nil), nil })
	case "snapshot":
		return repeated(func() ([]byte, error) { return crdt.EncodeSnapshot(d.Snapshot()), nil })
	case "vector":
		return repeated(func() ([]byte, error) { return crdt.EncodeStateVectorFromUpdate(list[0]) })
	}
	return r, fmt.Errorf("no job %q", job)
}

// open returns a document whose text was asked for, so that format clean-up is on.
func open() (*crdt.Doc, error) {
	d := crdt.New(crdt.Options{})
	_, err := d.Text("text")
	return d, err
}

func load(state []byte) (*crdt.Doc, error) {
	d, err := open()
	if err != nil {
		return nil, err
	}
	return d, d.ApplyUpdate(state, nil)
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// timed runs f and counts time and allocations.
func timed(f func() error) (r result, err error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	err = f()
	r.Ms = float64(time.Since(start)) / float64(time.Millisecond)
	runtime.ReadMemStats(&after)
	r.Allocs = float64(after.Mallocs - before.Mallocs)
	return r, err
}

func repeated(f func() ([]byte, error)) (result, error) {
	var all []result
	var out []byte
	for range times {
		r, err := timed(func() (err error) {
			out, err = f()
			return err
		})
		if err != nil {
			return r, err
		}
		all = append(all, r)
	}
	all = all[times/4:]
	slices.SortFunc(all, func(a, b result) int {
		if a.Ms < b.Ms {
			return -1
		}
		return 1
	})
	r := all[len(all)/2]
	r.Ops, r.Hash = 1, hash(out)
	return r, nil
}

func apply(updates [][]byte) (result, error) {
	d, err := open()
	if err != nil {
		return result{}, err
	}
	r, err := timed(func() error {
		for i, u := range updates {
			if err := d.ApplyUpdate(u, nil); err != nil {
				return fmt.Errorf("update %d: %w", i, err)
			}
		}
		return nil
	})
	r.Ops, r.Hash = float64(len(updates)), hash(d.EncodeStateAsUpdate(nil))
	return r, err
}

func merge(updates [][]byte) (result, error) {
	updates = updates[:min(len(updates), 10_000)]
	var merged []byte
	r, err := timed(func() (err error) {
		merged, err = crdt.MergeUpdates(updates)
		return err
	})
	r.Ops, r.Hash = float64(len(updates)), hash(merged)
	return r, err
}

func once(state []byte) (result, error) {
	var d *crdt.Doc
	r, err := timed(func() (err error) {
		d, err = load(state)
		return err
	})
	if err != nil {
		return r, err
	}
	r.Ops, r.Hash = 1, hash(d.EncodeStateAsUpdate(nil))
	return r, nil
}

// memory is what a loaded document keeps alive: the heap after forced collections, less what it was before.
// copies is how many documents the memory of one is measured with.
const copies = 8

func memory(state []byte) (result, error) {
	if _, err := load(state); err != nil {
		return result{}, err
	}
	before := heap()
	var docs [copies]*crdt.Doc
	for i := range docs {
		var err error
		if docs[i], err = load(state); err != nil {
			return result{}, err
		}
	}
	r := result{Bytes: (heap() - before) / copies, Ops: 1}
	r.Hash = hash(docs[0].EncodeStateAsUpdate(nil))
	return r, nil
}

func heap() float64 {
	for range 4 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// readList reads byte strings, each after its length as a 32-bit big-endian number.
func readList(path string) ([][]byte, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var list [][]byte
	for len(file) > 0 {
		if len(file) < 4 {
			return nil, fmt.Errorf("%s: %w", path, io.ErrUnexpectedEOF)
		}
		n := binary.BigEndian.Uint32(file)
		if uint64(len(file)-4) < uint64(n) {
			return nil, fmt.Errorf("%s: %w", path, io.ErrUnexpectedEOF)
		}
		list = append(list, file[4:4+n:4+n])
		file = file[4+n:]
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s is empty", path)
	}
	return list, nil
}
