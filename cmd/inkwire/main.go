// Command inkwire is the document server. This package reads the configuration
// and wires the parts; each part is in a package of its own.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/peterbourgon/ff/v3"

	"github.com/inkwire/inkwire/internal/ws"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the program at once.
	context.AfterFunc(ctx, stop)
	os.Exit(Run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// version is set by the linker in releases.
var version = ""

const usage = `Inkwire serves documents that people write together.

usage: inkwire [serve] [flags]
       inkwire verify | repair DOC | export DOC | backup FILE, each with --help

Every flag can be given as an environment variable, such as INKWIRE_ADDR for
--addr. An edit is on disk within moments; a crash or a power cut at any time
leaves the data whole.

flags:
`

// config is what the flags say.
type config struct {
	addr    string
	data    string
	ws      ws.Config
	version bool
}

// parse reads flags and the environment; help goes to out, and then the error is
// flag.ErrHelp.
func parse(args []string, out io.Writer) (config, error) {
	c := config{ws: ws.Defaults}
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		if args[0] != "serve" {
			return c, fmt.Errorf("unknown command %q; try inkwire --help", args[0])
		}
		args = args[1:]
	}
	f := flag.NewFlagSet("inkwire", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	help := func() {
		fmt.Fprint(out, usage)
		f.VisitAll(func(fl *flag.Flag) {
			name, text := flag.UnquoteUsage(fl)
			if fl.DefValue != "false" {
				text += " (default " + fl.DefValue + ")"
			}
			fmt.Fprintf(out, "  --%-24s %s\n", fl.Name+" "+name, text)
		})
	}
	f.StringVar(&c.addr, "addr", "127.0.0.1:8000", "listen on `HOST:PORT`; only this machine's addresses are served")
	f.StringVar(&c.data, "data", "./inkwire-data", "keep the documents in `DIR`")
	f.IntVar(&c.ws.MaxMessage, "max-message", c.ws.MaxMessage, "refuse messages of more than `BYTES`")
	f.IntVar(&c.ws.MaxQueue, "max-queue", c.ws.MaxQueue, "cut off a client for which more than `BYTES` wait")
	f.BoolVar(&c.version, "version", false, "print the version and end")
	err := ff.Parse(f, args, ff.WithEnvVarPrefix("INKWIRE"))
	switch {
	case errors.Is(err, flag.ErrHelp):
		help()
		return c, err
	case err != nil:
		return c, fmt.Errorf("%w; try inkwire --help", err)
	case f.NArg() > 0:
		return c, fmt.Errorf("unexpected argument %q; try inkwire --help", f.Arg(0))
	case c.ws.MaxMessage <= 0 || c.ws.MaxQueue <= 0:
		return c, errors.New("--max-message and --max-queue must be greater than 0")
	}
	return c, nil
}

// Run is the whole program: it serves until ctx ends, and returns the exit
// status, 2 for a wrong command line.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && commands[args[0]] != nil {
		return commands[args[0]](ctx, args[1:], stdout, stderr)
	}
	c, err := parse(args, stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintln(stderr, "inkwire:", err)
		return 2
	case c.version:
		fmt.Fprintln(stdout, "inkwire", versionText())
		return 0
	}
	if err := serve(ctx, c, stderr); err != nil {
		fmt.Fprintln(stderr, "inkwire:", err)
		return 1
	}
	return 0
}

func versionText() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || version != "" {
		return version
	}
	text := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			text += " " + s.Value
		}
	}
	return text
}
