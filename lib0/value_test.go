package lib0

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestObjectKeepsJavaScriptsOrder(t *testing.T) {
	o := NewObject("b", 1.0, "7", 2.0, "a", 3.0, "10", 4.0, "07", 5.0, "4294967294", 6.0, "4294967295", 7.0)
	want := []string{"7", "10", "4294967294", "b", "a", "07", "4294967295"}
	if got := o.Keys(); !slices.Equal(got, want) {
		t.Errorf("keys %v, want %v", got, want)
	}
	o.Set("b", nil)
	o.Delete("7")
	o.Set("7", true)
	o.Delete("a")
	o.Set("a", false)
	want = []string{"7", "10", "4294967294", "b", "07", "4294967295", "a"}
	if got := o.Keys(); !slices.Equal(got, want) {
		t.Errorf("keys %v, want %v", got, want)
	}
	if v, ok := o.Get("b"); !ok || v != nil {
		t.Errorf("b is %v, %v", v, ok)
	}
}

// The plain version of an Object: properties in a slice, ordered when asked.
type plainObject []struct {
	key   string
	value any
}

func (p plainObject) keys() []string {
	var indexes, names []string
	for _, e := range p {
		if _, ok := arrayIndex(e.key); ok {
			indexes = append(indexes, e.key)
		} else {
			names = append(names, e.key)
		}
	}
	slices.SortFunc(indexes, func(a, b string) int {
		x, _ := arrayIndex(a)
		y, _ := arrayIndex(b)
		return int(int64(x) - int64(y))
	})
	return append(indexes, names...)
}

func TestObjectAgainstThePlainOne(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 300 {
		o := new(Object)
		var p plainObject
		for range rng.IntN(120) {
			k := fmt.Sprint(rng.IntN(20))
			if rng.IntN(2) == 0 {
				k = "k" + k
			}
			i := slices.IndexFunc(p, func(e struct {
				key   string
				value any
			}) bool {
				return e.key == k
			})
			switch v := float64(rng.IntN(9)); {
			case rng.IntN(4) == 0:
				o.Delete(k)
				if i >= 0 {
					p = slices.Delete(p, i, i+1)
				}
			default:
				o.Set(k, v)
				if rng.IntN(8) == 0 {
					_ = o.Keys() // an order that is to be forgotten
				}
				if i >= 0 {
					p[i].value = v
				} else {
					p = append(p, struct {
						key   string
						value any
					}{k, v})
				}
			}
		}
		if !slices.Equal(o.Keys(), p.keys()) {
			t.Fatalf("round %d: keys %v, want %v", round, o.Keys(), p.keys())
		}
		for _, e := range p {
			if v, ok := o.Get(e.key); !ok || v != e.value {
				t.Fatalf("round %d: %s is %v, want %v", round, e.key, v, e.value)
			}
		}
		if o.Len() != len(p) {
			t.Fatalf("round %d: %d keys, want %d", round, o.Len(), len(p))
		}
		if c := o.Clone(); !Equal(c, o) || !slices.Equal(c.Keys(), p.keys()) {
			t.Fatalf("round %d: a clone has keys %v, want %v", round, c.Keys(), p.keys())
		}
	}
}

// What sets or deletes keys may be somebody else's update: no order of them may
// cost a step for each key that is there.
func TestObjectOfManyKeys(t *testing.T) {
	const n = 200_000
	start := time.Now()
	o := new(Object)
	for i := n; i > 0; i-- {
		o.Set(strconv.Itoa(i), nil)
	}
	if keys := o.Keys(); len(keys) != n || keys[0] != "1" || keys[n-1] != strconv.Itoa(n) {
		t.Errorf("%d keys, not 1 to %d", len(keys), n)
	}
	for i := n; i > 5; i-- { // as inserted
		o.Delete(strconv.Itoa(i))
	}
	if got, want := o.Keys(), []string{"1", "2", "3", "4", "5"}; !slices.Equal(got, want) {
		t.Errorf("keys %v are left, want %v", got, want)
	}
	// In quadratic time these are minutes.
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestReadingAnObjectAtTheSameTime(t *testing.T) {
	o := NewObject("b", 1.0, "2", 2.0, "1", 3.0)
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			if got, want := o.Keys(), []string{"1", "2", "b"}; !slices.Equal(got, want) {
				t.Errorf("keys %v, want %v", got, want)
			}
		})
	}
	readers.Wait()
}

func TestCheckNamesThePlace(t *testing.T) {
	for _, c := range []struct {
		value any
		want  string
	}{
		{[]any{1.0, NewObject("a", 3)}, `value[1]["a"]: int is no JavaScript value`},
		{"\xff", "value: string is not UTF-8"},
		{[]any{(*Object)(nil)}, "value[0]: nil *Object"},
		{NewObject("\xff", nil), "value: key is not UTF-8"},
	} {
		if err := Check(c.value); err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

func TestUTF16(t *testing.T) {
	// The plain version counts runes.
	length := func(s string) (n int) {
		for _, r := range s {
			if n++; r > 0xffff {
				n++
			}
		}
		return n
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		var b strings.Builder
		for range rng.IntN(30) {
			b.WriteString([]string{"a", "ü", "日", "😀", "abcdefghij"}[rng.IntN(5)])
		}
		s := b.String()
		n := length(s)
		if got, bytes := UTF16Len(s), UTF16Len([]byte(s)); got != n || bytes != n {
			t.Fatalf("%q has length %d, as bytes %d, want %d", s, got, bytes, n)
		}
		if ascii := len(s) == n; IsASCII([]byte(s)) != ascii {
			t.Fatalf("%q is ASCII: want %v", s, ascii)
		}
		for i := range n + 2 {
			at, split := UTF16Index([]byte(s), i)
			if i > n {
				if at != -1 {
					t.Fatalf("%q at %d of %d: %d", s, i, n, at)
				}
				continue
			}
			want := i
			if split {
				want--
			}
			if got := length(s[:at]); got != want {
				t.Fatalf("%q at %d: %d units before byte %d, split %v", s, i, got, at, split)
			}
		}
	}
	text := strings.Repeat("aü日😀", 20)
	if n := testing.AllocsPerRun(100, func() { UTF16Len(text) }); n > 0 {
		t.Errorf("the length of a string takes %v allocations", n)
	}
}
