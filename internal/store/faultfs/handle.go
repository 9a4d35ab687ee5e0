package faultfs

import (
	"fmt"
	"io"
	"path/filepath"
	"syscall"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

// A handle is an open file.
type handle struct {
	fs       *FS
	inode    *inode
	name     string // "" for a temporary file
	boot     int
	readOnly bool
	syncsDir bool // the next sync is one of the directory too
	shm      vfs.SharedMemory
	lock     vfs.LockLevel
}

var (
	_ vfs.FileSharedMemory = (*handle)(nil)
	_ vfs.FileLockState    = (*handle)(nil)
	_ vfs.FileSizeHint     = (*handle)(nil)
)

// isDead reports whether the power has gone since the file was opened.
func (h *handle) isDead() bool { return h.boot != h.fs.boot || h.fs.isOff() }

// Close implements vfs.File. It never fails, as of a handle without a machine
// nothing is left to close.
func (h *handle) Close() error {
	if h.shm != nil {
		// What it says of a file that was never opened is of no concern.
		_ = h.shm.Close()
	}
	return h.Unlock(vfs.LOCK_NONE)
}

// SharedMemory implements vfs.FileSharedMemory.
func (h *handle) SharedMemory() vfs.SharedMemory { return h.shm }

// SectorSize implements vfs.File.
func (h *handle) SectorSize() int { return pageSize }

// DeviceCharacteristics implements vfs.File. They are those of SQLite's files on
// Linux.
func (h *handle) DeviceCharacteristics() vfs.DeviceCharacteristic {
	return vfs.IOCAP_POWERSAFE_OVERWRITE | vfs.IOCAP_SUBPAGE_READ
}

// ReadAt implements vfs.File.
func (h *handle) ReadAt(b []byte, off int64) (int, error) {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if h.isDead() {
		return 0, errPower
	}
	if off >= int64(len(h.inode.cache)) {
		return 0, io.EOF
	}
	n := copy(b, h.inode.cache[off:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// Size implements vfs.File.
func (h *handle) Size() (int64, error) {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if h.isDead() {
		return 0, errPower
	}
	return int64(len(h.inode.cache)), nil
}

// WriteAt implements vfs.File.
func (h *handle) WriteAt(b []byte, off int64) (int, error) {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if err := h.writable(); err != nil {
		return 0, err
	}
	n := h.fs.roomFor(h, off, len(b))
	h.fs.count(h.name, 1, 0, int64(n))
	if n > 0 {
		h.inode.write(b[:n], off)
		if err := h.fs.step(); err != nil {
			return 0, err
		}
	}
	if n < len(b) {
		return n, full()
	}
	return n, nil
}

// Truncate implements vfs.File.
func (h *handle) Truncate(size int64) error {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	return h.truncate(size)
}

// SizeHint implements vfs.FileSizeHint: the file gets room for what will be
// written.
func (h *handle) SizeHint(size int64) error {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if size <= int64(len(h.inode.cache)) {
		return nil
	}
	return h.truncate(size)
}

func (h *handle) truncate(size int64) error {
	if err := h.writable(); err != nil {
		return err
	}
	if grows := size - int64(len(h.inode.cache)); grows > 0 && h.fs.roomFor(h, size-grows, int(grows)) < int(grows) {
		return full()
	}
	h.inode.truncate(size)
	return h.fs.step()
}

func (h *handle) writable() error {
	switch {
	case h.isDead():
		return errPower
	case h.fs.faults.readOnly:
		return syscall.EROFS
	case h.readOnly:
		return syscall.EBADF
	}
	return nil
}

// Sync implements vfs.File.
func (h *handle) Sync(vfs.SyncFlag) error {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if h.isDead() {
		return errPower
	}
	if h.name == "" {
		return nil
	}
	h.fs.count(h.name, 0, 1, 0)
	until := h.inode.past + len(h.inode.dirty) // what comes meanwhile is for the next one
	h.fs.await()
	if h.isDead() {
		return errPower
	}
	if err := h.fs.step(); err != nil {
		return err // while it was written
	}
	if h.fs.faults.readOnly && len(h.inode.dirty) > 0 {
		return syscall.EROFS
	}
	if err := h.fs.faults.sync(); err != nil {
		h.inode.fail(until, h.fs.faults.rng())
		return fmt.Errorf("sync of %s: %w", filepath.Base(h.name), err)
	}
	h.inode.sync(until)
	if h.syncsDir {
		if err := h.fs.faults.sync(); err != nil {
			return vfs.SystemError(err, sqlite3.IOERR_DIR_FSYNC)
		}
		h.fs.syncDir(filepath.Dir(h.name))
		h.syncsDir = false
	}
	return h.fs.step()
}
