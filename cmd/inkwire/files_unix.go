//go:build unix

package main

import (
	"fmt"
	"log/slog"
	"syscall"
)

// ownFiles is more files than the program has open beside its connections.
const ownFiles = 64

// warnOfFiles says what to do when the system lets the program open fewer files
// than the settings allow connections. Go has raised the soft limit to the hard
// one by now.
func warnOfFiles(log *slog.Logger, c config) {
	needed := uint64(c.maxConnections) + uint64(c.maxHandshakes) + ownFiles
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || uint64(limit.Cur) >= needed {
		return // of no concern, or unknown
	}
	log.Warn("the system allows fewer open files than --max-connections and --max-handshakes need", "limit", limit.Cur, "needed", needed,
		"do", fmt.Sprintf("raise it (ulimit -Hn %d, or LimitNOFILE=%d in a systemd unit), or lower --max-connections", needed, needed))
}
