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
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
)

func main() {
	// A fsync keeps its processor until the scheduler notices, which can take as
	// long as the fsync: with one, every socket would wait for the disk.
	runtime.GOMAXPROCS(max(2, runtime.GOMAXPROCS(0)))
	ctx, end := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		signal.Stop(signals) // a second one ends the program at once
		end()
	}()
	os.Exit(Run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// A verb is a first word of the command line. Its run gets what comes after
// it and returns the exit status; ctx ends with the first signal.
type verb struct {
	name, what string
	run        func(ctx context.Context, args []string, stdout, stderr io.Writer) int
}

// verbs is all of them; the first is meant when none is named.
var verbs []verb

func init() { // not above: help reads the table
	verbs = []verb{
		{"serve", "serve documents; what inkwire does without a command", runServe},
		{"token", "make a token that lets somebody into documents", token},
		{"verify", "check the log of all documents", verify},
		{"repair", "make a damaged document writable again", repair},
		{"export", "print a document", export},
		{"backup", "copy the log while it's in use", backup},
		{"version", "print the version", runVersion},
		{"help", "print this", runHelp},
	}
}

const usage = `Inkwire serves documents that people write together.

usage: inkwire [COMMAND] [SETTINGS]

Every setting is a flag, an environment variable, and a line in the file of
--config; the flag counts before the variable, and the variable before the file.

commands, each with --help:
`

// Run is the whole program: it runs a command until it's done or ctx ends, and
// returns the exit status.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && strings.TrimLeft(args[0], "-") == "version" {
		return runVersion(ctx, args, stdout, stderr)
	}
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		return verbs[0].run(ctx, args, stdout, stderr)
	}
	for _, c := range verbs {
		if c.name == args[0] {
			return c.run(ctx, args[1:], stdout, stderr)
		}
	}
	fmt.Fprintf(stderr, "inkwire: unknown command %q; try inkwire --help\n", args[0])
	return wrong
}

func runHelp(_ context.Context, _ []string, stdout, _ io.Writer) int {
	help(stdout)
	return done
}

func runVersion(_ context.Context, _ []string, stdout, _ io.Writer) int {
	fmt.Fprintln(stdout, "inkwire", versionText())
	return done
}

func runServe(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c, err := parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return runHelp(ctx, args, stdout, stderr)
	case err != nil:
		fmt.Fprintln(stderr, "inkwire:", err)
		return wrong
	}
	if err := serve(ctx, c, stderr); err != nil {
		fmt.Fprintln(stderr, "inkwire:", err)
		return failed
	}
	return done
}

// version is set by the linker in releases.
var version = ""

// versionText is the release, or the module's version, or, of a build that has
// none, its revision.
func versionText() string {
	info, ok := debug.ReadBuildInfo()
	switch {
	case version != "":
		return version
	case !ok:
		return "(unknown)"
	case info.Main.Version != "" && info.Main.Version != "(devel)":
		return info.Main.Version
	}
	text := "(devel)"
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			text += " " + s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			text += " modified"
		}
	}
	return text
}
