package ws_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/inkwire/inkwire/internal/ws"
)

// The receivers of a benchmark are a process of their own, so that only the
// server's work is measured: this test's binary with these in its environment.
const (
	peerServer  = "WS_PEER_SERVER"  // the server's address
	peerControl = "WS_PEER_CONTROL" // gets a byte for each round that has arrived
	peerSockets = "WS_PEER_SOCKETS"
	peerRound   = "WS_PEER_ROUND" // bytes of one round, of all sockets together; 0 for sockets that stay idle
)

// peer opens sockets and counts what comes.
func peer() error {
	control, err := net.Dial("tcp", os.Getenv(peerControl))
	if err != nil {
		return err
	}
	sockets, err := strconv.Atoi(os.Getenv(peerSockets))
	if err != nil {
		return err
	}
	round, err := strconv.ParseInt(os.Getenv(peerRound), 10, 64)
	if err != nil {
		return err
	}
	var total atomic.Int64
	for range sockets {
		c, err := net.Dial("tcp", os.Getenv(peerServer))
		if err != nil {
			return err
		}
		fmt.Fprint(c, handshake)
		r := bufio.NewReaderSize(c, 4<<10)
		for line := ""; line != "\r\n"; {
			if line, err = r.ReadString('\n'); err != nil {
				return err
			}
		}
		if round == 0 {
			defer c.Close()
			continue
		}
		go func() {
			buf := make([]byte, 4<<10)
			for {
				n, err := r.Read(buf)
				if err != nil {
					return
				}
				now := total.Add(int64(n))
				for before := now - int64(n); before/round < now/round; before += round {
					control.Write([]byte{1})
				}
			}
		}()
	}
	io.Copy(io.Discard, control) // until the benchmark is over
	return nil
}

const handshake = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"

// startPeer starts the receivers' process and returns its control connection.
func startPeer(tb testing.TB, server string, sockets, round int) net.Conn {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), peerServer+"="+server, peerControl+"="+l.Addr().String(),
		fmt.Sprint(peerSockets, "=", sockets), fmt.Sprint(peerRound, "=", round))
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	control, err := l.Accept()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		control.Close()
		if err := cmd.Wait(); err != nil {
			tb.Error(err)
		}
	})
	return control
}

// BenchmarkDelivery sends one small frame to each of 200 sockets, a round, and
// reports what one delivery costs the server. With window rounds under way the
// sender doesn't wait for the receivers.
func BenchmarkDelivery(b *testing.B) {
	const sockets = 200
	for _, window := range []int{1, 16} {
		b.Run(fmt.Sprint("window=", window), func(b *testing.B) {
			conns := make(chan *ws.Conn, sockets)
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				c, err := ws.Accept(w, r, &ws.Defaults)
				if err != nil {
					b.Error(err)
					return
				}
				go func() {
					conns <- c
					c.Read()
					c.Finish(1000, "")
				}()
			}))
			defer srv.Close()
			f := ws.Binary(make([]byte, 48), nil)
			control := startPeer(b, strings.TrimPrefix(srv.URL, "http://"), sockets, sockets*f.Len())
			all := make([]*ws.Conn, sockets)
			for i := range all {
				all[i] = <-conns
			}
			await := func(rounds int) {
				buf := make([]byte, rounds)
				control.SetReadDeadline(time.Now().Add(patience))
				if _, err := io.ReadFull(control, buf); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			b.ResetTimer()
			before := cpu(b)
			under := 0
			for b.Loop() {
				for _, c := range all {
					if err := c.Send(f); err != nil {
						b.Fatal(err)
					}
				}
				if under++; under == window {
					await(1)
					under--
				}
			}
			await(under)
			b.ReportMetric(float64((cpu(b)-before).Nanoseconds())/float64(b.N*sockets), "cpu-ns/delivery")
		})
	}
}

// cpu is what this process has used.
func cpu(tb testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkIdle reports what an idle connection costs the server's process in
// resident memory, with the goroutine that reads it.
func BenchmarkIdle(b *testing.B) {
	const sockets = 5000
	for b.Loop() {
		var ready sync.WaitGroup
		ready.Add(sockets)
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, err := ws.Accept(w, r, &ws.Defaults)
			if err != nil {
				b.Error(err)
				return
			}
			go func() {
				ready.Done()
				c.Read()
				c.Finish(1000, "")
			}()
		}))
		before := resident(b)
		control := startPeer(b, strings.TrimPrefix(srv.URL, "http://"), sockets, 0)
		ready.Wait()
		b.ReportMetric(float64(resident(b)-before)/sockets, "B/connection")
		control.Close()
		srv.Close()
	}
}

// resident is this process's resident memory after a collection, in bytes.
func resident(tb testing.TB) int {
	debug.FreeOSMemory()
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		tb.Skip(err)
	}
	var size, resident int
	if _, err := fmt.Sscan(string(b), &size, &resident); err != nil {
		tb.Fatal(err)
	}
	return resident * os.Getpagesize()
}
