package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/api"
	"github.com/inkwire/inkwire/internal/gateway"
	"github.com/inkwire/inkwire/internal/metrics"
	"github.com/inkwire/inkwire/internal/room"
	"github.com/inkwire/inkwire/internal/server"
	"github.com/inkwire/inkwire/internal/store"
	"github.com/inkwire/inkwire/internal/store/sqlite"
	"github.com/inkwire/inkwire/internal/ws"
	"github.com/inkwire/inkwire/web"
)

// The end takes at most 10 s, as those who stop services allow, even when the
// disk is stuck. These are the times since its beginning until which each part is
// waited for.
const (
	socketsUntil = 4 * time.Second // and then at most ws.Config.CloseTimeout and a second more
	roomsUntil   = 9 * time.Second
	storeUntil   = 9500 * time.Millisecond
)

// program is the running parts.
type program struct {
	cfg      config
	log      *slog.Logger
	metrics  *metrics.Metrics
	secure   secure
	listener net.Listener
	redirect net.Listener // for http where https is served; nil for none
	server   *server.Server
	store    *sqlite.Store // nil until it is open
	rooms    *room.Rooms   // likewise
	rights   rights
}

// serve runs the program until ctx ends.
func serve(ctx context.Context, c config, stderr io.Writer) error {
	log := newLog(stderr, c.logLevel, c.logFormat)
	for _, name := range unknown(os.Environ()) {
		log.Warn("no such setting", "environment", name)
	}
	p, err := listen(c, log)
	if err != nil {
		return err
	}
	warnOfFiles(log, c)
	return p.run(ctx)
}

// listen makes what is there before the documents.
func listen(c config, log *slog.Logger) (p *program, err error) {
	p = &program{cfg: c, log: log, metrics: metrics.New()}
	addr, err := c.listenAddr()
	if err != nil {
		return nil, err
	}
	who, err := c.rights(p.report)
	if err != nil {
		return nil, err
	}
	p.rights = who
	defer func() {
		if err != nil {
			who.close()
		}
	}()
	page, err := web.Dist()
	if errors.Is(err, web.ErrNotBuilt) {
		log.Warn("serving without a page", "why", err)
		page = fs.FS(nil)
	} else if err != nil {
		return nil, err
	}
	if p.secure, err = newSecure(c, p.report); err != nil {
		return nil, err
	}
	sockets := ws.Defaults
	sockets.MaxMessage, sockets.MaxQueue = c.maxMessage, c.maxQueue
	sockets.MaxRestricted = max(1, c.hocuspocus.Unauthenticated.Bytes/4) // two thousand of them don't use all memory up
	sockets.MaxMessagesPerSecond, sockets.MaxBytesPerSecond = c.maxMessagesPerSecond, c.maxBytesPerSecond
	sockets.Incoming = ws.NewBudget(c.maxIncoming, func(delta int) { p.metrics.IncomingBytes.Add(float64(delta)) })
	sockets.Queued = func(delta int) { p.metrics.QueuedBytes.Add(float64(delta)) }
	p.server, err = server.New(server.Config{
		Page:                     page,
		WS:                       sockets,
		Metrics:                  p.metrics,
		Ended:                    func(e server.End) { logEnd(log, e) },
		Denied:                   newRefusals(log).add,
		Report:                   p.report,
		Ready:                    p.rights.ready,
		Site:                     access.Site{Loopback: addr.IP.IsLoopback(), Origins: c.allowOrigins, Proxies: c.trustedProxies},
		TLS:                      p.secure.config,
		Hocuspocus:               c.hocuspocus,
		MaxConnections:           c.maxConnections,
		MaxConnectionsPerAddress: c.maxConnectionsPerAddress,
		MaxHandshakes:            c.maxHandshakes,
		MaxHandshakesPerAddress:  c.maxHandshakesPerAddress,
		MaxHandshakesPerMinute:   c.maxHandshakesPerMinute,
		MaxHeader:                c.maxHeader,
		HeaderTimeout:            c.headerTimeout,
		WriteTimeout:             c.writeTimeout,
		IdleTimeout:              c.idleTimeout,
	})
	if err != nil {
		return nil, err
	}
	if p.listener, err = net.ListenTCP("tcp", addr); err != nil {
		return nil, err
	}
	if c.httpRedirectAddr != "" {
		if p.redirect, err = net.Listen("tcp", c.httpRedirectAddr); err != nil {
			return nil, errors.Join(fmt.Errorf("http-redirect-addr: %w", err), p.listener.Close())
		}
	}
	return p, nil
}

func (p *program) observer() store.Observer {
	return store.Observer{
		Commit: func(d time.Duration, rows int) {
			p.metrics.Commit.Observe(d.Seconds())
			p.metrics.Rows.Add(float64(rows))
		},
		Sync: func(d time.Duration) { p.metrics.Fsync.Observe(d.Seconds()) },
	}
}

func (p *program) report(err error) { p.log.Error("fault", "error", err) }

// open opens the documents.
func (p *program) open() (err error) {
	p.store, err = sqlite.Open(p.cfg.data, sqlite.Options{
		VFS:      p.cfg.vfs,
		History:  p.cfg.history,
		Refers:   refersTo,
		Observer: p.observer(),
		Report:   p.report,
	})
	if err != nil {
		return err
	}
	p.rooms = room.New(room.Config{
		Store:       p.store,
		Report:      p.report,
		Metrics:     p.metrics,
		MaxUnsaved:  p.cfg.maxUnsaved,
		MaxDocument: p.cfg.maxDocument,
		MaxStructs:  p.cfg.maxStructs,
		MaxItems:    p.cfg.maxItems,

		MaxPresence:     p.cfg.maxPresence,
		MaxPresenceRate: p.cfg.maxPresenceRate,
		MaxSessions:     p.cfg.maxSessions,
	})
	who := p.rights.guard
	who.Grants = p.store
	p.server.Start(gateway.Door{Guard: access.NewGuard(who), Rooms: p.rooms}, api.Contents{
		Documents: p.rooms, Catalogue: p.store, Files: p.store,
		MaxFile: int64(p.cfg.maxFile), MaxFiles: int64(p.cfg.maxFiles),
	})
	return nil
}

// run serves until ctx ends or serving fails, then ends all parts, the log the
// last.
func (p *program) run(ctx context.Context) error {
	failed := make(chan error, 2)
	serving := []func() error{func() error { return p.server.Serve(p.listener) }}
	scheme := "http://"
	if p.secure.config != nil {
		scheme = "https://"
	}
	if p.redirect != nil {
		port := p.listener.Addr().(*net.TCPAddr).Port
		serving = append(serving, func() error { return p.server.ServeRedirect(p.redirect, port, p.secure.answers) })
	}
	for _, f := range serving {
		go func() { failed <- f() }()
	}
	err := p.open()
	if err == nil {
		attrs := []any{"url", scheme + p.listener.Addr().String(), "version", versionText(), "data", p.cfg.data}
		if p.redirect != nil {
			attrs = append(attrs, "redirect", p.redirect.Addr().String())
		}
		p.log.Info("serving", attrs...)
		if p.secure.fetch != nil {
			// It ends by itself, at the latest with the program, and holds nothing up.
			go p.secure.fetch(ctx)
		}
		select {
		case <-ctx.Done():
			p.log.Info("shutting down")
		case err = <-failed:
			failed <- nil
		}
	}
	err = errors.Join(err, p.shutdown())
	for range serving {
		err = errors.Join(err, <-failed)
	}
	if err == nil {
		p.log.Info("everything is saved")
	}
	return err
}

// shutdown ends all parts in order. Its error names the documents whose last
// updates aren't saved.
func (p *program) shutdown() error {
	begun := time.Now()
	sockets, cancel := context.WithDeadline(context.Background(), begun.Add(socketsUntil))
	defer cancel()
	err := p.server.Shutdown(sockets)
	p.rights.close() // nobody comes any more
	if p.store == nil {
		return err
	}
	// The rooms give up themselves, and can then say what isn't saved.
	saving, cancel := context.WithDeadline(context.Background(), begun.Add(roomsUntil-time.Second))
	defer cancel()
	return errors.Join(err,
		within(time.Until(begun.Add(roomsUntil)), "the rooms", func() error { return p.rooms.Close(saving) }),
		within(time.Until(begun.Add(storeUntil)), "the log", p.store.Close))
}

// within calls f, and waits for it no longer than d: a disk that is stuck can't
// be told to stop.
func within(d time.Duration, what string, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-time.After(d):
		return fmt.Errorf("%s: not ended in time, the disk may be stuck", what)
	}
}
