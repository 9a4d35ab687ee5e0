//go:build !linux

package ws

import "net"

// limitUnsent does nothing: other systems have other bounds.
func limitUnsent(net.Conn, int) {}
