package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The kinds of real clients, as peers/clients.mjs names them.
var (
	yWebsockets  = []string{"y-websocket-1", "y-websocket-2", "y-websocket-3"}
	hocuspocuses = []string{"hocuspocus-2", "hocuspocus-3", "hocuspocus-4"}
	allKinds     = []string{"y-websocket-1", "hocuspocus-2", "y-websocket-2", "hocuspocus-3", "y-websocket-3", "hocuspocus-4"}
)

// A driver is a script of peers/ that drives real clients. It and the test speak
// in lines.
type driver struct {
	t    *testing.T
	cmd  *exec.Cmd
	in   io.WriteCloser
	said *bufio.Scanner
	errs *output
}

// drive runs a script until the test ends.
func drive(t *testing.T, script string, args ...string) *driver {
	t.Helper()
	if err := install(); err != nil {
		t.Fatal(err)
	}
	d := &driver{t: t, errs: &output{}}
	d.cmd = exec.Command("node", append([]string{script}, args...)...)
	d.cmd.Dir = peersDir
	d.cmd.Stderr = d.errs
	var err error
	if d.in, err = d.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	d.said = bufio.NewScanner(out)
	d.said.Buffer(nil, 64<<20)
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.cmd.Process.Kill()
		d.cmd.Wait()
	})
	return d
}

// say writes a line to the script.
func (d *driver) say(line string) {
	d.t.Helper()
	if _, err := io.WriteString(d.in, line+"\n"); err != nil {
		d.t.Fatalf("the clients ended: %v\n%s", err, d.errs)
	}
}

// expect returns the rest of the script's next line, which begins with a word.
func (d *driver) expect(word string) string {
	d.t.Helper()
	if !d.said.Scan() {
		d.t.Fatalf("the clients ended instead of %q\n%s", word, d.errs)
	}
	first, rest, _ := strings.Cut(d.said.Text(), " ")
	if first != word {
		d.t.Fatalf("the clients said %q, want %q\n%s", d.said.Text(), word, d.errs)
	}
	return rest
}

// end lets the script end, and checks that it does so in order.
func (d *driver) end() {
	d.t.Helper()
	d.in.Close()
	for d.said.Scan() {
		d.t.Errorf("the clients said %q at their end", d.said.Text())
	}
	if err := d.cmd.Wait(); err != nil {
		d.t.Fatalf("the clients ended with %v\n%s", err, d.errs)
	}
}

// recorded are the files of recorded traces, none when TRACES names no folder.
func recorded(t *testing.T) []string {
	t.Helper()
	dir := os.Getenv("TRACES")
	if dir == "" {
		t.Log("TRACES names no folder with recorded traces: clients type generated ones")
		return nil
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "traces", "*.json.gz"))
	if err != nil || len(files) == 0 {
		t.Fatal("TRACES has no traces/*.json.gz: ", dir, err)
	}
	slices.Sort(files)
	return files
}

// copyOf is a copy of a data directory, so that looking into it changes nothing.
func copyOf(t *testing.T, from string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(fmt.Errorf("copy the data: %w", err))
	}
	return to
}
