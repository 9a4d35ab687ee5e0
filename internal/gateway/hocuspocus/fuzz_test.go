package hocuspocus

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/gateway"
	"github.com/inkwire/inkwire/internal/room"
	"github.com/inkwire/inkwire/internal/store/sqlite"
	"github.com/inkwire/inkwire/internal/ws"
)

// FuzzDispatch gives any two frames to a connection, whose document "a" is open.
// They are taken, or refused with a row of the table; the room goes on either way.
func FuzzDispatch(f *testing.F) {
	update := []byte{1, 'a', 0, 2, 13, 1, 1, 7, 0, 4, 1, 1, 't', 2, 'h', 'i', 0, 0}
	f.Add([]byte{1, 'a', 2, 0, 0}, []byte{1, 'a', 0, 0, 1, 0})
	f.Add(update, []byte{1, 'a', 0, 1, 2, 0, 0})
	f.Add([]byte{3, 'b', 0, 'x', 0, 0, 1, 0}, []byte{1, 'a', 7})
	f.Add([]byte{1, 'a', 1, 6, 1, 5, 1, 2, '{', '}'}, []byte{1, 'a', 3})
	f.Add([]byte{1, 'a', 5, 1, '!'}, []byte{1, 'a', 6})
	f.Add([]byte{9}, []byte{0})
	log, err := sqlite.Open(f.TempDir(), sqlite.Options{})
	if err != nil {
		f.Fatal(err)
	}
	rooms := room.New(room.Config{Store: log, Report: func(err error) { panic(err) }})
	door := gateway.Door{Guard: access.NewGuard(access.Config{Open: access.Owner}), Rooms: rooms}
	config := ws.Defaults
	made := make(chan *ws.Conn)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if conn, err := ws.Accept(w, r, &config); err == nil {
			made <- conn
		}
	}))
	peer, _, err := websocket.Dial(f.Context(), "ws"+strings.TrimPrefix(srv.URL, "http"), nil)
	if err != nil {
		f.Fatal(err)
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for {
			if _, _, err := peer.Read(context.Background()); err != nil {
				return
			}
		}
	}()
	conn := <-made
	f.Cleanup(func() {
		conn.Finish(1000, "")
		<-gone
		srv.Close()
		if err := errors.Join(rooms.Close(context.Background()), log.Close()); err != nil {
			f.Error(err)
		}
	})
	f.Fuzz(func(t *testing.T, one, two []byte) {
		c := &connection{ctx: t.Context(), conn: conn, door: door, limits: DefaultLimits, observer: unobserved{}, sessions: make(map[string]*session)}
		defer c.leave()
		for _, frame := range [][]byte{{1, 'a', 2, 0, 0}, one, two} {
			// The room keeps the bytes, and the fuzzer uses them again.
			if err := c.dispatch(bytes.Clone(frame)); err != nil {
				var refused *access.Refused
				if !errors.As(err, &refused) {
					t.Errorf("%v is no refusal", err)
				}
			}
		}
	})
}
