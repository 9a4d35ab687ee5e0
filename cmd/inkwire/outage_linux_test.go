package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/inkwire/inkwire/internal/store/faultfs"
)

// A site is the program on a disk that can fail.
type site struct {
	addr    string        // where its clients find it
	unsaved int           // how much of a document may wait for the disk, in bytes
	fail    func(on bool) // the disk
	crash   func()        // ends the program as kill -9 does
	restart func()
	log     func() string // what the program that runs has logged
	end     func()        // ends it in order
}

// While a disk fails, those who are told of what is saved are told that nothing
// is, other writers are cut off, and readers go on. Once it works, what is owed
// is acknowledged, and nothing acknowledged is missing after a crash.
func TestFailingDisk(t *testing.T) {
	t.Parallel()
	for i, tt := range []struct {
		name string
		site func(*testing.T) *site
	}{
		{"full", inMemory((*faultfs.FS).SetFull)},
		{"failing sync", inMemory(func(fs *faultfs.FS, on bool) {
			fs.FailSync(map[bool]int{true: -1}[on])
			fs.DropCache()
		})},
		{"read-only", inMemory((*faultfs.FS).SetReadOnly)},
		{"a process's limit", underLimit},
		{"a full tmpfs", onTmpfs},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			endure(t, tt.site(t), yWebsockets[i%3], hocuspocuses[i%3], hocuspocuses[(i+1)%3])
		})
	}
}

func endure(t *testing.T, s *site, yws, told, told2 string) {
	p := newPuppets(t)
	defer func() {
		if t.Failed() {
			t.Logf("the program's log:\n%s", s.log())
		}
	}()
	const before = "acknowledged "
	p.open("early", told, s.addr, "cold") // nobody opens it again until the disk fails
	p.do("early", "insert", 0, before)
	p.do("early", "untilSaved")
	p.do("early", "leave")
	s.crash()
	s.restart()

	p.open("writer", told, s.addr, "doc")
	p.open("mute", yws, s.addr, "doc") // it writes, and is told nothing
	p.open("reader", yws, s.addr, "doc")
	p.open("watcher", told2, s.addr, "doc")
	all := []string{"writer", "mute", "reader", "watcher"}
	for _, name := range all {
		p.do(name, "untilSynced")
	}
	p.do("writer", "insert", 0, before)
	p.do("writer", "untilSaved")

	s.fail(true)
	text := before + "kept "
	p.do("writer", "insert", len(before), "kept ")
	p.do("writer", "untilNotice", `{"inkwire":"unsaved"}`)
	p.do("reader", "untilText", text)
	if status, why := ready(t, s.addr); status != http.StatusServiceUnavailable || !strings.Contains(why, "can't be saved") {
		t.Errorf("while the disk fails the program is ready: %d %s", status, why)
	}
	text += "brought "
	p.do("mute", "insert", len(text)-len("brought "), "brought ")
	p.do("mute", "untilClosedWith", 1013)
	p.do("mute", "untilRefused", http.StatusTooManyRequests)
	p.do("reader", "untilText", text)
	p.open("late", yws, s.addr, "cold")
	p.do("late", "untilText", before)
	p.do("late", "leave")

	// What is beyond the bound, and what its writer brings after that, isn't taken.
	most, beyond := s.unsaved*3/4, s.unsaved*3/8
	p.do("writer", "fill", 1, most)
	p.do("watcher", "untilSame", "writer")
	p.do("writer", "fill", 1, beyond)
	p.do("writer", "insert", len(text), "refused ")
	p.do("writer", "say", "after it") // comes to others later than an edit
	p.do("watcher", "untilNames", "after it")
	if got := p.text("watcher", "text"); got != text {
		t.Errorf("an edit that there is no room for was taken: %q", got)
	}
	p.do("mute", "untilUp", 3)
	p.do("mute", "insert", len(text), "late ")
	p.do("mute", "fill", 1, beyond)
	p.do("mute", "untilClosedWith", 1013, 2)
	if n := p.number("writer", "unsaved"); n < 4 {
		t.Errorf("%d edits unsaved, want all four since the disk fails", n)
	}
	for _, name := range []string{"reader", "watcher", "writer"} {
		if n := p.number(name, "sockets"); n != 1 {
			t.Errorf("the %s was cut off: %s", name, p.do(name, "closes"))
		}
	}
	if n := strings.Count(s.log(), "fault"); n != 1 {
		t.Errorf("%d faults in the log:\n%s", n, s.log())
	}

	s.fail(false)
	begun := time.Now()
	p.do("writer", "untilSaved")
	took := time.Since(begun)
	for _, name := range all[1:] {
		p.do(name, "untilSame", "writer")
	}
	if got := string(p.do("writer", "notices")); got != `["{\"inkwire\":\"unsaved\"}","{\"inkwire\":\"saved\"}"]` {
		t.Errorf("the writer was told %s", got)
	}
	if got := string(p.do("watcher", "notices")); got != `[]` {
		t.Errorf("one who only reads was told %s", got)
	}
	if got := p.text("writer", "text"); !strings.Contains(got, "refused ") || !strings.Contains(got, "late ") {
		t.Errorf("in the end there is %q", got)
	}
	if status, why := ready(t, s.addr); status != http.StatusOK {
		t.Errorf("once the disk works, the program isn't ready: %d %s", status, why)
	}
	// What this one is told now goes for all that the log had before.
	p.do("writer", "insert", 0, "all ")
	p.do("writer", "untilSaved")
	p.crashed(s, all, told2, "writer")
	t.Logf("all was acknowledged %v after the disk worked again", took.Round(time.Millisecond))

	// A crash in the middle: what was acknowledged is there before any writer is,
	// and they bring the rest.
	p.open("witness", told2, s.addr, "doc")
	p.do("witness", "untilSame", "writer")
	p.do("witness", "disconnect")
	p.do("witness", "untilDown")
	s.fail(true)
	p.do("writer", "insert", 0, "owed ")
	p.do("mute", "untilSame", "writer")
	p.do("mute", "insert", 0, "mute ")
	p.do("reader", "untilSame", "writer")
	p.crashed(s, all, yws, "witness")
	p.do("writer", "untilSaved")
	for _, name := range all[1:] {
		p.do(name, "untilSame", "writer")
	}
	if got := p.text("reader", "text"); !strings.HasPrefix(got, "mute owed all ") {
		t.Errorf("in the end there is %q", got)
	}
	for _, name := range append(all, "witness") {
		p.do(name, "leave")
	}
	if warned := string(p.do("", "warned")); warned != "[]" {
		t.Error(warned)
	}
	s.end()
	if log := s.log(); strings.Contains(log, "fault") {
		t.Error("the last program, whose disk worked, reports a fault")
	}
}

// crashed ends the program and starts it again, on a disk that works. A fresh
// client finds what another one has, before any of those who were there returns,
// and perhaps more: what nobody was told of may have reached the disk.
func (p *puppets) crashed(s *site, all []string, kind, has string) {
	p.t.Helper()
	for _, name := range all {
		p.do(name, "keepAway", true)
	}
	s.crash()
	for _, name := range all {
		p.do(name, "untilDown")
	}
	s.fail(false)
	s.restart()
	p.open("fresh", kind, s.addr, "doc")
	p.do("fresh", "untilHas", has)
	p.do("fresh", "leave")
	for _, name := range all {
		p.do(name, "keepAway", false)
	}
	for _, name := range all {
		p.do(name, "untilSynced")
	}
}

// ready asks the program whether it is.
func ready(t *testing.T, addr string) (status int, why string) {
	t.Helper()
	answer, err := http.Get("http://" + addr + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// inMemory is the program in the test's process, on a disk in memory.
func inMemory(fail func(fs *faultfs.FS, on bool)) func(*testing.T) *site {
	return func(t *testing.T) *site {
		fs := faultfs.New(t)
		c := defaults()
		c.addr, c.data, c.vfs = "127.0.0.1:0", t.TempDir(), fs.Name()
		c.maxUnsaved = 1 << 20 // such a disk is slow with much
		var log *output
		var p *program
		var end func() error
		var crashed sync.WaitGroup
		t.Cleanup(crashed.Wait)
		run := func() string {
			log = &output{}
			var err error
			p, err = listen(c, newLog(log, "info", "text"))
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			ended := make(chan error, 1)
			go func() { ended <- p.run(ctx) }()
			end = sync.OnceValue(func() error {
				cancel()
				return <-ended
			})
			<-log.has("msg=serving")
			return p.listener.Addr().String()
		}
		px := newProxy(t, run())
		t.Cleanup(func() { end() })
		return &site{
			addr:    px.addr,
			unsaved: c.maxUnsaved,
			fail:    func(on bool) { fail(fs, on) },
			crash: func() {
				px.refuse(true)
				px.cutAll("")
				fs.Kill() // no file is closed in order
				// Nothing is left of what it has open; that it won't open anything again is up
				// to us.
				_ = p.store.Close()
				old := end // takes its time to see that nothing can be saved any more
				crashed.Go(func() { old() })
				if err := os.Remove(filepath.Join(c.data, "inkwire.lock")); err != nil {
					t.Fatal(err)
				}
			},
			restart: func() {
				px.cutAll(run())
				px.refuse(false)
			},
			log: func() string { return log.String() },
			end: func() {
				if err := end(); err != nil {
					t.Errorf("the program ended with %v:\n%s", err, log)
				}
			},
		}
	}
}

// onDisk is a process of the program, with its data in a directory.
func onDisk(t *testing.T, data string, fail func(p *process, on bool)) *site {
	p := start(t, os.Args[0], "127.0.0.1:0", data)
	s := &site{addr: p.addr, unsaved: defaults().maxUnsaved}
	s.fail = func(on bool) { fail(p, on) }
	s.crash = func() { p.kill() }
	s.restart = func() { p = start(t, os.Args[0], s.addr, data) }
	s.log = func() string { return p.stderr.String() }
	s.end = func() { p.stop() }
	return s
}

// underLimit is a process that may be forbidden to write to files (setrlimit(2),
// RLIMIT_FSIZE).
func underLimit(t *testing.T) *site {
	return onDisk(t, t.TempDir(), func(p *process, on bool) {
		if p.cmd.ProcessState != nil {
			return // it was killed
		}
		limit := syscall.Rlimit{Cur: 0, Max: ^uint64(0)}
		if !on {
			limit.Cur = limit.Max
		}
		_, _, err := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(p.cmd.Process.Pid), syscall.RLIMIT_FSIZE, uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
		if err != 0 {
			t.Fatal("prlimit: ", err)
		}
	})
}

// onTmpfs is a process whose data is on a small file system of its own.
func onTmpfs(t *testing.T) *site {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64m"); err != nil {
		t.Skip("a file system of its own can't be mounted here: ", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error("unmount: ", err)
		}
	})
	ballast := filepath.Join(dir, "ballast")
	return onDisk(t, filepath.Join(dir, "data"), func(_ *process, on bool) {
		if !on {
			if err := os.Remove(ballast); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
			return
		}
		f, err := os.Create(ballast)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for page := make([]byte, 4096); err == nil; {
			_, err = f.Write(page)
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(fmt.Errorf("fill the disk: %w", err))
		}
	})
}
