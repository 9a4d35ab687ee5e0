package access

import (
	"fmt"
	"testing"
	"time"
)

// A browser's session holds one token of a subject and each share once, and of too
// many the latest.
func TestHolding(t *testing.T) {
	now := time.Now()
	var h Holding
	h.add(Identity{Subject: "over", Expires: now.Add(time.Hour)}, now)
	h.add(Identity{Subject: "ann", Name: "old"}, now)
	h.add(Identity{Share: 1}, now)
	h.add(Identity{Share: 2}, now)
	h.add(Identity{Subject: "ann", Name: "new"}, now.Add(2*time.Hour))
	h.add(Identity{Share: 1}, now)
	if fmt.Sprint(h.Shares) != "[2 1]" || len(h.Tokens) != 1 || h.Tokens[0].Name != "new" {
		t.Fatalf("%+v", h)
	}
	for i := range 100 {
		h.add(Identity{Share: int64(i)}, now)
	}
	for i := range 100 {
		h.add(Identity{Subject: fmt.Sprint(i)}, now)
	}
	if n := len(h.Tokens) + len(h.Shares); n != maxHeld || h.Shares[len(h.Shares)-1] != 99 || h.Tokens[len(h.Tokens)-1].Subject != "99" {
		t.Fatalf("%d: %+v", n, h)
	}
}

// Tokens for several documents are beside each other; one that is of the same
// subject and about the same as another takes its place.
func TestHoldingOfSeveral(t *testing.T) {
	now := time.Now()
	grants := func(pattern string) Identity { return Identity{Docs: Grants{{Pattern: pattern, Role: Writer}}} }
	var h Holding
	for _, pattern := range []string{"a", "b", "a"} {
		h.add(grants(pattern), now)
	}
	ann := grants("c")
	ann.Subject = "ann"
	for _, role := range []Role{Reader, Writer} { // a role that was raised or lowered
		ann.Docs = Grants{{Pattern: "c", Role: role}}
		var of Holding
		of.add(grants("c"), now)
		of.add(Identity{Subject: "ann", Docs: Grants{{Pattern: "c", Role: Owner}}}, now)
		if of.add(ann, now); len(of.Tokens) != 2 || of.Tokens[1].Docs[0].Role != role {
			t.Errorf("%+v", of)
		}
	}
	if len(h.Tokens) != 2 || h.Tokens[0].Docs[0].Pattern != "b" || h.Tokens[1].Docs[0].Pattern != "a" {
		t.Fatalf("%+v", h)
	}
}

// It is kept for a month, or as long as what it holds counts if that is known.
func TestHoldingUntil(t *testing.T) {
	now := time.Now()
	at := func(d time.Duration) Identity { return Identity{Expires: now.Add(d)} }
	for _, tt := range []struct {
		holds Holding
		want  time.Duration
	}{
		{Holding{Tokens: []Identity{at(2 * time.Hour), at(time.Hour)}}, 2 * time.Hour},
		{Holding{Tokens: []Identity{at(time.Hour), {}}}, sessionKept},
		{Holding{Tokens: []Identity{at(time.Hour), at(1e6 * time.Hour)}}, sessionKept},
		{Holding{Tokens: []Identity{at(time.Hour)}, Shares: []int64{1}}, sessionKept},
	} {
		if got := tt.holds.until(now).Sub(now); got != tt.want {
			t.Errorf("%+v: %v, want %v", tt.holds, got, tt.want)
		}
	}
}
