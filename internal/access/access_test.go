package access

import (
	"errors"
	"net/http"
	"testing"
)

func TestCheckHost(t *testing.T) {
	for _, host := range []string{"localhost", "LOCALHOST:80", "a.localhost:1", "127.0.0.1", "127.1.2.3:8000", "[::1]:8000", "[::1]", "::1"} {
		if err := CheckHost(&http.Request{Host: host}); err != nil {
			t.Errorf("%q: %v", host, err)
		}
	}
	for _, host := range []string{"", "evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example",
		"evillocalhost", "10.0.0.1", "127.1", "0.0.0.0", "[::]:80", "localhost:80:80", "127.0.0.1@evil.example"} {
		err := CheckHost(&http.Request{Host: host})
		var refused *Refused
		if !errors.As(err, &refused) || refused.HTTP != 403 {
			t.Errorf("%q: %v", host, err)
		}
	}
}

func TestCheckOrigin(t *testing.T) {
	check := func(origins ...string) error {
		return CheckOrigin(&http.Request{Host: "127.0.0.1:8000", Header: http.Header{"Origin": origins}})
	}
	if err := CheckOrigin(&http.Request{}); err != nil {
		t.Error("no Origin: ", err)
	}
	for _, o := range []string{"http://localhost:5173", "https://localhost", "http://127.0.0.1:8000", "http://[::1]:3000"} {
		if err := check(o); err != nil {
			t.Errorf("%q: %v", o, err)
		}
	}
	for _, o := range []string{"", "null", "https://evil.example", "http://localhost.evil.example", "http://evil.example:8000",
		"chrome-extension://abcdef", "file://", "localhost:8000", "http://", "http://127.0.0.1@evil.example"} {
		var refused *Refused
		if err := check(o); !errors.As(err, &refused) || refused.HTTP != 403 {
			t.Errorf("%q: %v", o, err)
		}
	}
	if check("http://localhost", "https://evil.example") == nil {
		t.Error("two origins")
	}
}

// A close frame holds 123 bytes; a sentence leaves room for a detail.
func TestTable(t *testing.T) {
	labels := map[string]bool{}
	for _, r := range Table {
		if labels[r.Label] || r.Label == "" || r.Sentence == "" || len(r.Sentence) > 60 || (r.HTTP == 0 && r.Close == 0) || (r.Close == 0) != (r.Yjs == 0) {
			t.Errorf("%+v", r)
		}
		labels[r.Label] = true
	}
	if len(labels) < 20 {
		t.Errorf("the table has %d rows", len(labels))
	}
}
