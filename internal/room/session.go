package room

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/inkwire/inkwire/awareness"
	"github.com/inkwire/inkwire/crdt"
	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/store"
)

// A Receiver is what a room calls of a session's gateway. The calls come one at
// a time from the room's goroutine and must not block.
//
// State, Query, Update and Presence report false if the receiver's queue is
// full. The session is then behind: nothing is queued for it until its receiver
// has drained, and then it gets what it missed in one, or a few updates that
// are shared with others.
type Receiver interface {
	// State gives what the client lacks, the answer to Session.Sync.
	State(update *Shared) bool
	// Query asks the client for what the room lacks: all that is not within
	// this encoded state vector. One follows each State; others come when the
	// room wants to hear again what it couldn't take.
	Query(vector *Shared) bool
	// Update gives an update made by other sessions, or what of a large document
	// comes before the State.
	Update(update *Shared) bool
	// Presence gives an awareness update about others.
	Presence(update *Shared) bool
	// Drained calls f, from anywhere, once nothing is queued any more. It may
	// never do so when the connection ends.
	Drained(f func())
	// Ping asks for a sign of life; pong may be called from anywhere, or never.
	Ping(pong func())
	// Unsaved tells a session that writes that its edits can't be saved at
	// present (true), or that they can be again.
	Unsaved(unsaved bool)
	// End refuses the session any more; the gateway must leave soon.
	End(r *access.Refused)
}

// Shared is immutable bytes that many receivers get, with what Encodings made
// of them. It belongs to the room's goroutine.
type Shared struct {
	Bytes []byte
	made  []made
}

type made struct {
	encoding any
	prefix   string
	result   any
}

// An Encoding makes of shared bytes what one kind of receiver sends, once for
// all of that kind with the same prefix (a document's name, where a message
// carries it).
type Encoding[T any] struct {
	Make func(prefix string, s *Shared) T
}

// Of returns what the encoding makes of s. It is called by receivers, from the
// room's goroutine.
func (e *Encoding[T]) Of(prefix string, s *Shared) T {
	for _, m := range s.made {
		if m.encoding == any(e) && m.prefix == prefix {
			return m.result.(T)
		}
	}
	result := e.Make(prefix, s)
	s.made = append(s.made, made{e, prefix, result})
	return result
}

// An Update is bytes that were looked through and found to be an update.
type Update struct {
	Bytes []byte
	Info  crdt.Info

	// Answer says that the client sent it as the answer to a query.
	Answer bool

	prepared *preparation // nil if the room integrates it itself
}

// ReadUpdate looks through what a client sent; the result keeps the bytes. Its
// error is an *access.Refused.
func (s *Session) ReadUpdate(b []byte) (u *Update, err error) {
	rs := s.room.rooms
	read := func() { u, err = readUpdate(b, crdt.Limits{StructsInAll: rs.cfg.MaxStructs}) }
	if len(b) > longRead {
		rs.inTurn(read)
	} else {
		read()
	}
	return u, err
}

// longRead is the size in bytes from which on looking through an update takes
// milliseconds.
const longRead = 256 << 10

func readUpdate(b []byte, limits crdt.Limits) (*Update, error) {
	if cap(b)-len(b) > len(b)/4 {
		b = bytes.Clone(b) // it may be kept for long
	}
	info, err := crdt.Validate(b, limits)
	if err != nil {
		return nil, refused(err)
	}
	u := &Update{Bytes: b, Info: info}
	if info.Deletes > info.DeleteSet.Len() { // some of them twice, perhaps
		u.drop(crdt.DeleteSet{})
	}
	return u, nil
}

// drop takes deletes out of the update, and brings the others in order.
func (u *Update) drop(known crdt.DeleteSet) { u.Bytes, u.Info = u.Info.WithoutDeletes(u.Bytes, known) }

// A Session is one client in one document, as its gateway sees it. Its methods
// may wait while the room is busy, Update also for the log, and a large one for
// others to be dealt with. After Leave none may be called but Changed.
type Session struct {
	room *room
	pass *access.Pass
	ctx  context.Context // ends the waiting
	recv Receiver
	id   int64 // in the log's rows

	left      atomic.Bool            // what it asked for before isn't worth an answer
	ownClient atomic.Pointer[uint64] // the client id bound to it; nil for none

	pacing // owned by the caller of Presence

	// Owned by the room's goroutine.
	synced  bool // gets updates and presence
	ended   bool // was told so: what it still sends is dropped
	barred  bool // sent edits that its role doesn't allow
	waits   bool // sent what can't be integrated yet, and was asked for the rest
	owed    []owed
	asked   int // queries sent,
	answers int // and answered
	asks    int // how often it was asked for what waits
	asking  asking

	written store.Session // as the log should know it,
	logged  store.Session // and does

	lag
	presenceOf
}

// Sync asks for what the client lacks, knowing its state vector: the receiver
// gets State (of a large document perhaps Updates first, with which it is whole),
// then Query, then the presence of others, and from now on every update.
func (s *Session) Sync(have crdt.StateVector) {
	s.room.post(func() { s.room.sync(s, have) })
}

// Update brings the client's update or its answer to a query. Later, from the
// room's goroutine, settle is called once: with nil when all that the room's log
// held once the update was integrated is on disk, also if the update brought
// nothing new; with a refusal if the update isn't taken. It isn't called while
// the update waits for others that it needs, or for a disk that fails, and
// never once the session has ended.
func (s *Session) Update(u *Update, settle func(refused *access.Refused)) {
	r, cost := s.room, len(u.Bytes)
	if s.lighten(u); u.heavy() {
		s.prepare(u, settle)
	} else if r.quota.take(s.ctx, cost, r.gone) {
		r.post(func() { r.take(s, u, cost, settle) })
	}
}

// take takes an update, or gives its cost back.
func (r *room) take(s *Session, u *Update, cost int, settle func(*access.Refused)) {
	if !r.update(s, u, cost, settle) {
		r.quota.give(cost)
	}
}

// Waits reports whether an update of so many bytes would wait for the log now. It
// may be called at any time.
func (s *Session) Waits(size int) bool { return s.room.quota.full(size) }

// ReadOnly reports whether the session's updates are refused.
func (s *Session) ReadOnly() bool { return s.room.damage != nil || s.pass.May(access.Write) != nil }

// Context ends with the session's connection.
func (s *Session) Context() context.Context { return s.ctx }

// Pass is what the session may do.
func (s *Session) Pass() *access.Pass { return s.pass }

// Changed says that the role, or whose the session is, is another now. Who may
// write from now on is asked for what it wasn't allowed to before; of who may not
// any more, nothing is kept that waits for others. It may be called from anywhere.
func (s *Session) Changed() {
	s.room.post(func() {
		s.room.resubject(s)
		switch refusal := s.pass.May(access.Write); {
		case s.ended || s.left.Load():
		case refusal != nil && s.waits:
			s.room.disown(s, refusal)
		case s.barred && !s.ReadOnly():
			s.barred = false
			s.room.requery(s)
		}
	})
}

// Flush waits until all that the session brought is on disk, or ctx ends. What
// isn't integrated, because it needs others or the disk fails, isn't waited for.
func (s *Session) Flush(ctx context.Context) error {
	done := make(chan struct{})
	s.room.post(func() {
		s.room.endCalls()
		s.room.owe(debt{settle: func(*access.Refused) { close(done) }, since: time.Now()})
	})
	select {
	case <-done:
		return nil
	case <-s.room.gone:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Presence brings the client's awareness update, and keeps none of its bytes.
func (s *Session) Presence(update []byte) error {
	if err := s.pace(); err != nil {
		return err
	}
	limits := awareness.Limits{StateBytes: s.room.rooms.cfg.MaxPresence}
	var entries []awareness.Entry
	var err error
	if own := s.ownClient.Load(); own != nil {
		if entries, err = awareness.DecodeOf(*own, update, limits); err == nil && entries == nil {
			return nil // echoes alone
		}
	} else {
		entries, err = awareness.Decode(update, limits)
	}
	if err != nil {
		return refused(err)
	}
	all := make([]said, len(entries))
	for i, e := range entries {
		e.State = s.honest(e.State)
		all[i] = said{e, s.userIn(e.State)}
	}
	s.room.post(func() { s.room.presenceFrom(s, all) })
	return nil
}

// QueryPresence asks for the presence of all others.
func (s *Session) QueryPresence() {
	s.room.post(func() { s.room.sendPresenceTo(s) })
}

// Leave ends the session.
func (s *Session) Leave() {
	s.left.Store(true)
	s.pass.Release()
	s.room.post(func() { s.room.leave(s) })
	s.room.rooms.release(s.room)
}

// refused makes of a decoder's error the refusal of its bytes.
func refused(err error) *access.Refused {
	if errors.Is(err, crdt.ErrStructs) {
		err = fmt.Errorf("%w (--max-structs)", err)
	}
	return access.Malformed.Because(err.Error())
}
