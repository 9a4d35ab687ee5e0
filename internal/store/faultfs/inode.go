package faultfs

import (
	"bytes"
	"math/rand/v2"
)

const (
	sectorSize = 512  // what a disk writes whole, or not
	pageSize   = 4096 // what the system keeps in memory whole, clean or dirty
)

// An inode is a file, whatever it's called.
type inode struct {
	cache []byte // what reads give
	disk  []byte // what is durable

	// dirty is what happened to cache since it was last synced, oldest first,
	// and past counts what was in it before.
	dirty []change
	past  int

	// lost has the pages whose content in cache counts as clean, though a failed
	// sync didn't write it to disk.
	lost map[int64]bool

	locks
}

// A change is a write, or a new size when data is nil.
type change struct {
	off     int64
	data    []byte
	written [2]int64 // the range that the program wrote, within that of data
	size    int64
}

// apply changes a file's content.
func (c change) apply(b []byte) []byte {
	if c.data == nil {
		return resize(b, c.size)
	}
	b = resize(b, c.sizeAfter(int64(len(b))))
	copy(b[c.off:], c.data)
	return b
}

// touched is the range of bytes that a change may change in a file that has a
// number of bytes.
func (c change) touched(size int64) (from, to int64) {
	if c.data == nil {
		return min(c.size, size), max(c.size, size)
	}
	return c.off, c.off + int64(len(c.data))
}

// sizeAfter is what a change makes of a file's size.
func (c change) sizeAfter(size int64) int64 {
	if c.data == nil {
		return c.size
	}
	return max(size, c.off+int64(len(c.data)))
}

func resize(b []byte, size int64) []byte {
	if n := size - int64(len(b)); n > 0 {
		return append(b, make([]byte, n)...)
	}
	return b[:size]
}

func (f *inode) write(b []byte, off int64) {
	c := change{off: off, data: b}
	f.cache = c.apply(f.cache)
	f.dirty = append(f.dirty, f.withLostPages(c))
}

func (f *inode) truncate(size int64) {
	c := change{size: size}
	f.cache = c.apply(f.cache)
	f.dirty = append(f.dirty, c)
}

// withLostPages widens a write to the whole of those pages it touches that a
// failed sync has left behind: they are dirty again, with all they hold.
func (f *inode) withLostPages(c change) change {
	from, to := c.off, c.off+int64(len(c.data))
	for page := from / pageSize; page*pageSize < to; page++ {
		if f.lost[page] {
			from = min(from, page*pageSize)
			to = max(to, min((page+1)*pageSize, int64(len(f.cache))))
			delete(f.lost, page)
		}
	}
	return change{off: from, data: bytes.Clone(f.cache[from:to]), written: [2]int64{c.off, c.off + int64(len(c.data))}}
}

// sync makes the changes before the until-th durable.
func (f *inode) sync(until int) {
	n := max(until-f.past, 0)
	for _, c := range f.dirty[:n] {
		f.disk = c.apply(f.disk)
	}
	f.forget(n)
	if len(f.dirty) == 0 {
		// The size isn't in a page that could have been lost.
		f.disk = resize(f.disk, int64(len(f.cache)))
	}
}

// fail is a sync that fails: what it hasn't written never will be.
func (f *inode) fail(until int, rng *rand.Rand) {
	n := max(until-f.past, 0)
	given := f.dirty[:n]
	size := int64(len(f.disk))
	f.disk = writeBack(f.disk, given, rng)
	if f.lost == nil {
		f.lost = map[int64]bool{}
	}
	for _, c := range given {
		from, to := c.touched(size)
		size = c.sizeAfter(size)
		for page := from / pageSize; page*pageSize < to; page++ {
			f.lost[page] = !bytes.Equal(pageOf(f.cache, page), pageOf(f.disk, page))
		}
	}
	f.forget(n)
}

// forget drops the first n changes, which have come to their end.
func (f *inode) forget(n int) {
	f.dirty = append([]change(nil), f.dirty[n:]...)
	f.past += n
}

// dropLost replaces what memory has of the lost pages by what the disk has.
func (f *inode) dropLost() {
	for page, lost := range f.lost {
		if start := page * pageSize; lost && start < int64(len(f.cache)) {
			copy(f.cache[start:min(start+pageSize, int64(len(f.cache)))], pageOf(f.disk, page))
		}
	}
	f.lost = nil
}

// pageOf is a page of a file, with zeros after the file's end.
func pageOf(b []byte, page int64) []byte {
	p := make([]byte, pageSize)
	if start := page * pageSize; start < int64(len(b)) {
		copy(p, b[start:])
	}
	return p
}

// afterCut is the file as it is after the power went.
func (f *inode) afterCut(rng *rand.Rand) *inode {
	if len(f.dirty) == 0 && len(f.lost) == 0 {
		return &inode{cache: f.cache, disk: f.disk} // the same bytes
	}
	disk := writeBack(f.disk, f.dirty, rng)
	return &inode{cache: append(f.cache[:0], disk...), disk: disk}
}
