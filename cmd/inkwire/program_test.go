package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// asProgram makes the test's binary the program itself, so that tests can kill
// a real process.
const asProgram = "INKWIRE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// A process is the program, running.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	addr   string // HOST:PORT
	stderr *output
}

// output keeps what a process printed.
type output struct {
	mu      sync.Mutex
	b       bytes.Buffer
	awaited map[string]chan struct{} // closed once this has been printed
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err := o.b.Write(p)
	for text, printed := range o.awaited {
		if bytes.Contains(o.b.Bytes(), []byte(text)) {
			close(printed)
			delete(o.awaited, text)
		}
	}
	return n, err
}

// has is closed once a text has been printed.
func (o *output) has(text string) <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	printed := make(chan struct{})
	if bytes.Contains(o.b.Bytes(), []byte(text)) {
		close(printed)
		return printed
	}
	if o.awaited == nil {
		o.awaited = map[string]chan struct{}{}
	}
	o.awaited[text] = printed
	return printed
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// start runs the program, a file, with more settings or none, and returns when it
// serves. An addr with port 0 takes any port.
func start(t *testing.T, program, addr, data string, settings ...string) *process {
	t.Helper()
	p := &process{t: t, stderr: &output{}}
	p.cmd = exec.CommandContext(context.Background(), program, append([]string{"serve", "--addr", addr, "--data", data}, settings...)...)
	p.cmd.Env = append(os.Environ(), asProgram+"=1", "INKWIRE_LOG_FORMAT=text")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stderr = w
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(p.kill)
	serving := make(chan string, 1)
	go func() {
		defer r.Close()
		lines := bufio.NewScanner(io.TeeReader(r, p.stderr))
		for lines.Scan() {
			if _, url, ok := strings.Cut(lines.Text(), "msg=serving url=http://"); ok {
				url, _, _ = strings.Cut(url, " ")
				serving <- url
			}
		}
		close(serving)
	}()
	select {
	case addr, ok := <-serving:
		if !ok {
			t.Fatalf("the program ended:\n%s", p.stderr)
		}
		p.addr = addr
	case <-time.After(30 * time.Second):
		t.Fatalf("the program doesn't serve:\n%s", p.stderr)
	}
	return p
}

// kill ends the program as a crash does.
func (p *process) kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// stop ends the program in order, and checks that it does so.
func (p *process) stop() {
	p.t.Helper()
	p.cmd.Process.Signal(syscall.SIGTERM)
	if err := p.cmd.Wait(); err != nil {
		p.t.Fatalf("the program ended with %v:\n%s", err, p.stderr)
	}
}

func TestCommandLine(t *testing.T) {
	for _, tt := range []struct {
		args   []string
		env    string
		status int
		want   string
	}{
		{[]string{"--help"}, "", 0, "--data DIR"},
		{[]string{"help"}, "", 0, "serve documents"},
		{[]string{"serve", "-h"}, "", 0, "default 127.0.0.1:8000, environment INKWIRE_ADDR"},
		{[]string{"--version"}, "", 0, "inkwire "},
		{[]string{"version"}, "", 0, "inkwire "},
		{[]string{"fly"}, "", 2, `unknown command "fly"; try inkwire --help`},
		{[]string{"serve", "now"}, "", 2, `unexpected argument "now"`},
		{[]string{"--wings"}, "", 2, "-wings; try inkwire --help"},
		{[]string{"--max-message", "0"}, "", 2, `invalid value "0" for flag -max-message: want bytes from 1 to 1TiB`},
		{[]string{"--history", "1s"}, "", 2, "want a time of at least 1h, such as 720h or 30d"},
		{[]string{"--max-messages-per-second", "0"}, "", 2, "want a whole number from 1"},
		{[]string{"--max-bytes-per-second", "0"}, "", 2, "want bytes from 1 to 1TiB"},
		{[]string{"--max-incoming", "0"}, "", 2, "want bytes from 1 to 1TiB"},
		{[]string{"--max-message", "1GiB"}, "", 2, "--max-incoming is 512MiB, less than --max-message, 1GiB"},
		{[]string{"--max-connections", "-1"}, "", 2, "want a whole number from 1"},
		{[]string{"--data", ""}, "", 2, `invalid value "" for flag -data: want a directory`},
		{[]string{"verify", "--data", ""}, "", 2, "want a directory"},
		{[]string{"--log-level", "loud"}, "", 2, "want one of debug, info, warn, error"},
		{nil, "INKWIRE_MAX_QUEUE=many", 2, `"INKWIRE_MAX_QUEUE": want bytes`},
		{nil, "INKWIRE_LOG_FORMAT=xml", 2, "want one of auto, text, json"},
		{[]string{"--config", "/dev/null/x"}, "", 2, "/dev/null/x"},
		{[]string{"--allow-origin", "https://a.example.com/"}, "", 2, `"https://a.example.com/": want origins such as`},
		{nil, "INKWIRE_TRUSTED_PROXIES=10.0.0.0/8,nginx", 2, `"nginx": want addresses such as`},
		{[]string{"--tls-cert", "a"}, "", 2, "tls-cert needs tls-key"},
		{nil, "INKWIRE_TLS_KEY=a", 2, "tls-key needs tls-cert"},
		{[]string{"--tls-cert", "a", "--tls-key", "b", "--acme-domain", "docs.example.com"}, "", 2, "tls-cert and acme-domain exclude each other"},
		{[]string{"--acme-domain", "https://docs.example.com"}, "", 2, "want a whole name"},
		{[]string{"--acme-email", "me@example.com"}, "", 2, "acme-email needs acme-domain"},
		{[]string{"--acme-directory", "https://ca.example.com"}, "", 2, "acme-directory needs acme-domain"},
		{[]string{"--http-redirect-addr", ":80"}, "", 2, "http-redirect-addr needs tls-cert and tls-key, or acme-domain"},
		{[]string{"--tls-cert", "/dev/null/a", "--tls-key", "/dev/null/b"}, "", 1, "/dev/null/a with the key /dev/null/b"},
		{[]string{"--addr", "0.0.0.0:0"}, "", 1, "use a loopback address"},
		{nil, "INKWIRE_ADDR=192.0.2.7:80", 1, `"192.0.2.7:80" is reached from other machines`},
		{[]string{"--data", "/dev/null/x", "--addr", "127.0.0.1:0"}, "", 1, "data directory"},
	} {
		t.Run(fmt.Sprint(tt.args, tt.env), func(t *testing.T) {
			if name, value, ok := strings.Cut(tt.env, "="); ok {
				t.Setenv(name, value)
			}
			var out bytes.Buffer
			if status := Run(t.Context(), tt.args, &out, &out); status != tt.status {
				t.Errorf("status %d, want %d", status, tt.status)
			}
			if !strings.Contains(out.String(), tt.want) {
				t.Errorf("it printed %q, want %q", out.String(), tt.want)
			}
		})
	}
}

// The program serves until its context ends, and a second one on the same data
// says why it doesn't start.
func TestRun(t *testing.T) {
	data := t.TempDir()
	p := start(t, os.Args[0], "127.0.0.1:0", data)
	var out bytes.Buffer
	if status := Run(t.Context(), []string{"--addr", "127.0.0.1:0", "--data", data}, &out, &out); status != 1 {
		t.Fatal("status ", status)
	}
	if !strings.Contains(out.String(), "in use by another process") {
		t.Fatal(out.String())
	}
	if status := Run(t.Context(), []string{"--addr", p.addr, "--data", t.TempDir()}, &out, &out); status != 1 {
		t.Fatal("two programs on one address")
	}
	p.stop()
	if !strings.Contains(p.stderr.String(), "everything is saved") {
		t.Fatal(p.stderr)
	}
	if _, err := net.Dial("tcp", p.addr); err == nil {
		t.Fatal("it still listens")
	}
	start(t, os.Args[0], p.addr, data).stop() // the lock is gone with the process
}

// A second signal ends the program at once, though a client that doesn't answer
// its close frame is still waited for.
func TestSecondSignal(t *testing.T) {
	p := start(t, os.Args[0], "127.0.0.1:0", t.TempDir())
	c, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "GET /yjs/a HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", p.addr)
	r := bufio.NewReader(c)
	if resp, err := http.ReadResponse(r, nil); err != nil || resp.StatusCode != 101 {
		t.Fatal(resp, err)
	}
	p.cmd.Process.Signal(syscall.SIGINT)
	// The close frame: the program is ending.
	if b, err := r.ReadByte(); err != nil || b != 0x88 {
		t.Fatalf("%x, %v", b, err)
	}
	p.cmd.Process.Signal(syscall.SIGTERM)
	var exit *exec.ExitError
	if err := p.cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
		t.Fatalf("%v\n%s", err, p.stderr)
	}
}
