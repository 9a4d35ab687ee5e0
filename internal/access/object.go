package access

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"time"
	"unicode/utf8"
)

// errTwice says that an object has a member twice, of which every reader takes
// another one.
var errTwice = errors.New("it has a member twice")

var errNoObject = errors.New("it is no JSON object")

// object reads a JSON object by its members' exact names, which Go's structs
// don't distinguish by case. Members that are null are left out. No name, at any
// depth, may come twice in one object.
func object(b []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(b) || !json.Valid(b) {
		return nil, errNoObject
	}
	if b = bytes.TrimLeft(b, " \t\r\n"); b[0] != '{' {
		return nil, errNoObject
	}
	if err := unique(json.NewDecoder(bytes.NewReader(b))); err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(b, &members); err != nil {
		return nil, errNoObject
	}
	for name, value := range members {
		if string(value) == "null" {
			delete(members, name)
		}
	}
	return members, nil
}

// unique reads one value that is valid.
func unique(d *json.Decoder) error {
	opened, err := d.Token()
	if err != nil {
		return errNoObject
	}
	names := make(map[json.Token]bool)
	for (opened == json.Delim('{') || opened == json.Delim('[')) && d.More() {
		if opened == json.Delim('{') {
			name, err := d.Token()
			if err != nil {
				return errNoObject
			}
			if names[name] {
				return errTwice
			}
			names[name] = true
		}
		if err := unique(d); err != nil {
			return err
		}
	}
	if opened == json.Delim('{') || opened == json.Delim('[') {
		if _, err := d.Token(); err != nil {
			return errNoObject
		}
	}
	return nil
}

// text is a string's value.
func text(raw json.RawMessage) (s string, ok bool) {
	ok = len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, &s) == nil
	return s, ok
}

// A reader reads the members of an object, each by its kind. Those that aren't
// there are zero. Its error, of the first that was of another kind, names the
// member and holds nothing of it.
type reader struct {
	members map[string]json.RawMessage
	err     error
}

func (r *reader) fail(name, wanted string) {
	if r.err == nil {
		r.err = errors.New(name + " must be " + wanted)
	}
}

func (r *reader) text(name string) (s string) {
	if raw, ok := r.members[name]; ok {
		if s, ok = text(raw); !ok {
			r.fail(name, "a string")
		}
	}
	return s
}

// texts reads a string, or a list of them.
func (r *reader) texts(name string) (list []string) {
	raw, ok := r.members[name]
	if !ok {
		return nil
	}
	if s, one := text(raw); one {
		return []string{s}
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		r.fail(name, "a string or a list of strings")
	}
	return list
}

func (r *reader) grants(name string) (g Grants) {
	if raw, ok := r.members[name]; ok && json.Unmarshal(raw, &g) != nil {
		r.fail(name, "an object of patterns with the roles reader, commenter, writer or owner")
	}
	return g
}

// maxMoment is the last second of the year 9999, which is as far as JSON's times
// go.
const maxMoment = 253402300799

// moment reads seconds since 1970 (RFC 7519, 2: NumericDate).
func (r *reader) moment(name string) time.Time {
	raw, ok := r.members[name]
	if !ok {
		return time.Time{}
	}
	var seconds float64
	if json.Unmarshal(raw, &seconds) != nil || seconds < 0 || seconds > maxMoment {
		r.fail(name, "a number of seconds since 1970")
		return time.Time{}
	}
	whole, part := math.Modf(seconds)
	return time.Unix(int64(whole), int64(part*1e9))
}
