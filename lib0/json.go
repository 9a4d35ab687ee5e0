package lib0

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// ParseJSON parses text as JavaScript's JSON.parse does, except that it refuses
// what nests deeper than MaxDepth, and that half a surrogate pair becomes
// U+FFFD.
func ParseJSON(text []byte) (any, error) {
	return parseJSON(text, false)
}

// parseJSON keeps half surrogate pairs, in the bytes described at halfAt, if
// halves is set.
func parseJSON(text []byte, halves bool) (any, error) {
	if !utf8.Valid(text) {
		d := Decoder{buf: text, off: invalidAt(text)}
		return nil, d.Errorf("expected UTF-8, found %#02x", text[d.off])
	}
	p := jsonParser{Decoder: Decoder{buf: text}, halves: halves}
	v, err := p.value(0)
	if err != nil {
		return nil, err
	}
	return v, p.end()
}

type jsonParser struct {
	Decoder
	halves bool
	text   []byte // scratch of text
}

// peek skips white space and returns the byte after it, 0 at the end.
func (d *Decoder) peek() byte {
	for ; d.off < len(d.buf); d.off++ {
		switch c := d.buf[d.off]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

func (d *Decoder) end() error {
	if d.peek(); d.off < len(d.buf) {
		return d.unexpected("the end of the JSON text")
	}
	return nil
}

// unexpected is the error that something else than the next byte was expected.
func (d *Decoder) unexpected(want string) error {
	if d.off >= len(d.buf) {
		return d.Errorf("expected %s, found the end", want)
	}
	return d.Errorf("expected %s, found %q", want, d.buf[d.off])
}

// word passes over one of JSON's three words.
func (d *Decoder) word(w string) error {
	if !bytes.HasPrefix(d.buf[d.off:], []byte(w)) {
		return d.unexpected("a JSON value")
	}
	d.off += len(w)
	return nil
}

func (p *jsonParser) value(depth int) (any, error) {
	switch c := p.peek(); {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		return p.string()
	case c == 't':
		return true, p.word("true")
	case c == 'f':
		return false, p.word("false")
	case c == 'n':
		return nil, p.word("null")
	case c == '-' || c >= '0' && c <= '9':
		b, _, err := p.number()
		if err != nil {
			return nil, err
		}
		// Out of range it returns an infinity, as JavaScript does.
		f, _ := strconv.ParseFloat(string(b), 64)
		return f, nil
	}
	return nil, p.unexpected("a JSON value")
}

func (p *jsonParser) array(depth int) (any, error) {
	if depth >= MaxDepth {
		return nil, p.tooDeep()
	}
	p.off++
	values := []any{}
	if p.peek() == ']' {
		p.off++
		return values, nil
	}
	for {
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
		if more, err := p.more(']'); !more {
			return values, err
		}
	}
}

// more passes over a comma, or over what closes the array or object.
func (d *Decoder) more(closing byte) (bool, error) {
	switch c := d.peek(); c {
	case ',':
		d.off++
		return true, nil
	case closing:
		d.off++
		return false, nil
	}
	return false, d.unexpected("',' or '" + string(rune(closing)) + "'")
}

func (p *jsonParser) object(depth int) (any, error) {
	if depth >= MaxDepth {
		return nil, p.tooDeep()
	}
	p.off++
	o := new(Object)
	if p.peek() == '}' {
		p.off++
		return o, nil
	}
	for {
		if p.peek() != '"' {
			return nil, p.unexpected("a key in quotes")
		}
		k, err := p.string()
		if err != nil {
			return nil, err
		}
		if err := p.colon(); err != nil {
			return nil, err
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		o.Set(k, v)
		if more, err := p.more('}'); !more {
			return o, err
		}
	}
}

func (d *Decoder) colon() error {
	if d.peek() != ':' {
		return d.unexpected("':'")
	}
	d.off++
	return nil
}

// number passes over a number and reports whether JavaScript prints it just so;
// a false may be a lack of certainty.
func (d *Decoder) number() (b []byte, canonical bool, err error) {
	start := d.off
	canonical = true
	if d.buf[d.off] == '-' {
		d.off++
		canonical = d.off < len(d.buf) && d.buf[d.off] != '0'
	}
	digits := func() error {
		from := d.off
		for d.off < len(d.buf) && d.buf[d.off] >= '0' && d.buf[d.off] <= '9' {
			d.off++
		}
		if d.off == from {
			return d.unexpected("a digit")
		}
		return nil
	}
	if d.off < len(d.buf) && d.buf[d.off] == '0' {
		d.off++
	} else if err := digits(); err != nil {
		return nil, false, err
	}
	if d.off < len(d.buf) && d.buf[d.off] == '.' {
		canonical = false
		d.off++
		if err := digits(); err != nil {
			return nil, false, err
		}
	}
	if d.off < len(d.buf) && d.buf[d.off]|0x20 == 'e' {
		canonical = false
		d.off++
		if d.off < len(d.buf) && (d.buf[d.off] == '+' || d.buf[d.off] == '-') {
			d.off++
		}
		if err := digits(); err != nil {
			return nil, false, err
		}
	}
	b = d.buf[start:d.off]
	return b, canonical && len(b) <= 15, nil
}

// string parses a string; the next byte is its opening quote.
func (p *jsonParser) string() (string, error) {
	p.off++
	from := p.off
	p.text = p.text[:0]
	for p.off < len(p.buf) {
		switch c := p.buf[p.off]; {
		case c == '"':
			p.text = append(p.text, p.buf[from:p.off]...)
			p.off++
			return string(p.text), nil
		case c == '\\':
			p.text = append(p.text, p.buf[from:p.off]...)
			if err := p.escape(); err != nil {
				return "", err
			}
			from = p.off
		case c < 0x20:
			return "", p.unexpected("a character of a string")
		default:
			p.off++
		}
	}
	return "", p.unexpected("'\"'")
}

// escape appends to text what a backslash and the characters after it stand for.
func (p *jsonParser) escape() error {
	p.off++
	if p.off >= len(p.buf) {
		return p.unexpected("an escape")
	}
	c := p.buf[p.off]
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		return p.unicodeEscape()
	default:
		return p.unexpected("an escape")
	}
	p.off++
	p.text = append(p.text, c)
	return nil
}

func (p *jsonParser) unicodeEscape() error {
	r, err := p.hex4()
	if err != nil {
		return err
	}
	if r >= 0xd800 && r < 0xdc00 && bytes.HasPrefix(p.buf[p.off:], []byte(`\u`)) {
		at := p.off
		p.off++
		low, err := p.hex4()
		if err != nil {
			return err
		}
		if low >= 0xdc00 && low < 0xe000 {
			p.text = utf8.AppendRune(p.text, 0x10000+(r-0xd800)<<10+(low-0xdc00))
			return nil
		}
		p.off = at
	}
	if r >= 0xd800 && r < 0xe000 && p.halves {
		p.text = append(p.text, 0xed, 0x80|byte(r>>6)&0x3f, 0x80|byte(r)&0x3f)
		return nil
	}
	p.text = utf8.AppendRune(p.text, r) // U+FFFD for half a pair
	return nil
}

// hex4 reads the 'u' of an escape and its four hexadecimal digits.
func (d *Decoder) hex4() (rune, error) {
	d.off++
	var r rune
	for range 4 {
		if d.off >= len(d.buf) {
			return 0, d.unexpected("a hexadecimal digit")
		}
		c := d.buf[d.off]
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, d.unexpected("a hexadecimal digit")
		}
		d.off++
	}
	return r, nil
}

// ScanJSON checks text as ParseJSON does, without building the value, and
// reports whether it is surely what AppendJSON would write for it.
func ScanJSON(text []byte) (canonical bool, err error) {
	d := Decoder{buf: text}
	if !utf8.Valid(text) {
		d.off = invalidAt(text)
		return false, d.Errorf("expected UTF-8, found %#02x", text[d.off])
	}
	canonical = true
	if err := d.scanJSON(&canonical, 0); err != nil {
		return false, err
	}
	end := d.off
	if err := d.end(); err != nil {
		return false, err
	}
	return canonical && end == len(text), nil
}

// space is peek for scanning: white space isn't canonical.
func (d *Decoder) space(canonical *bool) byte {
	at := d.off
	c := d.peek()
	if d.off != at {
		*canonical = false
	}
	return c
}

func (d *Decoder) scanJSON(canonical *bool, depth int) error {
	switch c := d.space(canonical); {
	case c == '{' || c == '[':
		return d.scanNestedJSON(c, canonical, depth)
	case c == '"':
		_, err := d.scanJSONString(canonical)
		return err
	case c == 't':
		return d.word("true")
	case c == 'f':
		return d.word("false")
	case c == 'n':
		return d.word("null")
	case c == '-' || c >= '0' && c <= '9':
		_, ok, err := d.number()
		*canonical = *canonical && ok
		return err
	}
	return d.unexpected("a JSON value")
}

func (d *Decoder) scanNestedJSON(opening byte, canonical *bool, depth int) error {
	if depth >= MaxDepth {
		return d.tooDeep()
	}
	d.off++
	closing := opening + 2 // in ASCII
	if d.space(canonical) == closing {
		d.off++
		return nil
	}
	var order keyOrder
	for {
		if opening == '{' {
			if d.space(canonical) != '"' {
				return d.unexpected("a key in quotes")
			}
			k, err := d.scanJSONString(canonical)
			if err != nil {
				return err
			}
			if *canonical && (bytes.IndexByte(k, '\\') >= 0 || !order.add(k)) {
				*canonical = false
			}
			d.space(canonical)
			if err := d.colon(); err != nil {
				return err
			}
		}
		if err := d.scanJSON(canonical, depth+1); err != nil {
			return err
		}
		d.space(canonical)
		if more, err := d.more(closing); !more {
			return err
		}
	}
}

// scanJSONString passes over a string and returns what is between the quotes.
func (d *Decoder) scanJSONString(canonical *bool) ([]byte, error) {
	d.off++
	start := d.off
	for d.off < len(d.buf) {
		switch c := d.buf[d.off]; {
		case c == '"':
			d.off++
			return d.buf[start : d.off-1], nil
		case c == '\\':
			d.off++
			if d.off >= len(d.buf) {
				return nil, d.unexpected("an escape")
			}
			switch d.buf[d.off] {
			case '"', '\\', 'b', 'f', 'n', 'r', 't':
				d.off++
			case '/':
				d.off++
				*canonical = false
			case 'u':
				*canonical = false
				if _, err := d.hex4(); err != nil {
					return nil, err
				}
			default:
				return nil, d.unexpected("an escape")
			}
		case c < 0x20:
			return nil, d.unexpected("a character of a string")
		default:
			d.off++
		}
	}
	return nil, d.unexpected("'\"'")
}
