package main

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// peersDir holds the real clients.
const peersDir = "../../peers"

// install installs the real clients once.
var install = sync.OnceValue(func() error {
	if _, err := os.Stat(filepath.Join(peersDir, "node_modules", "y-websocket-3")); err == nil {
		return nil
	}
	cmd := exec.Command("npm", "ci", "--no-audit", "--no-fund")
	cmd.Dir = peersDir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci in peers (these tests need Node 20 or later): %w\n%s", err, out)
	}
	return nil
})

// build makes the program as its users have it. The recorded traces are long,
// and the race detector makes the program several times slower, so they are
// typed into this one, and the generated traces into the test's own binary.
func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "inkwire")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return program
}

// traces are what clients type: recorded ones of the folder that TRACES names,
// and generated ones.
func traces(t *testing.T) map[string]string {
	all := map[string]string{"generated, in turns": "sequential", "generated, at once": "concurrent"}
	for _, f := range recorded(t) {
		all[strings.TrimSuffix(filepath.Base(f), ".json.gz")] = f
	}
	return all
}

// Two y-websocket clients write together. In the middle the program is killed
// and started again on the same data; at the end it is started once more, and a
// third client, which never met the others, finds their text.
func TestWriteTogether(t *testing.T) {
	if err := install(); err != nil {
		t.Fatal(err)
	}
	versions := [][]string{{"1", "3", "2"}, {"2", "1", "3"}, {"3", "2", "1"}}
	all := traces(t)
	plain := build(t)
	for i, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Under /yjs every name is reached; at the root, as a server that knows
			// y-websocket alone has it, most are.
			path := []string{"/yjs", ""}[i%2]
			program := os.Args[0]
			if filepath.IsAbs(all[name]) {
				program = plain
			}
			writeTogether(t, program, path, all[name], versions[i%len(versions)])
		})
	}
}

func writeTogether(t *testing.T, program, path, source string, versions []string) {
	data := t.TempDir()
	server := start(t, program, "127.0.0.1:0", data)
	addr := server.addr
	args := append([]string{"ywebsocket.mjs", "ws://" + addr + path, "a text 100%", source}, versions...)
	clients := exec.CommandContext(t.Context(), "node", args...)
	clients.Dir = peersDir
	errs := &output{}
	clients.Stderr = errs
	in, err := clients.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := clients.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := clients.Start(); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	said := bufio.NewScanner(out)
	expect := func(want string) {
		t.Helper()
		if !said.Scan() || said.Text() != want {
			t.Fatalf("the clients (y-websocket %v) said %q, want %q\n%s\nserver:\n%s", versions, said.Text(), want, errs, server.stderr)
		}
	}
	expect("half")
	server.kill()
	server = start(t, program, addr, data)
	expect("typed")
	server.stop()
	server = start(t, program, addr, data)
	io.WriteString(in, "third\n")
	expect("done")
	server.stop()
	if err := clients.Wait(); err != nil {
		t.Fatal(err)
	}
	t.Logf("y-websocket %v, %v", versions, time.Since(begun).Round(time.Millisecond))
}
