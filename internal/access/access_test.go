package access

import (
	"strings"
	"testing"
)

func TestListenAddr(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "127.8.9.1:80", "[::1]:8000", "localhost:8000"} {
		if _, err := ListenAddr(addr); err != nil {
			t.Errorf("%s: %v", addr, err)
		}
	}
	for _, addr := range []string{":8000", "0.0.0.0:8000", "[::]:8000", "192.0.2.1:8000", "127.0.0.1", "nonsense"} {
		if a, err := ListenAddr(addr); err == nil {
			t.Errorf("%s: listens on %v", addr, a)
		}
	}
	_, err := ListenAddr("0.0.0.0:8000")
	if want := "use a loopback address, such as 127.0.0.1:8000"; !strings.Contains(err.Error(), want) {
		t.Errorf("the error doesn't help: %v", err)
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
