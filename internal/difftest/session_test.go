package difftest

import "encoding/json"

// The sides on which a client lives.
const (
	sideBoth = "both"
	sideNode = "node"
	sideGo   = "go"
)

// A client of a session.
type client struct {
	ID      uint64 `json:"id"`
	GC      bool   `json:"gc"`
	Early   bool   `json:"early,omitempty"`   // its document is asked for all roots at the start
	Unclean bool   `json:"unclean,omitempty"` // no formatting clean-up, as in a room
	Quiet   bool   `json:"quiet,omitempty"`   // nobody observes it: crdt then takes a shorter way for typed text
	Side    string `json:"side"`
	Yjs     string `json:"yjs,omitempty"`  // an old version's name in peers/package.json
	Undo    *int   `json:"undo,omitempty"` // an undo manager with this capture timeout, in ms
}

// An op is one step. Which fields count depends on K, see edit_test.go, run_test.go and their twins in peers.
type op struct {
	C     int             `json:"c"` // the client
	K     string          `json:"k"`
	T     string          `json:"t,omitempty"` // the kind of type
	F     int             `json:"f"`           // the client it takes from
	N     int             `json:"n"`
	I     int             `json:"i"`
	L     int             `json:"l"`
	S     string          `json:"s"`
	V     json.RawMessage `json:"v,omitempty"` // tagged value
	A     json.RawMessage `json:"a,omitempty"` // attributes
	D     []deltaPart     `json:"d,omitempty"`
	Ops   []op            `json:"ops,omitempty"` // of a transaction
	O     string          `json:"o,omitempty"`   // its origin
	ID    uint64          `json:"id,omitempty"`  // a client id for a new document
	V2    bool            `json:"v2,omitempty"`
	Over  bool            `json:"over,omitempty"`  // the length may pass the end
	State bool            `json:"state,omitempty"` // take the whole state in, too
}

// A deltaPart is an operation of a delta to apply: an insertion V, a retain R or a deletion X.
type deltaPart struct {
	V json.RawMessage `json:"v,omitempty"`
	R *int            `json:"r,omitempty"`
	X *int            `json:"x,omitempty"`
	A json.RawMessage `json:"a,omitempty"`
}

// The modes of a session.
const (
	modeMirror = "mirror"
	modeNode   = "node"
	modeGo     = "go"
)

// A session is what both sides run.
type session struct {
	Kind    string         `json:"kind"`
	Seed    uint64         `json:"seed"`
	Mode    string         `json:"mode"`
	Markers bool           `json:"markers"` // whether Yjs may use its search markers
	Clients []client       `json:"clients"`
	Ops     []op           `json:"ops"`
	Feed    map[int]string `json:"feed,omitempty"` // bytes for steps that take from a client Node doesn't have
}

// size is the number of steps, those inside transactions included.
func (s *session) size() int {
	n := 0
	for i := range s.Ops {
		n += 1 + len(s.Ops[i].Ops)
	}
	return n
}
