package sqlite

import (
	"errors"
	"io/fs"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/ncruces/go-sqlite3/vfs"

	"github.com/inkwire/inkwire/internal/store"
	"github.com/inkwire/inkwire/internal/store/storetest"
)

// readOnlyVFS is the system's files, which may become read-only, as Linux makes a
// file system in which it has found errors.
type readOnlyVFS struct {
	vfs.VFSFilename
	on atomic.Bool
}

func (v *readOnlyVFS) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	if v.on.Load() && flags&vfs.OPEN_READWRITE != 0 {
		return nil, flags, &fs.PathError{Op: "open", Path: name.String(), Err: syscall.EROFS}
	}
	f, flags, err := v.VFSFilename.OpenFilename(name, flags)
	if err != nil {
		return nil, flags, err
	}
	return readOnlyFile{f, v}, flags, nil
}

type readOnlyFile struct {
	vfs.File
	v *readOnlyVFS
}

func (f readOnlyFile) WriteAt(b []byte, off int64) (int, error) {
	if f.v.on.Load() {
		return 0, syscall.EROFS
	}
	return f.File.WriteAt(b, off)
}

func (f readOnlyFile) SharedMemory() vfs.SharedMemory {
	if m, ok := f.File.(vfs.FileSharedMemory); ok {
		return m.SharedMemory()
	}
	return nil
}

// A log that can only be read says so, goes on being read, and is written again
// as soon as it can be.
func TestReadOnly(t *testing.T) {
	v := &readOnlyVFS{VFSFilename: vfs.Find("").(vfs.VFSFilename)}
	vfs.Register("read-only", v)
	defer vfs.Unregister("read-only")
	dir := t.TempDir()
	s, err := Open(dir, Options{VFS: "read-only"})
	if err != nil {
		t.Fatal(err)
	}
	d, err := s.Load(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	add := func(seq uint64) error {
		return s.Append(t.Context(), []store.Entry{{Doc: d.ID, Name: "a", Rows: storetest.Rows(1, seq, seq)}})
	}
	if err := add(1); err != nil {
		t.Fatal(err)
	}
	v.on.Store(true)
	for i := range 3 {
		// The first finds the file open, and a failed write has no reason in SQLite.
		// The others open it anew, and learn it.
		if err := add(2); err == nil || i > 0 && !errors.Is(err, store.ErrReadOnly) {
			t.Fatal(i, err)
		}
		if got, err := s.Load(t.Context(), "a"); err != nil || len(got.Rows) != 1 {
			t.Fatal(got, err)
		}
	}
	v.on.Store(false)
	if err := add(2); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	v.on.Store(true)
	if _, err := Open(dir, Options{VFS: "read-only"}); !errors.Is(err, store.ErrReadOnly) {
		t.Fatal(err)
	}
	v.on.Store(false)
	if s, err = Open(dir, Options{VFS: "read-only"}); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Load(t.Context(), "a"); err != nil || len(got.Rows) != 2 {
		t.Fatal(got, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
