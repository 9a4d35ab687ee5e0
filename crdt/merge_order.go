package crdt

import "slices"

// head is where an input stands: at a struct of its next client and clock.
type head struct {
	id    ID
	input int32
	turn  int32 // breaks ties: the order of the last round
	gc    bool
}

// before is the order in which yjs takes inputs: higher clients first, then
// lower clocks.
func (h *head) before(o *head) bool {
	if h.id.Client != o.id.Client {
		return h.id.Client > o.id.Client
	}
	if h.id.Clock != o.id.Clock {
		return h.id.Clock < o.id.Clock
	}
	return h.turn < o.turn
}

// mergeQueue holds the inputs that have structs left, the first at index 0.
//
// yjs sorts them all in each round. Only the first has changed since the last
// round; a stable sort puts it before others of its place. So a heap does, in
// which the one put back gets the lowest turn. But where a GC struct and an item
// are at the same place, yjs's comparison calls each less than the other, and
// what comes out depends on the sort: there exactSort repeats what V8 does.
type mergeQueue struct {
	heads []head
	turn  int32 // the lowest so far
	mixes bool  // there are GC structs, so that a mixed place can come
	exact bool  // heads are in yjs's order rather than a heap
	count map[ID]mix
	mixed int // places with both
}

// mix counts the heads at one place.
type mix struct{ items, gcs int }

func (m mix) both() bool { return m.items > 0 && m.gcs > 0 }

// note counts h in or out.
func (q *mergeQueue) note(h *head, n int) {
	if !q.mixes {
		return
	}
	if q.count == nil {
		q.count = make(map[ID]mix)
	}
	m := q.count[h.id]
	if m.both() {
		q.mixed--
	}
	if h.gc {
		m.gcs += n
	} else {
		m.items += n
	}
	if m.both() {
		q.mixed++
	}
	if m == (mix{}) {
		delete(q.count, h.id)
	} else {
		q.count[h.id] = m
	}
}

// push adds a head before the first round; begin orders them.
func (q *mergeQueue) push(h head) {
	h.turn = int32(len(q.heads))
	q.heads = append(q.heads, h)
	q.note(&h, 1)
}

func (q *mergeQueue) begin() {
	if q.mixed > 0 {
		q.exact = true
		exactSort(q.heads)
		return
	}
	for i := len(q.heads)/2 - 1; i >= 0; i-- {
		q.down(i)
	}
}

// replaceFirst puts the first input back with its new head, or takes it out.
func (q *mergeQueue) replaceFirst(h head, ok bool) {
	first := &q.heads[0]
	q.note(first, -1)
	if ok {
		q.turn--
		h.input, h.turn = first.input, q.turn
		*first = h
		q.note(first, 1)
	}
	if q.exact || q.mixed > 0 {
		q.sort(ok)
		return
	}
	if !ok {
		last := len(q.heads) - 1
		q.heads[0] = q.heads[last]
		q.heads = q.heads[:last]
	}
	q.down(0)
}

// down restores the heap below i.
func (q *mergeQueue) down(i int) {
	for {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < len(q.heads); c++ {
			if q.heads[c].before(&q.heads[least]) {
				least = c
			}
		}
		if least == i {
			return
		}
		q.heads[i], q.heads[least] = q.heads[least], q.heads[i]
		i = least
	}
}

// sort is replaceFirst where a mixed place makes yjs's sort unstable. Among
// places that aren't mixed the order of the heap is the one yjs would have.
func (q *mergeQueue) sort(ok bool) {
	if !q.exact {
		q.exact = true
		slices.SortFunc(q.heads[1:], func(a, b head) int {
			if a.before(&b) {
				return -1
			}
			return 1
		})
	}
	if !ok {
		q.heads = slices.Delete(q.heads, 0, 1)
	}
	exactSort(q.heads)
	if q.mixed == 0 {
		// In order they are a heap.
		q.exact, q.turn = false, 0
		for i := range q.heads {
			q.heads[i].turn = int32(i)
		}
	}
}
