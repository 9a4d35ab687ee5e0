package access

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/inkwire/inkwire/internal/store"
)

func newWebhook(t *testing.T, cfg WebhookConfig, h http.HandlerFunc) *Webhook {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	cfg.URL = server.URL
	if cfg.Timeout == 0 {
		cfg.Timeout = time.Minute
	}
	w, err := NewWebhook(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

// An application is asked with what it needs, signed, and its answer is an
// identity that grants the one document.
func TestWebhook(t *testing.T) {
	var got question
	var signed bool
	w := newWebhook(t, WebhookConfig{Secret: secret64, Headers: []string{"cookie", "X-Team"}}, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Method != "POST" || r.Header.Get("Content-Type") != "application/json" || json.Unmarshal(body, &got) != nil {
			t.Errorf("%s, %v: %s", r.Method, err, body)
		}
		sent, v1, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Inkwire-Signature"), "t="), ",v1=")
		mac := hmac.New(sha256.New, secret64)
		_, _ = fmt.Fprintf(mac, "%s.%s", sent, body)
		signed = v1 == hex.EncodeToString(mac.Sum(nil))
		_, _ = io.WriteString(w, `{"role":"writer","user":{"id":"7","name":"Zoë","color":"#00ff00","more":1},"expires":4000000000,"more":{}}`)
	})
	c := Credentials{Token: "their own", Addr: netip.MustParseAddr("192.0.2.1"),
		Header: http.Header{"Cookie": {"a=b", "c=d"}, "X-Team": {"x", "y"}, "Authorization": {"Bearer hidden"}}}
	before := time.Now()
	who, err := w.Ask(t.Context(), c, "team/*", false)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(question{"team/*", "their own", "192.0.2.1", map[string]string{"Cookie": "a=b; c=d", "X-Team": "x, y"}}, got); diff != "" || !signed {
		t.Error(diff, signed)
	}
	if who.Subject != "7" || who.Name != "Zoë" || who.Color != "#00ff00" || who.Issued.Before(before) || who.Expires.Unix() != 4000000000 {
		t.Errorf("%+v", who)
	}
	if who.Docs.Role("team/*") != Writer || who.Docs.Role("team/a") != None || who.Topics != nil {
		t.Errorf("it grants %v", who.Docs)
	}
}

// What an application may say, and what isn't an answer.
func TestWebhookAnswers(t *testing.T) {
	var status int
	var body string
	var reported []string
	w := newWebhook(t, WebhookConfig{Report: func(err error) { reported = append(reported, err.Error()) }}, func(w http.ResponseWriter, _ *http.Request) {
		if status == http.StatusFound {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
	for _, tt := range []struct {
		status int
		body   string
		token  string
		row    Refusal // none for who may come
	}{
		{200, `{"role":"reader"}`, "x", Refusal{}},
		{200, `{"role":"owner","user":null,"expires":null}`, "", Refusal{}},
		{200, `{"role":"reader","user":{}}`, "", Refusal{}},
		{200, `{"role":"none"}`, "x", Forbidden},
		{403, ``, "x", Forbidden},
		{401, ``, "x", BadToken},
		{401, ``, "", NoToken},
		{200, ``, "x", Unverified},
		{200, `{}`, "x", Unverified},
		{200, `[]`, "x", Unverified},
		{200, `{"role":"admin"}`, "x", Unverified},
		{200, `{"role":"none","role":"owner"}`, "x", Unverified},
		{200, `{"Role":"owner"}`, "x", Unverified},
		{200, `{"role":4}`, "x", Unverified},
		{200, `{"role":"reader","user":"u"}`, "x", Unverified},
		{200, `{"role":"reader","user":{"id":7}}`, "x", Unverified},
		{200, `{"role":"reader","user":{"id":"a\nb"}}`, "x", Unverified},
		{200, `{"role":"reader","user":{"color":"red"}}`, "x", Unverified},
		{200, `{"role":"reader","expires":"soon"}`, "x", Unverified},
		{200, `{"role":"reader"}` + strings.Repeat(" ", maxAnswer), "x", Unverified},
		{201, `{"role":"reader"}`, "x", Unverified},
		{302, `{"role":"reader"}`, "x", Unverified},
		{404, `{"role":"reader"}`, "x", Unverified},
		{500, `{"role":"reader"}`, "x", Unverified},
		{200, `{"role":"reader"}`, strings.Repeat("x", MaxToken+1), BadToken},
	} {
		status, body = tt.status, tt.body
		who, err := w.Ask(t.Context(), Credentials{Token: tt.token}, "a", false)
		var refused *Refused
		switch {
		case tt.row.Label == "" && (err != nil || who.Docs.Role("a") == None || !who.Expires.IsZero()):
			t.Errorf("%d %s: %+v, %v", tt.status, tt.body, who, err)
		case tt.row.Label != "" && (!errors.As(err, &refused) || refused.Label != tt.row.Label):
			t.Errorf("%d %.60s: %+v, %v", tt.status, tt.body, who, err)
		}
	}
	if len(reported) != 1 { // once in a while
		t.Errorf("%q", reported)
	}
}

// An application that is too slow, or isn't there, lets nobody in.
func TestWebhookFails(t *testing.T) {
	hangs := make(chan struct{})
	defer close(hangs)
	w := newWebhook(t, WebhookConfig{Timeout: time.Millisecond}, func(http.ResponseWriter, *http.Request) { <-hangs })
	var refused *Refused
	if _, err := w.Ask(t.Context(), Credentials{}, "a", false); !errors.As(err, &refused) || refused.Label != Unverified.Label {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.Ask(ctx, Credentials{}, "b", false); err != context.Canceled {
		t.Error(err)
	}
	w.Close()
	if _, err := w.Ask(t.Context(), Credentials{}, "c", false); !errors.As(err, &refused) || refused.Label != Unverified.Label {
		t.Error(err)
	}
	if _, err := NewWebhook(WebhookConfig{URL: "example.com"}); err == nil {
		t.Error("an address without a scheme")
	}
	if _, err := NewWebhook(WebhookConfig{URL: "http://example.com", Secret: []byte("hidden")}); err == nil || strings.Contains(err.Error(), "hidden") {
		t.Error(err)
	}
	for _, name := range []string{"", "a b", "a:", "é", "a\r\nb"} {
		if CheckHeader(name) == nil {
			t.Errorf("%q is a header", name)
		}
	}
	if err := CheckHeader("X-Forwarded-User"); err != nil {
		t.Error(err)
	}
}

// answering answers once a channel is closed.
type answering struct {
	asked, now atomic.Int64
	turn       chan struct{}
}

func (a *answering) RoundTrip(*http.Request) (*http.Response, error) {
	a.asked.Add(1)
	a.now.Add(1)
	defer a.now.Add(-1)
	<-a.turn
	w := httptest.NewRecorder()
	_, err := io.WriteString(w, `{"role":"reader"}`)
	return w.Result(), err
}

// Questions that are alike are asked once, of all who wait together, and no more
// than so many at once.
func TestWebhookTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, err := NewWebhook(WebhookConfig{URL: "http://app.example.com", Timeout: time.Minute, Cache: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		a := &answering{turn: make(chan struct{})}
		w.client.Transport = a
		for i := range 200 {
			for range 3 {
				go func() {
					if _, err := w.Ask(t.Context(), Credentials{}, fmt.Sprint(i), false); err != nil {
						t.Error(err)
					}
				}()
			}
		}
		synctest.Wait()
		if n := a.now.Load(); n != maxQuestions {
			t.Errorf("%d at once", n)
		}
		close(a.turn)
		synctest.Wait()
		if n := a.asked.Load(); n != 200 {
			t.Errorf("%d questions", n)
		}
	})
}

// How long answers count: by what was asked, at most as long as is set, refusals
// shortly, failures not at all. Anew asks always.
func TestAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAnswers(time.Minute)
		defer a.close()
		asked := 0
		ask := func(hash byte, anew bool, who Identity, err error) {
			t.Helper()
			got, gotErr := a.of(t.Context(), [32]byte{hash}, anew, func(context.Context) (Identity, error) { asked++; return who, err })
			if gotErr != err || got.Subject != who.Subject {
				t.Errorf("%+v, %v", got, gotErr)
			}
		}
		was := func(what string, n int) {
			t.Helper()
			if asked != n {
				t.Errorf("%s: asked %d times, want %d", what, asked, n)
			}
			asked = 0
		}
		who := Identity{Subject: "u"}
		ask(1, false, who, nil)
		was("at first", 1)
		time.Sleep(59 * time.Second)
		ask(1, false, who, nil)
		was("again", 0)
		ask(2, false, who, nil)
		was("another", 1)
		ask(1, true, who, nil)
		was("anew", 1)
		time.Sleep(59 * time.Second)
		ask(1, false, who, nil)
		was("since anew", 0)
		time.Sleep(time.Second)
		ask(1, false, who, nil)
		was("over", 1)

		for _, r := range []Refusal{Forbidden, BadToken} {
			hash := byte(r.HTTP % 256)
			err := r.Because("")
			ask(hash, false, Identity{}, err)
			time.Sleep(refusedFor - time.Nanosecond)
			ask(hash, false, Identity{}, err)
			was("refused", 1)
			time.Sleep(time.Nanosecond)
			ask(hash, false, Identity{}, err)
			was("refused, later", 1)
		}
		for range 2 {
			ask(5, false, Identity{}, Unverified.Because(""))
		}
		was("failed", 2)

		// Shortly before it ends, another is asked for.
		who.Expires = time.Now().Add(30 * time.Second)
		ask(6, false, who, nil)
		time.Sleep(30*time.Second - renewWithin - time.Nanosecond)
		ask(6, false, who, nil)
		was("ends", 1)
		time.Sleep(time.Nanosecond)
		ask(6, false, who, nil)
		was("ends soon", 1)

		for i := range 2 * maxAnswers {
			_, err := a.of(t.Context(), sha256.Sum256(fmt.Append(nil, i)), false, func(context.Context) (Identity, error) { return who, nil })
			if err != nil || len(a.byHash) > maxAnswers {
				t.Fatalf("%d answers, %v", len(a.byHash), err)
			}
		}
	})
	none := newAnswers(0)
	defer none.close()
	for n := range 2 {
		asked := false
		if _, err := none.of(t.Context(), [32]byte{}, false, func(context.Context) (Identity, error) { asked = true; return Identity{}, nil }); err != nil || !asked {
			t.Error(n, err)
		}
	}
}

// cuts is a store that knows one subject whose access was ended.
type cuts struct {
	store.Grants
	at time.Time
}

func (c cuts) CutOf(context.Context, string) (time.Time, error) { return c.at, nil }

// An answer from before somebody's access was ended doesn't count: the
// application is asked anew, and decides.
func TestAnswerBeforeTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		g := NewGuard(Config{Grants: cuts{at: time.Now().Add(10 * time.Second)}, Application: application(func(anew bool) Identity {
			if anew {
				asked++
				return Identity{Subject: "u", Docs: Grants{{"a", Reader}}, Issued: time.Now()}
			}
			return Identity{Subject: "u", Docs: Grants{{"a", Reader}}, Issued: time.Now().Add(-30 * time.Second)}
		})})
		time.Sleep(20 * time.Second)
		if _, err := g.Check(t.Context(), Credentials{}, "a", Read); err != nil || asked != 1 {
			t.Errorf("%v, asked %d times", err, asked)
		}
	})
}

type application func(anew bool) Identity

func (a application) Ask(_ context.Context, _ Credentials, _ string, anew bool) (Identity, error) {
	return a(anew), nil
}
