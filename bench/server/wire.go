//go:build linux

package main

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
)

// WebSocket frames (RFC 6455, 5.2), as a client writes and reads them.

const (
	opContinuation = 0
	opBinary       = 2
	opClose        = 8
	opPing         = 9
	opPong         = 10
)

const finalBit, maskBit = 0x80, 0x80

// appendFrame appends a frame that holds parts, one after another. Its mask is of zeros, so that the payload stands as it
// is: a server unmasks it all the same, and the load's core has more time for what is measured.
func appendFrame(dst []byte, op byte, parts ...[]byte) []byte {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	dst = append(dst, finalBit|op)
	switch {
	case n < 126:
		dst = append(dst, maskBit|byte(n))
	case n < 1<<16:
		dst = append(dst, maskBit|126, byte(n>>8), byte(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, maskBit|127), uint64(n))
	}
	dst = append(dst, 0, 0, 0, 0)
	for _, p := range parts {
		dst = append(dst, p...)
	}
	return dst
}

// A header is a frame's, as a server writes it.
type header struct {
	op   byte
	size int // of the payload
	len  int // of the header itself
}

// parseHeader reads the header at b's beginning; ok tells whether it is all there.
func parseHeader(b []byte) (h header, ok bool, err error) {
	if len(b) < 2 {
		return h, false, nil
	}
	h.op = b[0] &^ finalBit
	switch {
	case b[0]&finalBit == 0 || h.op == opContinuation:
		return h, false, errors.New("websocket: a message in several frames")
	case h.op&0x70 != 0:
		return h, false, errors.New("websocket: an extension's bit without an extension")
	case b[1]&maskBit != 0:
		return h, false, errors.New("websocket: a masked frame from a server")
	}
	h.len, h.size = 2, int(b[1])
	switch h.size {
	case 126:
		if h.len = 4; len(b) < h.len {
			return h, false, nil
		}
		h.size = int(binary.BigEndian.Uint16(b[2:]))
	case 127:
		if h.len = 10; len(b) < h.len {
			return h, false, nil
		}
		size := binary.BigEndian.Uint64(b[2:])
		if size > 1<<31 {
			return h, false, fmt.Errorf("websocket: a frame of %d bytes", size)
		}
		h.size = int(size)
	}
	return h, true, nil
}

// upgradeRequest asks for a WebSocket at a path. The answer's key isn't checked: what answers is what bench started.
func upgradeRequest(host, path string) []byte {
	var key [16]byte
	rand.Read(key[:])
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n", path, host, base64.StdEncoding.EncodeToString(key[:]))
}
