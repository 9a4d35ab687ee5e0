package room

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/metrics"
	"github.com/inkwire/inkwire/internal/store"
)

// Config is what all rooms have in common. Store and Report must be set.
type Config struct {
	Store  store.Store
	Report func(error) // tells the operator what went wrong; called from many goroutines

	// Metrics counts what happens; nil counts for nobody.
	Metrics *metrics.Metrics

	// Grace is how long a room outlives its last session. Default 30 s.
	Grace time.Duration
	// Retry is how long after a failed append the next is tried. Default 1 s.
	Retry time.Duration
	// MaxUnsaved bounds the bytes of a room's updates on their way to the log;
	// writers wait for them. Default 8 MiB.
	MaxUnsaved int
	// MaxDocument bounds a document's encoded state in bytes: what would make it
	// larger is refused. Default 256 MiB.
	MaxDocument int
	// MaxStructs bounds the structs of one update. Default 500,000, as an ordinary
	// text of 10 MB has.
	MaxStructs int
	// MaxItems bounds a document's items, and so its memory; see crdt.Limits.
	// Default 8,000,000.
	MaxItems int
	// MaxPresence bounds one session's presence state in bytes. Default 64 KiB.
	MaxPresence int
	// MaxPresenceRate bounds one session's presence messages a second. Default 100.
	MaxPresenceRate int
	// MaxSessions bounds a document's sessions. Default 5,000.
	MaxSessions int
}

// Rooms is the live documents of a server.
type Rooms struct {
	cfg Config

	ctx    context.Context // ends when Close gives up
	cancel context.CancelFunc
	wg     sync.WaitGroup // the rooms' goroutines

	// Each holds one for each that is being made: states and differences, a
	// processor each, and new bases, which take memory, one at a time.
	cutters, folders chan struct{}
	// Holds one for each large update that is being looked through or integrated
	// beside its room: half of the processors are left to others.
	heavy chan struct{}

	failing atomic.Int64 // rooms whose edits can't be saved
	started time.Time

	// Guarded by mu.
	mu     sync.Mutex
	live   map[string]*room
	closed bool
	lost   []error // what rooms could not save before Close gave up
}

// New returns rooms without any room; Close ends them.
func New(cfg Config) *Rooms {
	if cfg.Grace == 0 {
		cfg.Grace = 30 * time.Second
	}
	if cfg.Retry == 0 {
		cfg.Retry = time.Second
	}
	if cfg.MaxUnsaved == 0 {
		cfg.MaxUnsaved = 8 << 20
	}
	if cfg.Metrics == nil {
		cfg.Metrics = metrics.New()
	}
	if cfg.MaxDocument == 0 {
		cfg.MaxDocument = 256 << 20
	}
	if cfg.MaxStructs == 0 {
		cfg.MaxStructs = 500_000
	}
	if cfg.MaxItems == 0 {
		cfg.MaxItems = 8_000_000
	}
	if cfg.MaxPresence == 0 {
		cfg.MaxPresence = 64 << 10
	}
	if cfg.MaxPresenceRate == 0 {
		cfg.MaxPresenceRate = 100
	}
	if cfg.MaxSessions == 0 {
		cfg.MaxSessions = 5000
	}
	rs := &Rooms{cfg: cfg, live: make(map[string]*room), cutters: make(chan struct{}, runtime.GOMAXPROCS(0)), folders: make(chan struct{}, 1)}
	rs.heavy = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))
	rs.started = time.Now()
	rs.ctx, rs.cancel = context.WithCancel(context.Background())
	return rs
}

// inTurn does the work on a large update, when it is its turn. It must wait for
// nothing: others do, of all documents.
func (rs *Rooms) inTurn(work func()) {
	rs.heavy <- struct{}{}
	defer func() { <-rs.heavy }()
	work()
}

// Join makes a session in the room of the document that a pass is for, and takes
// the pass over: it is released when the session is left, or when there is none.
// It waits until the document is loaded. Its error is an *access.Refused, or that
// of ctx. The context is the session's as well: when it ends, calls that wait
// return.
func (rs *Rooms) Join(ctx context.Context, pass *access.Pass, recv Receiver) (*Session, error) {
	s, err := rs.join(ctx, pass, recv)
	if err != nil {
		pass.Release()
	}
	return s, err
}

func (rs *Rooms) join(ctx context.Context, pass *access.Pass, recv Receiver) (*Session, error) {
	if err := store.CheckName(pass.Document()); err != nil {
		return nil, access.Malformed.Because(err.Error())
	}
	r := rs.acquire(pass.Document())
	if r == nil {
		return nil, access.ShuttingDown.Because("")
	}
	select {
	case <-r.loaded:
	case <-ctx.Done():
		rs.release(r)
		return nil, ctx.Err()
	}
	s := &Session{room: r, pass: pass, ctx: ctx, recv: recv, id: newSessionID()}
	s.written = store.Session{ID: s.id, Subject: pass.Identity().Subject, Start: time.Now()}
	if r.refusal != nil {
		rs.release(r)
		return nil, r.refusal
	}
	joined := make(chan *access.Refused, 1)
	if r.post(func() { joined <- r.join(s) }) {
		select {
		case refusal := <-joined:
			if refusal != nil {
				rs.release(r)
				return nil, refusal
			}
			return s, nil
		case <-ctx.Done():
			s.Leave() // after it has joined
			return nil, ctx.Err()
		case <-r.gone:
		}
	}
	rs.release(r)
	return nil, access.Overload.Because("")
}

func newSessionID() int64 { return rand.Int64N(math.MaxInt64) + 1 }

// acquire finds or makes a room and counts one who holds it.
func (rs *Rooms) acquire(name string) *room {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.closed {
		return nil
	}
	r := rs.live[name]
	if r == nil {
		r = newRoom(rs, name)
		rs.live[name] = r
		rs.wg.Go(r.run)
	}
	r.holders++
	return r
}

// release counts one holder less, and tells a room that has none left.
func (rs *Rooms) release(r *room) {
	rs.mu.Lock()
	r.holders--
	empty := r.holders == 0
	rs.mu.Unlock()
	if empty {
		r.post(r.emptied)
	}
}

// forget takes a room off the list, so that the next who joins makes a new one.
// Unless by force, it doesn't while somebody holds the room.
func (rs *Rooms) forget(r *room, force bool) bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if r.holders > 0 && !force {
		return false
	}
	if rs.live[r.name] == r {
		delete(rs.live, r.name)
	}
	return true
}

// Close ends all sessions, saves what isn't saved, and ends the rooms. If ctx
// ends first, the error names the documents whose last updates are not saved.
func (rs *Rooms) Close(ctx context.Context) error {
	rs.mu.Lock()
	rs.closed = true
	var rooms []*room
	for _, r := range rs.live {
		rooms = append(rooms, r)
	}
	rs.mu.Unlock()
	defer context.AfterFunc(ctx, rs.cancel)() // a room may be too busy to take it
	for _, r := range rooms {
		r.post(func() { r.close(access.ShuttingDown.Because("")) })
	}
	ended := make(chan struct{})
	go func() {
		rs.wg.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
		rs.cancel()
		<-ended
	}
	rs.cancel()
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return errors.Join(rs.lost...)
}

// lose notes that a room ended without having saved all.
func (rs *Rooms) lose(name string, rows int, err error) {
	err = fmt.Errorf("document %q: %d updates are not saved: %w", name, rows, err)
	rs.cfg.Report(err)
	rs.mu.Lock()
	defer rs.mu.Unlock()
	rs.lost = append(rs.lost, err)
}

// Create makes a document under a name that is unused, or whose document is
// deleted.
func (rs *Rooms) Create(ctx context.Context, name string) error {
	if err := rs.cfg.Store.Create(ctx, name); err != nil {
		return access.OfStore(err)
	}
	// Who is there already, and hasn't written anything, would write in another
	// document than the one that was made.
	rs.mu.Lock()
	r := rs.live[name]
	rs.mu.Unlock()
	if r != nil {
		r.call(func() {
			if !r.log.begun() {
				r.drop(access.Overload.Because(""))
			}
		})
	}
	return nil
}

// Delete deletes a document: its sessions are ended, and its name refuses
// everyone until it is restored or created anew.
func (rs *Rooms) Delete(ctx context.Context, name string) error {
	if err := rs.cfg.Store.Delete(ctx, name); err != nil {
		return access.OfStore(err)
	}
	// Who has joined since is in a room that knows.
	rs.mu.Lock()
	r := rs.live[name]
	rs.mu.Unlock()
	if r != nil {
		r.post(func() { r.drop(access.Deleted.Because("")) })
	}
	return nil
}

// Restore takes a Delete back.
func (rs *Rooms) Restore(ctx context.Context, name string) error {
	return access.OfStore(rs.cfg.Store.Restore(ctx, name))
}

// Ready says whether edits can be saved: the error tells what is wrong.
func (rs *Rooms) Ready() error {
	if n := rs.failing.Load(); n > 0 {
		return fmt.Errorf("the edits of %d documents can't be saved", n)
	}
	return nil
}

func (rs *Rooms) countFailing(failing bool) {
	if failing {
		rs.failing.Add(1)
	} else {
		rs.failing.Add(-1)
	}
}
