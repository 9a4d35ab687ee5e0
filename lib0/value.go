package lib0

import (
	"bytes"
	"cmp"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"sync/atomic"
	"unicode/utf8"
)

type undefined byte

// Undefined is JavaScript's undefined.
const Undefined undefined = 0

func (undefined) String() string { return "undefined" }

// BigInt is a JavaScript bigint, of which the format carries 64 bits.
type BigInt int64

// indexAbove is how many keys an Object finds by comparing; above it a map is
// kept.
const indexAbove = 8

// An Object holds properties in the order of a JavaScript object: keys that
// look like array indexes ascending, then the others as first inserted. Reading
// it from several goroutines is safe while none changes it.
type Object struct {
	keys   []string // in the order of insertion
	values []any    // hole{}: the key was deleted
	holes  int
	find   map[string]int // key to position; nil for few keys, which have no holes
	mixed  bool           // the order of insertion is not JavaScript's
	order  atomic.Pointer[[]int]
}

// hole is the value of a key that was deleted from an Object of many: closing
// the gap at once would cost a step for each key after it.
type hole struct{}

// NewObject returns an Object of alternating keys and values. A key that isn't
// a string is written as fmt.Sprint does, a last key alone is undefined.
func NewObject(keysAndValues ...any) *Object {
	o := new(Object)
	for i := 0; i < len(keysAndValues); i += 2 {
		k, ok := keysAndValues[i].(string)
		if !ok {
			k = fmt.Sprint(keysAndValues[i])
		}
		var v any = Undefined
		if i+1 < len(keysAndValues) {
			v = keysAndValues[i+1]
		}
		o.Set(k, v)
	}
	return o
}

// arrayIndex returns the number that k is the decimal form of, if that is an
// array index (at most 2^32-2).
func arrayIndex(k string) (uint32, bool) {
	if len(k) == 0 || len(k) > 10 || k[0] == '0' && len(k) > 1 {
		return 0, false
	}
	var n uint64
	for i := range len(k) {
		if k[i] < '0' || k[i] > '9' {
			return 0, false
		}
		n = n*10 + uint64(k[i]-'0')
	}
	return uint32(n), n < 1<<32-1
}

func (o *Object) position(k string) int {
	if o == nil {
		return -1
	}
	if o.find == nil {
		return slices.Index(o.keys, k)
	}
	if i, ok := o.find[k]; ok {
		return i
	}
	return -1
}

// Get returns the value of a key.
func (o *Object) Get(k string) (any, bool) {
	if i := o.position(k); i >= 0 {
		return o.values[i], true
	}
	return nil, false
}

// Set gives a key a value. A key that is there already keeps its position.
func (o *Object) Set(k string, v any) {
	if i := o.position(k); i >= 0 {
		o.values[i] = v
		return
	}
	last := len(o.keys) - 1
	if n, ok := arrayIndex(k); ok && last >= 0 {
		before, ok := arrayIndex(o.keys[last])
		o.mixed = o.mixed || !ok || before >= n
	}
	o.keys = append(o.keys, k)
	o.values = append(o.values, v)
	o.reorder()
	if o.find != nil {
		o.find[k] = last + 1
	} else if len(o.keys) > indexAbove {
		o.index()
	}
}

// index makes find.
func (o *Object) index() {
	o.find = make(map[string]int, 2*len(o.keys))
	for i, k := range o.keys {
		o.find[k] = i
	}
}

// Delete removes a key.
func (o *Object) Delete(k string) {
	i := o.position(k)
	if i < 0 {
		return
	}
	o.reorder()
	if o.find == nil {
		o.keys = slices.Delete(o.keys, i, i+1)
		o.values = slices.Delete(o.values, i, i+1)
		return
	}
	delete(o.find, k)
	o.values[i] = hole{}
	if o.holes++; o.holes > len(o.keys)/2 {
		o.close()
	}
}

// close closes the holes.
func (o *Object) close() {
	n := 0
	for i, v := range o.values {
		if v != any(hole{}) {
			o.keys[n], o.values[n] = o.keys[i], v
			n++
		}
	}
	clear(o.keys[n:])
	clear(o.values[n:])
	o.keys, o.values, o.holes, o.find = o.keys[:n], o.values[:n], 0, nil
	if n > indexAbove {
		o.index()
	}
}

// inOrder returns the positions of the keys in JavaScript's order. They are
// found out at the first reading, so that a Set costs no search for a place,
// and kept until the keys change. Readers at the same time find out the same.
func (o *Object) inOrder() []int {
	if known := o.order.Load(); known != nil {
		return *known
	}
	type indexed struct {
		n uint32
		i int
	}
	var indexes []indexed
	var names []int
	for i, k := range o.keys {
		if n, ok := arrayIndex(k); ok {
			indexes = append(indexes, indexed{n, i})
		} else {
			names = append(names, i)
		}
	}
	slices.SortFunc(indexes, func(a, b indexed) int { return cmp.Or(cmp.Compare(a.n, b.n), a.i-b.i) })
	order := make([]int, 0, len(o.keys))
	for _, x := range indexes {
		order = append(order, x.i)
	}
	order = append(order, names...)
	o.order.Store(&order)
	return order
}

// reorder forgets the order that inOrder found.
func (o *Object) reorder() {
	if o.mixed {
		o.order.Store(nil)
	}
}

// Len is the number of keys.
func (o *Object) Len() int {
	if o == nil {
		return 0
	}
	return len(o.keys) - o.holes
}

// Keys returns the keys in order.
func (o *Object) Keys() []string {
	if o == nil {
		return nil
	}
	keys := make([]string, 0, o.Len())
	for k := range o.All() {
		keys = append(keys, k)
	}
	return keys
}

// All ranges over keys and values in order. The keys must not be changed
// meanwhile.
func (o *Object) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		if o == nil {
			return
		}
		var order []int
		if o.mixed {
			order = o.inOrder()
		}
		for i := range o.keys {
			if order != nil {
				i = order[i]
			}
			if v := o.values[i]; v != any(hole{}) && !yield(o.keys[i], v) {
				return
			}
		}
	}
}

// Clone returns a copy that shares its values.
func (o *Object) Clone() *Object {
	n := o.Len()
	c := &Object{keys: make([]string, 0, n), values: make([]any, 0, n)}
	for k, v := range o.All() {
		c.Set(k, v)
	}
	return c
}

// Equal reports whether two values are alike, contents of arrays and objects
// included. NaN is like itself, 0 like -0; the order of keys doesn't count.
func Equal(a, b any) bool {
	switch a := a.(type) {
	case float64:
		b, ok := b.(float64)
		return ok && (a == b || math.IsNaN(a) && math.IsNaN(b))
	case []byte:
		b, ok := b.([]byte)
		return ok && bytes.Equal(a, b)
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, Equal)
	case *Object:
		b, ok := b.(*Object)
		if !ok || a.Len() != b.Len() {
			return false
		}
		for k, v := range a.All() {
			if w, ok := b.Get(k); !ok || !Equal(v, w) {
				return false
			}
		}
		return true
	case nil, undefined, bool, BigInt, string:
		return a == b
	}
	return false
}

// Check returns an error that names the place if v is no JavaScript value: of
// another Go type, a string that isn't UTF-8, or nested deeper than MaxDepth.
func Check(v any) error {
	return check(v, nil)
}

func check(v any, path []string) error {
	fail := func(format string, args ...any) error {
		at := ""
		for _, p := range path {
			at += "[" + p + "]"
		}
		return fmt.Errorf("value%s: "+format, append([]any{at}, args...)...)
	}
	switch v := v.(type) {
	case nil, undefined, bool, float64, BigInt, []byte:
		return nil
	case string:
		if !utf8.ValidString(v) {
			return fail("string is not UTF-8")
		}
		return nil
	case []any:
		if len(path) >= MaxDepth {
			return fmt.Errorf("value: %w", ErrDepth)
		}
		for i, e := range v {
			if err := check(e, append(path, strconv.Itoa(i))); err != nil {
				return err
			}
		}
		return nil
	case *Object:
		if len(path) >= MaxDepth {
			return fmt.Errorf("value: %w", ErrDepth)
		}
		if v == nil {
			return fail("nil *Object")
		}
		for k, e := range v.All() {
			if !utf8.ValidString(k) {
				return fail("key is not UTF-8")
			}
			if err := check(e, append(path, strconv.Quote(k))); err != nil {
				return err
			}
		}
		return nil
	}
	return fail("%T is no JavaScript value", v)
}
