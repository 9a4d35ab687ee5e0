//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The cores: the server has one for itself, the load another.
const (
	serverCore = "0"
	loadCore   = "1"
)

const (
	startTimeout = 20 * time.Second
	stopTimeout  = 60 * time.Second // Hocuspocus encodes what it hasn't stored
)

// A kind is a server in one of its settings.
type kind struct {
	name     string
	peer     bool // somebody else's
	durable  bool // an unusual setting, measured where durability matters
	command  func(port, folder string) []string
	protocol protocol
	acks     *protocol // one that acknowledges edits, if it speaks one
}

// A process is a server, running.
type process struct {
	kind
	cmd    *exec.Cmd
	port   int
	folder string // for its data
	log    string
	ended  chan struct{} // closed when it has ended
}

// start starts a server on any port; its data is in folder, and stays when it ends. The caller's thread must stay: when
// it ends, so does the server.
func (k kind) start(ctx context.Context, folder string) (*process, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	data := filepath.Join(folder, "data")
	if err := os.MkdirAll(data, 0o755); err != nil {
		return nil, err
	}
	p := &process{kind: k, port: port, folder: folder, log: filepath.Join(folder, "log"), ended: make(chan struct{})}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	// taskset becomes the server, so the server has its process id.
	p.cmd = exec.CommandContext(ctx, "taskset", append([]string{"-c", serverCore}, k.command(strconv.Itoa(port), data)...)...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.Env = append(os.Environ(), "NODE_ENV=production")
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.cmd.Wait()
		close(p.ended)
	}()
	for end := time.Now().Add(startTimeout); ; {
		// Inkwire answers 503 until its log is open; the others know no such address.
		if r, err := http.Get("http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) + "/readyz"); err == nil {
			r.Body.Close()
			if r.StatusCode != http.StatusServiceUnavailable {
				return p, nil
			}
		}
		select {
		case <-p.ended:
			return nil, p.explain(errors.New("it ended at once"))
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(end) {
			p.stop()
			return nil, p.explain(errors.New("it doesn't listen"))
		}
	}
}

// explain adds what the server printed last.
func (p *process) explain(err error) error {
	printed, _ := os.ReadFile(p.log)
	return fmt.Errorf("%s: %w\n%s", p.name, err, printed[max(0, len(printed)-2000):])
}

// stop asks the server to end, and kills it if it doesn't.
func (p *process) stop() error {
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
		return nil
	case <-time.After(stopTimeout):
		p.kill()
		return p.explain(fmt.Errorf("it didn't end within %v", stopTimeout))
	}
}

// kill ends the server at once; what it hasn't stored is lost.
func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.ended
}

func (p *process) proc(name string) ([]byte, error) {
	return os.ReadFile(fmt.Sprintf("/proc/%d/%s", p.cmd.Process.Pid, name))
}

// tick is the unit of times in /proc/PID/stat (sysconf(_SC_CLK_TCK), 100 on every Linux that Go runs on).
const tick = 10 * time.Millisecond

// cpu is the processor time that the server has used.
func (p *process) cpu() (time.Duration, error) {
	b, err := p.proc("stat")
	if err != nil {
		return 0, err
	}
	// After the name in parentheses, which may hold anything: state is field 3, utime and stime are 14 and 15.
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/PID/stat has %d fields", len(fields))
	}
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	return time.Duration(user+system) * tick, errors.Join(err1, err2)
}

// value reads "NAME: N …" from a file of /proc/PID.
func (p *process) value(file, name string) (int, error) {
	b, err := p.proc(file)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			return strconv.Atoi(strings.Fields(rest)[0])
		}
	}
	return 0, fmt.Errorf("/proc/PID/%s has no %s", file, name)
}

// resident is the memory that the server alone holds, in bytes.
func (p *process) resident() (float64, error) {
	kib, err := p.value("smaps_rollup", "Pss")
	return float64(kib) * 1024, err
}

// peak is the most memory that the server ever held, in bytes.
func (p *process) peak() (float64, error) {
	kib, err := p.value("status", "VmHWM")
	return float64(kib) * 1024, err
}

// written is how many bytes the server had the kernel write to the disk.
func (p *process) written() (float64, error) {
	n, err := p.value("io", "write_bytes")
	return float64(n), err
}
