package room

import (
	"time"

	"github.com/inkwire/inkwire/crdt"
)

// A trail is a state of a large document and what was broadcast since, in pieces.
// Who asks for a state gets that one, as the document was, and the pieces that
// follow: all as updates but the last, which its client takes for the state. Who
// was behind gets the pieces that it lacks. So while many write and many read
// slowly, all those on their way to somebody share one body, and a join costs no
// merging of the document.
//
// A trail ends when its pieces are a large part of its state, or nobody has asked
// for a while. Who asks then begins the next. So as many bodies of a document are
// on their way as it has grown by trailShare while the slowest takes its own.
type trail struct {
	st     *state
	from   uint64 // the turns that st has
	limit  int    // of size
	pieces []piece
	open   [][]byte // turns since the last piece
	opened int      // bytes of open
	merged *Shared  // open as one; nil when out of date
	to     uint64   // the turns that all has
	size   int      // bytes of pieces and open
	asked  time.Time

	vector   *Shared // what the document had at a moment
	vectorAt uint64  // this, in changes of its content
}

// A piece is an update of some turns in a row.
type piece struct {
	update *Shared
	to     uint64 // the last of them
}

const (
	// minTrail is the size of the smallest state in bytes that has a trail: a
	// smaller one is soon merged anew, and takes little.
	minTrail = 256 << 10
	// trailShare is the part of a state that its trail may grow to: a fourth.
	trailShare = 4
	// pieceSize and pieceShare are the size of a piece: bytes, or a part of the
	// state if that is more, so that there are never very many.
	pieceSize  = 64 << 10
	pieceShare = 1024
	// trailFor is how long a trail that grows is kept for who may ask.
	trailFor = 5 * time.Minute
)

// newTrail returns the trail of a state that has so many turns, or nil if it is
// too small.
func newTrail(st *state, turns uint64) *trail {
	t := &trail{from: turns, to: turns}
	if !t.begin(st) {
		return nil
	}
	return t
}

// begin gives a trail the state that it begins with, unless that is too small.
func (t *trail) begin(st *state) bool {
	t.st, t.limit, t.asked = st, len(st.update.Bytes)/trailShare, time.Now()
	return len(st.update.Bytes) >= minTrail && t.size <= t.limit
}

// add takes a turn.
func (t *trail) add(u *Shared) error {
	t.to++
	t.open = append(t.open, u.Bytes)
	t.opened += len(u.Bytes)
	t.size += len(u.Bytes)
	t.merged = nil
	if t.opened < max(pieceSize, t.limit*trailShare/pieceShare) {
		return nil
	}
	merged, err := t.rest()
	if err != nil {
		return err
	}
	t.pieces = append(t.pieces, merged)
	t.size += len(merged.update.Bytes) - t.opened
	t.open, t.opened, t.merged = nil, 0, nil
	return nil
}

// rest is the piece of what is open.
func (t *trail) rest() (piece, error) {
	if t.merged == nil {
		merged, err := merge(t.open)
		if err != nil {
			return piece{}, err
		}
		t.merged = &Shared{Bytes: merged}
	}
	return piece{t.merged, t.to}, nil
}

// since returns what who has these turns lacks: pieces, of which the first may
// have some of them too.
func (t *trail) since(turns uint64) ([]piece, error) {
	t.asked = time.Now()
	i := len(t.pieces)
	for i > 0 && t.pieces[i-1].to > turns {
		i--
	}
	lacks := t.pieces[i:len(t.pieces):len(t.pieces)]
	if len(t.open) == 0 || turns >= t.to {
		return lacks, nil
	}
	rest, err := t.rest()
	return append(lacks, rest), err
}

// over reports whether the trail has ended.
func (t *trail) over() bool {
	return t.size > t.limit || time.Since(t.asked) > trailFor
}

// follow notes what was broadcast.
func (r *room) follow(u *Shared) {
	r.turns++
	if r.making != nil {
		if err := r.making.trail.add(u); err != nil {
			r.fault(err)
			return
		}
	}
	if r.trail == nil {
		return
	}
	if err := r.trail.add(u); err != nil {
		r.fault(err)
	} else if r.trail.over() {
		r.trail = nil
	}
}

// lastState is the document's state, or the last that clients were given, or nil.
func (r *room) lastState() *state {
	if r.content.state == nil && r.trail != nil {
		return r.trail.st
	}
	return r.content.state
}

// vector is what the document has, for a client to be asked for the rest. An older
// one would have it send what others have brought meanwhile.
func (r *room) vector() *Shared {
	if r.content.state != nil {
		return r.content.state.vector
	}
	t := r.trail
	if t == nil {
		t = new(trail)
	}
	if t.vector == nil || t.vectorAt != r.content.changes {
		t.vector, t.vectorAt = &Shared{Bytes: crdt.EncodeStateVector(r.content.vector())}, r.content.changes
	}
	return t.vector
}

// common is what two state vectors both have. One may name many clients that
// nobody has heard of.
func common(a, b crdt.StateVector) crdt.StateVector {
	if len(a) > len(b) {
		a, b = b, a
	}
	both := make(crdt.StateVector, len(a))
	for client, clock := range a {
		if clock = min(clock, b[client]); clock > 0 {
			both[client] = clock
		}
	}
	return both
}
