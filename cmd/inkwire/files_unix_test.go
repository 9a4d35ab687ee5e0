//go:build unix

package main

import (
	"bytes"
	"math"
	"strings"
	"syscall"
	"testing"
)

// Who allows more sockets than the system has files for is warned.
func TestWarnOfFiles(t *testing.T) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	c := defaults()
	c.maxConnections, c.maxHandshakes = 1, 1
	var out bytes.Buffer
	warnOfFiles(newLog(&out, "info", "text"), c)
	if out.Len() > 0 && limit.Cur > 100 {
		t.Error(out.String())
	}
	c.maxConnections = math.MaxInt32
	warnOfFiles(newLog(&out, "info", "text"), c)
	if limit.Cur < math.MaxInt32 && (!strings.Contains(out.String(), "level=WARN") || !strings.Contains(out.String(), "LimitNOFILE=2147483712")) {
		t.Error(out.String())
	}
}
