//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"syscall"
)

// Of a message of more than bigMessage bytes a connection hands on only the first headBytes, unless it is to keep all:
// the kernel drops the rest without copying it, so that a thousand large states cost the load's core little.
const (
	bigMessage = 64 << 10
	headBytes  = 64
)

// A conn is one client's WebSocket.
type conn struct {
	l       *loop
	fd      int
	open    bool
	keepBig bool
	dirty   bool
	waiting bool   // for the socket to take more
	in      []byte // an incomplete frame, or the answer to the upgrade
	out     []byte // what isn't written yet

	big  []byte // the first bytes of a message that is being dropped
	size int    // of all of it
	skip int    // what is still to come of it

	onOpen    func()
	onMessage func(m []byte, size int) // m is valid during the call; size is greater than its length if the rest was dropped
}

// dial begins to connect.
func (l *loop) dial(port int, path string) (*conn, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
	addr := &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}
	if err := syscall.Connect(fd, addr); err != nil && err != syscall.EINPROGRESS {
		syscall.Close(fd)
		return nil, os.NewSyscallError("connect", err)
	}
	c := &conn{l: l, fd: fd, waiting: true}
	c.out = upgradeRequest(fmt.Sprintf("127.0.0.1:%d", port), path)
	event := syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLOUT, Fd: int32(fd)}
	if err := syscall.EpollCtl(l.epoll, syscall.EPOLL_CTL_ADD, fd, &event); err != nil {
		syscall.Close(fd)
		return nil, os.NewSyscallError("epoll_ctl", err)
	}
	l.conns[int32(fd)] = c
	return c, nil
}

// close ends the connection without a word, as a browser's tab does that is closed.
func (c *conn) close() {
	if c.l.conns[int32(c.fd)] == c {
		delete(c.l.conns, int32(c.fd))
		syscall.Close(c.fd)
	}
}

// send writes a message made of parts before the loop waits again.
func (c *conn) send(parts ...[]byte) { c.frame(opBinary, parts...) }

func (c *conn) frame(op byte, parts ...[]byte) {
	c.out = appendFrame(c.out, op, parts...)
	if !c.dirty && !c.waiting {
		c.dirty = true
		c.l.dirty = append(c.l.dirty, c)
	}
}

func (c *conn) fail(err error) {
	c.close()
	c.l.fail(err)
}

func (c *conn) ready(events uint32) {
	if events&syscall.EPOLLOUT != 0 {
		c.flush()
	}
	if events&(syscall.EPOLLIN|syscall.EPOLLHUP|syscall.EPOLLERR) != 0 {
		c.read()
	}
}

func (c *conn) flush() {
	c.dirty = false
	if c.l.conns[int32(c.fd)] != c {
		return
	}
	written := 0
	for written < len(c.out) {
		n, err := syscall.Write(c.fd, c.out[written:])
		if err == syscall.EAGAIN {
			break
		}
		if err != nil {
			c.fail(os.NewSyscallError("write", err))
			return
		}
		written += n
	}
	c.out = c.out[:copy(c.out, c.out[written:])]
	if waiting := len(c.out) > 0; waiting != c.waiting {
		c.waiting = waiting
		event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(c.fd)}
		if waiting {
			event.Events |= syscall.EPOLLOUT
		}
		syscall.EpollCtl(c.l.epoll, syscall.EPOLL_CTL_MOD, c.fd, &event)
	}
	if cap(c.out) > bigMessage && len(c.out) == 0 {
		c.out = nil
	}
}

var errClosed = errors.New("the server closed the connection")

func (c *conn) read() {
	if c.skip > 0 {
		c.drop()
		return
	}
	n, err := syscall.Read(c.fd, c.l.buf)
	switch {
	case err == syscall.EAGAIN || err == syscall.EINTR:
		return
	case err != nil:
		c.fail(os.NewSyscallError("read", err))
		return
	case n == 0:
		c.fail(errClosed)
		return
	}
	b := c.l.buf[:n]
	if len(c.in) > 0 {
		c.in = append(c.in, b...)
		b = c.in
	}
	rest, err := c.take(b)
	if err != nil {
		c.fail(err)
		return
	}
	if len(c.in) == 0 || len(rest) < len(b) { // otherwise they stand in c.in as they should
		c.in = append(c.in[:0], rest...)
	}
	if len(c.in) == 0 && cap(c.in) > headBytes {
		c.in = nil // an idle client owns no buffer
	}
}

// drop has the kernel throw away what is left of a big message (tcp(7), MSG_TRUNC).
func (c *conn) drop() {
	n, _, errno := syscall.Syscall6(syscall.SYS_RECVFROM, uintptr(c.fd), 0, uintptr(c.skip), syscall.MSG_TRUNC, 0, 0)
	switch {
	case errno == syscall.EAGAIN || errno == syscall.EINTR:
		return
	case errno != 0:
		c.fail(os.NewSyscallError("recvfrom", errno))
		return
	case n == 0:
		c.fail(errClosed)
		return
	}
	if c.skip -= int(n); c.skip == 0 {
		c.onMessage(c.big, c.size)
	}
}

// take handles the whole frames in b and returns what is left of it.
func (c *conn) take(b []byte) ([]byte, error) {
	if !c.open {
		head, rest, whole := bytes.Cut(b, []byte("\r\n\r\n"))
		if !whole {
			return b, nil
		}
		if status, _, _ := bytes.Cut(head, []byte("\r\n")); !bytes.Contains(status, []byte(" 101 ")) {
			return nil, fmt.Errorf("the upgrade was answered with %q", status)
		}
		c.open = true
		c.onOpen()
		b = rest
	}
	for {
		h, ok, err := parseHeader(b)
		if err != nil {
			return nil, err
		}
		if !ok {
			return b, nil
		}
		payload := b[h.len:]
		if len(payload) < h.size {
			if h.op == opBinary && h.size > bigMessage && !c.keepBig && len(payload) >= headBytes {
				c.big = append(c.big[:0], payload[:headBytes]...)
				c.size, c.skip = h.size, h.size-len(payload)
				return nil, nil
			}
			return b, nil
		}
		payload, b = payload[:h.size], payload[h.size:]
		switch h.op {
		case opBinary:
			c.onMessage(payload, h.size)
		case opPing:
			c.frame(opPong, payload)
		case opClose:
			reason := payload
			if len(reason) >= 2 {
				return nil, fmt.Errorf("%w: %d %s", errClosed, int(reason[0])<<8|int(reason[1]), reason[2:])
			}
			return nil, errClosed
		}
	}
}
