package lib0

// This file rewrites encoded values in their canonical form, as yjs does when
// it reads an update and writes another: bytes that are canonical already are
// copied, others are read and written.

// AppendCanonicalAny reads a value and appends it as AppendAny would.
func AppendCanonicalAny(dst []byte, d *Decoder) ([]byte, error) {
	start := d.off
	info, err := d.ScanAny()
	if err != nil {
		return dst, err
	}
	if info.Canonical {
		return append(dst, d.buf[start:d.off]...), nil
	}
	d.off = start
	v, err := d.Any()
	if err != nil {
		return dst, err
	}
	return AppendAny(dst, v), nil
}

// AppendCanonicalJSON appends JSON text as parsing and printing it in
// JavaScript would give it. Unlike ParseJSON it keeps half surrogate pairs.
func AppendCanonicalJSON(dst, text []byte) ([]byte, error) {
	canonical, err := ScanJSON(text)
	if err != nil {
		return dst, err
	}
	if canonical {
		return append(dst, text...), nil
	}
	v, err := parseJSON(text, true)
	if err != nil {
		return dst, err
	}
	return AppendJSON(dst, v)
}

// AppendAnyFromJSON appends the value of JSON text as AppendAny would.
func AppendAnyFromJSON(dst, text []byte) ([]byte, error) {
	v, err := parseJSON(text, true)
	if err != nil {
		return dst, err
	}
	return AppendAny(dst, v), nil
}

// AppendJSONFromAny reads a value and appends it as AppendJSON would.
func AppendJSONFromAny(dst []byte, d *Decoder) ([]byte, error) {
	v, err := d.Any()
	if err != nil {
		return dst, err
	}
	return AppendJSON(dst, v)
}
