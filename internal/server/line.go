package server

import (
	"bytes"
	"net"
	"strings"
)

// net/http answers a request with a lone "%" in its path with 400 before any
// handler sees it, but y-websocket sends document names so. A lineConn escapes
// it in the first request line of a connection; a socket's request is the only
// one of its connection.
type lineConn struct {
	net.Conn
	buf  []byte // read, not yet handed on
	done bool   // the first line has been seen
}

// maxLine is how long a request line is looked at; net/http refuses longer ones.
const maxLine = maxHeaderBytes

func (c *lineConn) Read(p []byte) (int, error) {
	for !c.done {
		n, err := c.Conn.Read(p)
		c.buf = append(c.buf, p[:n]...)
		if i := bytes.IndexByte(c.buf, '\n'); i >= 0 {
			c.buf = append([]byte(escapeLine(string(c.buf[:i]))), c.buf[i:]...)
			c.done = true
		} else if len(c.buf) > maxLine {
			c.done = true
		}
		if err != nil {
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

// escapeLine makes "%25" of each "%" that begins no escape.
func escapeLine(line string) string {
	if !strings.Contains(line, "%") {
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

type lineListener struct{ net.Listener }

func (l *lineListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &lineConn{Conn: c}, nil
}
