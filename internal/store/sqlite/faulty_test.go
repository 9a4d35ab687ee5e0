package sqlite

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/inkwire/inkwire/internal/store"
	"github.com/inkwire/inkwire/internal/store/faultfs"
)

// What a witness finds.
var (
	errLost  = errors.New("acknowledged, but missing")
	errWrong = errors.New("served, but never given to the log so")
)

// errLoad marks the error of a load.
var errLoad = errors.New("load")

// A witness knows what was given to a log and what of it was acknowledged, and
// judges what the log serves.
type witness struct {
	mu      sync.Mutex
	docs    map[string]*testimony
	batches [][]place // that were given to Append and not acknowledged
}

// A testimony is about one document. The maps have what was given to the log
// and may be served.
type testimony struct {
	rows   map[store.Revision]store.Row
	acked  map[store.Revision]bool
	states []store.Checkpoint
	state  store.Revision // of the acknowledged checkpoint
}

// A place is that of a row.
type place struct {
	name string
	store.Revision
}

func newWitness() *witness { return &witness{docs: map[string]*testimony{}} }

func (w *witness) of(name string) *testimony {
	if w.docs[name] == nil {
		w.docs[name] = &testimony{rows: map[store.Revision]store.Row{}, acked: map[store.Revision]bool{}}
	}
	return w.docs[name]
}

func (w *witness) append(ctx context.Context, s *Store, batch []store.Entry) error {
	var places []place
	w.mu.Lock()
	for _, e := range batch {
		for _, r := range e.Rows {
			w.of(e.Name).rows[r.Revision] = r
			places = append(places, place{e.Name, r.Revision})
		}
	}
	w.mu.Unlock()
	err := s.Append(ctx, batch)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.batches = append(w.batches, places)
		return err
	}
	for _, p := range places {
		w.of(p.name).acked[p.Revision] = true
	}
	return nil
}

func (w *witness) checkpoint(ctx context.Context, s *Store, name string, c store.Checkpoint) error {
	w.mu.Lock()
	w.of(name).states = append(w.of(name).states, c)
	w.mu.Unlock()
	if err := s.Checkpoint(ctx, c); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.of(name).state = c.Revision
	return nil
}

// load loads a document and judges what is served, while others may append.
func (w *witness) load(ctx context.Context, s *Store, name string) (*store.Document, error) {
	w.mu.Lock()
	known := w.of(name)
	acked, state := known.last(), known.state
	w.mu.Unlock()
	d, err := s.Load(ctx, name)
	switch {
	case err != nil:
		return nil, err
	case d.Damage != nil:
		return nil, d.Damage
	case d.Recovered != nil:
		return nil, d.Recovered
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if d.Revision.Before(acked) {
		return nil, fmt.Errorf("%q at %v, row %v: %w", name, d.Revision, acked, errLost)
	}
	if d.Checkpoint == nil && state != (store.Revision{}) {
		return nil, fmt.Errorf("%q, checkpoint %v: %w", name, state, errLost)
	}
	if err := known.checkRows(d.Rows); err != nil {
		return nil, fmt.Errorf("%q, %w", name, err)
	}
	if d.Checkpoint == nil {
		return d, nil
	}
	for _, c := range known.states {
		if bytes.Equal(c.State, d.Checkpoint) {
			if c.Revision.Before(state) {
				return nil, fmt.Errorf("%q has checkpoint %v, checkpoint %v: %w", name, c.Revision, state, errLost)
			}
			return d, nil
		}
	}
	return nil, fmt.Errorf("%q, checkpoint of %d bytes: %w", name, len(d.Checkpoint), errWrong)
}

func (t *testimony) last() store.Revision {
	var last store.Revision
	for r := range t.acked {
		if last.Before(r) {
			last = r
		}
	}
	return last
}

func (t *testimony) checkRows(rows []store.Row) error {
	for _, r := range rows {
		want, ok := t.rows[r.Revision]
		if !ok || r.Session != want.Session || !r.Time.Equal(want.Time) || !bytes.Equal(r.Data, want.Data) {
			return fmt.Errorf("row %v: %w", r.Revision, errWrong)
		}
	}
	return nil
}

// judge loads every document, and looks at every row, also those that a
// checkpoint covers, while nobody appends. What is stored without having been
// acknowledged must stay from now on.
func (w *witness) judge(ctx context.Context, s *Store, names []string) (map[string]*store.Document, error) {
	docs, stored := map[string]*store.Document{}, map[place]bool{}
	for _, name := range names {
		d, err := w.load(ctx, s, name)
		if err != nil {
			return nil, err
		}
		docs[name] = d
		rows, err := s.Rows(ctx, d.ID, store.Revision{}, 0)
		if err != nil {
			return nil, fmt.Errorf("%q, %w", name, err)
		}
		known := w.of(name)
		if err := known.checkRows(rows); err != nil {
			return nil, fmt.Errorf("%q, %w", name, err)
		}
		for _, r := range rows {
			stored[place{name, r.Revision}] = true
		}
		for r := range known.acked {
			if !stored[place{name, r}] {
				return nil, fmt.Errorf("%q, row %v: %w", name, r, errLost)
			}
		}
	}
	for _, batch := range w.batches {
		for _, p := range batch {
			if stored[p] != stored[batch[0]] {
				return nil, fmt.Errorf("a part of the batch with row %v of %q: %w", p.Revision, p.name, errWrong)
			}
		}
	}
	w.batches = nil
	for p := range stored {
		w.of(p.name).acked[p.Revision] = true
	}
	return docs, nil
}

// A machine has a faulty disk with a log.
type machine struct {
	*testing.T
	*witness
	fs      *faultfs.FS
	dir     string
	options Options
	names   []string // of its documents
}

// writers is the number of hands that write at the same time.
const writers = 3

// newMachine's log folds its WAL often, or seldom.
func newMachine(t *testing.T, rng *rand.Rand) *machine {
	fs := faultfs.New(t)
	m := &machine{T: t, witness: newWitness(), fs: fs, dir: t.TempDir(), options: Options{VFS: fs.Name(), maxWAL: []int{30, 300, 3000}[rng.IntN(3)]}}
	for i := range writers * 2 {
		m.names = append(m.names, fmt.Sprintf("doc %d", i))
	}
	return m
}

func (m *machine) isOff() bool {
	select {
	case <-m.fs.Off():
		return true
	default:
		return false
	}
}

// A hand writes in two documents of its own and reads all.
type hand struct {
	*machine
	store *Store
	rng   *rand.Rand
	docs  [2]store.Entry // as last appended
	owed  []store.Entry  // what the log refused
}

// start judges an open log and gives each of its documents to a hand. It takes
// a new epoch, as a room does when the server has started.
func (m *machine) start(s *Store, rng *rand.Rand) ([]*hand, error) {
	docs, err := m.judge(m.Context(), s, m.names)
	if err != nil {
		return nil, err
	}
	var hands []*hand
	for i := range writers {
		h := &hand{machine: m, store: s, rng: rand.New(rand.NewPCG(rng.Uint64(), 0))}
		for k := range h.docs {
			name := m.names[2*i+k]
			last := store.Row{Revision: store.Revision{Epoch: docs[name].Revision.Epoch + 1}}
			h.docs[k] = store.Entry{Doc: docs[name].ID, Name: name, Rows: []store.Row{last}}
		}
		hands = append(hands, h)
	}
	return hands, nil
}

// batch makes rows for one document of the hand's or both.
func (h *hand) batch() []store.Entry {
	var batch []store.Entry
	for k := range h.docs {
		if k > 0 && h.rng.IntN(3) > 0 {
			break
		}
		e := h.docs[k]
		last := e.Rows[len(e.Rows)-1].Revision
		e.Rows = nil
		for range 1 + h.rng.IntN(3) {
			last.Seq++
			e.Rows = append(e.Rows, store.Row{
				Revision: last, Session: h.rng.Int64(), Time: time.UnixMilli(h.rng.Int64N(1 << 40)),
				Data: h.bytes([]int{0, 20, 200, 200, 200, 200, 5000, 30_000}[h.rng.IntN(8)]),
			})
		}
		batch = append(batch, e)
	}
	return batch
}

func (h *hand) bytes(most int) []byte {
	n := h.rng.IntN(most + 1)
	return bytes.Repeat(binary.BigEndian.AppendUint64(nil, h.rng.Uint64()), n/8+1)[:n]
}

// act does one thing: mostly it appends a batch.
func (h *hand) act() error {
	switch ctx := h.Context(); h.rng.IntN(16) {
	case 0:
		e := h.docs[0] // the other has rows alone
		at := e.Rows[len(e.Rows)-1].Revision
		if at.Seq == 0 {
			return nil
		}
		state := bytes.Repeat(fmt.Appendf(nil, "%s at %v. ", e.Name, at), h.rng.IntN(30_000))
		return h.checkpoint(ctx, h.store, e.Name, store.Checkpoint{Doc: e.Doc, Revision: at, State: state})
	case 1, 2:
		if _, err := h.load(ctx, h.store, h.names[h.rng.IntN(len(h.names))]); err != nil {
			return fmt.Errorf("%w: %w", errLoad, err)
		}
		return nil
	}
	h.owed = h.batch()
	return h.pay()
}

// pay appends what is owed.
func (h *hand) pay() error {
	if h.owed == nil {
		return nil
	}
	if err := h.append(h.Context(), h.store, h.owed); err != nil {
		return err
	}
	copy(h.docs[:], h.owed)
	h.owed = nil
	return nil
}

// atOnce lets all hands do something at the same time, and joins their errors.
func atOnce(hands []*hand, do func(*hand) error) error {
	errs := make([]error, len(hands))
	var wg sync.WaitGroup
	for i, h := range hands {
		wg.Go(func() { errs[i] = do(h) })
	}
	wg.Wait()
	return errors.Join(errs...)
}
