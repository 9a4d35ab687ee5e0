package ws

import (
	"net"
	"syscall"
)

// tcpNotsentLowat is TCP_NOTSENT_LOWAT of linux/tcp.h.
const tcpNotsentLowat = 25

// limitUnsent lets the system take no more than about n bytes that the receiver
// has no room for yet. Otherwise it takes some megabytes for each slow receiver,
// and takes more only when a third of them has gone.
func limitUnsent(nc net.Conn, n int) {
	nc = bottom(nc)
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return
	}
	if rc, err := sc.SyscallConn(); err == nil {
		// Errors mean that the socket is closed, or that it isn't TCP's.
		_ = rc.Control(func(fd uintptr) {
			_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpNotsentLowat, n)
		})
	}
}
