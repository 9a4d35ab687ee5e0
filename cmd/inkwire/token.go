package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/peterbourgon/ff/v3"

	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/store"
)

const aboutToken = `Prints a token that lets whoever has it into documents, and for a single document
a link that opens it. It is signed with the server's secret: give this command
the same settings, or the file that they are in.

In a pattern * stands for anything between slashes, and ** for anything.`

// asked is what a token is to grant.
type asked struct {
	docs, topics []string
	role         access.Role
	who          access.Identity
	lasts        time.Duration
	url          string
}

func token(_ context.Context, args []string, stdout, stderr io.Writer) int {
	settled := defaults()
	c := bareCommand("token", aboutToken)
	// A file of all settings has more than this command's.
	c.sources = append(sources(&settled), ff.WithIgnoreUndefined(true))
	all := settings(&settled)
	for name, what := range map[string]string{
		"config": "read the settings from `FILE`, as the server does", "token-secret": "sign with `SECRET`",
		"token-secret-file": "sign with the secret in `FILE`", "token-issuer": "as `ISSUER`, if the server wants one",
		"token-audience": "for `AUDIENCE`, likewise",
	} {
		c.Var(all.Lookup(name).Value, name, what)
	}
	a := asked{role: access.Writer, lasts: 24 * time.Hour, url: "http://" + settled.addr}
	c.Var(several(&a.docs), "doc", "let into the documents whose names match `PATTERN`; may be given several times")
	c.Var(several(&a.topics), "topic", "let into the free topics of `PATTERN`, likewise")
	c.Var(anyRole(&a.role), "role", "let in as `ROLE`: reader, commenter, writer or owner")
	c.StringVar(&a.who.Name, "name", "", "show others the `NAME`")
	c.StringVar(&a.who.Color, "color", "", "show others the `COLOR`, such as #2563eb")
	c.StringVar(&a.who.Subject, "sub", "", "say who it is by `SUBJECT`, so that access can be ended")
	c.Var(duration(&a.lasts, time.Second), "for", "let in for `TIME`")
	c.StringVar(&a.url, "url", a.url, "print a link to the server at `URL`")
	if _, status, ok := c.parse(args, stdout, stderr); !ok {
		return status
	}
	if err := makeToken(settled, a, stdout); err != nil {
		return c.fail(stderr, wrong, fmt.Errorf("%w; try inkwire token --help", err))
	}
	return done
}

func makeToken(c config, a asked, out io.Writer) error {
	secret, err := secret("token-secret", c.tokenSecret, c.tokenSecretFile)
	switch {
	case err != nil:
		return err
	case secret == nil:
		return errors.New("no secret to sign with: give the server's by --token-secret-file, --config or " + environment("token-secret"))
	case len(a.docs)+len(a.topics) == 0:
		return errors.New("no --doc: name a document, or a pattern such as 'team/*'")
	case access.CheckAddress(a.url) != nil:
		return fmt.Errorf("--url: %w", access.CheckAddress(a.url))
	}
	who := a.who
	who.Issued = time.Now()
	who.Expires = who.Issued.Add(a.lasts)
	for _, p := range a.docs {
		if name, one := access.NameIn(p); one {
			if err := store.CheckName(name); err != nil {
				return fmt.Errorf("--doc: %w", err)
			}
		}
		who.Docs = append(who.Docs, access.Grant{Pattern: p, Role: a.role})
	}
	for _, p := range a.topics {
		who.Topics = append(who.Topics, access.Grant{Pattern: p, Role: a.role})
	}
	signed, err := access.Sign(secret, who, c.tokenIssuer, c.tokenAudience)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(out, signed); err != nil {
		return err
	}
	if len(a.docs) != 1 {
		return nil
	}
	if name, one := access.NameIn(a.docs[0]); one {
		_, err = fmt.Fprintln(out, pageOf(a.url, name)+"#token="+signed)
	}
	return err
}

// pageOf is the address of a document's page. What comes behind "#" reaches no
// server, and so no log.
func pageOf(server, name string) string {
	segments := strings.Split(name, "/")
	for i, s := range segments {
		segments[i] = url.PathEscape(s)
	}
	return strings.TrimRight(server, "/") + "/d/" + strings.Join(segments, "/")
}
