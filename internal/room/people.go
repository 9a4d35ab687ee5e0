package room

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/inkwire/inkwire/internal/store"
)

// A Person is somebody who is in a document: one, however many sessions are
// theirs. Names and colours are what people say of themselves, unless a token
// does; they are bounded, and a colour is "#rrggbb" or nothing.
type Person struct {
	Key   string `json:"key"` // tells people apart
	Name  string `json:"name"`
	Color string `json:"color"`
}

// A user is what a presence state says of who it is.
type user struct{ id, name, color string }

// maxUserText bounds what is taken of that, in bytes.
const maxUserText = 200

// userIn finds who a presence state says it is, as editors do. Others put other
// things there.
func userIn(state []byte) user {
	var said struct {
		User struct {
			ID    any `json:"id"`
			Name  any `json:"name"`
			Color any `json:"color"`
		} `json:"user"`
	}
	if json.Unmarshal(state, &said) != nil {
		return user{}
	}
	id, _ := said.User.ID.(string)
	name, _ := said.User.Name.(string)
	color, _ := said.User.Color.(string)
	u := user{id: cleanText(id), name: cleanText(name), color: cleanColor(color)}
	if len(id) > maxUserText {
		u.id = "" // a part of it may be somebody else's
	}
	return u
}

// userIn is who a presence state of the session says it is, or its token if the
// state doesn't.
func (s *Session) userIn(state []byte) user {
	if state == nil {
		return user{}
	}
	u := userIn(state)
	if who := s.pass.Identity(); who.Subject != "" {
		u.name, u.color = cmp.Or(u.name, cleanText(who.Name)), cmp.Or(u.color, cleanColor(who.Color))
	}
	return u
}

// cleanText makes a name fit to be shown anywhere: one line, of at most
// maxUserText bytes, in which nothing changes the direction of what follows.
func cleanText(s string) string {
	if len(s) > 4*maxUserText {
		s = s[:4*maxUserText]
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r):
			return ' '
		case unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > maxUserText {
		s = strings.TrimSpace(strings.ToValidUTF8(s[:maxUserText], ""))
	}
	return s
}

// cleanColor lets a colour pass that is "#rrggbb".
func cleanColor(s string) string {
	if len(s) != 7 || s[0] != '#' {
		return ""
	}
	for _, c := range []byte(s[1:]) {
		if c |= 0x20; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return ""
		}
	}
	return strings.ToLower(s)
}

// personOf is who a user of the session is, nobody if it has no name.
func (s *Session) personOf(u user) Person {
	subject := s.written.Subject
	if subject == "" && u.name == "" {
		return Person{}
	}
	return Person{Key: cmp.Or(subject, u.id, u.name), Name: u.name, Color: u.color}
}

const (
	// leftAfter is how long somebody has no session before they have left, and how
	// long a session must be somebody else's before they have joined.
	leftAfter = 15 * time.Second
	// backWithin is how long after a start of the server people are taken for
	// those who have been there all along.
	backWithin = 30 * time.Second
	// editedEvery is how often it is told that somebody edits.
	editedEvery = 5 * time.Minute
	// maxHere is how many people of one document Here tells.
	maxHere = 100
)

// attendance is who is in a document, and what of that the log is told.
type attendance struct {
	mu     sync.Mutex         // is held while the room's goroutine changes what Here reads:
	people map[string]*member // their keys, and of members Person, states and since

	timer *time.Timer
	due   time.Time // when it fires; zero if it isn't set

	changes map[string]*store.Person // since the last append began: who came, and nil for who went
	sending map[string]*store.Person // with the append under way, or the failed one
}

// A member is somebody who is there, or was a moment ago.
type member struct {
	Person
	states int       // presence states that are theirs
	since  time.Time // when the first of them came
	by     *Session  // the last that was theirs; nil if it was before the room was loaded
	here   bool      // as the log has it, or will
	due    time.Time // when that is brought up to date; zero if it is
	edited time.Time // when it was last told that they edit
}

// Here tells who is in documents now, for those of the names in which somebody
// is: at most maxHere of each, those longest there first.
func (rs *Rooms) Here(names []string) map[string][]Person {
	all := make(map[string][]Person)
	for _, name := range names {
		rs.mu.Lock()
		r := rs.live[name]
		rs.mu.Unlock()
		if r == nil {
			continue
		}
		if here := r.attendance.here(); len(here) > 0 {
			all[name] = here
		}
	}
	return all
}

func (a *attendance) here() []Person {
	a.mu.Lock()
	defer a.mu.Unlock()
	var members []*member
	for _, m := range a.people {
		if m.states > 0 {
			members = append(members, m)
		}
	}
	slices.SortFunc(members, func(m, n *member) int { return cmp.Or(m.since.Compare(n.since), cmp.Compare(m.Key, n.Key)) })
	var people []Person
	for _, m := range members[:min(len(members), maxHere)] {
		people = append(people, m.Person)
	}
	return people
}

// expect takes who was there by the log. Those who come back soon after the
// server's start have been there all along; who hasn't by then, had left.
func (r *room) expect(d *store.Document) {
	known := r.rooms.started
	last := d.Edited.Time
	if n := len(d.Rows); n > 0 {
		last = d.Rows[n-1].Time
	}
	if last.After(known) {
		known = last
	}
	for _, p := range d.Here {
		m := &member{Person: Person{p.Key, p.Name, p.Color}, here: true, due: known.Add(backWithin), edited: p.Edited}
		r.attendance.people[p.Key] = m
		if time.Until(m.due) <= 0 {
			r.left(m, known)
		} else {
			r.attendBy(m.due)
		}
	}
}

// attend takes note of who a presence entry is now.
func (r *room) attend(e *entry) {
	s, was := e.owner, e.member
	e.member = nil
	if e.state != nil {
		if p := s.personOf(e.who); p.Key != "" {
			e.member = r.member(p)
			s.written.Name = p.Name
		}
	}
	is, now := e.member, time.Now()
	if is != nil {
		is.by = s
	}
	if is != nil && is != was {
		r.attendance.mu.Lock()
		if is.states++; is.states == 1 {
			is.since = now
		}
		r.attendance.mu.Unlock()
		switch {
		case is.here:
			is.due = time.Time{}
		case s.named && is.states > 1: // it is due
		case s.named: // they may be typing their name
			is.due = now.Add(leftAfter)
			r.attendBy(is.due)
		default:
			r.joined(is, now)
		}
	}
	s.named = s.named || is != nil
	if was != nil && is != was {
		r.attendance.mu.Lock()
		was.states--
		r.attendance.mu.Unlock()
		if was.states == 0 {
			was.due = now.Add(leftAfter)
			r.attendBy(was.due)
		}
	}
}

// member finds somebody, and notes what they are called now.
func (r *room) member(p Person) *member {
	a := &r.attendance
	m := a.people[p.Key]
	if m != nil && m.Person == p {
		return m
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if m == nil {
		m = new(member)
		a.people[p.Key] = m
	}
	m.Person = p
	return m
}

// joined has it told that somebody came.
func (r *room) joined(m *member, at time.Time) {
	m.here, m.due = true, time.Time{}
	r.changed(m)
	r.happen("joined", m, m.last(at))
}

// left has it told that somebody went, and forgets them.
func (r *room) left(m *member, at time.Time) {
	m.here = false
	r.changed(m)
	r.happen("left", m, m.last(at))
	r.forget(m)
}

// last is something that a person's last session did.
func (m *member) last(at time.Time) happening {
	h := happening{row: store.Row{Time: at}, by: m.by}
	if m.by != nil {
		h.row.Session = m.by.id
	}
	return h
}

// forget forgets somebody who isn't there, once it could be told again that they
// edit.
func (r *room) forget(m *member) {
	if m.due = m.edited.Add(editedEvery); time.Until(m.due) > 0 {
		r.attendBy(m.due)
		return
	}
	r.attendance.mu.Lock()
	defer r.attendance.mu.Unlock()
	delete(r.attendance.people, m.Key)
}

// edits has it told that a person edits, unless it was told of late.
func (r *room) edits(m *member, session int64, by *Session) {
	now := time.Now()
	if now.Sub(m.edited) < editedEvery {
		return
	}
	m.edited = now
	if m.here {
		r.changed(m)
	} else if m.states == 0 {
		r.forget(m) // in time
	}
	r.happen("edited", m, happening{row: store.Row{Session: session, Time: now}, by: by})
}

// editor is whose edits a session brings; nil if that isn't known.
func (r *room) editor(s *Session) *member {
	if s.own != nil && s.own.member != nil {
		return s.own.member
	}
	subject := s.written.Subject
	if subject == "" {
		return nil
	}
	if m := r.attendance.people[subject]; m != nil {
		return m
	}
	who := s.pass.Identity()
	return r.member(Person{subject, cleanText(who.Name), cleanColor(who.Color)})
}

// maxChanges bounds what is to be stored of who came and went while the log fails.
const maxChanges = 10_000

// changed has it stored whether somebody is there.
func (r *room) changed(m *member) {
	a := &r.attendance
	if a.changes == nil {
		a.changes = make(map[string]*store.Person)
	}
	a.changes[m.Key] = nil
	if m.here {
		a.changes[m.Key] = &store.Person{Key: m.Key, Name: m.Name, Color: m.Color, Edited: m.edited}
	} else if len(a.changes) > maxChanges {
		delete(a.changes, m.Key) // who is there by mistake will have left at the next start
	}
}

// send returns what is to be stored with the next append.
func (a *attendance) send() (came []store.Person, went []string) {
	if a.sending == nil {
		a.sending = a.changes
	} else {
		maps.Copy(a.sending, a.changes)
	}
	a.changes = nil
	for key, p := range a.sending {
		if p != nil {
			came = append(came, *p)
		} else {
			went = append(went, key)
		}
	}
	return came, went
}

// attendBy sees to it that members are brought up to date at a time.
func (r *room) attendBy(due time.Time) {
	a := &r.attendance
	if !a.due.IsZero() {
		if !due.Before(a.due) {
			return
		}
		a.timer.Stop()
	}
	a.due = due
	// A little later than the first is due: others may be together with it.
	a.timer = r.after(time.Until(due)+r.tick(), func() {
		if a.due.Equal(due) {
			a.due = time.Time{}
			r.attendNow(false)
		}
	})
}

// attendNow brings up to date those who are due, or all.
func (r *room) attendNow(all bool) {
	now := time.Now()
	var due []*member
	next := time.Time{}
	for _, m := range r.attendance.people {
		switch {
		case m.due.IsZero():
		case all || !m.due.After(now):
			due = append(due, m)
		case next.IsZero() || m.due.Before(next):
			next = m.due
		}
	}
	slices.SortFunc(due, func(m, n *member) int { return cmp.Or(m.due.Compare(n.due), cmp.Compare(m.Key, n.Key)) })
	for _, m := range due {
		m.due = time.Time{}
		switch {
		case m.states > 0 && !m.here:
			r.joined(m, now)
		case m.states > 0:
		case m.here:
			r.left(m, now)
		default:
			r.forget(m)
		}
	}
	if !next.IsZero() {
		r.attendBy(next)
	}
}
