package yws_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/inkwire/inkwire/internal/gateway"
	"github.com/inkwire/inkwire/internal/store"
	"github.com/inkwire/inkwire/internal/ws"
)

// A document that is deleted denies who is in it and who comes. Both are told, and
// held before the socket closes; what they send meanwhile is dropped.
func TestDenied(t *testing.T) {
	addr, rooms := serveTimed(t, ws.Defaults, gateway.KeepaliveAfter, nil)
	if err := rooms.Create(t.Context(), "doc"); err != nil {
		t.Fatal(err)
	}
	isDenied := func(c *client, begun time.Time) {
		t.Helper()
		m := c.next()
		if reason := "the document was deleted"; !bytes.Equal(m, cat([]byte{2, 0, byte(len(reason))}, []byte(reason))) {
			t.Fatalf("%q is no denied message", m)
		}
		c.send(0, 0, 1, 0)
		c.send(99)
		c.isClosed(4403, "the document was deleted")
		if held := time.Since(begun); held < holdFor {
			t.Errorf("held for %v, want %v", held, holdFor)
		}
	}
	in := dial(t, addr)
	in.send(0, 0, 1, 0)
	in.gets(0, 1, 2, 0, 0)
	in.gets(0, 0, 1, 0)
	begun := time.Now()
	if err := rooms.Delete(t.Context(), "doc"); err != nil {
		t.Fatal(err)
	}
	isDenied(in, begun)
	begun = time.Now()
	isDenied(dial(t, addr), begun)

	// Who goes while it is held is let go.
	gone := dial(t, addr)
	gone.next()
	gone.conn.Close(1000, "")
}

func TestKeepalive(t *testing.T) {
	addr, _ := serveTimed(t, ws.Defaults, 30*time.Millisecond, nil)
	c := dial(t, addr)
	for range 3 {
		c.gets(1, 1, 0)
	}
}

// odd is a store that is damaged or fails.
type odd struct {
	store.Store
	damage *store.RowError

	mu  sync.Mutex
	err error
}

func (o *odd) set(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.err = err
}

func (o *odd) Load(ctx context.Context, name string) (*store.Document, error) {
	d, err := o.Store.Load(ctx, name)
	if err == nil {
		d.Damage = o.damage
	}
	return d, err
}

func (o *odd) Append(ctx context.Context, entries []store.Entry) error {
	o.mu.Lock()
	err := o.err
	o.mu.Unlock()
	if err != nil {
		return err
	}
	return o.Store.Append(ctx, entries)
}

// Clients make clean-up deletes by themselves, so an update that may not be made
// costs nobody the socket.
func TestReadOnly(t *testing.T) {
	addr, _ := serveTimed(t, ws.Defaults, gateway.KeepaliveAfter, func(s store.Store) store.Store {
		return &odd{Store: s, damage: &store.RowError{}}
	})
	c := dial(t, addr)
	for range 2 {
		c.send(0, 0, 1, 0)
		c.gets(0, 1, 2, 0, 0)
		c.gets(0, 0, 1, 0)
		c.send(cat([]byte{0, 2, byte(len(update))}, update)...)
	}
}

func TestUnsavedWriter(t *testing.T) {
	disk := &odd{err: errors.New("the disk is full")}
	addr, _ := serveTimed(t, ws.Defaults, gateway.KeepaliveAfter, func(s store.Store) store.Store {
		disk.Store = s
		return disk
	})
	reader, writer := dial(t, addr), dial(t, addr)
	for _, c := range []*client{reader, writer} {
		c.send(0, 0, 1, 0)
		c.gets(0, 1, 2, 0, 0)
		c.gets(0, 0, 1, 0)
	}
	writer.send(cat([]byte{0, 2, byte(len(update))}, update)...)
	defer disk.set(nil)
	writer.isClosed(1013, "the server's disk fails")
	reader.gets(cat([]byte{0, 2, byte(len(update))}, update)...)
}
