package ws

import (
	"crypto/tls"
	"net"
	"syscall"
	"testing"
)

// What the system takes for a receiver is bounded within TLS too.
func TestLimitUnsent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for name, nc := range map[string]net.Conn{"TCP": client, "TLS": tls.Client(client, &tls.Config{})} {
		for _, want := range []int{partSize, 2 * partSize} {
			limitUnsent(nc, want)
			rc, err := client.(*net.TCPConn).SyscallConn()
			if err != nil {
				t.Fatal(err)
			}
			var got int
			if err := rc.Control(func(fd uintptr) { got, err = syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpNotsentLowat) }); err != nil {
				t.Fatal(err)
			}
			if err != nil || got != want {
				t.Errorf("%s: %d, %v, want %d", name, got, err, want)
			}
		}
	}
}
