package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"time"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/room"
	"github.com/inkwire/inkwire/internal/server"
	"github.com/inkwire/inkwire/internal/store/sqlite"
	"github.com/inkwire/inkwire/web"
)

// Bounds on the shut-down: requests under way, and updates that a failing disk
// doesn't take.
const (
	requestsTimeout = 5 * time.Second
	savingTimeout   = 10 * time.Second
)

// program is the running parts.
type program struct {
	log      *slog.Logger
	listener net.Listener
	store    *sqlite.Store
	rooms    *room.Rooms
	server   *server.Server
}

// serve runs the program until ctx ends.
func serve(ctx context.Context, c config, stderr io.Writer) error {
	p, err := open(c, slog.New(slog.NewTextHandler(stderr, nil)))
	if err != nil {
		return err
	}
	return p.run(ctx)
}

// open makes all parts. What it opened is closed again if it fails.
func open(c config, log *slog.Logger) (_ *program, err error) {
	p := &program{log: log}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.closeOpened())
		}
	}()
	addr, err := access.ListenAddr(c.addr)
	if err != nil {
		return nil, err
	}
	page, err := web.Dist()
	if errors.Is(err, web.ErrNotBuilt) {
		log.Warn("serving without a page", "why", err)
		page = fs.FS(nil)
	} else if err != nil {
		return nil, err
	}
	listener, err := net.ListenTCP("tcp", addr)
	if err != nil {
		return nil, err
	}
	p.listener = listener
	if p.store, err = sqlite.Open(c.data, sqlite.Options{}); err != nil {
		return nil, err
	}
	report := func(err error) { log.Error("fault", "error", err) }
	p.rooms = room.New(room.Config{Store: p.store, Report: report})
	p.server, err = server.New(server.Config{Rooms: p.rooms, Page: page, WS: c.ws, Report: report})
	if err != nil {
		return nil, err
	}
	return p, nil
}

func (p *program) closeOpened() error {
	var errs []error
	if p.listener != nil {
		errs = append(errs, p.listener.Close())
	}
	if p.store != nil {
		errs = append(errs, p.store.Close())
	}
	return errors.Join(errs...)
}

// run serves until ctx ends or serving fails, then ends all parts, the log the
// last.
func (p *program) run(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() { failed <- p.server.Serve(p.listener) }()
	p.log.Info("serving", "url", "http://"+p.listener.Addr().String())
	var err error
	select {
	case <-ctx.Done():
		p.log.Info("shutting down")
		err = errors.Join(p.shutdown(), <-failed)
	case err = <-failed:
		err = errors.Join(err, p.shutdown())
	}
	if err == nil {
		p.log.Info("everything is saved")
	}
	return err
}

func (p *program) shutdown() error {
	requests, cancel := context.WithTimeout(context.Background(), requestsTimeout)
	defer cancel()
	err := p.server.Shutdown(requests)
	saving, cancel := context.WithTimeout(context.Background(), savingTimeout)
	defer cancel()
	return errors.Join(err, p.rooms.Close(saving), p.store.Close())
}
