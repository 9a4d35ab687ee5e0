package main

import (
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/inkwire/inkwire/lib0"
)

const (
	strangers = 2000 // never show a token
	dribblers = 200  // send a byte a second of a message
)

// Where a token is required, two thousand clients never show one, two hundred send
// theirs a byte a second, and one floods. Each is closed with a clear code, the
// server's memory is bounded and comes back, and those who have a token are served.
func TestStrangers(t *testing.T) {
	t.Parallel()
	srv := start(t, build(t), "127.0.0.1:0", t.TempDir(), "--token-secret", tokenSecret)
	token := tokenFor(t, "member", map[string]string{"**": "writer"}, time.Now().Add(time.Hour))
	pair := newPair(t, srv, "doc", map[string]any{"token": token})
	before, rss := pair.rest(), srv.residentMB()

	var mu sync.Mutex
	ends := map[string]int{}
	var all sync.WaitGroup
	ended := func(who string, s *rawSocket) {
		s.SetDeadline(time.Now().Add(2 * time.Minute))
		how := "?"
		for {
			op, n, err := s.skim()
			if err != nil {
				how = err.Error()
			} else if op == opClose && n >= 2 {
				how = fmt.Sprintf("%d %s", binary.BigEndian.Uint16(s.skimmed[:]), s.skimmed[2:min(n, len(s.skimmed))])
			} else {
				continue
			}
			break
		}
		s.Close()
		mu.Lock()
		defer mu.Unlock()
		ends[who+": "+how]++
	}
	dial := func() *rawSocket {
		s, err := dialRaw(srv.addr, "/hocuspocus", "")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	for range strangers {
		s := dial()
		all.Go(func() { ended("silent", s) })
	}
	hello := message(append(lib0.AppendString(nil, "doc"), lib0.AppendString([]byte{2, 0}, strings.Repeat("x", 200))...))
	for range dribblers {
		s := dial()
		all.Go(func() { ended("dribbling", s) })
		all.Go(func() {
			second := time.NewTicker(time.Second)
			defer second.Stop()
			for _, b := range hello {
				if _, err := s.Write([]byte{b}); err != nil {
					return
				}
				<-second.C
			}
		})
	}
	flooding := dial()
	all.Go(func() { ended("flooding", flooding) })
	all.Go(func() {
		for range 1_000_000 {
			if _, err := flooding.Write(hello); err != nil {
				return
			}
		}
	})
	large := dial()
	all.Go(func() { ended("large", large) })
	large.Write(message(make([]byte, 1<<20)))
	during, top := pair.rest(), srv.residentMB()
	all.Wait()
	after := pair.rest()
	t.Logf("before: %v; with %d who show no token: %v; after: %v; RSS %d MB before, %d MB with them; ended so: %v",
		before, strangers+dribblers+1, during, after, rss, top, ends)
	for how := range ends {
		_, code, _ := strings.Cut(how, ": ")
		if !strings.HasPrefix(code, "4408 ") && !strings.HasPrefix(how, "large: 1009 ") {
			t.Errorf("one ended so: %s", how)
		}
	}
	if top > rss+256 {
		t.Errorf("the server had %d MB, %d MB before", top, rss)
	}
	srv.forgets(rss)
	pair.end()
	srv.stop()
}
