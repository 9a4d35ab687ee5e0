//go:build linux

package main

import (
	"fmt"

	"github.com/inkwire/inkwire/lib0"
)

// The messages of y-websocket and Hocuspocus. They have the same types; Hocuspocus puts the document's name before each.

const (
	messageSync      = 0
	messageAwareness = 1
	messageAuth      = 2
	messageSyncReply = 4
	messageStatus    = 8
	messagePing      = 9 // the whole message, without a name

	syncStep1  = 0
	syncStep2  = 1
	syncUpdate = 2
)

// A protocol is how a server is spoken to.
type protocol struct {
	path  string // of the address; the document's name follows, or is in each message
	keyed bool   // Hocuspocus
}

// A client is one person's session in one document. It integrates nothing.
type client struct {
	*conn
	doc    string
	key    []byte // begins each message; empty for y-websocket
	synced bool   // got its first step 2

	// What arrived, valid during the call. size is the whole update's or the whole message's.
	onUpdate    func(update []byte, size int) // a step 2 or an update
	onAwareness func(body []byte)
	onStatus    func(saved bool)
}

// join connects a client, which begins as y-websocket's and Hocuspocus's do.
func (l *loop) join(port int, p protocol, doc string) (*client, error) {
	path := p.path
	if !p.keyed {
		path += doc
	}
	c, err := l.dial(port, path)
	if err != nil {
		return nil, err
	}
	k := &client{conn: c, doc: doc}
	if p.keyed {
		k.key = lib0.AppendString(nil, doc)
	}
	c.onOpen = func() {
		if p.keyed {
			const token, version = "", "4.8.0"
			k.send(k.key, lib0.AppendString(lib0.AppendString([]byte{messageAuth, 0}, token), version))
		}
		k.send(k.key, []byte{messageSync, syncStep1, 1, 0}) // an empty state vector
	}
	c.onMessage = func(m []byte, size int) {
		if err := k.receive(m, size); err != nil {
			c.fail(fmt.Errorf("message %x: %w", m[:min(len(m), headBytes)], err))
		}
	}
	return k, nil
}

// update sends an update.
func (k *client) update(u []byte) {
	k.send(k.key, lib0.AppendUvarint([]byte{messageSync, syncUpdate}, uint64(len(u))), u)
}

// awareness sends presence: a count and that many entries.
func (k *client) awareness(body []byte) {
	k.send(k.key, lib0.AppendUvarint([]byte{messageAwareness}, uint64(len(body))), body)
}

func (k *client) receive(m []byte, size int) error {
	d := lib0.NewDecoder(m)
	if k.key != nil {
		if len(m) == 1 && m[0] == messagePing {
			k.send([]byte{messagePing + 1})
			return nil
		}
		name, err := d.Text()
		if err != nil {
			return err
		}
		if len(name) == 0 { // keeps the connection alive
			return nil
		}
	}
	kind, err := d.Uvarint()
	if err != nil {
		return err
	}
	switch kind {
	case messageSync, messageSyncReply:
		return k.receiveSync(&d, size-len(m))
	case messageAwareness:
		n, err := d.Uvarint()
		if err != nil {
			return err
		}
		if rest := d.Rest(); k.onAwareness != nil && uint64(len(rest)) == n {
			k.onAwareness(rest)
		}
	case messageAuth:
		verdict, err := d.Uvarint()
		if err != nil {
			return err
		}
		if verdict == 1 {
			return fmt.Errorf("access denied")
		}
	case messageStatus:
		saved, err := d.Uvarint()
		if err != nil {
			return err
		}
		if k.onStatus != nil {
			k.onStatus(saved == 1)
		}
	}
	return nil
}

// receiveSync handles a sync message, of which the last cut bytes were dropped.
func (k *client) receiveSync(d *lib0.Decoder, cut int) error {
	step, err := d.Uvarint()
	if err != nil {
		return err
	}
	n, err := d.Uvarint()
	if err != nil {
		return err
	}
	body := d.Rest()
	if uint64(len(body)+cut) != n {
		return fmt.Errorf("a sync message says that it holds %d bytes, and holds %d", n, len(body)+cut)
	}
	switch step {
	case syncStep1: // it has nothing that the server lacks
		k.send(k.key, []byte{messageSync, syncStep2, 2, 0, 0})
	case syncStep2, syncUpdate:
		if step == syncStep2 {
			k.synced = true
		}
		if k.onUpdate != nil {
			k.onUpdate(body, int(n))
		}
	default:
		return fmt.Errorf("a sync message of unknown type %d", step)
	}
	return nil
}
