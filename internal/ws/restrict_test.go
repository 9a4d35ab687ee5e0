package ws

import (
	"bytes"
	"errors"
	"testing"
	"unsafe"

	"github.com/gobwas/ws"
)

// A restricted peer may send no long messages, plain or inflated, until it is
// restricted no more.
func TestRestrict(t *testing.T) {
	cfg := Defaults
	cfg.MaxRestricted = 100
	if size := unsafe.Sizeof(Conn{}); size > 768 {
		t.Errorf("a connection has %d bytes, and there are very many of them", size)
	}
	for _, tt := range []struct {
		restricted bool
		size, most int
	}{{true, 100, 0}, {true, 101, 100}, {false, 101, 0}} {
		var stream bytes.Buffer
		h := ws.Header{Fin: true, OpCode: ws.OpBinary, Masked: true, Length: int64(tt.size)}
		if err := ws.WriteHeader(&stream, h); err != nil {
			t.Fatal(err)
		}
		stream.Write(make([]byte, tt.size))
		c := newConn(script{&stream}, nil, false, &cfg)
		c.Restrict(true)
		c.Restrict(tt.restricted)
		_, err := c.Read()
		var breach *Error
		if refused := errors.As(err, &breach) && breach.Code == CodeTooLarge; refused != (tt.most > 0) {
			t.Errorf("%+v: %v", tt, err)
		}
		c.Finish(1000, "")
	}
}
