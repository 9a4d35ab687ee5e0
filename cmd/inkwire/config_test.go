package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// The flag counts before the environment, and that before the file.
func TestPrecedence(t *testing.T) {
	file := filepath.Join(t.TempDir(), "inkwire.conf")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("# settings\n\nmax-queue 1MiB\nmax-unsaved=2MiB\n  max-message = 3 MiB\r\nhistory\t7d\nmax-connections 7\n")
	t.Setenv("INKWIRE_MAX_QUEUE", "4MB")
	t.Setenv("INKWIRE_MAX_UNSAVED", "5kib")
	t.Setenv("INKWIRE_CONFIG", file)
	c, err := parse([]string{"--max-queue", "6"})
	if err != nil {
		t.Fatal(err)
	}
	want := defaults()
	want.file, want.maxQueue, want.maxUnsaved, want.maxMessage, want.history, want.maxConnections = file, 6, 5<<10, 3<<20, 7*24*time.Hour, 7
	if !reflect.DeepEqual(c, want) {
		t.Errorf("%+v\nwant %+v", c, want)
	}
	for text, says := range map[string]string{
		"addr x\nwings 2":     "line 2: config file flag \"wings\" not defined",
		"max-queue":           `line 1: "max-queue" has no value`,
		"max-queue =":         `line 1: "max-queue" has no value`,
		"\n\nlog-level loud":  `line 3: error setting flag "log-level" from config file: want one of debug`,
		"config other.conf":   "line 1: a file can't name another one",
		"max-connections 1 2": "want a whole number",
	} {
		write(text)
		if _, err := parse(nil); err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), file) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// A variable that is no setting's is told of: it may be misspelt.
func TestUnknownVariables(t *testing.T) {
	got := unknown([]string{"INKWIRE_ADDR=x", "INKWIRE_MAX_MESAGE=1", "PATH=/bin", "INKWIRE_=", "XINKWIRE_A=1"})
	if fmt.Sprint(got) != "[INKWIRE_MAX_MESAGE INKWIRE_]" {
		t.Error(got)
	}
}

func TestValues(t *testing.T) {
	var n int
	for in, want := range map[string]int{
		"1": 1, "65536": 65536, "64KiB": 64 << 10, "8MiB": 8 << 20, "8mib": 8 << 20, "2 GiB": 2 << 30, "1TiB": 1 << 40,
		"3KB": 3000, "3MB": 3_000_000, "5B": 5,
	} {
		if err := size(&n, 1).Set(in); err != nil || n != want {
			t.Errorf("%s: %d, %v, want %d", in, n, err, want)
		}
	}
	for _, in := range []string{"", "0", "-1", "1.5MiB", "MiB", "2TiB", "99999999999999999999", "18446744073709551615KiB", "1MiBB", "1Mi", "0x10", "1k"} {
		if err := size(&n, 1).Set(in); err == nil {
			t.Errorf("%q is the size %d", in, n)
		}
	}
	if err := size(&n, 1024).Set("1023"); err == nil || !strings.Contains(err.Error(), "from 1KiB") {
		t.Error(err)
	}
	var d time.Duration
	for in, want := range map[string]time.Duration{"30d": 720 * time.Hour, "720h": 720 * time.Hour, "1.5d": 36 * time.Hour, "1h30m": 90 * time.Minute} {
		if err := duration(&d, time.Hour).Set(in); err != nil || d != want {
			t.Errorf("%s: %v, %v", in, d, err)
		}
	}
	for _, in := range []string{"", "0", "30", "d", "-1d", "NaNd", "1e9d", "59m", "1w"} {
		if err := duration(&d, time.Hour).Set(in); err == nil {
			t.Errorf("%q is the time %v", in, d)
		}
	}
	var s string
	for in, want := range map[string]string{"720h": "720h", "30d": "720h", "90m": "1h30m", "1h0m5s": "1h0m5s"} {
		v := duration(&d, time.Second)
		if err := v.Set(in); err != nil || v.String() != want {
			t.Errorf("%s is shown as %s, %v", in, v, err)
		}
	}
	if err := choice(&s, "text", "json").Set("JSON"); err != nil || s != "json" {
		t.Error(s, err)
	}
	// What is shown as a default can be given.
	c := defaults()
	settings(&c).VisitAll(func(f *flag.Flag) {
		if err := f.Value.Set(f.DefValue); err != nil {
			t.Errorf("%s: the default %q: %v", f.Name, f.DefValue, err)
		}
	})
	if !reflect.DeepEqual(c, defaults()) {
		t.Errorf("%+v", c)
	}
}

// A list may be repeated, or have commas; the first place that has one counts
// alone.
func TestLists(t *testing.T) {
	t.Setenv("INKWIRE_TRUSTED_PROXIES", "10.0.0.0/8, ::1,")
	t.Setenv("INKWIRE_ALLOW_ORIGIN", "https://ignored.example.com")
	c, err := parse([]string{"--allow-origin", "https://a.example.com,HTTP://B.example.com:80", "--allow-origin", "https://*.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(c.allowOrigins); got != "[https://a.example.com http://b.example.com https://*.example.com]" {
		t.Error(got)
	}
	if got := fmt.Sprint(c.trustedProxies); got != "[10.0.0.0/8 ::1/128]" {
		t.Error(got)
	}
	if got := settings(&c).Lookup("trusted-proxies").DefValue; got != "10.0.0.0/8,::1/128" {
		t.Error(got)
	}
}

// docs/configuration.md has exactly the settings there are.
func TestConfigurationDocument(t *testing.T) {
	var table strings.Builder
	table.WriteString("| flag, and in a file | environment | default | what |\n| --- | --- | --- | --- |\n")
	n := 0
	c := defaults()
	settings(&c).VisitAll(func(f *flag.Flag) {
		n++
		def := f.DefValue
		if def != "" {
			def = "`" + def + "`"
		}
		form, text := form(f)
		fmt.Fprintf(&table, "| `%s` | `%s` | %s | %s |\n", form, environment(f.Name), def, text)
	})
	doc, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(doc), "\n"+table.String()+"\n") || strings.Count(string(doc), "\n| `--") != n {
		t.Errorf("docs/configuration.md must have this table, and no other setting:\n%s", table.String())
	}
	for _, flag := range []string{"addr", "config", "data", "history", "log-format", "log-level", "max-connections", "max-document",
		"max-documents-per-connection", "max-message", "max-queue", "max-unsaved"} {
		if settings(&c).Lookup(flag) == nil {
			t.Errorf("no setting %s", flag)
		}
	}
}

// What doesn't end is waited for no longer than it may take.
func TestWithin(t *testing.T) {
	stuck := make(chan struct{})
	defer close(stuck)
	err := within(time.Millisecond, "the log", func() error { <-stuck; return nil })
	if err == nil || !strings.Contains(err.Error(), "the log: not ended in time") {
		t.Error(err)
	}
	failed := errors.New("failed")
	if err := within(time.Hour, "the log", func() error { return failed }); err != failed {
		t.Error(err)
	}
	if _, err := parse([]string{"-h"}); err != flag.ErrHelp {
		t.Error(err)
	}
}
