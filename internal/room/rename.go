package room

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/inkwire/inkwire/crdt"
	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/store"
	"github.com/inkwire/inkwire/richtext"
)

// Rename gives a document another title, as an edit of somebody who may write in
// it, and returns when that is on disk. Its error is an *access.Refused, or that of
// ctx, after which the document may have the title.
func (rs *Rooms) Rename(ctx context.Context, name, title string, by access.Identity) error {
	if err := store.CheckName(name); err != nil {
		return access.Malformed.Because(err.Error())
	}
	r := rs.acquire(name)
	if r == nil {
		return access.ShuttingDown.Because("")
	}
	defer rs.release(r)
	select {
	case <-r.loaded:
	case <-ctx.Done():
		return ctx.Err()
	}
	if r.refusal != nil {
		return r.refusal
	}
	done := make(chan *access.Refused, 1)
	if !r.post(func() { r.rename(title, by, func(refused *access.Refused) { done <- refused }) }) {
		return access.Overload.Because("")
	}
	var refused *access.Refused
	select {
	case refused = <-done:
	case <-ctx.Done():
		return ctx.Err()
	case <-r.gone:
		select {
		case refused = <-done:
		default:
			refused = access.Overload.Because("")
		}
	}
	if refused != nil {
		return refused
	}
	return nil
}

// rename changes the title, and calls settle once that is durable, or refused.
func (r *room) rename(title string, by access.Identity, settle func(*access.Refused)) {
	switch limit := r.rooms.cfg.MaxDocument; {
	case r.closing:
		settle(r.why)
		return
	case r.damage != nil:
		settle(damaged())
		return
	case !r.log.begun():
		settle(access.Unknown.Because(""))
		return
	case r.log.failing:
		settle(access.Unsaved.Because(""))
		return
	case r.content.size()+len(title) > limit:
		settle(tooLarge(limit))
		return
	}
	since := time.Now()
	news, err := r.content.edit(func(d *crdt.Doc) error { return richtext.SetTitle(d, title) })
	switch {
	case err != nil && (news != nil || r.content.doc == nil):
		settle(access.ServerFault.Because(""))
		r.fault(fmt.Errorf("rename: %w", err))
		return
	case err != nil:
		settle(access.Malformed.Because(err.Error()))
		return
	case news != nil:
		info, err := crdt.Validate(news, crdt.Limits{})
		if err != nil {
			settle(access.ServerFault.Because(""))
			r.fault(err)
			return
		}
		r.rooms.cfg.Metrics.Updates.Inc()
		s := store.Session{ID: newSessionID(), Subject: by.Subject, Name: cleanText(by.Name), Start: since}
		r.former = append(r.former, s)
		r.recordWaiting()
		r.log.add(store.Row{Session: s.ID, Time: since, Data: news}, 0)
		r.turn.add(nil, news, info)
		r.facts.read = time.Time{} // whoever asks gets the new title
		r.factsChanged()
		if key := cmp.Or(s.Subject, s.Name); key != "" {
			m := r.attendance.people[key]
			if m == nil {
				m = r.member(Person{key, s.Name, cleanColor(by.Color)})
			}
			r.edits(m, s.ID, nil)
		}
	}
	r.owe(debt{settle: settle, since: since})
}

func damaged() *access.Refused {
	return access.Forbidden.Because("the document is damaged, and read-only until it is repaired")
}

func tooLarge(limit int) *access.Refused {
	return access.TooLarge.Because(fmt.Sprintf("the document would have more than %d bytes (--max-document)", limit))
}
