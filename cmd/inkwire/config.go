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
	"github.com/inkwire/inkwire/internal/gateway/hocuspocus"
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
	acmeDomains      []string
	acmeEmail        string
	acmeDirectory    string
	httpRedirectAddr string

	history time.Duration

	maxMessage               int
	maxQueue                 int
	maxDocument              int
	maxFile                  int
	maxFiles                 int
	maxItems                 int
	maxStructs               int
	maxUnsaved               int
	maxConnections           int
	hocuspocus               hocuspocus.Limits
	maxPresence              int
	maxPresenceRate          int
	maxSessions              int
	maxHandshakes            int
	maxHandshakesPerAddress  int
	maxIncoming              int
	maxMessagesPerSecond     int
	maxBytesPerSecond        int
	open                     access.Role // of whoever shows nothing; None unless it is set
	tokenSecret              string
	tokenSecretFile          string
	tokenKeys                []string // names of files
	jwksURL                  string
	tokenIssuer              string
	tokenAudience            string
	webhook                  string
	webhookHeaders           []string
	webhookSecret            string
	webhookSecretFile        string
	webhookTimeout           time.Duration
	webhookCache             time.Duration
	maxAuthFailures          int
	maxNewDocuments          int
	maxConnectionsPerAddress int
	maxHandshakesPerMinute   int

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
		addr:                     "127.0.0.1:8000",
		data:                     "./inkwire-data",
		history:                  30 * 24 * time.Hour,
		maxMessage:               ws.Defaults.MaxMessage,
		maxQueue:                 ws.Defaults.MaxQueue,
		maxDocument:              64 << 20,
		maxFile:                  10 << 20,
		maxFiles:                 1 << 30,
		maxItems:                 8_000_000,
		maxStructs:               500_000,
		maxUnsaved:               8 << 20,
		maxConnections:           50_000,
		hocuspocus:               hocuspocus.DefaultLimits,
		maxPresence:              64 << 10,
		maxPresenceRate:          100,
		maxSessions:              5000,
		maxHandshakes:            1024,
		maxHandshakesPerAddress:  512,
		logLevel:                 "info",
		logFormat:                "auto",
		maxIncoming:              512 << 20,
		maxMessagesPerSecond:     ws.Defaults.MaxMessagesPerSecond,
		maxBytesPerSecond:        ws.Defaults.MaxBytesPerSecond,
		webhookTimeout:           5 * time.Second,
		webhookCache:             time.Minute,
		maxAuthFailures:          60,
		maxNewDocuments:          1000,
		acmeDirectory:            autocert.DefaultACMEDirectory,
		maxConnectionsPerAddress: 10_000,
		maxHandshakesPerMinute:   12_000,
		maxHeader:                32 << 10,
		headerTimeout:            10 * time.Second,
		writeTimeout:             time.Minute,
		idleTimeout:              2 * time.Minute,
	}
}

// settings is the one list of settings, which write to c. Its names are those of
// flags and in a configuration file, and make those in the environment.
func settings(c *config) *flag.FlagSet {
	f := flag.NewFlagSet("inkwire", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	f.StringVar(&c.file, "config", c.file, "read settings from `FILE`: a name and a value on each line")

	f.StringVar(&c.addr, "addr", c.addr, "listen on `HOST:PORT`; others than this machine's want a key, a JWKS, a webhook or --open")
	f.Var(directory(&c.data), "data", "keep the documents in `DIR`")
	f.Var(duration(&c.history, time.Hour), "history", "keep the single edits behind a checkpoint, and files that a document no longer shows, for `TIME`")

	f.Var(list[access.Origin]{&c.allowOrigins, access.ParseOrigin}, "allow-origin", "let pages of `ORIGIN` connect, such as https://app.example.com, https://*.example.com, or * for any; may be repeated")
	f.Var(list[netip.Prefix]{&c.trustedProxies, access.ParseProxy}, "trusted-proxies", "believe what proxies at `ADDRESSES` say of their clients, such as 127.0.0.1 or 10.0.0.0/8; may be repeated")

	f.StringVar(&c.tlsCert, "tls-cert", c.tlsCert, "serve https with the certificate, and those up to its authority's, in `FILE`")
	f.StringVar(&c.tlsKey, "tls-key", c.tlsKey, "with the key in `FILE`")
	f.Var(list[string]{&c.acmeDomains, parseDomain}, "acme-domain", "serve https with certificates that are fetched for `NAME`; may be repeated")
	f.StringVar(&c.acmeEmail, "acme-email", c.acmeEmail, "tell the authority that it reaches you at `ADDRESS`")
	f.StringVar(&c.acmeDirectory, "acme-directory", c.acmeDirectory, "fetch certificates from the authority at `URL`")
	f.StringVar(&c.httpRedirectAddr, "http-redirect-addr", c.httpRedirectAddr, "lead who asks for http at `HOST:PORT` to https")

	f.Var(role(&c.open), "open", "give whoever shows no token the `ROLE` reader, writer or owner; writer if none is named")
	f.StringVar(&c.tokenSecret, "token-secret", c.tokenSecret, "take tokens signed with `SECRET` (HS256; from 48 and 64 bytes HS384 and HS512)")
	f.StringVar(&c.tokenSecretFile, "token-secret-file", c.tokenSecretFile, "read that secret from `FILE`")
	f.Var(list[string]{&c.tokenKeys, word}, "token-keys", "take tokens signed by the public keys in `FILES` in PEM; with commas, or several times")
	f.StringVar(&c.jwksURL, "jwks-url", c.jwksURL, "take tokens signed by the keys that a JWKS at `URL` has")
	f.StringVar(&c.tokenIssuer, "token-issuer", c.tokenIssuer, "take tokens only whose iss is `ISSUER`")
	f.StringVar(&c.tokenAudience, "token-audience", c.tokenAudience, "take tokens only whose aud names `AUDIENCE`")
	f.StringVar(&c.webhook, "auth-webhook", c.webhook, "ask the application at `URL` about whoever shows no token that is known")
	f.Var(list[string]{&c.webhookHeaders, word}, "auth-webhook-header", "tell it the headers `NAMES` of the client's request; with commas, or several times; no others are told")
	f.StringVar(&c.webhookSecret, "auth-webhook-secret", c.webhookSecret, "sign what it is asked with `SECRET`")
	f.StringVar(&c.webhookSecretFile, "auth-webhook-secret-file", c.webhookSecretFile, "read that secret from `FILE`")
	f.Var(duration(&c.webhookTimeout, time.Millisecond), "auth-webhook-timeout", "refuse whoever it says nothing about within `TIME`")
	f.Var(duration(&c.webhookCache, 0), "auth-webhook-cache", "let an answer count for `TIME`; 0 for no longer than it takes")
	f.Var(number(&c.maxAuthFailures), "max-auth-failures-per-minute", "let one address show `N` tokens in a minute that aren't valid (HTTP 429)")
	f.Var(number(&c.maxNewDocuments), "max-new-documents-per-hour", "let one subject, or address, begin `N` documents in an hour (HTTP 429)")

	f.Var(size(&c.maxMessage, 1), "max-message", "refuse messages of more than `BYTES`")
	f.Var(size(&c.maxIncoming, 1), "max-incoming", "let the messages of all sockets that arrive or are handled take at most `BYTES`; at least --max-message")
	f.Var(number(&c.maxMessagesPerSecond), "max-messages-per-second", "read at most `N` messages a second from a socket")
	f.Var(size(&c.maxBytesPerSecond, 1), "max-bytes-per-second", "read at most `BYTES` a second from a socket")
	f.Var(size(&c.maxQueue, 1), "max-queue", "let at most `BYTES` wait for a client that reads slowly")
	f.Var(size(&c.maxDocument, 1), "max-document", "refuse what makes a document larger than `BYTES`, as it is stored")
	f.Var(size(&c.maxFile, 1), "max-file", "refuse files of more than `BYTES` in a document (HTTP 413)")
	f.Var(size(&c.maxFiles, 1), "max-files", "refuse files with which those of a document take more than `BYTES` (HTTP 413)")
	f.Var(number(&c.maxItems), "max-items", "refuse what makes a document of more than `N` items, as it is in memory")
	f.Var(number(&c.maxStructs), "max-structs", "refuse updates of more than `N` structs")
	f.Var(size(&c.maxUnsaved, 1), "max-unsaved", "let at most `BYTES` of a document's edits wait for the disk")
	f.Var(number(&c.maxConnections), "max-connections", "refuse more than `N` open sockets (HTTP 503)")
	f.Var(number(&c.maxConnectionsPerAddress), "max-connections-per-address", "refuse more than `N` open sockets of one address (HTTP 429)")
	f.Var(number(&c.hocuspocus.Documents), "max-documents-per-connection", "refuse more than `N` documents on one socket")
	f.Var(number(&c.maxSessions), "max-sessions", "refuse more than `N` clients in one document")
	f.Var(size(&c.maxPresence, 1), "max-presence", "refuse more than `BYTES` of what a client says of itself: its name and caret")
	f.Var(number(&c.maxPresenceRate), "max-presence-rate", "slow a client that says so more than `N` times a second, and cut it off if it goes on")
	f.Var(duration(&c.hocuspocus.Unauthenticated.Time, time.Second), "unauthenticated-time", "where a token is required, close a socket that has shown no valid one for `TIME`")
	f.Var(number(&c.hocuspocus.Unauthenticated.Messages), "max-unauthenticated-messages", "close one that has sent more than `N` messages by then")
	f.Var(size(&c.hocuspocus.Unauthenticated.Bytes, 1), "max-unauthenticated-bytes", "close one that has sent more than `BYTES` by then")
	f.Var(number(&c.hocuspocus.Unauthenticated.Documents), "max-unauthenticated-documents", "refuse one that asks for more than `N` documents by then")
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

// unknown is the variables of an environment that look like settings and are none.
func unknown(environ []string) []string {
	c := defaults()
	known := make(map[string]bool)
	settings(&c).VisitAll(func(f *flag.Flag) { known[environment(f.Name)] = true })
	var names []string
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, envPrefix+"_") && !known[name] {
			names = append(names, name)
		}
	}
	return names
}

// parse reads the settings from args, then the environment, then the file; the
// first that has a setting counts. The error of a wish for help is flag.ErrHelp.
func parse(args []string) (config, error) {
	c := defaults()
	f := settings(&c)
	err := ff.Parse(f, args, sources(&c)...)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return c, flag.ErrHelp
	case err != nil:
		return c, fmt.Errorf("%w; try inkwire --help", err)
	case f.NArg() > 0:
		return c, fmt.Errorf("unexpected argument %q; try inkwire --help", f.Arg(0))
	case c.maxIncoming < c.maxMessage:
		return c, fmt.Errorf("--max-incoming is %s, less than --max-message, %s: no such message could come",
			formatSize(c.maxIncoming), formatSize(c.maxMessage))
	}
	return c, c.checkTLS()
}

// sources is where settings are read from beside the command line.
func sources(c *config) []ff.Option {
	return []ff.Option{
		ff.WithEnvVarPrefix(envPrefix),
		ff.WithConfigFileFlag("config"),
		ff.WithConfigFileParser(func(r io.Reader, set func(name, value string) error) error {
			return parseFile(c.file, r, set)
		}),
	}
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
		form, text := form(f)
		fmt.Fprintf(out, "  %s\n      %s\n      ", form, text)
		if f.DefValue != "" {
			fmt.Fprintf(out, "default %s, ", f.DefValue)
		}
		fmt.Fprintf(out, "environment %s\n", environment(f.Name))
	})
}

// form is how a flag is given, and what it does.
func form(f *flag.Flag) (form, text string) {
	operand, text := flag.UnquoteUsage(f)
	if b, ok := f.Value.(interface{ IsBoolFlag() bool }); ok && b.IsBoolFlag() {
		return "--" + f.Name + "[=" + operand + "]", text
	}
	return strings.TrimSpace("--" + f.Name + " " + operand), text
}
