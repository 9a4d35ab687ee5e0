package faultfs

import (
	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

// Locks of a file, as https://sqlite.org/lockingv3.html has them. An exclusive
// lock is a pending one when nobody else has a shared one.
type locks struct {
	shared   int
	reserved *handle
	pending  *handle
}

// Lock implements vfs.File.
func (h *handle) Lock(level vfs.LockLevel) error {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if h.isDead() {
		return errPower
	}
	if h.lock >= level {
		return nil
	}
	l := &h.inode.locks
	switch level {
	case vfs.LOCK_SHARED:
		if l.pending != nil {
			return sqlite3.BUSY
		}
		l.shared++
	case vfs.LOCK_RESERVED:
		if l.reserved != nil {
			return sqlite3.BUSY
		}
		l.reserved = h
	case vfs.LOCK_EXCLUSIVE:
		if l.pending != nil && l.pending != h {
			return sqlite3.BUSY
		}
		l.pending = h
		h.lock = vfs.LOCK_PENDING // keeps newcomers out
		if l.shared > 1 {
			return sqlite3.BUSY
		}
	}
	h.lock = level
	return nil
}

// Unlock implements vfs.File.
func (h *handle) Unlock(level vfs.LockLevel) error {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if h.lock <= level {
		return nil
	}
	if h.isDead() { // its locks are gone, and the file may have others
		h.lock = level
		return nil
	}
	l := &h.inode.locks
	if l.reserved == h {
		l.reserved = nil
	}
	if l.pending == h {
		l.pending = nil
	}
	if level == vfs.LOCK_NONE {
		l.shared--
	}
	h.lock = level
	return nil
}

// CheckReservedLock implements vfs.File.
func (h *handle) CheckReservedLock() (bool, error) {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if h.isDead() {
		return false, errPower
	}
	return h.inode.reserved != nil || h.inode.pending != nil, nil
}

// LockState implements vfs.FileLockState.
func (h *handle) LockState() vfs.LockLevel {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	return h.lock
}
