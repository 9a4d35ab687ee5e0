package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
)

// Bounds on a set of keys at an address (a JWKS, RFC 7517).
const (
	keysEvery   = 15 * time.Minute // it is read again, though nobody asks
	keysRetry   = 30 * time.Second // likewise, after a failure
	keysAtMost  = 10 * time.Second // is the least time between two readings, whoever asks
	keysTimeout = 5 * time.Second
	maxKeySet   = 256 << 10 // bytes
	maxSetKeys  = 100
)

// A keySet is the public keys at an address. One goroutine reads them, now and
// then and when a token names a key that isn't known; what was read stays in use
// while the address fails.
type keySet struct {
	address string
	client  *http.Client
	report  func(error)

	ask  chan struct{} // to read again
	stop context.CancelFunc
	done chan struct{}

	mu    sync.Mutex
	keys  []key
	err   error         // of the last reading; nil if it was well
	begun time.Time     // the last reading
	ended chan struct{} // closed when the reading under way, or else the next, ends
	busy  bool          // a reading is under way
}

var errUnread = errors.New("the keys weren't read yet")

// newKeySet begins to read a set of keys.
func newKeySet(address string, client *http.Client, report func(error)) *keySet {
	ctx, stop := context.WithCancel(context.Background())
	s := &keySet{
		address: address, client: client, report: report,
		ask: make(chan struct{}, 1), stop: stop, done: make(chan struct{}),
		err: errUnread, busy: true, begun: time.Now(), ended: make(chan struct{}),
	}
	go s.run(ctx)
	return s
}

func (s *keySet) close() {
	s.stop()
	<-s.done
}

func (s *keySet) run(ctx context.Context) {
	defer close(s.done)
	for {
		keys, err := s.read(ctx)
		if ctx.Err() != nil {
			return
		}
		s.mu.Lock()
		if keys != nil {
			s.keys = keys
		}
		s.err, s.busy = err, false
		ended := s.ended
		s.ended = make(chan struct{})
		begun := s.begun
		s.mu.Unlock()
		close(ended)
		pause := keysEvery
		if err != nil {
			pause = keysRetry
			s.report(err)
		}
		again := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-again.C:
		case <-s.ask:
			again.Reset(time.Until(begun.Add(keysAtMost)))
			select {
			case <-ctx.Done():
			case <-again.C:
			}
		}
		again.Stop()
		s.mu.Lock()
		s.begun, s.busy = time.Now(), true
		s.mu.Unlock()
	}
}

// of is the keys that may have signed a token that names its key by an id, or
// names none, by "". Unless there are some, the set is read again, if that wasn't done a moment ago. The
// error says that the set couldn't be read, so that there may be others.
func (s *keySet) of(ctx context.Context, id string) ([]key, error) {
	for again := true; ; again = false {
		s.mu.Lock()
		var keys []key
		for _, k := range s.keys {
			if id == "" || k.id == id {
				keys = append(keys, k)
			}
		}
		err, ended, busy := s.err, s.ended, s.busy
		recent := time.Since(s.begun) < keysAtMost
		s.mu.Unlock()
		if len(keys) > 0 {
			return keys, nil
		}
		if !again || recent && !busy {
			return nil, err
		}
		if !busy {
			select {
			case s.ask <- struct{}{}:
			default: // somebody has
			}
		}
		select {
		case <-ended:
		case <-s.done:
			return nil, errUnread
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// ready is the error of the last reading.
func (s *keySet) ready() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// read reads the set. An error beside keys says what is wrong with them.
func (s *keySet) read(ctx context.Context) ([]key, error) {
	ctx, cancel := context.WithTimeout(ctx, keysTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.address, nil)
	if err != nil {
		return nil, fmt.Errorf("reading the keys: %w", err)
	}
	request.Header.Set("Accept", "application/json")
	response, err := s.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("reading the keys: %w", withoutURL(err))
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("reading the keys: status %d", response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxKeySet+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the keys: %w", err)
	case len(body) > maxKeySet:
		return nil, fmt.Errorf("reading the keys: more than %d bytes", maxKeySet)
	}
	return keysIn(body)
}

// keysIn is the keys of a set that check signatures. Those that aren't for that,
// or aren't understood, are left out; none at all is an error as well.
func keysIn(body []byte) ([]key, error) {
	var set struct {
		Keys *[]json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil || set.Keys == nil {
		return nil, errors.New("reading the keys: no JSON object with a list \"keys\"")
	}
	if len(*set.Keys) > maxSetKeys {
		return nil, fmt.Errorf("reading the keys: more than %d of them", maxSetKeys)
	}
	keys := []key{}
	for _, raw := range *set.Keys {
		var m jwkset.JWKMarshal
		if json.Unmarshal(raw, &m) != nil ||
			m.USE != "" && m.USE != jwkset.UseSig ||
			len(m.KEYOPS) > 0 && !slices.Contains(m.KEYOPS, jwkset.KeyOpsVerify) {
			continue
		}
		m.X5U, m.X5C, m.X5T, m.X5TS256 = "", nil, "", "" // the key itself counts
		read, err := jwkset.NewJWKFromMarshal(m, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
		if err != nil {
			continue
		}
		k, err := newPublic(read.Key()) // a secret isn't read, much less taken
		if err != nil {
			continue
		}
		k.id = m.KID
		if m.ALG != "" {
			k.methods = slices.DeleteFunc(k.methods, func(own jwt.SigningMethod) bool { return own.Alg() != string(m.ALG) })
		}
		if len(k.methods) > 0 {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return keys, errors.New("reading the keys: none that checks signatures is among them")
	}
	return keys, nil
}

// newClient makes a client for one address that the operator has named: what it
// is sent elsewhere for isn't fetched.
func newClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxResponseHeaderBytes = 64 << 10
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// withoutURL is a request's error without its address, which may be a secret.
func withoutURL(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// CheckAddress says whether an address can be asked: http or https, and a host.
func CheckAddress(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return errors.New("want an http or https address, without a user or fragment")
	}
	return nil
}
