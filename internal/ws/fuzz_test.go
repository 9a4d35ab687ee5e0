package ws

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// A script is a peer that sends bytes and is gone; what it gets is forgotten.
type script struct{ io.Reader }

func (script) Write(b []byte) (int, error)      { return len(b), nil }
func (script) Close() error                     { return nil }
func (script) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (script) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (script) SetDeadline(time.Time) error      { return nil }
func (script) SetReadDeadline(time.Time) error  { return nil }
func (script) SetWriteDeadline(time.Time) error { return nil }

// FuzzRead reads any bytes as a peer's frames: every message is within the
// limit, text is UTF-8, and the end is an error that says why.
func FuzzRead(f *testing.F) {
	masked := func(h ws.Header, payload string) []byte {
		var b bytes.Buffer
		h.Masked, h.Mask, h.Length = true, [4]byte{1, 2, 3, 4}, int64(len(payload))
		if err := ws.WriteHeader(&b, h); err != nil {
			f.Fatal(err)
		}
		p := []byte(payload)
		ws.Cipher(p, h.Mask, 0)
		return append(b.Bytes(), p...)
	}
	text := masked(ws.Header{Fin: true, OpCode: ws.OpText}, "hällo")
	part := masked(ws.Header{OpCode: ws.OpBinary}, "two")
	rest := masked(ws.Header{Fin: true, OpCode: ws.OpContinuation}, " parts")
	ping := masked(ws.Header{Fin: true, OpCode: ws.OpPing}, "?")
	gone := masked(ws.Header{Fin: true, OpCode: ws.OpClose}, "\x03\xe8bye")
	f.Add(bytes.Join([][]byte{text, part, ping, rest, gone}, nil), 5, false)
	f.Add(part, 0, true)
	f.Add([]byte{0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 2, false) // nearly 2^63 bytes
	f.Fuzz(func(t *testing.T, stream []byte, early int, deflate bool) {
		cfg := Defaults
		cfg.MaxMessage = 100
		early = max(0, min(early, len(stream)))
		c := newConn(script{bytes.NewReader(stream[early:])}, stream[:early], deflate, &cfg)
		for {
			m, err := c.Read()
			if err != nil {
				var breach *Error
				var closed *Closed
				if !errors.As(err, &breach) && !errors.As(err, &closed) && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("ended with %v", err)
				}
				break
			}
			if len(m.Data) > cfg.MaxMessage || m.Text && !utf8.Valid(m.Data) {
				t.Errorf("a message of %d bytes, text: %v", len(m.Data), m.Text)
			}
		}
		c.Finish(1000, "")
	})
}
