package sqlite

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/inkwire/inkwire/internal/store"
)

// The committer joins writes into commits. Its invariant: do returns nil only
// after the commit that holds the write has returned, and with synchronous=FULL
// that is after its fsync.
//
// It takes what queued during the last commit and doesn't wait for company,
// unless the last had some: after a commit of several writes the next begins
// commitPace after it began. So a lone write costs one fsync, a write that comes
// during another's waits for the rest of that one and for its own, and a busy
// log doesn't spend its processor on a commit for each row or two where a fsync
// takes less than commitPace. What one write does is undone if it
// fails by the store's rules, and the others of its commit stay. After any
// other failure (a full disk, a failed fsync) nothing of the commit counts, and
// the file is opened anew before the next: after a failed fsync the system may
// have dropped pages that it then reports as clean, so a mere second try proves
// nothing.
type committer struct {
	open     opener
	observer store.Observer
	maxWAL   int // pages

	// Owned by the committing goroutine once it runs.
	w *writer

	// Guarded by mu.
	mu     sync.Mutex
	queue  []*job
	closed bool

	wake    chan struct{} // has room for one: something was queued
	stopped chan struct{} // closed by stop
	ended   chan struct{} // closed when the goroutine has ended
}

// commitPace is the time from the beginning of a commit of several writes to the
// next's, at least.
const commitPace = 2 * time.Millisecond

// A job is one write.
type job struct {
	run  func(*writer) error
	err  error
	done chan struct{}
}

func (c *committer) start() {
	c.wake = make(chan struct{}, 1)
	c.stopped, c.ended = make(chan struct{}), make(chan struct{})
	go c.loop()
}

// stop lets the committer end after what is queued, awaits it, and reports
// whether it was running.
func (c *committer) stop() bool {
	c.mu.Lock()
	was := c.closed
	c.closed = true
	c.mu.Unlock()
	if was {
		return false
	}
	close(c.stopped)
	<-c.ended
	return true
}

func (c *committer) isStopped() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// do queues a write and awaits its commit.
func (c *committer) do(ctx context.Context, run func(*writer) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j := &job{run: run, done: make(chan struct{})}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return store.ErrClosed
	}
	c.queue = append(c.queue, j)
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *committer) loop() {
	defer close(c.ended)
	for {
		stopped := false
		select {
		case <-c.wake:
		case <-c.stopped:
			stopped = true
		}
		c.mu.Lock()
		group := c.queue
		c.queue = nil
		c.mu.Unlock()
		if len(group) > 0 {
			next := time.After(commitPace)
			c.commit(group)
			if len(group) > 1 {
				select {
				case <-next:
				case <-c.stopped:
				}
			}
		}
		if stopped {
			return
		}
	}
}

func (c *committer) commit(group []*job) {
	err := explain(c.tryCommit(group))
	for _, j := range group {
		if j.err == nil || err != nil && !store.Refused(j.err) {
			j.err = err
		}
		close(j.done)
	}
	if err != nil && c.w != nil {
		// What this connection believes of the file is worth nothing, its
		// error in closing neither.
		_ = c.w.close()
		c.w = nil
	}
	if c.w != nil {
		c.w.checkpointWAL(c.maxWAL)
	}
}

// tryCommit runs a group in one transaction. Its error is that of the
// transaction, and then nothing of it is stored.
func (c *committer) tryCommit(group []*job) error {
	if c.w == nil {
		w, err := c.open.writer()
		if err != nil {
			return err
		}
		c.w = w
	}
	if err := c.w.run(`BEGIN IMMEDIATE`); err != nil {
		return fmt.Errorf("log: begin: %w", err)
	}
	for _, j := range group {
		if err := c.w.run(`SAVEPOINT job`); err != nil {
			return fmt.Errorf("log: %w", err)
		}
		if j.err = j.run(c.w); j.err != nil {
			// The others of the commit aren't concerned by a refusal.
			if !store.Refused(j.err) {
				return fmt.Errorf("log: %w", j.err)
			}
			if err := c.w.run(`ROLLBACK TO job`); err != nil {
				return fmt.Errorf("log: %w", err)
			}
		}
		if err := c.w.run(`RELEASE job`); err != nil {
			return fmt.Errorf("log: %w", err)
		}
	}
	begin := time.Now()
	if err := c.w.run(`COMMIT`); err != nil {
		return fmt.Errorf("log: commit: %w", err)
	}
	if c.observer.Sync != nil {
		c.observer.Sync(time.Since(begin)) // what a commit does beside syncing is next to nothing
	}
	return nil
}

// A writer is the writing connection.
type writer struct {
	*conn
	walPages int // in the WAL after the last commit
}

// maxWAL is the number of pages in the WAL from which on it is folded into the
// file after a commit; with pages of 4 KiB, 4 MiB. The next commit waits for
// that, some milliseconds; a WAL twice as long would take twice as long, and save
// next to nothing.
const maxWAL = 1024

func (o opener) writer() (*writer, error) {
	c, err := o.conn(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ` + o.synchronous + `; PRAGMA busy_timeout = 5000`)
	if err != nil {
		return nil, err
	}
	if err := addFold(c.Conn); err != nil {
		return nil, errors.Join(err, c.close())
	}
	w := &writer{conn: c}
	// This hook takes the place of automatic checkpoints, which would make the
	// commit that triggers one late.
	w.WALHook(func(_ *sqlite3.Conn, _ string, pages int) error {
		w.walPages = pages
		return nil
	})
	return w, nil
}

// checkpointWAL folds the WAL into the file when it has a number of pages,
// between commits.
func (w *writer) checkpointWAL(pages int) {
	if w.walPages < pages {
		return
	}
	// The WAL stays as long as it can't be folded, and the next commit tries
	// again: nothing is lost by an error.
	if _, _, err := w.WALCheckpoint("main", sqlite3.CHECKPOINT_PASSIVE); err == nil {
		w.walPages = 0
	}
}

// settle folds the whole WAL into the file and begins a new one. Where a sync
// failed in a process that has ended since, the end of the WAL may be in the
// system's memory alone, which calls it clean: what is appended after it would
// be synced, and yet be lost with it.
func (w *writer) settle() error {
	_, _, err := w.WALCheckpoint("main", sqlite3.CHECKPOINT_TRUNCATE)
	if errors.Is(err, sqlite3.BUSY) {
		return nil // somebody reads it, and had it open before as a rule: then it's as it was
	}
	if err != nil {
		return fmt.Errorf("log: fold the WAL: %w", err)
	}
	return nil
}
