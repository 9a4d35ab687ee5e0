//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"
)

// A loop is the load: one thread that waits for all sockets at once, so that thousands of clients cost the load's core
// little and the server is what is measured. Nothing in it is called from elsewhere.
type loop struct {
	epoll  int
	buf    []byte
	events [512]syscall.EpollEvent
	conns  map[int32]*conn
	dirty  []*conn // have something to write
	start  time.Time
	err    error // the first that a connection failed with
}

func newLoop() (*loop, error) {
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	return &loop{epoll: epoll, buf: make([]byte, 256<<10), conns: map[int32]*conn{}, start: time.Now()}, nil
}

// now is the time since the loop began.
func (l *loop) now() time.Duration { return time.Since(l.start) }

// close ends all connections without a word.
func (l *loop) close() {
	for _, c := range l.conns {
		syscall.Close(c.fd)
	}
	syscall.Close(l.epoll)
}

var errTooLate = errors.New("it took too long")

// until runs the loop until done; it fails after the limit, or when a connection failed.
func (l *loop) until(limit time.Duration, what string, done func() bool) error {
	end := l.now() + limit
	for !done() {
		if l.now() > end {
			return fmt.Errorf("%s: %w (%v)", what, errTooLate, limit)
		}
		if err := l.once(20 * time.Millisecond); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	return nil
}

// during runs the loop for a time. step is called before each wait and says when it has to be called again at the latest.
func (l *loop) during(d time.Duration, step func(now time.Duration) (next time.Duration)) error {
	end := l.now() + d
	for now := l.now(); now < end; now = l.now() {
		next := min(step(now), end)
		if err := l.once(next - l.now()); err != nil {
			return err
		}
	}
	return nil
}

// idle is a step that does nothing.
func idle(now time.Duration) time.Duration { return now + time.Second }

// once writes what is due, waits for sockets and reads from those that are ready.
func (l *loop) once(wait time.Duration) error {
	for i := 0; i < len(l.dirty); i++ {
		l.dirty[i].flush()
	}
	l.dirty = l.dirty[:0]
	n, err := l.wait(max(wait, 0))
	if err != nil {
		return err
	}
	for _, e := range l.events[:n] {
		if c := l.conns[e.Fd]; c != nil {
			c.ready(e.Events)
		}
	}
	return l.err
}

// epollPwait2 is epoll_pwait2(2), of Linux 5.11: it waits for less than a millisecond too.
const epollPwait2 = 441

func (l *loop) wait(d time.Duration) (int, error) {
	timeout := syscall.NsecToTimespec(int64(d))
	n, _, errno := syscall.Syscall6(epollPwait2, uintptr(l.epoll), uintptr(unsafe.Pointer(&l.events[0])), uintptr(len(l.events)),
		uintptr(unsafe.Pointer(&timeout)), 0, 0)
	if errno == syscall.EINTR {
		return 0, nil
	}
	if errno != 0 {
		return 0, os.NewSyscallError("epoll_pwait2", errno)
	}
	return int(n), nil
}

func (l *loop) fail(err error) {
	if l.err == nil {
		l.err = err
	}
}
