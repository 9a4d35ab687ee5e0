package store

import (
	"errors"
	"strings"
	"testing"
)

func TestCheckName(t *testing.T) {
	for _, name := range []string{"a", "a b", "ä/ö", "a//b", "/", "a/", "...", ".a", "a..b", "%", strings.Repeat("a", MaxName)} {
		if err := CheckName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", ".", "..", "a/..", "../a", "a/./b", "a\x00", "\n", "a\x7f", "\u0085", "\xff", "\xed\xa0\x80", strings.Repeat("a", MaxName+1)} {
		if err := CheckName(name); !errors.Is(err, ErrName) {
			t.Errorf("%q: %v", name, err)
		}
	}
}
