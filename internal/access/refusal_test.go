package access

import "testing"

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
