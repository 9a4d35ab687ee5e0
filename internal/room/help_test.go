package room

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/inkwire/inkwire/awareness"
	"github.com/inkwire/inkwire/crdt"
	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/store"
	"github.com/inkwire/inkwire/internal/store/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A house is rooms over a real log, in a bubble of its own time: once
// synctest.Wait returns, nothing is under way any more but what waits for time
// to pass.
type house struct {
	*testing.T
	rooms   *Rooms
	log     *faultyLog
	reports []error
	mu      sync.Mutex
}

// inHouse runs a test in a house, and closes it afterwards.
func inHouse(t *testing.T, test func(t *testing.T, h *house)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		h := &house{T: t}
		h.open(dir)
		defer h.close()
		test(t, h)
	})
}

func (h *house) open(dir string) {
	h.Helper()
	s, err := sqlite.Open(dir, sqlite.Options{})
	if err != nil {
		h.Fatal(err)
	}
	h.log = &faultyLog{Store: s}
	h.rooms = New(Config{Store: h.log, Report: func(err error) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.reports = append(h.reports, err)
	}})
}

func (h *house) close() {
	h.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := errors.Join(h.rooms.Close(ctx), h.log.Close()); err != nil {
		h.Error(err)
	}
}

// restart ends all rooms; what comes next is loaded from the log.
func (h *house) restart() {
	h.Helper()
	if err := h.rooms.Close(context.Background()); err != nil {
		h.Fatal(err)
	}
	h.rooms = New(h.rooms.cfg)
}

// pass lets time pass, which in the bubble takes none.
func (h *house) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// stored is what the log holds of a document.
func (h *house) stored(name string) *store.Document {
	h.Helper()
	d, err := h.log.Store.Load(h.Context(), name)
	if err != nil {
		h.Fatal(err)
	}
	return d
}

// updates is what of a document's rows are updates.
func (h *house) updates(name string) []store.Row {
	h.Helper()
	return slices.DeleteFunc(h.stored(name).Rows, func(row store.Row) bool { return row.Kind != store.KindUpdate })
}

// faultyLog is a log that fails when told to.
type faultyLog struct {
	store.Store
	mu      sync.Mutex
	append  error
	load    error
	loads   int
	appends int
	damage  *store.RowError // of every document
	hold    chan struct{}   // appends and loads wait until it's closed
}

func (l *faultyLog) fail(append, load error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.append, l.load = append, load
}

func (l *faultyLog) wait() {
	l.mu.Lock()
	hold := l.hold
	l.mu.Unlock()
	if hold != nil {
		<-hold
	}
}

func (l *faultyLog) Append(ctx context.Context, b []store.Entry) error {
	l.wait()
	l.mu.Lock()
	err := l.append
	l.appends++
	l.mu.Unlock()
	if err != nil {
		return err
	}
	return l.Store.Append(ctx, b)
}

func (l *faultyLog) Load(ctx context.Context, name string) (*store.Document, error) {
	l.wait()
	l.mu.Lock()
	err := l.load
	l.loads++
	l.mu.Unlock()
	if err != nil {
		return nil, err
	}
	d, err := l.Store.Load(ctx, name)
	if err == nil && l.damage != nil {
		d.Damage = l.damage
	}
	return d, err
}

// A client is a Yjs document behind a session, as a gateway would connect it.
type client struct {
	*house
	session *Session
	doc     *crdt.Doc
	made    [][]byte // its own updates, in order

	// What the room sent, since the last look.
	mu       sync.Mutex
	states   [][]byte
	queries  [][]byte
	updates  [][]byte
	before   int // of updates, how many came before the last state
	presence [][]awareness.Entry
	pings    []func()
	drained  []func()
	unsaved  []bool
	full     bool // takes nothing
	saved    int  // updates
	refused  []*access.Refused
	faulty   bool // panics when it gets an update
	ended    *access.Refused
	clocks   map[uint64]uint64 // the last seen of each id

	clock uint64 // of what it says of itself
}

func (h *house) client(id uint64) *client {
	c := &client{house: h, doc: crdt.New(crdt.Options{ClientID: id})}
	c.doc.OnUpdate(func(u []byte, tx *crdt.Transaction) {
		if tx.Origin() != "room" {
			c.made = append(c.made, u)
		}
	})
	return c
}

// join makes a client that is in sync.
func (h *house) join(name string, id uint64) *client {
	h.Helper()
	c := h.client(id)
	c.enter(name)
	c.session.Sync(nil)
	synctest.Wait()
	query := c.queries[0]
	c.take()
	c.answer(query)
	c.saved = 0
	h.pass(greetWait)
	return c
}

// admit lets somebody who may do everything into a document.
func (h *house) admit(name string) *access.Pass {
	h.Helper()
	return h.admitAs(access.Config{Open: access.Owner}, access.Credentials{}, name, unwatched{})
}

func (h *house) admitAs(cfg access.Config, shown access.Credentials, name string, w access.Watcher) *access.Pass {
	h.Helper()
	pass, err := access.NewGuard(cfg).Admit(h.Context(), shown, name, w)
	if err != nil {
		h.Fatal(err)
	}
	return pass
}

// unwatched hears nothing of its pass.
type unwatched struct{}

func (unwatched) Renew()                {}
func (unwatched) Changed(access.Role)   {}
func (unwatched) Ended(*access.Refused) {}

func (c *client) enter(name string) {
	c.Helper()
	s, err := c.rooms.Join(c.Context(), c.admit(name), c)
	if err != nil {
		c.Fatal(err)
	}
	c.session = s
}

func (c *client) State(u *Shared) bool {
	return c.queue(func() { c.states, c.before = append(c.states, u.Bytes), len(c.updates) })
}
func (c *client) Query(v *Shared) bool {
	return c.queue(func() { c.queries = append(c.queries, v.Bytes) })
}
func (c *client) Update(u *Shared) bool {
	if c.faulty {
		panic("a fault in a receiver")
	}
	return c.queue(func() { c.updates = append(c.updates, u.Bytes) })
}
func (c *client) Ping(pong func()) { c.note(func() { c.pings = append(c.pings, pong) }) }
func (c *client) Drained(f func()) { c.note(func() { c.drained = append(c.drained, f) }) }
func (c *client) Unsaved(yes bool) { c.note(func() { c.unsaved = append(c.unsaved, yes) }) }

func (c *client) Presence(p *Shared) bool {
	entries, err := awareness.Decode(p.Bytes, awareness.Limits{})
	if err != nil {
		c.Error(err)
	}
	slices.SortFunc(entries, func(a, b awareness.Entry) int { return int(a.Client) - int(b.Client) })
	return c.queue(func() { c.presence = append(c.presence, entries) })
}

// queue notes what came, unless the client's queue is full.
func (c *client) queue(f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.full {
		f()
	}
	return !c.full
}

func (c *client) End(r *access.Refused) {
	c.note(func() { c.ended = r })
	go c.session.Leave() // as a gateway does once its socket is closed
}

func (c *client) note(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

// take applies what came to the client's document and forgets it.
func (c *client) take() {
	c.Helper()
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, u := range append(c.states, c.updates...) {
		if err := c.doc.ApplyUpdate(u, "room"); err != nil {
			c.Fatal(err)
		}
	}
	c.states, c.updates, c.queries, c.presence = nil, nil, nil, nil
}

// write inserts text and returns the update, which isn't sent.
func (c *client) write(at int, s string) []byte {
	c.Helper()
	text, err := c.doc.Text("text")
	if err == nil {
		err = text.Insert(at, s, nil)
	}
	if err != nil {
		c.Fatal(err)
	}
	return c.made[len(c.made)-1]
}

// send brings an update to the room and waits until it has settled and gone out.
func (c *client) send(update []byte) {
	c.Helper()
	c.post(update)
	time.Sleep(pace)
	synctest.Wait()
}

// got is how many updates it got so far; others may be on their way.
func (c *client) got() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.updates)
}

// post brings an update to the room.
func (c *client) post(update []byte) {
	c.Helper()
	u, err := readUpdate(update, crdt.Limits{})
	if err != nil {
		c.Fatal(err)
	}
	c.session.Update(u, c.settled)
}

func (c *client) settled(r *access.Refused) {
	c.note(func() {
		if r == nil {
			c.saved++
		} else {
			c.refused = append(c.refused, r)
		}
	})
}

func (c *client) text() string {
	c.Helper()
	c.take()
	text, err := c.doc.Text("text")
	if err != nil {
		c.Fatal(err)
	}
	return text.String()
}

// say sends presence entries and waits until the room has settled.
func (c *client) say(entries ...awareness.Entry) {
	c.Helper()
	if err := c.session.Presence(awareness.Append(nil, entries...)); err != nil {
		c.Fatal(err)
	}
	synctest.Wait()
}
