// Package faultfs is a file system under SQLite, in memory, that fails as disks
// do: the power goes, the disk is full, a sync fails or takes its time, nothing
// can be written any more. It is for tests.
//
// An FS is the disk of one machine. What it models, a little worse than Linux
// with ext4 is:
//
//   - A write is durable once its file was synced. Until then the disk may have
//     any of a sector's contents since the last sync, independently of any other
//     sector's; so a power cut keeps, drops, tears and reorders writes. Sectors
//     have 512 bytes.
//   - The sector that was being written when the power went may hold garbage, but
//     only within the bytes of that write: SQLite relies on that ("powersafe
//     overwrite"), and its own file system promises it.
//   - A file's size is durable by the same sync. What lies between the old end and
//     a sector that reached the disk reads as zeros.
//   - A directory's entry, made or removed, is durable once the directory was
//     synced, not by a sync of the file. The directory is synced by SQLite's first
//     sync of a journal or WAL that it opened, and by a removal that asks for it,
//     as in SQLite's file system for Linux.
//   - A sync that fails has written some of the file's pages and given up the
//     others for good: they read as they were written, count as clean, and the
//     next sync succeeds without writing them. Only another write to such a page
//     makes it dirty again. DropCache shows what is really on the disk, as memory
//     pressure may at any time.
//   - After a power cut every handle and lock is void. So they are when the process
//     was killed, but then the system keeps what it has in memory. The WAL-index
//     (shared memory) is a file of the real system, and a new one after either.
package faultfs

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

var _ vfs.VFS = (*FS)(nil)

// errPower is the error of every operation while the machine is off, and of
// those on handles from before.
var errPower = fmt.Errorf("the power is gone: %w", syscall.EIO)

// An FS is the disk of one machine. Its methods may be called from anywhere.
type FS struct {
	name    string
	scratch string // a folder of the real system, for shared memory

	mu      sync.Mutex
	entries map[string]*entry
	stats   map[string]Stats // by file name
	steps   int
	faults  faults

	boot      int           // counts reboots and kills; a handle is of one boot
	off       chan struct{} // closed when the power goes
	countdown int           // steps until the power goes, 0 for never
	seed      uint64        // of the cut at the countdown's end
}

// An entry is a name in a directory.
type entry struct {
	now  *inode   // nil if the name is removed
	disk *inode   // what a sync of the directory made durable
	past []*inode // what the name meant since then, the last being now
}

var count atomic.Int64

// New makes an empty disk and registers it as SQLite's file system Name until
// the test ends. The log's path is a name in it, but its folder has to exist on
// the real system too, for the store's lock.
func New(t testing.TB) *FS {
	t.Helper()
	fs := &FS{
		name:    fmt.Sprintf("fault-%d", count.Add(1)),
		scratch: t.TempDir(),
		entries: map[string]*entry{},
		stats:   map[string]Stats{},
		off:     make(chan struct{}),
		faults:  faults{capacity: -1},
	}
	vfs.Register(fs.name, fs)
	t.Cleanup(func() { vfs.Unregister(fs.name) })
	return fs
}

// Name is the name of the file system for SQLite.
func (fs *FS) Name() string { return fs.name }

// Stats count what reached the file system, whether it succeeded or not.
type Stats struct {
	Writes, Syncs int
	Bytes         int64 // written
}

// Stats sums up the files whose name ends with a suffix: "-wal" for the WAL,
// "" for all.
func (fs *FS) Stats(suffix string) Stats {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	var sum Stats
	for name, s := range fs.stats {
		if strings.HasSuffix(name, suffix) {
			sum.Writes += s.Writes
			sum.Syncs += s.Syncs
			sum.Bytes += s.Bytes
		}
	}
	return sum
}

// FullPathname implements vfs.VFS.
func (fs *FS) FullPathname(name string) (string, error) { return filepath.Clean(name), nil }

// Access implements vfs.VFS.
func (fs *FS) Access(name string, flags vfs.AccessFlag) (bool, error) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.isOff() {
		return false, errPower
	}
	e := fs.entries[name]
	exists := e != nil && e.now != nil
	return exists && !(flags == vfs.ACCESS_READWRITE && fs.faults.readOnly), nil
}

// Open implements vfs.VFS. A file without a name is a temporary one.
func (fs *FS) Open(name string, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.isOff() {
		return nil, flags, errPower
	}
	if fs.faults.readOnly && flags&vfs.OPEN_READWRITE != 0 {
		return nil, flags, syscall.EROFS
	}
	h := &handle{fs: fs, name: name, boot: fs.boot, readOnly: flags&vfs.OPEN_READONLY != 0}
	if name == "" {
		h.inode = &inode{}
		return h, flags, nil
	}
	creates := flags&vfs.OPEN_CREATE != 0
	e := fs.entries[name]
	switch exists := e != nil && e.now != nil; {
	case exists && creates && flags&vfs.OPEN_EXCLUSIVE != 0:
		return nil, flags, syscall.EEXIST
	case !exists && !creates:
		return nil, flags, syscall.ENOENT
	case !exists:
		fs.enter(name, &inode{})
		if err := fs.step(); err != nil {
			return nil, flags, err
		}
	}
	h.inode = fs.entries[name].now
	const journals = vfs.OPEN_MAIN_JOURNAL | vfs.OPEN_SUPER_JOURNAL | vfs.OPEN_WAL
	h.syncsDir = creates && flags&journals != 0
	shm := fmt.Sprintf("boot%d-%s-shm", fs.boot, filepath.Base(name))
	h.shm = vfs.NewSharedMemory(filepath.Join(fs.scratch, shm), flags)
	return h, flags, nil
}

// Delete implements vfs.VFS.
func (fs *FS) Delete(name string, syncDir bool) error {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.isOff() {
		return errPower
	}
	if e := fs.entries[name]; e == nil || e.now == nil {
		return sqlite3.IOERR_DELETE_NOENT
	}
	if fs.faults.readOnly {
		return syscall.EROFS
	}
	fs.enter(name, nil)
	if err := fs.step(); err != nil {
		return err
	}
	if !syncDir {
		return nil
	}
	if err := fs.faults.sync(); err != nil {
		return vfs.SystemError(err, sqlite3.IOERR_DIR_FSYNC)
	}
	fs.syncDir(filepath.Dir(name))
	return fs.step()
}

// enter lets a name mean another file, or none, until the directory is synced
// only in memory.
func (fs *FS) enter(name string, to *inode) {
	e := fs.entries[name]
	if e == nil {
		e = &entry{}
		fs.entries[name] = e
	}
	e.now = to
	e.past = append(e.past, to)
}

// syncDir makes a directory's entries durable.
func (fs *FS) syncDir(dir string) {
	for name, e := range fs.entries {
		if filepath.Dir(name) == dir {
			e.disk, e.past = e.now, nil
		}
	}
}

// used is the number of bytes in all files.
func (fs *FS) used() int64 {
	n := int64(0)
	for _, e := range fs.entries {
		if e.now != nil {
			n += int64(len(e.now.cache))
		}
	}
	return n
}

func (fs *FS) count(name string, writes, syncs int, bytes int64) {
	s := fs.stats[name]
	s.Writes += writes
	s.Syncs += syncs
	s.Bytes += bytes
	fs.stats[name] = s
}

// full is what SQLite is told when there is no room.
func full() error { return vfs.SystemError(syscall.ENOSPC, sqlite3.FULL) }
