package lib0

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
)

// Numbers and how JavaScript prints them.
func TestAppendNumber(t *testing.T) {
	for _, c := range []struct {
		f    float64
		want string
	}{
		{0, "0"}, {math.Copysign(0, -1), "0"}, {1, "1"}, {-1.5, "-1.5"}, {0.1, "0.1"},
		{1e20, "100000000000000000000"}, {1e21, "1e+21"}, {123456789012345680000, "123456789012345680000"},
		{1e-6, "0.000001"}, {1e-7, "1e-7"}, {1.5e-9, "1.5e-9"}, {1e100, "1e+100"}, {-1e-10, "-1e-10"},
		{5e-324, "5e-324"}, {math.MaxFloat64, "1.7976931348623157e+308"}, {math.MaxInt32, "2147483647"},
		{math.NaN(), "NaN"}, {math.Inf(1), "Infinity"}, {math.Inf(-1), "-Infinity"},
		{9007199254740993, "9007199254740992"}, {2.5e-7, "2.5e-7"}, {1.25e25, "1.25e+25"},
	} {
		if got := string(AppendNumber(nil, c.f)); got != c.want {
			t.Errorf("%g printed as %s, want %s", c.f, got, c.want)
		}
	}
}

// Texts and what JSON.stringify(JSON.parse(text)) makes of them.
var jsonTable = []struct{ text, want string }{
	{`null`, `null`}, {` true`, `true`}, {"\t{\n}\r ", `{}`}, {`[ ]`, `[]`},
	{`1.0`, `1`}, {`-0`, `0`}, {`1e3`, `1000`}, {`1E400`, `null`}, {`-1e400`, `null`}, {`1e-400`, `0`},
	{`123456789012345678`, `123456789012345680`},
	{`"\u0041\/\u00e9"`, `"A/é"`},
	{`"\u0000\u001F\b\f\n\r\t\"\\"`, `"\u0000\u001f\b\f\n\r\t\"\\"`},
	{"\"\u2028\u007f\ufeff\"", "\"\u2028\u007f\ufeff\""},
	{`"\ud83d\ude00"`, `"😀"`},
	{`"\ud83d"`, `"\ud83d"`}, {`"\ude00\ud83d"`, `"\ude00\ud83d"`}, {`"\uD83D\ud83d\uDE00"`, `"\ud83d😀"`},
	{`{"b":1,"a":2}`, `{"b":1,"a":2}`},
	{`{"b":1,"2":0,"a":2,"1":0}`, `{"1":0,"2":0,"b":1,"a":2}`},
	{`{"a":1,"b":2,"a":3}`, `{"a":3,"b":2}`},
	{`{"__proto__":{"x":1},"y":2}`, `{"__proto__":{"x":1},"y":2}`},
	{`{"\u0061":1,"a":2}`, `{"a":2}`},
	{`{"4294967295":1,"4294967294":2,"01":3,"-1":4}`, `{"4294967294":2,"4294967295":1,"01":3,"-1":4}`},
	{`[[],[{}],{"a":[null,false]}]`, `[[],[{}],{"a":[null,false]}]`},
}

func TestCanonicalJSON(t *testing.T) {
	for _, c := range jsonTable {
		got, err := AppendCanonicalJSON(nil, []byte(c.text))
		if err != nil || string(got) != c.want {
			t.Errorf("%s: got %s %v, want %s", c.text, got, err, c.want)
		}
		again, err := AppendCanonicalJSON(nil, got)
		if err != nil || !bytes.Equal(again, got) {
			t.Errorf("%s: then %s %v", got, again, err)
		}
		if canonical, _ := ScanJSON([]byte(c.text)); canonical && c.text != c.want {
			t.Errorf("%s passes for canonical", c.text)
		}
	}
}

var badJSON = []struct{ text, want string }{
	{"", "byte 0: expected a JSON value, found the end"},
	{"\ufeff1", "byte 0: expected a JSON value"},
	{"1 2", "byte 2: expected the end of the JSON text, found '2'"},
	{"01", "byte 1: expected the end"},
	{"-", "byte 1: expected a digit, found the end"},
	{"1.", "byte 2: expected a digit"},
	{"1e+", "byte 3: expected a digit"},
	{".5", "byte 0: expected a JSON value"},
	{"NaN", "byte 0: expected a JSON value"},
	{"tru", "byte 0: expected a JSON value"},
	{"[1,]", "byte 3: expected a JSON value, found ']'"},
	{"[1", "byte 2: expected ',' or ']', found the end"},
	{"{1:2}", "byte 1: expected a key in quotes, found '1'"},
	{`{"a" 1}`, "byte 5: expected ':', found '1'"},
	{`{"a":1,}`, "byte 7: expected a key in quotes"},
	{`"a`, "byte 2: expected '\"', found the end"},
	{"\"\n\"", "byte 1: expected a character of a string"},
	{`"\x"`, "byte 2: expected an escape, found 'x'"},
	{`"\u12g4"`, "byte 5: expected a hexadecimal digit, found 'g'"},
	{"\"\xff\"", "byte 1: expected UTF-8, found 0xff"},
	{"1\u00a0", "byte 1: expected the end"},
}

func TestBadJSON(t *testing.T) {
	for _, c := range badJSON {
		_, err := ParseJSON([]byte(c.text))
		_, scanErr := ScanJSON([]byte(c.text))
		for _, err := range []error{err, scanErr} {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q: got %v, want %q", c.text, err, c.want)
			}
		}
	}
}

func TestJSONDepth(t *testing.T) {
	nested := func(n int) []byte {
		return []byte(strings.Repeat(`[{"a":`, n/2) + "1" + strings.Repeat("}]", n/2))
	}
	if _, err := ParseJSON(nested(MaxDepth)); err != nil {
		t.Error(err)
	}
	for _, n := range []int{MaxDepth + 2, 1_000_000} {
		if _, err := ParseJSON(nested(n)); !errors.Is(err, ErrDepth) {
			t.Errorf("%d deep: %v", n, err)
		}
		if _, err := ScanJSON(nested(n)); !errors.Is(err, ErrDepth) {
			t.Errorf("%d deep: %v", n, err)
		}
	}
}

func TestAppendJSON(t *testing.T) {
	for _, c := range []struct {
		value any
		want  string
	}{
		{[]any{Undefined, math.NaN(), math.Inf(1), nil}, `[null,null,null,null]`},
		{NewObject("a", Undefined, "b", 1.0), `{"b":1}`},
		{[]byte{1, 255}, `{"0":1,"1":255}`},
		{[]byte{}, `{}`},
		{"\xed\xa0\xbd", `"\ud83d"`},
	} {
		if got, err := AppendJSON(nil, c.value); err != nil || string(got) != c.want {
			t.Errorf("%#v: got %s %v, want %s", c.value, got, err, c.want)
		}
	}
	for _, v := range []any{Undefined, BigInt(1), []any{BigInt(1)}, NewObject("a", BigInt(1))} {
		if got, err := AppendJSON(nil, v); !errors.Is(err, ErrNoJSON) {
			t.Errorf("%#v: got %s %v", v, got, err)
		}
	}
}

func TestParsedStringsAreUTF8(t *testing.T) {
	v, err := ParseJSON([]byte(`{"\ud83d":"a\ude00"}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := Check(v); err != nil {
		t.Error(err)
	}
	if s, _ := v.(*Object).Get("\ufffd"); s != "a\ufffd" {
		t.Errorf("got %q", s)
	}
}
