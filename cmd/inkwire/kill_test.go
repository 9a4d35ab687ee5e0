package main

import (
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
)

var (
	killCount = flag.Int("kills", 5, "how many times TestKill kills the server")
	killSeed  = flag.Uint64("kill-seed", 0, "the seed of TestKill; 0 takes a random one")
	killKinds = flag.String("kill-kinds", strings.Join(allKinds, ","), "the clients of TestKill")
)

// Twenty clients write into five documents while the server is killed again and
// again. After each kill, before any writer is back, a fresh client finds all
// that was acknowledged, and the log has what it had; in the end all have the
// same.
func TestKill(t *testing.T) {
	t.Parallel()
	seed := *killSeed
	if seed == 0 {
		seed = rand.Uint64() & (1<<31 - 1)
	}
	t.Logf("-kill-seed=%d -kills=%d", seed, *killCount)
	random := rand.New(rand.NewPCG(seed, 0))
	begun := time.Now()

	data := t.TempDir()
	server := start(t, os.Args[0], "127.0.0.1:0", data)
	addr := server.addr
	args := append([]string{"ws://" + addr, fmt.Sprint(seed), *killKinds}, recorded(t)...)
	clients := drive(t, "kill.mjs", args...)
	defer func() {
		if t.Failed() {
			t.Logf("the last server:\n%s", server.stderr)
		}
	}()
	clients.expect("ready")
	past := rows{}
	for kill := range *killCount {
		clients.say(fmt.Sprint("type ", 1+random.IntN(1500)))
		clients.expect("typed")
		server.kill()
		clients.say("down")
		away := clients.expect("away")
		now := readRows(t, copyOf(t, data))
		if err := now.follow(past); err != nil {
			t.Fatalf("after kill %d: %v", kill+1, err)
		}
		past = now
		server = start(t, os.Args[0], addr, data)
		clients.say("up")
		if found := clients.expect("found"); found != away {
			t.Fatalf("after kill %d: %s edits acknowledged, but %s before", kill+1, found, away)
		}
		t.Logf("kill %d: %d rows, %s acknowledged edits all there", kill+1, len(now), away)
	}
	clients.say("end")
	typed := clients.expect("converged")
	server.stop()
	now := readRows(t, data)
	if err := now.follow(past); err != nil {
		t.Fatal(err)
	}
	server = start(t, os.Args[0], addr, data)
	clients.say("again")
	clients.expect("same")
	clients.end()
	server.stop()
	t.Logf("%s edits, %d rows, %v", typed, len(now), time.Since(begun).Round(time.Millisecond))
}

// Twenty clients write while the server is told to end. It ends in time, says so
// to all, and has all that was acknowledged.
func TestEndUnderLoad(t *testing.T) {
	t.Parallel()
	const seed = 1
	data := t.TempDir()
	server := start(t, os.Args[0], "127.0.0.1:0", data)
	addr := server.addr
	clients := drive(t, "kill.mjs", "ws://"+addr, fmt.Sprint(seed), strings.Join(allKinds, ","))
	clients.expect("ready")
	var longest time.Duration
	for range 2 {
		clients.say("type 1000")
		clients.expect("typed") // and they type on
		begun := time.Now()
		server.stop()
		longest = max(longest, time.Since(begun))
		clients.say("down")
		away := clients.expect("away")
		clients.say("codes")
		if codes := clients.expect("codes"); codes != "1001" {
			t.Errorf("the sockets were closed with %s", codes)
		}
		server = start(t, os.Args[0], addr, data)
		clients.say("up")
		if found := clients.expect("found"); found != away {
			t.Fatalf("%s edits acknowledged, but %s before", found, away)
		}
	}
	clients.say("end")
	typed := clients.expect("converged")
	clients.end()
	server.stop()
	t.Logf("%s edits, the longest end took %v", typed, longest.Round(time.Millisecond))
	if longest > 10*time.Second {
		t.Error("an end took longer than the 10 s that are promised")
	}
}

// place is a row's primary key.
type place struct{ doc, epoch, seq int64 }

// rows is a log's rows, each a hash of its bytes.
type rows map[place]uint64

// readRows reads all rows of the log in a data directory that no program uses.
func readRows(t *testing.T, data string) rows {
	t.Helper()
	all, err := selectRows(filepath.Join(data, "inkwire.db"))
	if err != nil {
		t.Fatal(fmt.Errorf("read the log: %w", err))
	}
	return all
}

func selectRows(file string) (_ rows, err error) {
	db, err := sqlite3.Open(file)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	s, _, err := db.Prepare(`SELECT doc, epoch, seq, session, time, data FROM rows`)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	all := rows{}
	for s.Step() {
		h := fnv.New64a()
		fmt.Fprint(h, s.ColumnInt64(3), s.ColumnInt64(4))
		h.Write(s.ColumnRawBlob(5))
		at := place{s.ColumnInt64(0), s.ColumnInt64(1), s.ColumnInt64(2)}
		if _, ok := all[at]; ok {
			return nil, fmt.Errorf("two rows at %v", at)
		}
		all[at] = h.Sum64()
	}
	return all, s.Err()
}

// follow checks that a log has all that it had before, unchanged, and that what
// was added is of epochs of its own, each without a gap: no sequence was given
// twice.
func (now rows) follow(past rows) error {
	last := map[int64]int64{} // of each document, its last epoch before
	for at, hash := range past {
		last[at.doc] = max(last[at.doc], at.epoch)
		switch changed, ok := now[at]; {
		case !ok:
			return fmt.Errorf("the row at %+v is gone", at)
		case changed != hash:
			return fmt.Errorf("the row at %+v has other bytes", at)
		}
	}
	for at := range now {
		if _, ok := past[at]; !ok && at.epoch <= last[at.doc] {
			return fmt.Errorf("the row at %+v was added to the epoch of a server that was killed", at)
		}
		if before := (place{at.doc, at.epoch, at.seq - 1}); at.seq > 1 {
			if _, ok := now[before]; !ok {
				return fmt.Errorf("no row comes before %+v", at)
			}
		}
	}
	return nil
}
