package main

import (
	"io"
	"net"
	"sync"
	"testing"
)

// A proxy stands between clients and the server, for what can happen on the way.
type proxy struct {
	addr     string
	listener net.Listener
	wg       sync.WaitGroup

	mu       sync.Mutex
	upstream string
	refuses  bool // accepts connections only to close them
	passed   []*passage
}

// passage is one connection through a proxy.
type passage struct{ client, server net.Conn }

func newProxy(t *testing.T, upstream string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{addr: l.Addr().String(), upstream: upstream, listener: l}
	p.wg.Go(p.accept)
	t.Cleanup(func() {
		l.Close()
		p.mu.Lock()
		p.refuses = true
		for _, c := range p.passed {
			c.client.Close()
			c.server.Close()
		}
		p.mu.Unlock()
		p.wg.Wait()
	})
	return p
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		upstream := p.upstream
		p.mu.Unlock()
		server, err := net.Dial("tcp", upstream)
		if err != nil {
			client.Close()
			continue
		}
		c := &passage{client, server}
		p.mu.Lock()
		if p.refuses {
			p.mu.Unlock()
			client.Close()
			server.Close()
			continue
		}
		p.passed = append(p.passed, c)
		p.mu.Unlock()
		p.wg.Go(func() {
			// To the server a frozen passage's client, which is gone, is merely silent.
			if _, err := io.Copy(server, client); err == nil {
				server.Close()
			}
		})
		p.wg.Go(func() {
			_, _ = io.Copy(client, server)
			client.Close()
		})
	}
}

// cut ends a connection for both sides.
func (p *proxy) cut(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.passed[n].client.Close()
	p.passed[n].server.Close()
}

// freeze ends a connection for the client. To the server it stays, silent, as
// when a cable is pulled.
func (p *proxy) freeze(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.passed[n].client.Close() // copying from it fails now, which isn't an end
}

// cutAll ends all connections for both sides, and leads those that come to
// another server.
func (p *proxy) cutAll(upstream string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.upstream = upstream
	for _, c := range p.passed {
		c.client.Close()
		c.server.Close()
	}
}

// refuse sets whether new connections are refused.
func (p *proxy) refuse(yes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuses = yes
}
