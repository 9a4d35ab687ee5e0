package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/peterbourgon/ff/v3"
)

// Exit statuses.
const (
	done   = 0
	failed = 1 // or damage was found
	wrong  = 2 // the command line is
)

// A command is the command line of one of them.
type command struct {
	*flag.FlagSet
	data  string
	about string
	args  []string // the names of its arguments

	sources []ff.Option // of flags, beside the command line
}

// newCommand makes a command that works on documents.
func newCommand(name, about string, args ...string) *command {
	c := bareCommand(name, about, args...)
	c.Var(directory(&c.data), "data", "the documents are in `DIR`")
	return c
}

func bareCommand(name, about string, args ...string) *command {
	c := &command{FlagSet: flag.NewFlagSet(name, flag.ContinueOnError), data: defaults().data, about: about, args: args}
	c.SetOutput(io.Discard)
	c.sources = []ff.Option{ff.WithEnvVarPrefix(envPrefix)}
	return c
}

// parse reads the command line, with flags before or after the arguments, and
// the environment. Unless ok, the program ends with the status.
func (c *command) parse(args []string, stdout, stderr io.Writer) (values []string, status int, ok bool) {
	for {
		err := ff.Parse(c.FlagSet, args, c.sources...)
		switch {
		case errors.Is(err, flag.ErrHelp):
			c.help(stdout)
			return nil, done, false
		case err != nil:
			return nil, c.fail(stderr, wrong, fmt.Errorf("%w; try inkwire %s --help", err, c.Name())), false
		case c.NArg() > 0:
			values, args = append(values, c.Arg(0)), c.Args()[1:]
			continue
		case len(values) < len(c.args):
			return nil, c.fail(stderr, wrong, fmt.Errorf("no %s; try inkwire %s --help", c.args[len(values)], c.Name())), false
		case len(values) > len(c.args):
			return nil, c.fail(stderr, wrong, fmt.Errorf("unexpected argument %q; try inkwire %s --help", values[len(c.args)], c.Name())), false
		}
		return values, done, true
	}
}

func (c *command) help(out io.Writer) {
	fmt.Fprintf(out, "usage: inkwire %s", c.Name())
	for _, arg := range c.args {
		fmt.Fprintf(out, " %s", arg)
	}
	fmt.Fprintf(out, " [flags]\n\n%s\n\nThe exit status is 0 if all is well, 1 if it failed or found damage, and 2 if\nthe command line is wrong. ", c.about)
	first, widest := "", 0
	c.VisitAll(func(f *flag.Flag) {
		form, _ := form(f)
		first, widest = cmp.Or(first, f.Name), max(widest, len(form))
	})
	fmt.Fprintf(out, "Every flag can be given as an environment variable,\nsuch as %s for --%s.\n\nflags:\n", environment(first), first)
	c.VisitAll(func(f *flag.Flag) {
		form, text := form(f)
		if f.DefValue != "" {
			text += " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(out, "  %-*s  %s\n", widest, form, text)
	})
}

// fail prints why the command didn't do what it should, in one line.
func (c *command) fail(stderr io.Writer, status int, err error) int {
	fmt.Fprintf(stderr, "inkwire %s: %v\n", c.Name(), err)
	return status
}
