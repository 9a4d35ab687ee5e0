//go:build linux

package main

import (
	"fmt"
	"math/bits"
	"time"
)

// A meter sends keys and counts them where they arrive: each of a document's clients is a typist, and must get every
// key of each of the others, once.
type meter struct {
	l       *loop
	docs    []*typedDoc
	writers []*writer

	counting  bool
	delivered int // keys, at one receiver each
	latency   histogram
}

// A typedDoc is a document whose clients write.
type typedDoc struct {
	writers []*writer
	first   uint64 // the typists' ids begin here
}

// A writer is a client that types.
type writer struct {
	*client
	m      *meter
	doc    *typedDoc
	typist typist
	at     int             // among the document's writers
	seen   []uint32        // of each of the others: the next clock to come
	sent   []time.Duration // when each key was due
	left   []int           // how many receivers each key hasn't reached
	flight int             // keys that haven't reached all
}

// firstID is of the size that Yjs draws.
const firstID = 0x5a000000

// newMeter joins clients to documents and waits until all have their state.
func newMeter(l *loop, port int, p protocol, documents, clients int) (*meter, error) {
	m := &meter{l: l}
	return m, m.join(port, p, "document", documents, clients, func() {})
}

// join joins clients to documents that are named after prefix; ready is called before anything arrives.
func (m *meter) join(port int, p protocol, prefix string, documents, clients int, ready func()) error {
	for i := range documents {
		doc := &typedDoc{first: firstID + uint64(i*clients)}
		m.docs = append(m.docs, doc)
		for j := range clients {
			c, err := m.l.join(port, p, fmt.Sprintf("%s-%d", prefix, i))
			if err != nil {
				return err
			}
			w := &writer{client: c, m: m, doc: doc, typist: typist{id: doc.first + uint64(j)}, at: j, seen: make([]uint32, clients)}
			c.onUpdate = w.receive
			doc.writers = append(doc.writers, w)
			m.writers = append(m.writers, w)
		}
	}
	ready()
	return m.l.until(30*time.Second, "joining", func() bool { return allSynced(m.writers) })
}

func allSynced(writers []*writer) bool {
	for _, w := range writers {
		if !w.synced {
			return false
		}
	}
	return true
}

// press sends one more key, which was due at a time.
func (w *writer) press(due time.Duration) {
	w.update(w.typist.next())
	w.sent = append(w.sent, due)
	w.left = append(w.left, len(w.doc.writers)-1)
	w.flight++
}

func (w *writer) receive(update []byte, size int) {
	if size > len(update) {
		return // a large state, from before
	}
	now := w.m.l.now()
	err := operations(update, func(client uint64, clock, n uint32) {
		from := int(client - w.doc.first)
		if from == w.at || from < 0 || from >= len(w.doc.writers) {
			return // their own key, or what was there before
		}
		end := clock + n
		if clock > w.seen[from] {
			w.fail(fmt.Errorf("keys %d to %d of client %d didn't arrive", w.seen[from], clock-1, client))
			return
		}
		for clock = w.seen[from]; clock < end; clock++ {
			w.doc.writers[from].arrived(clock, now)
		}
		w.seen[from] = max(w.seen[from], end)
	})
	if err != nil {
		w.fail(fmt.Errorf("update %x: %w", update[:min(len(update), headBytes)], err))
	}
}

// arrived notes that a key has reached one more receiver.
func (w *writer) arrived(clock uint32, now time.Duration) {
	if w.left[clock]--; w.left[clock] == 0 {
		w.flight--
	}
	if w.m.counting {
		w.m.delivered++
		w.m.latency.add(now - w.sent[clock])
	}
}

// atRate is a step that has all writers together press so many keys a second, each in turn.
func (m *meter) atRate(perSecond float64) func(now time.Duration) time.Duration {
	gap := time.Duration(float64(time.Second) / perSecond)
	due, at := m.l.now(), 0
	return func(now time.Duration) time.Duration {
		for ; due <= now; due += gap {
			m.writers[at].press(due)
			at = (at + 7) % len(m.writers) // documents take turns; 7 divides no number of writers here
		}
		return due
	}
}

// atWindow is a step that has each writer press whenever fewer than so many of their keys are under way.
func (m *meter) atWindow(window int) func(now time.Duration) time.Duration {
	return func(now time.Duration) time.Duration {
		for _, w := range m.writers {
			for w.flight < window {
				w.press(m.l.now())
			}
		}
		return now + time.Millisecond
	}
}

// settle waits until all keys have reached all.
func (m *meter) settle(limit time.Duration) error {
	return m.l.until(limit, "waiting for the last keys", func() bool {
		for _, w := range m.writers {
			if w.flight > 0 {
				return false
			}
		}
		return true
	})
}

// A histogram counts times, each to within a sixteenth of itself.
type histogram struct {
	counts [64 * 16]int
	total  int
}

func (h *histogram) add(d time.Duration) {
	h.counts[bucket(uint64(max(d, 0)))]++
	h.total++
}

// bucket numbers the values below 16 by themselves, and then sixteen in each power of two.
func bucket(n uint64) int {
	shift := max(bits.Len64(n)-5, 0)
	return shift<<4 + int(n>>shift)
}

// quantile is the time that a part of all don't exceed, in milliseconds.
func (h *histogram) quantile(q float64) float64 {
	wanted := min(int(q*float64(h.total)), h.total-1)
	for i, n := range h.counts {
		if wanted -= n; wanted < 0 {
			shift := max(i>>4-1, 0)
			upper := (uint64(i-shift<<4) + 1) << shift
			return float64(upper) / 1e6
		}
	}
	return 0
}
