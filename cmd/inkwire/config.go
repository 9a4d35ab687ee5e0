package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/peterbourgon/ff/v3"
	"golang.org/x/crypto/acme/autocert"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/ws"
)

// config is what the settings say.
type config struct {
	file string

	addr string
	data string
	vfs  string // SQLite's file system for the log; "" for the system's files, which tests alone change

	allowOrigins     []access.Origin
	trustedProxies   []netip.Prefix
	tlsCert          string
	tlsKey           string
	acmeDomains      []domain
	acmeEmail        string
	acmeDirectory    string
	httpRedirectAddr string

	history time.Duration

	maxMessage                int
	maxQueue                  int
	maxDocument               int
	maxItems                  int
	maxStructs                int
	maxUnsaved                int
	maxConnections            int
	maxConnectionsPerAddress  int
	maxDocumentsPerConnection int
	maxHandshakes             int
	maxHandshakesPerAddress   int
	maxHandshakesPerMinute    int

	maxHeader     int
	headerTimeout time.Duration
	writeTimeout  time.Duration
	idleTimeout   time.Duration

	logLevel  string
	logFormat string
}

// defaults is the configuration when nothing is set.
func defaults() config {
	return config{
		addr:                      "127.0.0.1:8000",
		data:                      "./inkwire-data",
		acmeDirectory:             autocert.DefaultACMEDirectory,
		history:                   30 * 24 * time.Hour,
		maxMessage:                ws.Defaults.MaxMessage,
		maxQueue:                  ws.Defaults.MaxQueue,
		maxDocument:               64 << 20,
		maxItems:                  8_000_000,
		maxStructs:                500_000,
		maxUnsaved:                8 << 20,
		maxConnections:            50_000,
		maxConnectionsPerAddress:  10_000,
		maxDocumentsPerConnection: 100,
		maxHandshakes:             1024,
		maxHandshakesPerAddress:   512,
		maxHandshakesPerMinute:    12_000,
		maxHeader:                 32 << 10,
		headerTimeout:             10 * time.Second,
		writeTimeout:              time.Minute,
		idleTimeout:               2 * time.Minute,
		logLevel:                  "info",
		logFormat:                 "auto",
	}
}

// settings is the one list of settings, which write to c. Its names are those of
// flags and in a configuration file, and make those in the environment.
func settings(c *config) *flag.FlagSet {
	f := flag.NewFlagSet("inkwire", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	f.StringVar(&c.file, "config", c.file, "read settings from `FILE`: a name and a value on each line")

	f.StringVar(&c.addr, "addr", c.addr, "listen on `HOST:PORT`; only this machine's addresses are served")
	f.Var(directory(&c.data), "data", "keep the documents in `DIR`")
	f.Var(duration(&c.history, time.Hour), "history", "keep the single edits behind a checkpoint for `TIME`")

	f.Var(list[access.Origin]{&c.allowOrigins, access.ParseOrigin}, "allow-origin", "let pages of `ORIGIN` connect, such as https://app.example.com, https://*.example.com, or * for any; may be repeated")
	f.Var(list[netip.Prefix]{&c.trustedProxies, access.ParseProxy}, "trusted-proxies", "believe what proxies at `ADDRESSES` say of their clients, such as 127.0.0.1 or 10.0.0.0/8; may be repeated")

	f.StringVar(&c.tlsCert, "tls-cert", c.tlsCert, "serve https with the certificate, and those up to its authority's, in `FILE`")
	f.StringVar(&c.tlsKey, "tls-key", c.tlsKey, "with the key in `FILE`")
	f.Var(list[domain]{&c.acmeDomains, parseDomain}, "acme-domain", "serve https with certificates that are fetched for `NAME`; may be repeated")
	f.StringVar(&c.acmeEmail, "acme-email", c.acmeEmail, "tell the authority that it reaches you at `ADDRESS`")
	f.StringVar(&c.acmeDirectory, "acme-directory", c.acmeDirectory, "fetch certificates from the authority at `URL`")
	f.StringVar(&c.httpRedirectAddr, "http-redirect-addr", c.httpRedirectAddr, "lead who asks for http at `HOST:PORT` to https")

	f.Var(size(&c.maxMessage, 1), "max-message", "refuse messages of more than `BYTES`")
	f.Var(size(&c.maxQueue, 1), "max-queue", "let at most `BYTES` wait for a client that reads slowly")
	f.Var(size(&c.maxDocument, 1), "max-document", "refuse what makes a document larger than `BYTES`, as it is stored")
	f.Var(number(&c.maxItems), "max-items", "refuse what makes a document of more than `N` items, as it is in memory")
	f.Var(number(&c.maxStructs), "max-structs", "refuse updates of more than `N` structs")
	f.Var(size(&c.maxUnsaved, 1), "max-unsaved", "let at most `BYTES` of a document's edits wait for the disk")
	f.Var(number(&c.maxConnections), "max-connections", "refuse more than `N` open sockets (HTTP 503)")
	f.Var(number(&c.maxConnectionsPerAddress), "max-connections-per-address", "refuse more than `N` open sockets of one address (HTTP 429)")
	f.Var(number(&c.maxDocumentsPerConnection), "max-documents-per-connection", "refuse more than `N` documents on one socket")
	f.Var(number(&c.maxHandshakes), "max-handshakes", "hold at most `N` connections that are no sockets yet")
	f.Var(number(&c.maxHandshakesPerAddress), "max-handshakes-per-address", "hold at most `N` slow ones of them for one address (HTTP 429)")
	f.Var(number(&c.maxHandshakesPerMinute), "max-handshakes-per-minute", "refuse more than `N` new sockets of one address in a minute (HTTP 429)")

	f.Var(size(&c.maxHeader, 1<<10), "max-header", "refuse requests whose header has more than `BYTES` (HTTP 431)")
	f.Var(duration(&c.headerTimeout, time.Second), "header-timeout", "refuse requests whose header takes longer than `TIME` (HTTP 408)")
	f.Var(duration(&c.writeTimeout, time.Second), "write-timeout", "cut off answers that take longer than `TIME`; sockets have their own bounds")
	f.Var(duration(&c.idleTimeout, time.Second), "idle-timeout", "close connections that are no sockets after `TIME` without a request")

	f.Var(choice(&c.logLevel, "debug", "info", "warn", "error"), "log-level", "log what is of `LEVEL` or graver: debug, info, warn or error")
	f.Var(choice(&c.logFormat, "auto", "text", "json"), "log-format", "log in `FORMAT`: text, json, or auto, which is text on a terminal and JSON elsewhere")
	return f
}

const envPrefix = "INKWIRE"

// environment is the variable of a setting.
func environment(setting string) string {
	return envPrefix + "_" + strings.ToUpper(strings.ReplaceAll(setting, "-", "_"))
}

// parse reads the settings from args, then the environment, then the file; the
// first that has a setting counts. The error of a wish for help is flag.ErrHelp.
func parse(args []string) (config, error) {
	c := defaults()
	f := settings(&c)
	err := ff.Parse(f, args,
		ff.WithEnvVarPrefix(envPrefix),
		ff.WithConfigFileFlag("config"),
		ff.WithConfigFileParser(func(r io.Reader, set func(name, value string) error) error {
			return parseFile(c.file, r, set)
		}))
	switch {
	case errors.Is(err, flag.ErrHelp):
		return c, flag.ErrHelp
	case err != nil:
		return c, fmt.Errorf("%w; try inkwire --help", err)
	case f.NArg() > 0:
		return c, fmt.Errorf("unexpected argument %q; try inkwire --help", f.Arg(0))
	}
	return c, c.checkTLS()
}

// parseFile reads a file of settings: a name, spaces or "=", and the value, to
// the end of the line. Lines that are empty or begin with # say nothing.
func parseFile(file string, r io.Reader, set func(name, value string) error) error {
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		name, value := line, ""
		if i := strings.IndexAny(line, " \t="); i >= 0 {
			name, value = line[:i], strings.TrimSpace(line[i:])
			value = strings.TrimSpace(strings.TrimPrefix(value, "="))
		}
		var err error
		switch {
		case name == "config":
			err = errors.New("a file can't name another one")
		case value == "":
			err = fmt.Errorf("%q has no value", name)
		default:
			err = set(name, value)
		}
		if err != nil {
			return fmt.Errorf("%s, line %d: %w", file, n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// help prints all settings with their defaults and variables.
func help(out io.Writer) {
	fmt.Fprint(out, usage)
	for _, c := range verbs {
		fmt.Fprintf(out, "  %-10s %s\n", c.name, c.what)
	}
	fmt.Fprint(out, "\nsettings of serve:\n")
	c := defaults()
	settings(&c).VisitAll(func(f *flag.Flag) {
		operand, text := flag.UnquoteUsage(f)
		fmt.Fprintf(out, "  --%s %s\n      %s\n      ", f.Name, operand, text)
		if f.DefValue != "" {
			fmt.Fprintf(out, "default %s, ", f.DefValue)
		}
		fmt.Fprintf(out, "environment %s\n", environment(f.Name))
	})
}
