package server

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"
)

// A KeyPair is a certificate with its key, in two files in PEM. When these change,
// in place or because their names, or links on the way, lead to others, they are
// read again. Handshakes look after that: without one nobody needs the new pair.
type KeyPair struct {
	cert, key string
	report    func(error)
	every     time.Duration

	mu      sync.Mutex
	pair    *tls.Certificate
	from    stamp     // of the files that pair is of
	looked  time.Time // when that was seen to be so
	refused stamp     // of files that failed at the last look
	told    stamp     // of those that were reported
}

// A stamp tells one state of the two files from another.
type stamp [2]os.FileInfo

func (s stamp) equal(to stamp) bool {
	for i, f := range s {
		if f == nil || to[i] == nil {
			return f == to[i]
		}
		if !os.SameFile(f, to[i]) || !f.ModTime().Equal(to[i].ModTime()) || f.Size() != to[i].Size() {
			return false
		}
	}
	return true
}

// LoadKeyPair reads a pair. It tells report, once, of a later one that is no good;
// the one before goes on being used.
func LoadKeyPair(cert, key string, report func(error)) (*KeyPair, error) {
	p := &KeyPair{cert: cert, key: key, report: report, every: time.Second}
	p.from = p.stamp()
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, p.failed(err)
	}
	p.pair, p.looked = &pair, time.Now()
	return p, nil
}

func (p *KeyPair) failed(err error) error {
	return fmt.Errorf("the certificate %s with the key %s: %w", p.cert, p.key, err)
}

// stamp has nil for a file that can't be looked at.
func (p *KeyPair) stamp() (s stamp) {
	for i, name := range []string{p.cert, p.key} {
		if info, err := os.Stat(name); err == nil {
			s[i] = info
		}
	}
	return s
}

// GetCertificate is for tls.Config.
func (p *KeyPair) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); now.Sub(p.looked) >= p.every {
		p.looked = now
		p.look()
	}
	return p.pair, nil
}

// look reads the files if they aren't those of the pair. One file comes after the
// other, so only what is no good at two looks is reported.
func (p *KeyPair) look() {
	is := p.stamp()
	if is.equal(p.from) {
		return
	}
	pair, err := tls.LoadX509KeyPair(p.cert, p.key)
	switch {
	case err == nil:
		p.pair, p.from, p.refused, p.told = &pair, is, stamp{}, stamp{}
	case p.refused != (stamp{}) && is.equal(p.refused) && (p.told == (stamp{}) || !is.equal(p.told)):
		p.told = is
		p.report(fmt.Errorf("%w; the pair before is still used", p.failed(err)))
	default:
		p.refused = is
	}
}
