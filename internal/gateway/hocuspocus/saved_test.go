package hocuspocus

import (
	"testing"

	"github.com/inkwire/inkwire/crdt"
)

// An account plays the client's side: it counts as unsyncedChanges does.
type account struct {
	saved
	unsynced int
}

func (a *account) pay(n int) { a.unsynced -= n }

func structs(client uint64, from, to uint32) crdt.Info {
	return crdt.Info{Structs: 1, Clients: []crdt.ClientRange{{Client: client, From: from, To: to}}}
}

var deletes = crdt.Info{Deletes: 1}

// The steps: 1 step 1 (its client has 7 up to clock 10); s the server's step 2 goes
// out; a the client's step 2 comes, A is durable; o an offline edit comes, O is
// durable; d, D deletes; n, N a new edit. Offline edits were counted before the
// step 1 that set the count to 1.
func TestAccount(t *testing.T) {
	for _, tt := range []struct {
		steps string
		left  int // not paid
	}{
		{"1", 1},
		{"1s", 1},
		{"1saA", 0},
		{"1aAs", 0},                 // not before the server's step 2
		{"1ooosOOOaA", 0},           // version 2 would be at -3
		{"1osaAO", 0},               // whatever is durable first
		{"1dsDaA", 0},               // deletes made offline
		{"1saAnNdD", 0},             // counted one by one
		{"1sanN", 2},                // held until the step 2 is durable
		{"1sanNA", 0},               //
		{"1saAaA", 0},               // the server asked once more
		{"1saAn", 1},                //
		{"1saAn1NsaA", 0},           // a forced sync forgets what is under way
		{"1saA1s", 1},               //
		{"1saA1saAnN", 0},           //
		{"1saAo", 0},                // a batch from before, late
		{"1s1saAaA", 0},             // two step 1s are one debt
		{"1sa1AsaA", 0},             // the first answer was before
		{"1sadA", 1}, {"1sadAD", 0}, // deletes after the step 2 count
	} {
		a := &account{}
		var owed = map[rune][]due{}
		for _, step := range tt.steps {
			switch step {
			case '1':
				a.stepOne(crdt.StateVector{7: 10})
				a.unsynced = 1
			case 's':
				a.pay(a.tell())
			case 'a':
				owed['A'] = append(owed['A'], a.stepTwo())
			case 'o':
				owed['O'] = append(owed['O'], a.update(structs(7, 8, 10)))
			case 'n':
				a.unsynced++
				owed['N'] = append(owed['N'], a.update(structs(7, 9, 11)))
			case 'd':
				if a.answered {
					a.unsynced++
				}
				owed['D'] = append(owed['D'], a.update(deletes))
			default:
				a.pay(a.settle(owed[step][0]))
				owed[step] = owed[step][1:]
			}
			if a.unsynced < 0 {
				t.Errorf("%s: %d after %c", tt.steps, a.unsynced, step)
			}
		}
		if a.unsynced != tt.left {
			t.Errorf("%s: %d left, want %d", tt.steps, a.unsynced, tt.left)
		}
	}
}
