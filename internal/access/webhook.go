package access

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

// WebhookConfig says where an application is asked, and how.
type WebhookConfig struct {
	URL     string
	Secret  []byte        // signs the questions; nil leaves them unsigned
	Headers []string      // of the client's request, that the application gets
	Timeout time.Duration // of one question
	Cache   time.Duration // an answer counts for as long; 0 for none
	Report  func(error)   // is told, now and then, why there is no answer; may be nil
}

// Bounds on questions and answers.
const (
	maxAnswer    = 64 << 10 // bytes
	maxQuestions = 64       // at once; more wait, within their time
	maxAnswers   = 10_000   // that are kept
	refusedFor   = 5 * time.Second
	reportEvery  = 10 * time.Second
)

// A Webhook asks an application by HTTP who may do what, with a body that can be
// signed:
//
//	Inkwire-Signature: t=UNIX,v1=HEX(HMAC-SHA256(secret, UNIX + "." + body))
//
// Whatever isn't an answer refuses.
type Webhook struct {
	cfg     WebhookConfig
	client  *http.Client
	answers *answers
	turns   chan struct{}
	report  rate.Sometimes
}

// NewWebhook makes a webhook, which must be closed.
func NewWebhook(cfg WebhookConfig) (*Webhook, error) {
	if err := CheckAddress(cfg.URL); err != nil {
		return nil, err
	}
	if cfg.Secret != nil && len(cfg.Secret) < MinSecret {
		return nil, fmt.Errorf("the secret has %d bytes, and must have at least %d", len(cfg.Secret), MinSecret)
	}
	if cfg.Report == nil {
		cfg.Report = func(error) {}
	}
	w := &Webhook{
		cfg: cfg, client: newClient(), turns: make(chan struct{}, maxQuestions),
		report: rate.Sometimes{Interval: reportEvery},
	}
	w.answers = newAnswers(cfg.Cache)
	return w, nil
}

// Close ends all questions.
func (w *Webhook) Close() {
	w.answers.close()
	w.client.CloseIdleConnections()
}

// question is what an application is asked.
type question struct {
	Document string            `json:"document"`
	Token    string            `json:"token"`
	Address  string            `json:"address"`
	Headers  map[string]string `json:"headers"`
}

// Ask implements Application.
func (w *Webhook) Ask(ctx context.Context, c Credentials, document string, anew bool) (Identity, error) {
	if len(c.Token) > MaxToken {
		return Identity{}, BadToken.Because(fmt.Sprintf("longer than %d bytes", MaxToken))
	}
	q := question{Document: document, Token: c.Token, Headers: make(map[string]string)}
	if c.Addr.IsValid() {
		q.Address = c.Addr.String()
	}
	for _, name := range w.cfg.Headers {
		name = http.CanonicalHeaderKey(name)
		between := ", "
		if name == "Cookie" {
			between = "; " // RFC 9113, 8.2.3
		}
		if values := c.Header.Values(name); len(values) > 0 {
			q.Headers[name] = strings.Join(values, between)
		}
	}
	body, err := json.Marshal(q)
	if err != nil {
		return Identity{}, err
	}
	return w.answers.of(ctx, sha256.Sum256(body), anew, func(ctx context.Context) (Identity, error) {
		asked := time.Now()
		who, err := w.ask(ctx, q, body)
		var refused *Refused
		if err != nil && !errors.As(err, &refused) {
			if !errors.Is(err, context.Canceled) {
				w.report.Do(func() { w.cfg.Report(fmt.Errorf("asking the application: %w", err)) })
			}
			err = Unverified.Because("the application doesn't answer as it should")
		}
		who.Issued = asked // what ended before doesn't concern it
		return who, err
	})
}

// ask asks once. An error other than *Refused is for the operator.
func (w *Webhook) ask(ctx context.Context, q question, body []byte) (Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, w.cfg.Timeout)
	defer cancel()
	select {
	case w.turns <- struct{}{}:
		defer func() { <-w.turns }()
	case <-ctx.Done():
		return Identity{}, fmt.Errorf("%d questions have no answer: %w", maxQuestions, ctx.Err())
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.cfg.URL, bytes.NewReader(body))
	if err != nil {
		return Identity{}, withoutURL(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	if w.cfg.Secret != nil {
		request.Header.Set("Inkwire-Signature", signature(w.cfg.Secret, time.Now(), body))
	}
	response, err := w.client.Do(request)
	if err != nil {
		return Identity{}, withoutURL(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case response.StatusCode == http.StatusUnauthorized && q.Token == "":
		return Identity{}, NoToken.Because("")
	case response.StatusCode == http.StatusUnauthorized:
		return Identity{}, BadToken.Because("the application refuses it")
	case response.StatusCode == http.StatusForbidden:
		return Identity{}, Forbidden.Because("the application refuses it")
	case response.StatusCode != http.StatusOK:
		return Identity{}, fmt.Errorf("status %d", response.StatusCode)
	case err != nil:
		return Identity{}, withoutURL(err)
	case len(answer) > maxAnswer:
		return Identity{}, fmt.Errorf("an answer of more than %d bytes", maxAnswer)
	}
	return readAnswer(answer, q.Document)
}

func signature(secret []byte, at time.Time, body []byte) string {
	t := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(t + "."))
	mac.Write(body)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

// readAnswer reads what an application says of who asks for a document. It grants
// that one alone, also if its name looks like a pattern.
func readAnswer(body []byte, document string) (Identity, error) {
	members, err := object(body)
	if err != nil {
		return Identity{}, fmt.Errorf("the answer: %w", err)
	}
	r := reader{members: members}
	who := Identity{Expires: r.moment("expires")}
	name := r.text("role")
	if raw, ok := members["user"]; ok {
		user, err := object(raw)
		if err != nil {
			return Identity{}, fmt.Errorf("the answer's user: %w", err)
		}
		u := reader{members: user}
		who.Subject, who.Name, who.Color = u.text("id"), u.text("name"), u.text("color")
		r.err = errors.Join(r.err, u.err)
	}
	switch {
	case r.err != nil:
		return Identity{}, fmt.Errorf("the answer: %w", r.err)
	case who.fault() != "":
		return Identity{}, fmt.Errorf("the answer's user: %s", strings.Replace(who.fault(), "sub ", "id ", 1))
	case name == None.String():
		return Identity{}, Forbidden.Because("the application refuses it")
	}
	role, err := ParseRole(name)
	if err != nil {
		return Identity{}, fmt.Errorf("the answer: %w", err)
	}
	who.Docs = Grants{{Exactly(document), role}}
	return who, nil
}

// CheckHeader says whether a header's name can be asked for.
func CheckHeader(name string) error {
	const others = "!#$%&'*+-.^_`|~" // RFC 9110, 5.6.2
	if name == "" || strings.ContainsFunc(name, func(r rune) bool {
		return !('0' <= r && r <= '9' || 'a' <= r|0x20 && r|0x20 <= 'z') && !slices.Contains([]rune(others), r)
	}) {
		return fmt.Errorf("%.40q is no header's name", name)
	}
	return nil
}
