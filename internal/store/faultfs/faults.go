package faultfs

import (
	"math/rand/v2"
	"sync"
	"syscall"
)

// faults are what is wrong with a disk.
type faults struct {
	full     bool
	capacity int64 // in bytes, negative for no end
	readOnly bool
	failing  int // syncs that will fail, negative for all
	failed   uint64
	hold     *Hold
}

// SetFull lets every write fail for want of room, also one that overwrites, as
// on a file system that copies on write.
func (fs *FS) SetFull(full bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.faults.full = full
}

// SetCapacity bounds the bytes in all files. A write beyond ends short; one that
// overwrites has its room already. A negative bound is none.
func (fs *FS) SetCapacity(bytes int64) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.faults.capacity = bytes
}

// Used is the number of bytes in all files.
func (fs *FS) Used() int64 {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return fs.used()
}

// SetReadOnly lets nothing be written, as when the system has found an error and
// mounted the disk read-only.
func (fs *FS) SetReadOnly(readOnly bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.faults.readOnly = readOnly
}

// FailSync lets the next n syncs fail, all if n is negative, none more if it's
// 0. See the package's comment for what a failed sync does.
func (fs *FS) FailSync(n int) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.faults.failing = n
}

// DropCache lets memory forget what it has, so that reads show what the disk has
// of the pages that a failed sync has left behind. Dirty pages stay.
func (fs *FS) DropCache() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, e := range fs.entries {
		if e.now != nil {
			e.now.dropLost()
		}
	}
}

// sync is the error of a sync that is next to fail.
func (f *faults) sync() error {
	if f.failing == 0 {
		return nil
	}
	if f.failing > 0 {
		f.failing--
	}
	return syscall.EIO
}

// rng decides what a failed sync has written, differently each time.
func (f *faults) rng() *rand.Rand {
	f.failed++
	return rand.New(rand.NewPCG(f.failed, 1))
}

// roomFor is the number of bytes that may be written at a place of a file.
func (fs *FS) roomFor(h *handle, off int64, n int) int {
	if fs.faults.full {
		return 0
	}
	grows := off + int64(n) - int64(len(h.inode.cache))
	if fs.faults.capacity < 0 || grows <= 0 {
		return n
	}
	lacks := max(grows-max(fs.faults.capacity-fs.used(), 0), 0)
	return int(max(int64(n)-lacks, 0))
}

// A Hold keeps syncs waiting.
type Hold struct {
	once    sync.Once
	entered chan struct{}
	release chan struct{}
}

// HoldSync lets every sync wait from now on, until the hold is released or the
// power goes. It takes the place of an earlier hold, whose syncs wait on.
func (fs *FS) HoldSync() *Hold {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.faults.hold = &Hold{entered: make(chan struct{}), release: make(chan struct{})}
	return fs.faults.hold
}

// Entered is closed when a sync has come to wait.
func (h *Hold) Entered() <-chan struct{} { return h.entered }

// Release lets the syncs go on. It may be called again.
func (h *Hold) Release() { h.once.Do(func() { close(h.release) }) }

// await waits while syncs are held, without the lock.
func (fs *FS) await() {
	hold, off := fs.faults.hold, fs.off
	if hold == nil {
		return
	}
	select {
	case <-hold.entered:
	default:
		close(hold.entered)
	}
	fs.mu.Unlock()
	defer fs.mu.Lock()
	select {
	case <-hold.release:
	case <-off:
	}
}
