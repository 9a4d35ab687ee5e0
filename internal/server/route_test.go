package server

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/inkwire/inkwire/internal/access"
)

func TestRoute(t *testing.T) {
	for target, want := range map[string]destination{
		"/yjs/a":                    {yWebsocketProtocol, "a"},
		"/yjs/a?token=x":            {yWebsocketProtocol, "a"},
		"/yjs/a%20b":                {yWebsocketProtocol, "a b"},
		"/yjs/a+b":                  {yWebsocketProtocol, "a+b"},
		"/yjs/a%2Fb":                {yWebsocketProtocol, "a/b"},
		"/yjs/a/b":                  {yWebsocketProtocol, "a/b"},
		"/yjs/a//b":                 {yWebsocketProtocol, "a//b"},
		"/yjs//":                    {yWebsocketProtocol, "/"},
		"/yjs/a/":                   {yWebsocketProtocol, "a/"},
		"/yjs/100%":                 {yWebsocketProtocol, "100%"},
		"/yjs/%zz%4":                {yWebsocketProtocol, "%zz%4"},
		"/yjs/%2541":                {yWebsocketProtocol, "%41"},
		"/yjs/%E6%96%87":            {yWebsocketProtocol, "文"},
		"/yjs/文":                    {yWebsocketProtocol, "文"},
		"/yjs/yjs/x":                {yWebsocketProtocol, "yjs/x"},
		"/yjs/api/x":                {yWebsocketProtocol, "api/x"},
		"/yjs/ws":                   {yWebsocketProtocol, "ws"},
		"/yjs/hocuspocus":           {yWebsocketProtocol, "hocuspocus"},
		"/a":                        {undecided, "a"},
		"/a/b":                      {undecided, "a/b"},
		"/apis":                     {undecided, "apis"},
		"/yjsx":                     {undecided, "yjsx"},
		"//a":                       {undecided, "/a"},
		"/":                         {undecided, ""},
		"/?x":                       {undecided, ""},
		"http://localhost/":         {undecided, ""},
		"/hocuspocus":               {hocuspocusProtocol, ""},
		"/hocuspocus/":              {hocuspocusProtocol, ""},
		"/hocuspocus?token=x":       {hocuspocusProtocol, ""},
		"/hocuspocus/a":             {undecided, "hocuspocus/a"},
		"http://localhost:8000/a":   {undecided, "a"},
		"http://localhost/yjs/a%2f": {yWebsocketProtocol, "a/"},
	} {
		if got, err := route(target); got != want || err != nil {
			t.Errorf("%s: %q, %v, want %q", target, got, err, want)
		}
	}
	for _, target := range []string{
		"", "*", "/yjs", "/yjs/", "/yjs/?x", "/api/x", "/api", "/d/x", "/ws", "/ws/", "/%68ocuspocus",
		"/tutorial?doc=x", "/healthz", "/readyz", "/metrics", "/%68ealthz", "/%79js/a",
		"/yjs/..", "/yjs/a/../b", "/yjs/.", "/yjs/a%2F..", "/yjs/%00", "/yjs/a%0Ab", "/yjs/%ff", "/" + strings.Repeat("a", 513),
	} {
		got, err := route(target)
		var refused *access.Refused
		if !errors.As(err, &refused) || refused.HTTP != 404 {
			t.Errorf("%s: %q, %v", target, got, err)
		}
	}
}

// A request line's lone "%" is escaped, however the bytes come, and nothing else
// of the connection changes.
func TestLineConn(t *testing.T) {
	in := "GET /a%/%zz%20%4 HTTP/1.1\r\nHost: 100%\r\n\r\n%%%"
	want := "GET /a%25/%25zz%20%254 HTTP/1.1\r\nHost: 100%\r\n\r\n%%%"
	for name, r := range map[string]io.Reader{
		"whole":         strings.NewReader(in),
		"byte by byte":  iotest.OneByteReader(strings.NewReader(in)),
		"data with EOF": iotest.DataErrReader(strings.NewReader(in)),
		"half by half":  iotest.HalfReader(strings.NewReader(in)),
	} {
		t.Run(name, func(t *testing.T) {
			c := &lineConn{Conn: readConn{Reader: r}}
			if c.Bare() != nil {
				t.Fatal("it steps aside before its work")
			}
			got, err := io.ReadAll(c)
			if err != nil || string(got) != want {
				t.Fatalf("%q, %v", got, err)
			}
			if c.Bare() == nil {
				t.Fatal("it doesn't step aside")
			}
		})
	}
	t.Run("the next request", func(t *testing.T) {
		rest := "Host: x\r\n\r\n{%}"
		c := &lineConn{Conn: readConn{Reader: io.MultiReader(strings.NewReader(in), strings.NewReader("ET /100% HTTP/1.1\r\n"+rest))}}
		first := make([]byte, len(want))
		if _, err := io.ReadFull(c, first); err != nil || string(first) != want {
			t.Fatalf("%q, %v", first, err)
		}
		c.next() // whose first byte was read ahead
		if got, err := io.ReadAll(c); err != nil || string(got) != "ET /100%25 HTTP/1.1\r\n"+rest {
			t.Fatalf("%q, %v", got, err)
		}
	})
	t.Run("sent ahead", func(t *testing.T) { // the line was read with the last request
		body := "{%}\n%"
		c := &lineConn{Conn: readConn{Reader: strings.NewReader(body)}}
		if got, err := io.ReadAll(c); err != nil || string(got) != body {
			t.Fatalf("%q, %v", got, err)
		}
	})
	t.Run("no line", func(t *testing.T) {
		long := strings.Repeat("%", 3*maxLine)
		got, err := io.ReadAll(&lineConn{Conn: readConn{Reader: strings.NewReader(long)}})
		if err != nil || string(got) != long {
			t.Fatal(len(got), err)
		}
	})
	t.Run("failing", func(t *testing.T) {
		_, err := io.ReadAll(&lineConn{Conn: readConn{Reader: iotest.ErrReader(errors.ErrUnsupported)}})
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Fatal(err)
		}
	})
}

type readConn struct {
	net.Conn
	io.Reader
}

func (c readConn) Read(p []byte) (int, error) { return c.Reader.Read(p) }
