package server

import (
	"bytes"
	"net"
	"strings"
	"sync/atomic"
)

// net/http answers a request with a lone "%" in its path with 400 before any
// handler sees it, but y-websocket sends document names so. A lineConn escapes
// it in a request's line. What a client sends ahead of its turn it leaves alone:
// browsers and y-websocket don't.
type lineConn struct {
	net.Conn
	buf  []byte // read, not yet handed on
	done bool   // the line has been seen

	http2 atomic.Bool // by its preface: there are no more lines
}

// next expects another request's line. It's called between two requests, when
// nobody reads.
func (c *lineConn) next() { c.done = false }

// maxLine is how long a request line is looked at, in bytes: of one with a
// document's name it's a small part.
const maxLine = 32 << 10

const http2Preface = "PRI * HTTP/2.0\r"

func (c *lineConn) Read(p []byte) (int, error) {
	for !c.done {
		if i := bytes.IndexByte(c.buf, '\n'); i >= 0 {
			line := string(c.buf[:i])
			c.http2.Store(line == http2Preface)
			c.buf = append([]byte(escapeLine(line)), c.buf[i:]...)
			c.done = true
			break
		} else if len(c.buf) > maxLine {
			c.done = true
			break
		}
		n, err := c.Conn.Read(p)
		c.buf = append(c.buf, p[:n]...)
		if err != nil && bytes.IndexByte(c.buf, '\n') < 0 {
			c.done = true
			if len(c.buf) == 0 {
				return 0, err
			}
		}
	}
	if len(c.buf) > 0 {
		n := copy(p, c.buf)
		c.buf = c.buf[n:]
		return n, nil
	}
	c.buf = nil
	return c.Conn.Read(p)
}

// Bare returns the connection underneath once this one has done its work.
func (c *lineConn) Bare() net.Conn {
	if c.done && len(c.buf) == 0 {
		return c.Conn
	}
	return nil
}

// CloseWrite lets net/http end a connection so that the client sees its answer.
func (c *lineConn) CloseWrite() error {
	if cw, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return cw.CloseWrite()
	}
	return nil
}

// escapeLine makes "%25" of each "%" of a request's line that begins no escape.
func escapeLine(line string) string {
	isRequest := strings.Contains(line, " HTTP/1.") // and no part of what a client sent ahead
	if !isRequest || !strings.Contains(line, "%") {
		return line
	}
	var b strings.Builder
	for i := range len(line) {
		b.WriteByte(line[i])
		if line[i] == '%' && !escaped(line, i) {
			b.WriteString("25")
		}
	}
	return b.String()
}
