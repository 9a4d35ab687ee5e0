package ws

import "unicode/utf8"

// checkText reports whether b may be the beginning of UTF-8, and how many of
// its bytes are whole characters.
func checkText(b []byte) (whole int, ok bool) {
	whole = len(b)
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if last := b[len(b)-n:]; utf8.RuneStart(last[0]) {
			if !utf8.FullRune(last) { // only of bytes that may go on well
				whole -= n
			}
			break
		}
	}
	return whole, utf8.Valid(b[:whole])
}
