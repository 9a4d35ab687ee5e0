package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/inkwire/inkwire/internal/access"
)

// A value is the value of one setting, wherever it's read from. The error of its
// parse says what is allowed.
type value[T any] struct {
	to     *T
	parse  func(string) (T, error)
	format func(T) string
}

func (v value[T]) Set(s string) error {
	parsed, err := v.parse(s)
	if err == nil {
		*v.to = parsed
	}
	return err
}

func (v value[T]) String() string {
	if v.to == nil {
		return ""
	}
	return v.format(*v.to)
}

// units of sizes, the largest first.
var units = []struct {
	name string
	size uint64
}{
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}, {"B", 1}, {"", 1},
}

// size is a number of bytes.
func size(to *int, least int) value[int] {
	const most = 1 << 40
	parse := func(s string) (int, error) {
		number := strings.TrimRight(s, "BiKMGTbkmgt")
		unit := strings.ToLower(s[len(number):])
		for _, u := range units {
			if unit != strings.ToLower(u.name) {
				continue
			}
			n, err := strconv.ParseUint(strings.TrimSpace(number), 10, 64)
			if err == nil && n <= most/u.size && n*u.size >= uint64(least) {
				return int(n * u.size), nil
			}
		}
		return 0, fmt.Errorf("want bytes from %s to %s, such as 65536, 64KiB or 8MiB", formatSize(least), formatSize(most))
	}
	return value[int]{to, parse, formatSize}
}

func formatSize(n int) string {
	for _, u := range units {
		if strings.HasSuffix(u.name, "iB") && n > 0 && uint64(n)%u.size == 0 {
			return strconv.Itoa(n/int(u.size)) + u.name
		}
	}
	return strconv.Itoa(n)
}

// number is how many of something there may be, at least one.
func number(to *int) value[int] {
	parse := func(s string) (int, error) {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > math.MaxInt32 {
			return 0, fmt.Errorf("want a whole number from 1 to %d", math.MaxInt32)
		}
		return n, nil
	}
	return value[int]{to, parse, strconv.Itoa}
}

// duration is a time, with days as a unit beside Go's.
func duration(to *time.Duration, least time.Duration) value[time.Duration] {
	parse := func(s string) (time.Duration, error) {
		d, err := time.ParseDuration(s)
		if days, ok := strings.CutSuffix(s, "d"); ok {
			var n float64
			n, err = strconv.ParseFloat(days, 64)
			if hours := n * 24; math.Abs(hours) < float64(math.MaxInt64/int64(time.Hour)) {
				d = time.Duration(hours * float64(time.Hour))
			}
		}
		if err != nil || d < least {
			return 0, fmt.Errorf("want a time of at least %s, such as 720h or 30d", formatDuration(least))
		}
		return d, nil
	}
	return value[time.Duration]{to, parse, formatDuration}
}

func formatDuration(d time.Duration) string {
	s := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, zero) {
			s = s[:len(s)-2]
		}
	}
	return s
}

// A list is any number of values, given one by one or with commas between them.
type list[T any] struct {
	to    *[]T
	parse func(string) (T, error)
}

func (l list[T]) Set(s string) error {
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		v, err := l.parse(part)
		if err != nil {
			return fmt.Errorf("%q: %w", part, err)
		}
		*l.to = append(*l.to, v)
	}
	return nil
}

func (l list[T]) String() string {
	if l.to == nil {
		return ""
	}
	all := make([]string, len(*l.to))
	for i, v := range *l.to {
		all[i] = fmt.Sprint(v)
	}
	return strings.Join(all, ",")
}

// directory is the path of one.
func directory(to *string) value[string] {
	parse := func(s string) (string, error) {
		if s == "" {
			return "", errors.New("want a directory")
		}
		return s, nil
	}
	return value[string]{to, parse, func(s string) string { return s }}
}

// choice is one of a few words.
func choice(to *string, words ...string) value[string] {
	parse := func(s string) (string, error) {
		for _, w := range words {
			if strings.EqualFold(s, w) {
				return w, nil
			}
		}
		return "", fmt.Errorf("want one of %s", strings.Join(words, ", "))
	}
	return value[string]{to, parse, func(s string) string { return s }}
}

// word is any element of a list.
func word(s string) (string, error) { return s, nil }

// several is words, one each time.
func several(to *[]string) value[[]string] {
	parse := func(s string) ([]string, error) {
		if s == "" {
			return nil, errors.New("want a pattern of names")
		}
		return append(*to, s), nil
	}
	return value[[]string]{to, parse, func(s []string) string { return strings.Join(s, " ") }}
}

// anyRole is a role by its name.
func anyRole(to *access.Role) value[access.Role] {
	return value[access.Role]{to, access.ParseRole, access.Role.String}
}

// optional is a value that the flag can do without, as "true".
type optional[T any] struct{ value[T] }

// IsBoolFlag implements what the flag package asks for.
func (optional[T]) IsBoolFlag() bool { return true }

// role is that of whoever shows nothing.
func role(to *access.Role) optional[access.Role] {
	parse := func(s string) (access.Role, error) {
		switch s {
		case "", "false":
			return access.None, nil
		case "true":
			return access.Writer, nil
		}
		r, err := access.ParseRole(s)
		if err != nil || r == access.Commenter {
			return access.None, errors.New("want reader, writer or owner")
		}
		return r, nil
	}
	format := func(r access.Role) string {
		if r == access.None {
			return ""
		}
		return r.String()
	}
	return optional[access.Role]{value[access.Role]{to, parse, format}}
}
