package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/inkwire/inkwire/internal/access"
)

const testSecret = "0123456789abcdef0123456789abcdef"

func file(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func publicKey(t *testing.T) string {
	t.Helper()
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return file(t, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
}

// Without a word on who may do what, only this machine's own address is served.
func TestListenAddr(t *testing.T) {
	loopback := []string{"127.0.0.1:0", "127.8.9.1:80", "[::1]:8000", "localhost:8000"}
	others := []string{":8000", "0.0.0.0:8000", "[::]:8000", "192.0.2.1:8000"}
	wants := func(ok bool, addrs []string, args ...string) {
		t.Helper()
		for _, addr := range addrs {
			c, err := parse(append(args, "--addr", addr))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.listenAddr(); (err == nil) != ok || err != nil && !strings.Contains(err.Error(), addr) && !strings.Contains(err.Error(), "--trusted-proxies") {
				t.Errorf("%s %v: %v", addr, args, err)
			}
		}
	}
	wants(true, loopback)
	wants(false, others)
	wants(false, []string{"127.0.0.1", "nonsense", ""}, "--open")
	for _, args := range [][]string{
		{"--open"}, {"--open=reader"}, {"--token-secret", testSecret}, {"--token-secret-file", "x"}, {"--token-keys", "x"},
		{"--jwks-url", "https://id.example.com"}, {"--auth-webhook", "https://app.example.com"},
	} {
		wants(true, append(others, loopback...), args...)
	}
	wants(false, loopback, "--trusted-proxies", "127.0.0.1")
	wants(true, loopback, "--trusted-proxies", "127.0.0.1", "--open")
	c := defaults()
	c.addr = "0.0.0.0:8000"
	_, err := c.listenAddr()
	for _, says := range []string{"--token-secret-file", "--open", "a loopback address, such as 127.0.0.1:8000"} {
		if !strings.Contains(err.Error(), says) {
			t.Errorf("the error doesn't help: %v", err)
		}
	}
}

// Who shows nothing is owner where nothing is set, has the role of --open, or is
// refused.
func TestRights(t *testing.T) {
	set := httptest.NewServer(http.NotFoundHandler())
	defer set.Close()
	for _, tt := range []struct {
		args        string
		open        access.Role
		tokens, app bool
	}{
		{"", access.Owner, false, false},
		{"--open", access.Writer, false, false},
		{"--open=reader", access.Reader, false, false},
		{"--open=owner", access.Owner, false, false},
		{"--open=true", access.Writer, false, false},
		{"--open=false", access.Owner, false, false},
		{"--token-secret " + testSecret, access.None, true, false},
		{"--token-secret " + testSecret + " --open", access.Writer, true, false},
		{"--token-secret-file " + file(t, testSecret+"\n"), access.None, true, false},
		{"--token-keys " + publicKey(t) + "," + publicKey(t) + " --token-keys=" + publicKey(t), access.None, true, false},
		{"--jwks-url " + set.URL + " --token-issuer me --token-audience docs", access.None, true, false},
		{"--auth-webhook " + set.URL, access.None, false, true},
		{"--auth-webhook " + set.URL + " --auth-webhook-secret " + testSecret + " --auth-webhook-header Cookie,X-Team --auth-webhook-cache 0", access.None, false, true},
		{"--auth-webhook " + set.URL + " --token-secret " + testSecret, access.None, true, true},
	} {
		c, err := parse(strings.Fields(tt.args))
		if err != nil {
			t.Fatalf("%s: %v", tt.args, err)
		}
		r, err := c.rights(func(error) {})
		if err != nil {
			t.Errorf("%s: %v", tt.args, err)
			continue
		}
		g := r.guard
		if g.Open != tt.open || (g.Tokens != nil) != tt.tokens || (g.Application != nil) != tt.app {
			t.Errorf("%s: %+v", tt.args, g)
		}
		if g.Limits != (access.Limits{FailuresPerMinute: 60, DocumentsPerHour: 1000}) {
			t.Errorf("%+v", g.Limits)
		}
		access.NewGuard(g)
		if !strings.Contains(tt.args, "jwks") && r.ready() != nil {
			t.Error(r.ready())
		}
		r.close()
	}
}

// What is set wrongly is refused by its name, and no secret is told.
func TestWrongRights(t *testing.T) {
	private := file(t, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
	for args, says := range map[string]string{
		"--token-secret hidden":                                      "--token-secret: the secret has 6 bytes, and must have at least 32",
		"--token-secret-file " + file(t, "hidden\r\n"):               "--token-secret-file: the secret has 6 bytes",
		"--token-secret-file /hidden/file":                           "--token-secret-file: no such file",
		"--token-secret hidden --token-secret-file hidden":           "--token-secret and --token-secret-file: leave one",
		"--token-keys /nowhere.pem":                                  "--token-keys: open /nowhere.pem",
		"--token-keys " + private:                                    "--token-keys: " + private + ": a private key",
		"--jwks-url id.example.com":                                  "--jwks-url: want an http",
		"--jwks-url https://user:hidden@id.example.com":              "--jwks-url: want an http or https address, without a user",
		"--token-issuer me":                                          "--token-issuer and --token-audience need",
		"--auth-webhook hidden":                                      "--auth-webhook: want an http",
		"--auth-webhook http://a --auth-webhook-secret hidden":       "--auth-webhook-secret: the secret has 6 bytes",
		"--auth-webhook http://a --auth-webhook-header a:b":          "--auth-webhook-header: \"a:b\" is no header's name",
		"--auth-webhook-secret " + testSecret:                        "need --auth-webhook",
		"--auth-webhook http://a --open":                             "--open and --auth-webhook",
		"--auth-webhook http://a --auth-webhook-secret-file /hidden": "--auth-webhook-secret-file: no such file",
	} {
		c, err := parse(strings.Fields(args))
		if err != nil {
			t.Fatal(err)
		}
		r, err := c.rights(func(error) {})
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %v", args, err)
		}
		r.close()
	}
	for args, says := range map[string]string{
		"--open=admin":             "want reader, writer or owner",
		"--open=commenter":         "want reader, writer or owner",
		"--open reader":            `unexpected argument "reader"`,
		"--auth-webhook-timeout 0": "want a time of at least 1ms",
	} {
		if _, err := parse(strings.Fields(args)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", args, err)
		}
	}
	t.Setenv("INKWIRE_TOKEN_SECRET", testSecret)
	t.Setenv("INKWIRE_OPEN", "reader")
	var out, errs bytes.Buffer
	Run(context.Background(), []string{"--help"}, &out, &errs)
	Run(context.Background(), []string{"--wings"}, &out, &errs)
	Run(context.Background(), []string{"token", "--help"}, &out, &errs)
	if strings.Contains(out.String()+errs.String(), testSecret) {
		t.Error("the secret is printed")
	}
	if c, err := parse(nil); err != nil || c.open != access.Reader || c.tokenSecret != testSecret {
		t.Error(c.open, err)
	}
	t.Setenv("INKWIRE_TOKEN_SECRET", "")
	c, err := parse([]string{"--config", file(t, "open = owner\ntoken-keys = a.pem, b.pem\ntoken-keys = c.pem\n")})
	if err != nil || strings.Join(c.tokenKeys, ",") != "a.pem,b.pem,c.pem" || c.open != access.Reader {
		t.Error(c.tokenKeys, c.open, err)
	}
}

// The command makes tokens that the server takes by the same settings, and a link
// for a single document.
func TestToken(t *testing.T) {
	run := func(args ...string) (status int, out, errs string) {
		var o, e bytes.Buffer
		status = Run(context.Background(), append([]string{"token"}, args...), &o, &e)
		return status, o.String(), e.String()
	}
	conf := file(t, "token-secret = "+testSecret+"\ntoken-issuer = me\ntoken-audience = docs\nmax-queue = 1MiB\n")
	c, err := parse([]string{"--config", conf})
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.rights(func(error) {})
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	status, out, errs := run("--config", conf, "--doc", `team/a b#?\*`, "--role", "owner", "--name", "Zoë", "--color", "#00ff00",
		"--sub", "u1", "--for", "2h", "--topic", "sensors/*", "--url", "https://docs.example.com/")
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if status != done || errs != "" || len(lines) != 2 {
		t.Fatalf("%d, %q, %q", status, out, errs)
	}
	if want := "https://docs.example.com/d/team/a%20b%23%3F%2A#token=" + lines[0]; lines[1] != want {
		t.Errorf("%s, want %s", lines[1], want)
	}
	who, err := r.keyring.Identify(t.Context(), lines[0])
	if err != nil || who.Docs.Role("team/a b#?*") != access.Owner || who.Docs.Role("team/a b#?x") != access.None ||
		who.Topics.Role("sensors/a") != access.Owner || who.Subject != "u1" || who.Name != "Zoë" || who.Color != "#00ff00" ||
		who.Expires.Sub(who.Issued) != 2*time.Hour {
		t.Errorf("%+v, %v", who, err)
	}

	t.Setenv("INKWIRE_TOKEN_SECRET", testSecret)
	for _, args := range [][]string{{"--doc", "team/*"}, {"--doc", "a", "--doc", "b"}, {"--topic", "a"}} {
		if status, out, errs := run(args...); status != done || strings.Count(out, "\n") != 1 || errs != "" {
			t.Errorf("%v: %d, %q, %q", args, status, out, errs)
		}
	}
	if _, out, _ := run("--doc", "a"); !strings.Contains(out, "\nhttp://127.0.0.1:8000/d/a#token=") {
		t.Error(out)
	}
	for args, says := range map[string]string{
		"":                          "no --doc",
		"--doc ..":                  "--doc: ",
		"--doc a --role admin":      "none of reader, commenter, writer and owner",
		"--doc a --color red":       "color must be",
		"--doc a --for 0":           "at least 1s",
		"--doc a --url example.com": "--url: want an http",
		"--doc a b":                 `unexpected argument "b"`,
		"--doc a --wings":           "-wings",
	} {
		status, out, errs := run(strings.Fields(args)...)
		if status != wrong || out != "" || !strings.Contains(errs, says) || strings.Count(errs, "\n") != 1 {
			t.Errorf("%s: %d, %q, %q", args, status, out, errs)
		}
	}
	t.Setenv("INKWIRE_TOKEN_SECRET", "")
	if status, _, errs := run("--doc", "a"); status != wrong || !strings.Contains(errs, "--token-secret-file") {
		t.Error(status, errs)
	}
}

// The application that docs/access.md shows answers as it says, and nobody but
// who has the secret.
func TestExampleApplication(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("../../docs/access.md")
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(string(doc), "\n```js\n")
	code, _, ok := strings.Cut(code, "\n```\n")
	if !ok {
		t.Fatal("docs/access.md has no example")
	}
	script := filepath.Join(t.TempDir(), "application.mjs")
	if err := os.WriteFile(script, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(node, script)
	cmd.Env = append(os.Environ(), "PORT=0", "WEBHOOK_SECRET="+testSecret)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	for secret, want := range map[string]access.Role{testSecret: access.Writer, strings.Repeat("x", 32): access.None} {
		c, err := parse([]string{"--auth-webhook", strings.TrimSpace(url), "--auth-webhook-secret", secret, "--auth-webhook-timeout", "1m"})
		if err != nil {
			t.Fatal(err)
		}
		r, err := c.rights(func(error) {})
		if err != nil {
			t.Fatal(err)
		}
		defer r.close()
		g := access.NewGuard(r.guard)
		_, err = g.Check(t.Context(), access.Credentials{Token: "ada's"}, "team/plan", access.Write)
		if (err == nil) != (want == access.Writer) {
			t.Error(err)
		}
		if _, err := g.Check(t.Context(), access.Credentials{}, "team/plan", access.Read); err == nil {
			t.Error("anybody is let in")
		}
	}
}
