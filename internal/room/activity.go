package room

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/inkwire/inkwire/internal/store"
)

// An Activity is something that happened in a document, as it is told to who
// wants to know. Its type is "joined", "left" or "edited" of a person, or one of
// the store's own.
type Activity struct {
	Revision string    `json:"revision"`
	At       time.Time `json:"at"`
	happened
}

// happened is what the row of an activity holds.
type happened struct {
	Type   string `json:"type"`
	Person string `json:"person"` // the key
	Name   string `json:"name"`
	Color  string `json:"color"`
}

// ReadActivity reads a row of activity.
func ReadActivity(row *store.Row) (Activity, error) {
	a := Activity{Revision: row.Revision.String(), At: row.Time.UTC().Truncate(time.Millisecond)}
	err := json.Unmarshal(row.Data, &a.happened)
	return a, err
}

// happenings is the activity that is on its way to the log, and from there to who
// wants to hear of it.
type happenings struct {
	waiting []happening // until the document is stored, or its log works again
	unsaved int         // among the log's unsaved rows

	watchers map[*Session]func(*Shared)
	news     []store.Row // are saved, and to be told
	told     time.Time   // when the last were
	telling  bool        // the next wait for their time
}

type happening struct {
	row store.Row
	by  *Session // nil for nobody who is known
}

// maxHappenings bounds the activity that waits, or is unsaved. Beyond it, what
// happened first is forgotten.
const maxHappenings = 1000

// happen notes what somebody did. A document that nobody has written in stores
// nothing, so it waits there for the first update.
func (r *room) happen(what string, m *member, h happening) {
	if r.damage != nil {
		return
	}
	h.row.Kind = store.KindActivity
	h.row.Data, _ = json.Marshal(happened{what, m.Key, m.Name, m.Color}) // strings can be marshalled
	if r.log.begun() && r.recordable() {
		r.record(h)
		return
	}
	w := &r.happenings.waiting
	if len(*w) == maxHappenings {
		*w = slices.Delete(*w, 0, 1)
	}
	*w = append(*w, h)
}

// recordable reports whether activity may join the log's rows: while the log
// fails, or is slow, edits come first.
func (r *room) recordable() bool { return !r.log.failing && r.happenings.unsaved < maxHappenings }

// record gives an activity its place in the log.
func (r *room) record(h happening) {
	r.log.add(h.row, 0)
	r.happenings.unsaved++
	if h.by != nil {
		r.writers[h.by] = struct{}{}
	}
}

// recordWaiting records what has waited for the log.
func (r *room) recordWaiting() {
	h := &r.happenings
	for len(h.waiting) > 0 && r.recordable() {
		r.record(h.waiting[0])
		h.waiting = h.waiting[1:]
	}
}

// WatchActivity has a function called with what happens in the document from now
// on, once it is saved: the encoded JSON of some activities, as an array. It is
// called from the room's goroutine and must not block. Nil ends that.
func (s *Session) WatchActivity(f func(*Shared)) {
	s.room.post(func() {
		if f == nil || s.left.Load() {
			delete(s.room.happenings.watchers, s)
			return
		}
		if s.room.happenings.watchers == nil {
			s.room.happenings.watchers = make(map[*Session]func(*Shared))
		}
		s.room.happenings.watchers[s] = f
	})
}

// happenedFor notes rows that are saved for who wants to hear of them.
func (r *room) happenedFor(rows []store.Row) {
	h := &r.happenings
	for i := range rows {
		if rows[i].Kind != store.KindActivity {
			continue
		}
		h.unsaved--
		if len(h.watchers) > 0 {
			h.news = append(h.news, rows[i])
		}
	}
	if len(h.news) == 0 || h.telling {
		return
	}
	wait := r.tick() - time.Since(h.told)
	if wait <= 0 {
		r.tellActivity()
		return
	}
	h.telling = true
	r.after(wait, func() {
		h.telling = false
		r.tellActivity()
	})
}

// tellActivity tells what was saved to all who want to hear it.
func (r *room) tellActivity() {
	h := &r.happenings
	news := h.news
	h.news, h.told = nil, time.Now()
	all := make([]Activity, 0, len(news))
	for i := range news {
		if a, err := ReadActivity(&news[i]); err == nil { // this room wrote it
			all = append(all, a)
		}
	}
	b, _ := json.Marshal(all)
	shared := &Shared{Bytes: b}
	for s, f := range h.watchers {
		if !s.ended {
			f(shared)
		}
	}
}
