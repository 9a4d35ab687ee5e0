package server

import (
	"errors"
	"strings"
	"sync"
	"time"
)

// An httpLog takes the lines that net/http would write to standard error: a
// handler's panic, or a failing accept, which is tried again every second and
// told once a minute.
type httpLog struct {
	report func(error) // nil for none

	mu   sync.Mutex
	told time.Time // of an accept that failed
}

// Write implements io.Writer, for a log.Logger, which gives it a line at a time.
func (l *httpLog) Write(line []byte) (int, error) {
	text := strings.TrimSuffix(string(line), "\n")
	if l.report != nil && !l.isRepeated(text) {
		l.report(errors.New(text))
	}
	return len(line), nil
}

func (l *httpLog) isRepeated(text string) bool {
	if !strings.HasPrefix(text, "http: Accept error: ") {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.told) < time.Minute {
		return true
	}
	l.told = time.Now()
	return false
}
