package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	slowCount = 500
	// What the server has to send to each, in updates of fillSize bytes: more than
	// may wait for a socket.
	fillCount, fillSize = 16, 1 << 20
	// How many of them read in the end.
	readAtLast = 20
)

// Five hundred clients never read while megabytes are written. The server's
// memory stays bounded and others are served; whoever then begins to read gets
// all that was written, or a clear code.
func TestSlowReaders(t *testing.T) {
	t.Parallel()
	srv := start(t, build(t), "127.0.0.1:0", t.TempDir())
	pair := newPair(t, srv, "slow")
	before, rss := pair.rest(), srv.residentMB()
	sockets := make([]*rawSocket, slowCount)
	for i := range sockets {
		s, err := dialSlow(srv.addr, "/yjs/slow")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		s.Write(message([]byte{0, 0, 1, 0}))
		sockets[i] = s
	}
	pair.p.open("filler", "y-websocket-3", srv.addr, "slow")
	pair.p.do("filler", "untilSynced")
	top := 0
	for range fillCount {
		pair.p.do("filler", "fill", 1, fillSize)
		pair.p.do("writer", "untilBeats", 10)
		pair.slowest()
		top = max(top, srv.residentMB())
	}
	pair.p.do("reader", "untilSame", "filler")
	during := pair.rest()

	var mu sync.Mutex
	ends := map[string]int{}
	var wg sync.WaitGroup
	for i, s := range sockets {
		if i >= readAtLast {
			s.Close()
			continue
		}
		wg.Go(func() {
			how := s.catchUp(fillCount * fillSize)
			mu.Lock()
			defer mu.Unlock()
			ends[how]++
		})
	}
	wg.Wait()
	t.Logf("before: %v; during: %v; RSS %d MB before, at most %d MB; it ended so: %v", before, during, rss, top, ends)
	for how := range ends {
		if !strings.HasPrefix(how, "1013 ") && how != wholeText && how != cutOff {
			t.Errorf("a slow reader ended with %q", how)
		}
	}
	// The document itself and its encodings are some dozens of times its text; five
	// hundred queues of it would be gigabytes.
	if top > rss+512 {
		t.Errorf("the server had %d MB, %d MB before", top, rss)
	}
	pair.end()
	t.Cleanup(srv.stop)
}

// dialSlow opens a socket for which the kernel keeps little.
func dialSlow(addr, path string) (*rawSocket, error) {
	d := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		return errors.Join(c.Control(func(fd uintptr) {
			err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 16<<10)
		}), err)
	}}
	nc, err := d.DialContext(context.Background(), "tcp", addr)
	if err != nil {
		return nil, err
	}
	return upgradeRaw(nc, addr, path, "")
}

// How a slow reader may end.
const (
	wholeText = "got everything"
	// Nothing was read for so long that the server gave the connection up, with
	// the rest of a message on its way: there is no place for a close frame.
	cutOff = "cut off in a message"
)

// catchUp reads all there is, and tells what became of the socket: it may have
// got so many bytes of updates, merged or not.
func (s *rawSocket) catchUp(size int) string {
	s.SetDeadline(time.Now().Add(90 * time.Second))
	// An error means that the server has given up; what it said is still there.
	s.Write(message([]byte{0, 0, 1, 0}))
	got := 0
	for {
		op, n, err := s.skim()
		payload := s.skimmed[:]
		switch {
		case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
			return cutOff
		case err != nil:
			return err.Error()
		case op == opClose && n >= 2:
			return fmt.Sprintf("%d %s", binary.BigEndian.Uint16(payload), payload[2:n])
		case op == opBinary && payload[0] == 0: // a sync message
			got += n
		}
		if got >= size {
			return wholeText
		}
	}
}

// Five hundred clients take their time over the handshake. Each is ended in
// time, and others are served meanwhile.
func TestSlowHandshakes(t *testing.T) {
	t.Parallel()
	srv := start(t, os.Args[0], "127.0.0.1:0", t.TempDir())
	pair := newPair(t, srv, "slow")
	before, rss := pair.rest(), srv.residentMB()
	begun := time.Now()
	request := "GET /yjs/slow HTTP/1.1\r\nHost: " + srv.addr + "\r\nX-Slow: "
	var wg sync.WaitGroup
	var mu sync.Mutex
	ends := map[string]int{}
	for range slowCount {
		nc, err := net.Dial("tcp", srv.addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { nc.Close() })
		nc.SetDeadline(begun.Add(2 * time.Minute))
		io.WriteString(nc, request)
		trickle := time.NewTicker(time.Second)
		wg.Go(func() { // a letter a second, until the server has enough
			defer trickle.Stop()
			for {
				if _, err := nc.Write([]byte("x")); err != nil {
					return
				}
				<-trickle.C
			}
		})
		wg.Go(func() {
			answer, err := io.ReadAll(nc)
			status, _, _ := strings.Cut(string(answer), "\r\n")
			if err != nil && !errors.Is(err, syscall.ECONNRESET) {
				status = err.Error()
			}
			nc.Close()
			mu.Lock()
			defer mu.Unlock()
			ends[status]++
		})
	}
	top := srv.residentMB()
	wg.Wait()
	took := time.Since(begun)
	during := pair.rest()
	t.Logf("before: %v; during: %v; RSS %d MB before, %d MB with them; ended after %v so: %v",
		before, during, rss, top, took.Round(time.Second), ends)
	for how := range ends {
		if !strings.HasPrefix(how, "HTTP/1.1 408 ") {
			t.Errorf("a slow handshake ended with %q", how)
		}
	}
	if took > 40*time.Second {
		t.Errorf("slow handshakes lasted %v", took)
	}
	pair.end()
	t.Cleanup(srv.stop)
}
