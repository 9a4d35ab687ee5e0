package main

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/server"
)

// Each refusal has a line that says who, what and why; of very many, the log tells
// how many it leaves out.
func TestRefusalsInTheLog(t *testing.T) {
	var out output
	r := newRefusals(newLog(&out, "info", "text"))
	r.add(server.Denial{Remote: netip.MustParseAddr("192.0.2.1"), Document: "a b", Refused: access.BadToken.Because("its signature is wrong")})
	r.add(server.Denial{Remote: netip.MustParseAddr("192.0.2.1"), Address: "/yjs/a", Refused: access.ForeignOrigin.Because("")})
	for _, want := range []string{
		`msg=refused remote=192.0.2.1 document="a b" reason=bad_token why="the token isn't valid: its signature is wrong"`,
		`msg=refused remote=192.0.2.1 address=/yjs/a reason=foreign_origin why="pages of other sites may not connect"`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in\n%s", want, &out)
		}
	}
	for range 10_000 {
		r.add(server.Denial{Document: "a", Refused: access.NoToken.Because("")})
	}
	if lines := strings.Count(out.String(), "\n"); lines > 1000 {
		t.Fatalf("%d lines", lines)
	}
	r.allowed.SetBurst(1 << 20)
	r.allowed.SetLimit(1 << 30)
	for !strings.Contains(out.String(), "others_left_out=") {
		r.add(server.Denial{Document: "a", Refused: access.NoToken.Because("")})
	}
}
