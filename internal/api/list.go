package api

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/store"
)

// Bounds on what a list may be asked for.
const (
	usualLimit = 50
	maxLimit   = 200
	maxText    = 200 // characters
)

// maxLooks is how many parts of a list are looked through for one page, where
// the application has to be asked about each document.
const maxLooks = 4

var sorts = map[string]store.Sort{"edited": store.ByEdited, "title": store.ByTitle, "created": store.ByCreated}

func badParameter(name, want string) error {
	return access.Malformed.Because("the parameter " + name + ": " + want)
}

// limit reads the parameter of that name.
func limit(query url.Values) (int, error) {
	if !query.Has("limit") {
		return usualLimit, nil
	}
	n, err := strconv.Atoi(query.Get("limit"))
	if err != nil || n < 1 || n > maxLimit {
		return 0, badParameter("limit", fmt.Sprintf("want 1 to %d", maxLimit))
	}
	return n, nil
}

// A cursor is a place in a list, as clients keep it.
type cursor struct {
	Sort string `json:"s"`
	Time int64  `json:"t,omitempty"` // in milliseconds
	Key  string `json:"k,omitempty"`
	ID   int64  `json:"i"`
}

func writeCursor(sort string, m store.Mark) string {
	at := cursor{Sort: sort, Key: m.Key, ID: int64(m.ID)}
	if !m.Time.IsZero() {
		at.Time = m.Time.UnixMilli()
	}
	b, err := json.Marshal(at)
	if err != nil {
		panic(err) // of a string and numbers
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func readCursor(sort, text string) (store.Mark, error) {
	var at cursor
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(b, &at)
	}
	if err != nil || at.Sort != sort || at.ID < 1 {
		return store.Mark{}, badParameter("cursor", "want the next of a page with the same sort")
	}
	m := store.Mark{Key: at.Key, ID: store.DocID(at.ID)}
	if sort != "title" {
		m.Time = time.UnixMilli(at.Time)
	}
	return m, nil
}

// readQuery reads what a list is asked for, without whose it is.
func readQuery(query url.Values) (q store.Query, sort string, err error) {
	sort = "edited"
	if query.Has("sort") {
		sort = query.Get("sort")
	}
	var ok bool
	if q.Sort, ok = sorts[sort]; !ok {
		return q, "", badParameter("sort", "want edited, title or created")
	}
	q.Text = query.Get("q")
	if !utf8.ValidString(q.Text) || utf8.RuneCountInString(q.Text) > maxText || strings.ContainsRune(q.Text, 0) {
		return q, "", badParameter("q", fmt.Sprintf("want a text of at most %d characters", maxText))
	}
	if q.Limit, err = limit(query); err != nil {
		return q, "", err
	}
	if query.Has("cursor") {
		q.After, err = readCursor(sort, query.Get("cursor"))
	}
	return q, sort, err
}

// reachOf is the documents that grants let somebody read.
func reachOf(grants access.Grants) store.Reach {
	reach := store.Reach{May: func(name string) bool { return grants.Role(name).May(access.Read) }}
	for _, grant := range grants {
		if grant.Pattern == "**" {
			return store.Reach{All: true}
		}
		if name, one := access.NameIn(grant.Pattern); one {
			reach.Names = append(reach.Names, name)
		} else if prefix := access.PrefixOf(grant.Pattern); prefix != "" {
			reach.Prefixes = append(reach.Prefixes, prefix)
		} else {
			reach.All = true
		}
	}
	return reach
}

type documentPage struct {
	Documents []documentAnswer `json:"documents"`
	Next      string           `json:"next,omitempty"`
}

// listDocuments lists what the caller may read.
func (a *api) listDocuments(c *call) error {
	catalogue, err := a.catalogue()
	if err != nil {
		return err
	}
	q, sort, err := readQuery(c.r.URL.Query())
	if err != nil {
		return err
	}
	ctx := c.r.Context()
	who, asks, err := a.Guard.Reach(ctx, c.Credentials)
	if err != nil {
		return err
	}
	if q.Reach = reachOf(who.Docs); asks {
		q.Reach = store.Reach{All: true}
	}
	var found []store.Header
	var roles []access.Role
	wanted := q.Limit
	for range maxLooks {
		q.Limit = wanted - len(found)
		page, err := catalogue.Documents(ctx, q)
		if err != nil {
			return err
		}
		these, err := a.rolesIn(c, who, asks, page.Documents)
		if err != nil {
			return err
		}
		for i, role := range these {
			if role.May(access.Read) {
				found, roles = append(found, page.Documents[i]), append(roles, role)
			}
		}
		if q.After = page.Next; q.After == (store.Mark{}) || len(found) == wanted {
			break
		}
	}
	answer := documentPage{Documents: a.show(found, roles)}
	if q.After != (store.Mark{}) {
		answer.Next = writeCursor(sort, q.After)
	}
	return c.answer(http.StatusOK, answer)
}

// rolesIn is what the caller is in documents. An application is asked about a few
// at a time.
func (a *api) rolesIn(c *call, who access.Identity, asks bool, documents []store.Header) ([]access.Role, error) {
	roles, errs := make([]access.Role, len(documents)), make([]error, len(documents))
	turns := make(chan struct{}, 16)
	var wg sync.WaitGroup
	for i := range documents {
		name := documents[i].Name
		if roles[i] = who.Docs.Role(name); roles[i] > access.None || !asks {
			continue
		}
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			roles[i], errs[i] = a.Guard.Role(c.r.Context(), c.Credentials, name)
			var refused *access.Refused
			if errors.As(errs[i], &refused) && refused.Label != access.Unverified.Label {
				roles[i], errs[i] = access.None, nil // not this one
			}
		})
	}
	wg.Wait()
	return roles, errors.Join(errs...)
}

// An activity is something that happened in a document, as it is shown.
type activity struct {
	Revision string    `json:"revision"`
	At       time.Time `json:"at"`
	Type     string    `json:"type"`
	Person   string    `json:"person"`
	Name     string    `json:"name"`
	Color    string    `json:"color"`
}

type activityPage struct {
	Activity []activity `json:"activity"`
	Next     string     `json:"next,omitempty"`
}

// readRevision reads a revision as String writes it.
func readRevision(s string) (store.Revision, bool) {
	epoch, seq, ok := strings.Cut(s, ".")
	e, err := strconv.ParseUint(epoch, 10, 63)
	n, err2 := strconv.ParseUint(seq, 10, 63)
	return store.Revision{Epoch: e, Seq: n}, ok && errors.Join(err, err2) == nil && (e > 0 || n > 0) && e < math.MaxInt64
}

// listActivity tells what happened in a document.
func (a *api) listActivity(c *call) error {
	if _, err := a.may(c, access.Read); err != nil {
		return err
	}
	catalogue, err := a.catalogue()
	if err != nil {
		return err
	}
	query := c.r.URL.Query()
	most, err := limit(query)
	if err != nil {
		return err
	}
	var before store.Revision
	if query.Has("before") {
		var ok bool
		if before, ok = readRevision(query.Get("before")); !ok {
			return badParameter("before", "want a revision, such as 3.17")
		}
	}
	rows, more, err := catalogue.Activity(c.r.Context(), c.name, before, most)
	if err != nil {
		return err
	}
	page := activityPage{Activity: make([]activity, 0, len(rows))}
	for _, row := range rows {
		entry := activity{Revision: row.Revision.String(), At: row.Time.UTC()}
		var said struct{ Type, Person, Name, Color string }
		if json.Unmarshal(row.Data, &said) != nil {
			continue // of a later version
		}
		entry.Type, entry.Person, entry.Name, entry.Color = said.Type, said.Person, said.Name, said.Color
		page.Activity = append(page.Activity, entry)
	}
	if more {
		page.Next = rows[len(rows)-1].Revision.String()
	}
	return c.answer(http.StatusOK, page)
}
