//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/inkwire/inkwire/crdt"
)

// A bench is what the jobs of one run share.
type bench struct {
	ctx    context.Context
	folder string // for everything; removed at the end
	quick  bool
	kinds  []kind // those chosen
	maker  *maker
	stored map[string]string    // folders of servers' data, by kind and size
	made   map[int]document     // by size
	rates  map[string][]float64 // keys a second at saturation, by shape
	count  int                  // of folders
}

// errSkip is why a server has no part in a job.
var errSkip = errors.New("skipped")

// A sample is what one round of a job measured, by metric.
type sample map[string]float64

// What a window adds to each sample beside the job's own.
const (
	metricLoad   = "load"   // part of its core that the load used: near 1, the load is measured and not the server
	metricOthers = "others" // part of the machine that other programs used meanwhile
)

// newFolder makes an empty folder.
func (b *bench) newFolder() (string, error) {
	b.count++
	folder := filepath.Join(b.folder, fmt.Sprint(b.count))
	return folder, os.Mkdir(folder, 0o755)
}

// with starts a server with the data in stored (none: ""), and calls f with it and a loop.
func (b *bench) with(k kind, stored string, f func(p *process, l *loop) error) (err error) {
	folder, err := b.newFolder()
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	if stored != "" {
		if err := os.CopyFS(filepath.Join(folder, "data"), os.DirFS(filepath.Join(stored, "data"))); err != nil {
			return err
		}
	}
	p, err := k.start(b.ctx, folder)
	if err != nil {
		return err
	}
	defer p.kill()
	l, err := newLoop()
	if err != nil {
		return err
	}
	defer l.close()
	if err := f(p, l); err != nil {
		if errors.Is(err, errSkip) {
			return err
		}
		return p.explain(err)
	}
	return nil
}

// bigName is the document that is there before a job begins; newMeter's first has the same name.
const bigName = "document-0"

// document makes a document of a size once.
func (b *bench) document(size int) document {
	if d, ok := b.made[size]; ok {
		return d
	}
	d := b.maker.document(size)
	b.made[size] = d
	return d
}

// store has a server store a document of a size, once, and returns the folder with its data.
func (b *bench) store(k kind, size int) (string, error) {
	key := fmt.Sprint(k.name, " ", size)
	if folder, ok := b.stored[key]; ok {
		return folder, nil
	}
	folder, err := b.newFolder()
	if err != nil {
		return "", err
	}
	p, err := k.start(b.ctx, folder)
	if err != nil {
		return "", err
	}
	if err := b.upload(p, b.document(size)); err != nil {
		p.kill()
		return "", p.explain(err)
	}
	if err := p.stop(); err != nil {
		return "", err
	}
	b.stored[key] = folder
	return folder, nil
}

func (b *bench) upload(p *process, d document) error {
	l, err := newLoop()
	if err != nil {
		return err
	}
	defer l.close()
	c, err := l.join(p.port, p.protocol, bigName)
	if err != nil {
		return err
	}
	if err := l.until(10*time.Second, "joining", func() bool { return c.synced }); err != nil {
		return err
	}
	for _, u := range d.updates {
		c.update(u)
		if err := l.until(time.Minute, "writing", func() bool { return len(c.out) == 0 }); err != nil {
			return err
		}
	}
	for end := l.now() + 3*time.Minute; ; {
		size, err := whole(l, p, d)
		if err == nil && size > 0 {
			return nil
		}
		if l.now() > end || err != nil && !errors.Is(err, errPartial) {
			return fmt.Errorf("storing a document of %d bytes: %w", d.size, err)
		}
	}
}

var errPartial = errors.New("a part of the document")

// whole opens the document, checks that all of it arrives, and returns its state's size.
func whole(l *loop, p *process, d document) (int, error) {
	c, err := l.join(p.port, p.protocol, bigName)
	if err != nil {
		return 0, err
	}
	defer c.close()
	c.keepBig = true
	var parts [][]byte
	largest, sum := 0, 0
	// The y-websocket server first sends an empty state, and what it then reads from its store as an update. Inkwire sends an
	// older state of a large document as an update, and what has come since as the state.
	c.onUpdate = func(u []byte, size int) {
		parts = append(parts, bytes.Clone(u))
		largest, sum = max(largest, size), sum+size
	}
	// What a server joins makes the state shorter than the updates were.
	late := l.until(10*time.Second, "opening the document", func() bool { return c.synced && sum >= d.size*3/4 })
	if late != nil && !errors.Is(late, errTooLate) {
		return 0, late
	}
	if len(parts) == 0 {
		return 0, errPartial
	}
	state, err := crdt.MergeUpdates(parts)
	if err != nil {
		return 0, err
	}
	return largest, d.check(state)
}

// check compares a state with the document's state vector.
func (d *document) check(state []byte) error {
	doc := crdt.New(crdt.Options{})
	if err := doc.LoadState(state); err != nil {
		return err
	}
	if got := doc.StateVector(); !maps.Equal(got, d.vector) {
		return fmt.Errorf("%w: %d of %d chapters", errPartial, len(got), len(d.vector))
	}
	return nil
}

// A window is a time over which the server's, the load's and others' use of the machine is counted.
type window struct {
	p                   *process
	start               time.Time
	server, load, total time.Duration
}

func (p *process) open() (*window, error) {
	w := &window{p: p, start: time.Now()}
	var err error
	w.server, w.load, w.total, err = p.used()
	return w, err
}

// A use is what was used during a window.
type use struct {
	elapsed, server time.Duration
	load, others    float64
}

func (w *window) close() (u use, err error) {
	server, load, total, err := w.p.used()
	u.elapsed, u.server = time.Since(w.start), server-w.server
	u.load = float64(load-w.load) / float64(u.elapsed)
	u.others = max(float64(total-w.total-(load-w.load)-u.server)/float64(u.elapsed), 0)
	return u, err
}

// used is the processor time of the server, the load, and the whole machine.
func (p *process) used() (server, load, total time.Duration, err error) {
	server, err1 := p.cpu()
	var self syscall.Rusage
	err2 := syscall.Getrusage(syscall.RUSAGE_SELF, &self)
	total, err3 := machineCPU()
	return server, time.Duration(self.Utime.Nano() + self.Stime.Nano()), total, errors.Join(err1, err2, err3)
}

// machineCPU is the time that all cores worked: in /proc/stat's first line user, nice, system, irq, softirq, steal.
func machineCPU() (time.Duration, error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(b), "\n")
	var user, nice, system, idle, iowait, irq, softirq, steal int64
	if _, err := fmt.Sscanf(line, "cpu %d %d %d %d %d %d %d %d", &user, &nice, &system, &idle, &iowait, &irq, &softirq, &steal); err != nil {
		return 0, fmt.Errorf("/proc/stat: %w", err)
	}
	return time.Duration(user+nice+system+irq+softirq+steal) * tick, nil
}

func (u use) into(s sample) {
	s[metricLoad], s[metricOthers] = u.load, u.others
}
