package faultfs

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

const (
	database = vfs.OPEN_MAIN_DB | vfs.OPEN_READWRITE | vfs.OPEN_CREATE
	wal      = vfs.OPEN_WAL | vfs.OPEN_READWRITE | vfs.OPEN_CREATE
)

func open(t *testing.T, fs *FS, name string, flags vfs.OpenFlag) vfs.File {
	t.Helper()
	f, _, err := fs.Open(name, flags)
	must(t, err)
	return f
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, f vfs.File, off int64, b []byte) {
	t.Helper()
	_, err := f.WriteAt(b, off)
	must(t, err)
}

// content reads a file, nil if there is none.
func content(t *testing.T, fs *FS, name string) []byte {
	t.Helper()
	f, _, err := fs.Open(name, vfs.OPEN_MAIN_DB|vfs.OPEN_READWRITE)
	if errors.Is(err, syscall.ENOENT) {
		return nil
	}
	must(t, err)
	defer f.Close()
	size, err := f.Size()
	must(t, err)
	b := make([]byte, size)
	if n, err := f.ReadAt(b, 0); int64(n) != size || err != nil && err != io.EOF {
		t.Fatal(n, err)
	}
	return b
}

func fill(b byte, n int) []byte { return bytes.Repeat([]byte{b}, n) }

// What was synced is there after a power cut; of what wasn't, each sector has
// what it had at some time, or is torn. All of that comes about.
func TestPowerCut(t *testing.T) {
	saw := map[string]bool{}
	for seed := range uint64(200) {
		fs := New(t)
		f := open(t, fs, "/a-wal", wal)
		write(t, f, 0, fill('s', 4*sectorSize))
		must(t, f.Sync(vfs.SYNC_FULL))
		write(t, f, sectorSize, fill('1', 2*sectorSize))
		write(t, f, 2*sectorSize, fill('2', 3*sectorSize))
		fs.PowerCut(seed)
		if _, err := f.WriteAt([]byte("x"), 0); !errors.Is(err, errPower) {
			t.Fatal("a write after the power cut: ", err)
		}
		if _, _, err := fs.Open("/a-wal", wal); !errors.Is(err, errPower) {
			t.Fatal("opened while the machine was off: ", err)
		}
		fs.Reboot()
		if _, err := f.Size(); !errors.Is(err, errPower) {
			t.Fatal("a handle survived: ", err)
		}
		b := content(t, fs, "/a-wal")
		sectors := ""
		for at := 0; at < len(b); at += sectorSize {
			switch s := b[at:min(at+sectorSize, len(b))]; {
			case bytes.Equal(s, fill(s[0], sectorSize)):
				sectors += string(max(s[0], '0')) // zeros are 0
			default:
				sectors += "~"
			}
		}
		if len(sectors) < 4 || sectors[0] != 's' || len(sectors) > 5 {
			t.Fatalf("seed %d: %q", seed, sectors)
		}
		for i, possible := range []string{"s", "s1~", "s12~", "s2~", "02~"} {
			if i < len(sectors) && !bytes.ContainsRune([]byte(possible), rune(sectors[i])) {
				t.Fatalf("seed %d: sector %d of %q", seed, i, sectors)
			}
		}
		saw[sectors] = true
	}
	// none, all, only the first, only the second, a part of both, torn
	for _, sectors := range []string{"ssss", "s1222", "s11s", "ss222", "s1s2", "s~1s"} {
		if !saw[sectors] {
			t.Errorf("%q didn't come about", sectors)
		}
	}
	if len(saw) < 30 {
		t.Errorf("only %d outcomes", len(saw))
	}
}

// The same seed has the same outcome.
func TestSeed(t *testing.T) {
	var first []byte
	for i := range 3 {
		fs := New(t)
		f := open(t, fs, "/a-wal", wal)
		must(t, f.Sync(vfs.SYNC_FULL))
		for at := range int64(50) {
			write(t, f, at*100, fill(byte(at), 1000))
		}
		fs.PowerCut(5)
		fs.Reboot()
		if b := content(t, fs, "/a-wal"); i == 0 {
			first = b
		} else if !bytes.Equal(b, first) {
			t.Fatal("another outcome")
		}
	}
}

// Files come and go for good only when their directory is synced.
func TestDirectory(t *testing.T) {
	after := func(do func(*FS)) (there, gone bool) {
		for seed := range uint64(100) {
			fs := New(t)
			do(fs)
			fs.PowerCut(seed)
			fs.Reboot()
			if content(t, fs, "/d/a") != nil {
				there = true
			} else {
				gone = true
			}
		}
		return there, gone
	}
	made := func(fs *FS) {
		f := open(t, fs, "/d/a", database)
		write(t, f, 0, []byte("a"))
		must(t, f.Sync(vfs.SYNC_FULL))
	}
	synced := func(fs *FS) {
		made(fs)
		must(t, open(t, fs, "/d/a-wal", wal).Sync(vfs.SYNC_FULL))
	}
	for _, tt := range []struct {
		name        string
		do          func(*FS)
		there, gone bool
	}{
		{"made", made, true, true},
		{"synced elsewhere", func(fs *FS) { made(fs); must(t, open(t, fs, "/e/a-wal", wal).Sync(vfs.SYNC_FULL)) }, true, true},
		{"synced", synced, true, false},
		{"removed", func(fs *FS) { synced(fs); must(t, fs.Delete("/d/a", false)) }, true, true},
		{"removed and synced", func(fs *FS) { synced(fs); must(t, fs.Delete("/d/a", true)) }, false, true},
	} {
		if there, gone := after(tt.do); there != tt.there || gone != tt.gone {
			t.Errorf("%s: there %v, gone %v", tt.name, there, gone)
		}
	}
}

// A failed sync gives up pages, which a later sync doesn't write, unless they
// are written to again.
func TestFailedSync(t *testing.T) {
	lost, rescued := false, false
	for range 20 {
		fs := New(t)
		f := open(t, fs, "/a-wal", wal)
		write(t, f, 0, fill('s', 2*pageSize))
		must(t, f.Sync(vfs.SYNC_FULL))
		fs.faults.failed = rand.Uint64()
		fs.FailSync(1)
		write(t, f, 0, fill('n', 2*pageSize))
		if err := f.Sync(vfs.SYNC_FULL); !errors.Is(err, syscall.EIO) {
			t.Fatal(err)
		}
		if b := content(t, fs, "/a-wal"); !bytes.Equal(b, fill('n', 2*pageSize)) {
			t.Fatal("memory has something else than what was written")
		}
		write(t, f, pageSize, []byte{'m'}) // dirties the second page
		must(t, f.Sync(vfs.SYNC_FULL))
		fs.DropCache()
		b := content(t, fs, "/a-wal")
		if !bytes.Equal(b[pageSize:], append([]byte{'m'}, fill('n', pageSize-1)...)) {
			t.Fatal("a page that was written to again isn't on the disk")
		}
		if bytes.Equal(b[:pageSize], fill('n', pageSize)) {
			rescued = true
		} else {
			lost = true
		}
		fs.PowerCut(1)
		fs.Reboot()
		if !bytes.Equal(content(t, fs, "/a-wal"), b) {
			t.Fatal("the cache was dropped, and had something else than the disk")
		}
	}
	if !lost || !rescued {
		t.Fatal("lost: ", lost, ", written: ", rescued)
	}
}

// After a kill the system still has what was written.
func TestKill(t *testing.T) {
	fs := New(t)
	f := open(t, fs, "/a", database)
	must(t, f.Lock(vfs.LOCK_SHARED))
	must(t, f.Lock(vfs.LOCK_RESERVED))
	write(t, f, 0, []byte("abc"))
	fs.Kill()
	if _, err := f.Size(); !errors.Is(err, errPower) {
		t.Fatal(err)
	}
	g := open(t, fs, "/a", database)
	must(t, g.Lock(vfs.LOCK_SHARED))
	must(t, g.Lock(vfs.LOCK_RESERVED))
	must(t, f.Unlock(vfs.LOCK_NONE)) // of the dead one: changes nothing
	if reserved, err := g.CheckReservedLock(); err != nil || !reserved {
		t.Fatal(reserved, err)
	}
	if string(content(t, fs, "/a")) != "abc" {
		t.Fatal("the write is gone")
	}
}

func TestLocks(t *testing.T) {
	fs := New(t)
	a, b := open(t, fs, "/a", database), open(t, fs, "/a", database)
	busy := func(err error) {
		t.Helper()
		if !errors.Is(err, sqlite3.BUSY) {
			t.Fatal(err)
		}
	}
	must(t, a.Lock(vfs.LOCK_SHARED))
	must(t, b.Lock(vfs.LOCK_SHARED))
	must(t, a.Lock(vfs.LOCK_RESERVED))
	busy(b.Lock(vfs.LOCK_RESERVED))
	busy(a.Lock(vfs.LOCK_EXCLUSIVE)) // b reads
	c := open(t, fs, "/a", database)
	busy(c.Lock(vfs.LOCK_SHARED)) // a waits
	must(t, b.Unlock(vfs.LOCK_NONE))
	must(t, a.Lock(vfs.LOCK_EXCLUSIVE))
	busy(c.Lock(vfs.LOCK_SHARED))
	must(t, a.Close())
	must(t, c.Lock(vfs.LOCK_SHARED))
	must(t, c.Lock(vfs.LOCK_EXCLUSIVE))
}

// isFull looks at the text: an error with SQLite's code can't be unwrapped.
func isFull(err error) bool { return err != nil && err.Error() == syscall.ENOSPC.Error() }

func TestFullAndReadOnly(t *testing.T) {
	fs := New(t)
	f := open(t, fs, "/a", database)
	write(t, f, 0, fill('a', 100))
	fs.SetCapacity(150)
	if n, err := f.WriteAt(fill('b', 100), 100); n != 50 || !isFull(err) {
		t.Fatal(n, err)
	}
	write(t, f, 0, fill('c', 150)) // has its room
	if err := f.Truncate(200); !isFull(err) {
		t.Fatal(err)
	}
	fs.SetCapacity(-1)
	fs.SetFull(true)
	if n, err := f.WriteAt([]byte("x"), 0); n != 0 || !isFull(err) {
		t.Fatal(n, err)
	}
	fs.SetFull(false)
	fs.SetReadOnly(true)
	if _, err := f.WriteAt([]byte("x"), 0); !errors.Is(err, syscall.EROFS) {
		t.Fatal(err)
	}
	if _, _, err := fs.Open("/b", database); !errors.Is(err, syscall.EROFS) {
		t.Fatal(err)
	}
	if err := fs.Delete("/a", true); !errors.Is(err, syscall.EROFS) {
		t.Fatal(err)
	}
	fs.SetReadOnly(false)
	write(t, f, 150, []byte("x"))
	if s := fs.Stats(""); s.Bytes != 100+50+150+1 || s.Writes != 5 {
		t.Fatal(s)
	}
}

// A held sync makes durable what was written before it, when it's released; if
// the power goes first, it fails.
func TestHold(t *testing.T) {
	for _, cut := range []bool{false, true} {
		fs := New(t)
		f := open(t, fs, "/a-wal", wal)
		write(t, f, 0, []byte("before"))
		hold := fs.HoldSync()
		done := make(chan error)
		go func() { done <- f.Sync(vfs.SYNC_FULL) }()
		<-hold.Entered()
		write(t, f, 0, []byte("after!"))
		if cut {
			fs.PowerCut(1)
			if err := <-done; !errors.Is(err, errPower) {
				t.Fatal(err)
			}
			continue
		}
		hold.Release()
		must(t, <-done)
		must(t, f.Sync(vfs.SYNC_FULL)) // isn't held
		write(t, f, 0, []byte("unsynced"))
		if in := fs.entries["/a-wal"].now; string(in.disk) != "after!" {
			t.Fatalf("the disk has %q", in.disk)
		}
	}
}

// SQLite's own file is read and written through it, with shared memory.
func TestSQLite(t *testing.T) {
	fs := New(t)
	uri := "file:" + filepath.ToSlash(filepath.Join(t.TempDir(), "x.db")) + "?vfs=" + fs.Name()
	a, err := sqlite3.Open(uri)
	must(t, err)
	must(t, a.Exec(`PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1)`))
	b, err := sqlite3.Open(uri)
	must(t, err)
	must(t, b.Exec(`INSERT INTO t VALUES (2); PRAGMA wal_checkpoint(PASSIVE); INSERT INTO t VALUES (3)`))
	s, _, err := a.Prepare(`SELECT count(*), group_concat(x) FROM t`)
	must(t, err)
	if !s.Step() || s.ColumnText(1) != "1,2,3" {
		t.Fatal(s.ColumnText(1), s.Err())
	}
	must(t, s.Close())
	if s := fs.Stats("-wal"); s.Syncs == 0 || s.Bytes == 0 {
		t.Fatal(s)
	}
	must(t, a.Close())
	must(t, b.Close())
	if content(t, fs, "x.db-wal") != nil {
		t.Fatal("the last to close leaves the WAL")
	}
}
