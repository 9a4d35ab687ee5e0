package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/inkwire/inkwire/docs"
	"github.com/inkwire/inkwire/internal/access"
	"github.com/inkwire/inkwire/internal/api"
	"github.com/inkwire/inkwire/internal/room"
)

// A description is docs/openapi.yaml, as a value and as schemas.
type description struct {
	*testing.T
	root     map[string]any
	compiler *jsonschema.Compiler
}

func readDescription(t *testing.T) *description {
	t.Helper()
	var text any
	if err := yaml.Unmarshal(docs.OpenAPI, &text); err != nil {
		t.Fatal(err)
	}
	// As JSON has it: numbers and keys of its own kinds.
	b, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	d := &description{T: t, root: value.(map[string]any), compiler: jsonschema.NewCompiler()}
	d.compiler.DefaultDraft(jsonschema.Draft2020) // OpenAPI 3.1, 4.8.24.1
	d.compiler.AssertFormat()
	if err := d.compiler.AddResource("openapi.json", value); err != nil {
		t.Fatal(err)
	}
	return d
}

// at is the value behind keys, through references.
func (d *description) at(v any, keys ...string) (any, string) {
	d.Helper()
	where := "#"
	for _, key := range keys {
		members, ok := v.(map[string]any)
		if !ok {
			return nil, ""
		}
		v = members[key]
		where += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
		if members, ok = v.(map[string]any); !ok {
			continue
		}
		if reference, ok := members["$ref"].(string); ok {
			where = reference
			v, _ = d.at(d.root, strings.Split(strings.TrimPrefix(reference, "#/"), "/")...)
		}
	}
	return v, where
}

// checks says whether an answer is as it is described.
func (d *description) checks(path, method string, a answer) {
	d.Helper()
	status := fmt.Sprint(a.StatusCode)
	responses, _ := d.at(d.root, "paths", path, strings.ToLower(method), "responses")
	if responses == nil {
		d.Fatalf("%s %s isn't described", method, path)
	}
	if _, is := responses.(map[string]any)[status]; !is {
		if status = "default"; a.StatusCode < 400 {
			d.Fatalf("%s %s: %s isn't described", method, path, a.Status)
		}
	}
	kind := a.Header.Get("Content-Type")
	described, where := d.at(d.root, "paths", path, strings.ToLower(method), "responses", status, "content", kind, "schema")
	switch {
	case a.StatusCode == http.StatusNoContent:
		return
	case described == nil:
		d.Fatalf("%s %s: %s of type %s isn't described", method, path, a.Status, kind)
	}
	// at follows the last reference, so where is a place in the document itself.
	schema, err := d.compiler.Compile("openapi.json" + where)
	if err != nil {
		d.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(a.text))
	if err != nil {
		d.Fatalf("%s: %v", a.text, err)
	}
	if err := schema.Validate(value); err != nil {
		d.Errorf("%s %s: %s\n%v", method, path, a.text, err)
	}
}

// What is described is handled, and what is handled is described.
func TestOpenAPIHasAllRoutes(t *testing.T) {
	d := readDescription(t)
	h := build(t, access.Owner)
	paths, _ := d.at(d.root, "paths")
	for path, item := range paths.(map[string]any) {
		at := strings.NewReplacer("{name}", "team%2Fa", "{id}", "1", "{hash}", strings.Repeat("00", 32)).Replace(path)
		var described []string
		for key := range item.(map[string]any) {
			if method := strings.ToUpper(key); slices.Contains([]string{"GET", "POST", "PUT", "PATCH", "DELETE"}, method) {
				described = append(described, method)
			}
		}
		slices.Sort(described)
		handled := h.as("").wants(405, "method", "OPTIONS", at, "").Header.Get("Allow")
		if want := strings.Join(described, ", "); handled != want {
			t.Errorf("%s handles %s, and is described with %s", path, handled, want)
		}
	}
	for _, path := range api.Paths() {
		if _, is := paths.(map[string]any)[path]; !is {
			t.Errorf("%s isn't described", path)
		}
	}
	if n := len(paths.(map[string]any)); n != len(api.Paths()) {
		t.Errorf("%d paths are described, and there are %d", n, len(api.Paths()))
	}
}

// Answers are as they are described.
func TestOpenAPIAnswers(t *testing.T) {
	d := readDescription(t)
	h := build(t, access.None)
	ann, boss, page := h.as("ann"), h.as("boss"), h.browser()
	call := func(c *caller, status int, method, path, at, body string, header ...string) answer {
		t.Helper()
		a := c.wants(status, "", method, at, body, header...)
		d.checks(path, method, a)
		return a
	}
	h.live.here = map[string][]room.Person{"team/a": {{Key: "k", Name: "Kim", Color: "#00aa00"}}}
	call(ann, 201, "POST", "/docs", "/docs", `{"name":"team/a"}`)
	call(ann, 201, "POST", "/docs", "/docs", `{}`)
	call(ann, 409, "POST", "/docs", "/docs", `{"name":"team/a"}`)
	call(ann, 400, "POST", "/docs", "/docs", `{"size":1}`)
	h.edit("team/a", noon, "A", "B", `{"type":"joined","person":"k","name":"Kim","color":"#00aa00"}`)
	call(ann, 200, "GET", "/docs", "/docs?limit=1", "")
	call(ann, 200, "GET", "/docs", "/docs", "")
	call(ann, 200, "GET", "/docs/{name}", "/docs/team%2Fa", "")
	call(ann, 403, "GET", "/docs/{name}", "/docs/other", "")
	call(ann, 200, "PATCH", "/docs/{name}", "/docs/team%2Fa", `{"title":"C"}`)
	call(ann, 200, "GET", "/docs/{name}/activity", "/docs/team%2Fa/activity?limit=1", "")
	file := call(ann, 201, "POST", "/docs/{name}/files", uploads, png, "Content-Type", "image/png")
	call(ann, 415, "POST", "/docs/{name}/files", uploads, png, "Content-Type", "image/gif")
	call(ann, 201, "POST", "/docs/{name}/files/copy", uploads+"/copy", fmt.Sprintf(`{"from":%q}`, file.json["url"]))
	call(ann, 404, "GET", "/docs/{name}/files/{hash}", uploads+"/"+strings.Repeat("00", 32), "")
	made := call(ann, 201, "POST", "/docs/{name}/shares", shares, `{"role":"reader","note":"n","for":60}`)
	call(ann, 201, "POST", "/docs/{name}/shares", shares, `{"role":"writer","expires":null}`)
	call(ann, 200, "GET", "/docs/{name}/shares", shares, "")
	call(ann, 200, "PATCH", "/docs/{name}/shares/{id}", shares+made.id(), `{"note":"m"}`)
	call(ann, 204, "DELETE", "/docs/{name}/shares/{id}", shares+made.id(), "")
	call(page, 200, "GET", "/session", "/session", "")
	call(page, 200, "POST", "/session", "/session?doc=team/a", holding("ann"))
	call(page, 200, "GET", "/session", "/session?doc=none", "")
	call(page, 204, "DELETE", "/session", "/session", "")
	call(boss, 200, "POST", "/access/recheck", "/access/recheck", `{}`)
	call(boss, 200, "POST", "/access/cut", "/access/cut", `{"subject":"bob"}`)
	call(ann, 204, "DELETE", "/docs/{name}", "/docs/team%2Fa", "")
	call(ann, 204, "POST", "/docs/{name}/restore", "/docs/team%2Fa/restore", "")
}

// The description is served as it is.
func TestOpenAPIIsServed(t *testing.T) {
	h := build(t, access.None)
	a := h.as("").wants(200, "openapi: 3.1", "GET", "/openapi.yaml", "")
	if a.text != string(docs.OpenAPI) || a.Header.Get("Content-Type") != "application/yaml" {
		t.Error(a.Header)
	}
}
