package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// rawSocket is a WebSocket without manners: it sends whatever it is told.
type rawSocket struct {
	net.Conn
	r        *bufio.Reader
	deflates bool      // the server agreed to compress
	skimmed  [128]byte // the beginning of the last frame that was skimmed
}

// opcodes of RFC 6455, 5.2.
const (
	opContinue = 0
	opText     = 1
	opBinary   = 2
	opClose    = 8
	opPing     = 9
	opPong     = 10

	bitFin  = 0x80
	bitRsv1 = 0x40
	bitMask = 0x80
)

// deflate is what a client offers that takes compressed messages.
const deflate = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"

// lastAddr counts the loopback addresses that sockets came from.
var lastAddr atomic.Uint32

// dialRaw opens a socket at a path, with more headers or none.
func dialRaw(addr, path, headers string) (*rawSocket, error) {
	// An address of its own for each: one that misbehaves is kept away for a while.
	n := lastAddr.Add(1)
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, byte(1+n/250%250), byte(1+n%250))}}
	nc, err := d.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return upgradeRaw(nc, addr, path, headers)
}

func upgradeRaw(nc net.Conn, addr, path, headers string) (*rawSocket, error) {
	nc.SetDeadline(time.Now().Add(30 * time.Second))
	s := &rawSocket{Conn: nc, r: bufio.NewReader(nc)}
	fmt.Fprintf(nc, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n", path, addr, headers)
	answer, err := http.ReadResponse(s.r, nil)
	if err == nil && answer.StatusCode != http.StatusSwitchingProtocols {
		err = fmt.Errorf("the server answered %s", answer.Status)
	}
	if err != nil {
		nc.Close()
		return nil, err
	}
	s.deflates = strings.Contains(answer.Header.Get("Sec-WebSocket-Extensions"), "permessage-deflate")
	return s, nil
}

// frame is one frame, masked with zeros.
func frame(first byte, payload []byte) []byte {
	b := append(head(first, uint64(len(payload))), 0, 0, 0, 0)
	return append(b, payload...)
}

// head is a masked frame's header before its mask.
func head(first byte, length uint64) []byte {
	switch {
	case length < 126:
		return []byte{first, bitMask | byte(length)}
	case length < 1<<16:
		return binary.BigEndian.AppendUint16([]byte{first, bitMask | 126}, uint16(length))
	default:
		return binary.BigEndian.AppendUint64([]byte{first, bitMask | 127}, length)
	}
}

func message(payload []byte) []byte { return frame(bitFin|opBinary, payload) }

// next reads a frame.
func (s *rawSocket) next() (op byte, payload []byte, err error) {
	op, n, err := s.header()
	if err != nil {
		return 0, nil, err
	}
	payload = make([]byte, n)
	if _, err = io.ReadFull(s.r, payload); err == io.EOF {
		err = io.ErrUnexpectedEOF // the header came
	}
	return op, payload, err
}

// skim reads a frame whose payload, of n bytes, may be larger than there is
// memory for: only its beginning is kept, in skimmed.
func (s *rawSocket) skim() (op byte, n int, err error) {
	op, length, err := s.header()
	if err != nil {
		return 0, 0, err
	}
	n = int(length)
	kept := s.skimmed[:min(n, len(s.skimmed))]
	if _, err = io.ReadFull(s.r, kept); err == nil {
		_, err = io.CopyN(io.Discard, s.r, int64(n-len(kept)))
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF // the header came
	}
	return op, n, err
}

// header reads a frame's header.
func (s *rawSocket) header() (op byte, length uint64, err error) {
	var h [2]byte
	if _, err := io.ReadFull(s.r, h[:]); err != nil {
		return 0, 0, err
	}
	n := uint64(h[1] & 127)
	switch n {
	case 126:
		var b [2]byte
		_, err = io.ReadFull(s.r, b[:])
		n = uint64(binary.BigEndian.Uint16(b[:]))
	case 127:
		var b [8]byte
		_, err = io.ReadFull(s.r, b[:])
		n = binary.BigEndian.Uint64(b[:])
	}
	return h[0] & 15, n, err
}

// An ending is how the server took what a raw socket sent.
type ending struct {
	code   int // of the close frame; 0 if the socket is open still
	reason string
	got    [][]byte // the messages
}

// settle asks for a sign of life and reads until it comes, whatever was asked
// for has come, or the socket is closed.
func (s *rawSocket) settle(ask []byte, come func(messages [][]byte) bool) (ending, error) {
	s.SetDeadline(time.Now().Add(60 * time.Second))
	var e ending
	// An error means that the server closed it already; it said why before.
	s.Write(ask)
	for {
		op, payload, err := s.next()
		switch {
		case err != nil:
			return e, fmt.Errorf("closed without a word: %w", err)
		case op == opPong && come == nil:
			return e, nil
		case op == opClose && len(payload) < 2:
			return e, errors.New("closed without a code")
		case op == opClose:
			e.code, e.reason = int(binary.BigEndian.Uint16(payload)), string(payload[2:])
			return e, nil
		case op == opBinary || op == opText:
			e.got = append(e.got, payload)
			if come != nil && come(e.got) {
				return e, nil
			}
		}
	}
}
