package server

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"
)

func TestDocumentName(t *testing.T) {
	for target, want := range map[string]string{
		"/yjs/a":                    "a",
		"/yjs/a?token=x":            "a",
		"/yjs/a%20b":                "a b",
		"/yjs/a+b":                  "a+b",
		"/yjs/a%2Fb":                "a/b",
		"/yjs/a/b":                  "a/b",
		"/yjs/a//b":                 "a//b",
		"/yjs//":                    "/",
		"/yjs/a/":                   "a/",
		"/yjs/100%":                 "100%",
		"/yjs/%zz%4":                "%zz%4",
		"/yjs/%2541":                "%41",
		"/yjs/%E6%96%87":            "文",
		"/yjs/文":                    "文",
		"/yjs/yjs/x":                "yjs/x",
		"/yjs/api/x":                "api/x",
		"/yjs/ws":                   "ws",
		"/a":                        "a",
		"/a/b":                      "a/b",
		"/apis":                     "apis",
		"/yjsx":                     "yjsx",
		"//a":                       "/a",
		"http://localhost:8000/a":   "a",
		"http://localhost/yjs/a%2f": "a/",
	} {
		if got, err := documentName(target); got != want || err != nil {
			t.Errorf("%s: %q, %v, want %q", target, got, err, want)
		}
	}
	for _, target := range []string{
		"", "/", "*", "/?x", "/yjs", "/yjs/", "/yjs/?x", "/api/x", "/api", "/d/x", "/ws", "/ws/", "/hocuspocus", "/hocuspocus/",
		"/tutorial?doc=x", "/healthz", "/%68ealthz", "http://localhost", "http://localhost/",
		"/yjs/..", "/yjs/a/../b", "/yjs/.", "/yjs/a%2F..", "/yjs/%00", "/yjs/a%0Ab", "/yjs/%ff", "/" + strings.Repeat("a", 513),
	} {
		if got, err := documentName(target); err == nil {
			t.Errorf("%s: %q", target, got)
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
