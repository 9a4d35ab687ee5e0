package hocuspocus_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// peersDir holds the real clients.
const peersDir = "../../../peers"

// install installs the real clients once.
var install = sync.OnceValues(func() ([]byte, error) {
	if _, err := os.Stat(filepath.Join(peersDir, "node_modules", "hocuspocus-4")); err == nil {
		return nil, nil
	}
	cmd := exec.Command("npm", "ci", "--no-audit", "--no-fund")
	cmd.Dir = peersDir
	return cmd.CombinedOutput()
})

// Real clients of all versions share documents; peers/providers.mjs says how.
func TestProviders(t *testing.T) {
	if out, err := install(); err != nil {
		t.Fatalf("npm ci in peers (this test needs Node 20 or later): %v\n%s", err, out)
	}
	for _, scenario := range []string{"together", "offline", "multiplexed", "presence", "activity"} {
		t.Run(scenario, func(t *testing.T) {
			t.Parallel()
			s := serve(t, nil, nil)
			ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
			defer cancel()
			begun := time.Now()
			cmd := exec.CommandContext(ctx, "node", "providers.mjs", scenario, s.addr)
			cmd.Dir = peersDir
			if out, err := cmd.CombinedOutput(); err != nil || string(out) != "done\n" {
				t.Errorf("%v\n%s", err, out)
			}
			t.Logf("%v", time.Since(begun).Round(time.Millisecond))
		})
	}
}
