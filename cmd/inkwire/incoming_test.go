package main

import (
	"bytes"
	"compress/flate"
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/inkwire/inkwire/crdt"
	"github.com/inkwire/inkwire/internal/store/faultfs"
	"github.com/inkwire/inkwire/lib0"
)

// So many sockets each send a deflated message of some hundred bytes that inflates
// to so many.
const (
	inflating   = 16
	inflateSize = 100 << 10
)

// While the disk is stuck, small messages that inflate to much wait within
// --max-incoming, and those beyond are refused with 1013. Nothing is lost: once the
// disk goes on, and those who were refused have come back, everything is there.
func TestMaxIncoming(t *testing.T) {
	t.Parallel()
	fs := faultfs.New(t)
	c := defaults()
	c.addr, c.data, c.vfs = "127.0.0.1:0", t.TempDir(), fs.Name()
	c.maxMessage, c.maxIncoming, c.maxUnsaved = 128<<10, 512<<10, 32<<10
	log := &output{}
	p, err := listen(c, newLog(log, "info", "text"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the program ended with %v:\n%s", err, log)
		}
	})
	<-log.has("msg=serving")
	addr := p.listener.Addr().String()
	incoming := func() int {
		answer, err := http.Get("http://" + addr + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(text), "\ninkwire_incoming_bytes ")
		line, _, _ := strings.Cut(rest, "\n")
		n, err := strconv.ParseFloat(line, 64)
		if err != nil {
			t.Fatal(err)
		}
		return int(n)
	}

	hold := fs.HoldSync()
	t.Cleanup(hold.Release)
	refused, released := make(chan struct{}, inflating), make(chan struct{})
	var all sync.WaitGroup
	for i := range inflating {
		all.Go(func() {
			m := deflatedMessage(insertion(uint64(i + 1)))
			code, reason, err := bring(addr, m)
			if err == nil && code == 1013 && strings.Contains(reason, "(--max-incoming)") {
				refused <- struct{}{}
				<-released
			}
			for err == nil && code == 1013 {
				code, reason, err = bring(addr, m)
			}
			if err != nil || code != 0 {
				t.Errorf("client %d ended with %d %q, %v", i, code, reason, err)
			}
		})
	}
	most := 0
	for range inflating / 2 { // a few are in the log's hands, and at most four in the budget
		<-refused
		most = max(most, incoming())
	}
	t.Logf("%d bytes of %d were taken", most, c.maxIncoming)
	if most > c.maxIncoming || most < inflateSize {
		t.Errorf("%d bytes of the %d of --max-incoming are taken while messages of %d wait", most, c.maxIncoming, inflateSize)
	}
	close(released)
	hold.Release()
	all.Wait()
	if n := incoming(); n != 0 {
		t.Errorf("%d bytes of --max-incoming are taken when nothing is under way", n)
	}
	untilLong(t, addr, inflating*inflateSize)
}

// insertion is a message of one client's text.
func insertion(client uint64) []byte {
	doc := crdt.New(crdt.Options{ClientID: client})
	text, err := doc.Text("text")
	if err != nil {
		panic(err)
	}
	text.Insert(0, strings.Repeat("x", inflateSize), nil)
	return lib0.AppendBytes([]byte{0, 2}, doc.EncodeStateAsUpdate(nil))
}

func deflatedMessage(payload []byte) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestCompression)
	w.Write(payload)
	w.Flush()
	return frame(bitFin|bitRsv1|opBinary, bytes.TrimSuffix(b.Bytes(), []byte{0, 0, 0xff, 0xff}))
}

// bring sends frames and waits until they are handled; the code is 0 then, or that
// of the close frame.
func bring(addr string, frames []byte) (code int, reason string, err error) {
	s, err := dialRaw(addr, "/yjs/incoming", deflate)
	if err != nil {
		return 0, "", err
	}
	defer s.Close()
	s.Write(append(message([]byte{0, 0, 1, 0}), frames...))
	e, err := s.settle(frame(bitFin|opPing, []byte("taken?")), nil)
	return e.code, e.reason, err
}

// untilLong waits until a newcomer has so much text, whether as a state or as
// updates after one.
func untilLong(t *testing.T, addr string, want int) {
	t.Helper()
	s, err := dialRaw(addr, "/yjs/incoming", "")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	doc := crdt.New(crdt.Options{ClientID: 1 << 20})
	text, err := doc.Text("text")
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.settle(message([]byte{0, 0, 1, 0}), func(messages [][]byte) bool {
		m := messages[len(messages)-1]
		if len(m) < 2 || m[0] != 0 || m[1] == 0 {
			return false
		}
		d := lib0.NewDecoder(m[2:])
		update, err := d.Bytes()
		if err == nil {
			err = doc.ApplyUpdate(update, nil)
		}
		if err != nil {
			t.Error("an update: ", err)
		}
		return text.Len() == want
	})
	if err != nil {
		t.Fatalf("a newcomer got %d characters of %d: %v", text.Len(), want, err)
	}
}
