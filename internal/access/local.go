package access

import (
	"fmt"
	"net"
)

// ListenAddr resolves an address to listen on, which must be this machine's
// loopback: anybody else could read and change every document.
func ListenAddr(addr string) (*net.TCPAddr, error) {
	a, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("address %q: %w", addr, err)
	}
	if !a.IP.IsLoopback() {
		return nil, fmt.Errorf("address %q is reached from other machines, and inkwire has no access control yet: "+
			"use a loopback address, such as 127.0.0.1:%d", addr, a.Port)
	}
	return a, nil
}
