package hocuspocus

import "github.com/inkwire/inkwire/crdt"

// saved keeps the account that the client keeps as unsyncedChanges, so that each
// message it counts is paid with one SyncStatus: fewer, and it is "unsaved" for
// ever; more, and version 2 falls below 0 and hides unsaved edits.
//
// The client sets its count to 1 with each step 1 it sends, and adds 1 for each
// update. So a step 1 begins a round, which owes one payment, and forgets what was
// owed before. The first step 2 of the round to be durable makes it: whichever
// query it answers, the client sent it after its step 1, with all it had. Further
// ones answer queries that the server sent of its own accord, which the client
// doesn't count.
//
// An update is owed one unless the round's beginning has forgotten it, as it does
// with what was made before and comes after: edits made offline, which the client
// sends on a new socket's first message. Those have all their structs within the
// step 1's state vector; those without structs come before the client's step 2.
//
// At 0 the client says that it is synced, so everything is held until the server's
// step 2 went out and the client's is durable.
type saved struct {
	round    int
	have     crdt.StateVector // of the client's latest step 1
	answered bool             // its step 2 came
	told     bool             // the server's step 2 went out
	durable  bool             // the client's step 2 is durable
	held     int              // payments until both
}

// due is what a message is owed once it is durable.
type due struct {
	round   int // 0 for nothing
	stepTwo bool
}

// stepOne begins a round.
func (s *saved) stepOne(have crdt.StateVector) {
	*s = saved{round: s.round + 1, have: have}
}

// stepTwo notes a step 2 that came.
func (s *saved) stepTwo() due {
	s.answered = true
	return due{s.round, true}
}

// update notes an update that came.
func (s *saved) update(info crdt.Info) due {
	if info.Structs == 0 {
		if s.answered {
			return due{round: s.round}
		}
		return due{}
	}
	for _, c := range info.Clients {
		if c.To > s.have[c.Client] {
			return due{round: s.round}
		}
	}
	return due{}
}

// tell notes that the server's step 2 went out, and returns the number of
// payments that may follow.
func (s *saved) tell() int {
	s.told = true
	return s.pay()
}

// settle notes that a message is durable, and returns the number of payments.
func (s *saved) settle(d due) int {
	switch {
	case d.round == 0 || d.round != s.round:
		return 0
	case d.stepTwo && s.durable:
		return 0
	case d.stepTwo:
		s.durable = true
	}
	s.held++
	return s.pay()
}

func (s *saved) pay() int {
	if !s.told || !s.durable {
		return 0
	}
	n := s.held
	s.held = 0
	return n
}
