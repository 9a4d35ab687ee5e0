package ws

import (
	"bytes"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// A message that is under way while its peer rests has as much longer to come
// whole, and no more than that.
func TestRestWithinMessage(t *testing.T) {
	var stream bytes.Buffer
	write := func(h ws.Header, n int) {
		h.Masked, h.Length = true, int64(n)
		if err := ws.WriteHeader(&stream, h); err != nil {
			t.Fatal(err)
		}
		stream.Write(make([]byte, n))
	}
	const whole, size = 20, 1000
	for range whole {
		write(ws.Header{Fin: true, OpCode: ws.OpBinary}, size)
	}
	write(ws.Header{OpCode: ws.OpBinary}, size)
	write(ws.Header{Fin: true, OpCode: ws.OpPing}, 4)
	cfg := Defaults
	cfg.MaxMessage, cfg.MaxBytesPerSecond = size, whole*size/2 // the burst is of whole messages
	c := newConn(script{&stream}, nil, false, &cfg)
	c.reader.begin()
	read := func() time.Duration {
		t.Helper()
		if _, _, err := c.next(); err != nil {
			t.Fatal(err)
		}
		return time.Duration(c.reader.due.Load())
	}
	for range whole {
		read()
		c.reader.begin()
	}
	due := read() // the part
	rested := c.pace.buckets.waited
	longer := read() - due // the ping, which has to wait for what the part was too much
	if rested = c.pace.buckets.waited - rested; rested < leastRest || longer != rested {
		t.Errorf("it rested for %v, and has %v longer to come whole", rested, longer)
	}
	c.Finish(1000, "")
}
