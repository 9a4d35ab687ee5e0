package difftest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// peersDir holds the Yjs side.
const peersDir = "../../peers"

// yjsVersion is the version that crdt must equal.
const yjsVersion = "13.6.33"

// A node is the long-lived Node process beside the test: a request is a line of JSON, its answer another.
type node struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr tail
}

// A tail keeps the last of what a process printed.
type tail struct {
	sync.Mutex
	b []byte
}

const tailLimit = 64 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.Lock()
	defer t.Unlock()
	t.b = append(t.b, p...)
	if over := len(t.b) - tailLimit; over > 0 {
		t.b = t.b[:copy(t.b, t.b[over:])]
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.Lock()
	defer t.Unlock()
	return string(t.b)
}

var installOnce = sync.OnceValue(func() error {
	if _, err := exec.LookPath("node"); err != nil {
		return errors.New("the differential test needs Node (20 or later) with npm on the PATH: it runs real Yjs")
	}
	if _, err := os.Stat(filepath.Join(peersDir, "node_modules", "yjs", "package.json")); err == nil {
		return nil
	}
	cmd := exec.Command("npm", "ci")
	cmd.Dir = peersDir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci in peers, which installs Yjs for the differential test: %w\n%s", err, out)
	}
	return nil
})

// startNode starts a Node process that ends with the test.
func startNode(t testing.TB) *node {
	t.Helper()
	if err := installOnce(); err != nil {
		t.Fatal(err)
	}
	n := &node{cmd: exec.Command("node", "yjs.mjs")}
	n.cmd.Dir = peersDir
	n.cmd.Stderr = &n.stderr
	in, err := n.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := n.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	n.in, n.out = in, bufio.NewReaderSize(out, 1<<20)
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		n.in.Close()
		if err := n.cmd.Wait(); err != nil {
			t.Logf("node: %v\n%s", err, n.stderr.String())
		}
	})
	var answer struct{ Version string }
	if err := n.call(map[string]any{"version": true}, &answer); err != nil {
		t.Fatal(err)
	}
	if answer.Version != yjsVersion {
		t.Fatalf("peers has yjs %s, the test wants %s: run npm ci there", answer.Version, yjsVersion)
	}
	return n
}

func (n *node) send(request any) error {
	b, err := json.Marshal(request)
	if err != nil {
		return err
	}
	_, err = n.in.Write(append(b, '\n'))
	return err
}

func (n *node) receive(answer any) error {
	line, err := n.out.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("node ended: %w\n%s", err, n.stderr.String())
	}
	if bytes.HasPrefix(line, []byte(`{"error":`)) {
		return fmt.Errorf("node: %s", line)
	}
	if err := json.Unmarshal(line, answer); err != nil {
		return fmt.Errorf("node's answer: %w", err)
	}
	return nil
}

func (n *node) call(request, answer any) error {
	if err := n.send(request); err != nil {
		return fmt.Errorf("node: %w\n%s", err, n.stderr.String())
	}
	return n.receive(answer)
}

// steps is Node's answer to a session.
type steps struct{ Steps [][]string }

func (n *node) session(s *session) ([][]string, error) {
	var a steps
	err := n.call(map[string]any{"session": s}, &a)
	return a.Steps, err
}

// explain puts an update into words.
func (n *node) explain(update string, v2 bool) []string {
	var a struct{ Lines []string }
	if err := n.call(map[string]any{"explain": update, "v2": v2}, &a); err != nil {
		return []string{err.Error()}
	}
	return a.Lines
}
