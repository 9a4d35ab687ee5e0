package lib0

import (
	"bytes"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
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
	keys    []string
	values  []any
	indexes int            // the first keys that look like array indexes
	find    map[string]int // key to position; nil for few keys
}

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
	at := len(o.keys)
	if n, ok := arrayIndex(k); ok {
		at, _ = slices.BinarySearchFunc(o.keys[:o.indexes], n, func(k string, n uint32) int {
			i, _ := arrayIndex(k)
			return int(int64(i) - int64(n))
		})
		o.indexes++
	}
	o.keys = slices.Insert(o.keys, at, k)
	o.values = slices.Insert(o.values, at, v)
	o.reindex(at)
}

// Delete removes a key.
func (o *Object) Delete(k string) {
	i := o.position(k)
	if i < 0 {
		return
	}
	if i < o.indexes {
		o.indexes--
	}
	o.keys = slices.Delete(o.keys, i, i+1)
	o.values = slices.Delete(o.values, i, i+1)
	delete(o.find, k)
	o.reindex(i)
}

// reindex brings find up to date for the keys from position on.
func (o *Object) reindex(from int) {
	if o.find == nil {
		if len(o.keys) <= indexAbove {
			return
		}
		o.find, from = make(map[string]int, 2*len(o.keys)), 0
	}
	for i := from; i < len(o.keys); i++ {
		o.find[o.keys[i]] = i
	}
}

// add is Set for a decoder: it leaves the order to sort, so that reading many
// keys takes no quadratic time.
func (o *Object) add(k string, v any) {
	if i := o.position(k); i >= 0 {
		o.values[i] = v
		return
	}
	o.keys = append(o.keys, k)
	o.values = append(o.values, v)
	o.reindex(len(o.keys) - 1)
}

// sort puts what add added into JavaScript's order.
func (o *Object) sort() {
	type indexed struct {
		n   uint32
		key string
		v   any
	}
	var found []indexed
	for i, k := range o.keys {
		if n, ok := arrayIndex(k); ok {
			found = append(found, indexed{n, k, o.values[i]})
		}
	}
	o.indexes = len(found)
	if len(found) == 0 {
		return
	}
	slices.SortFunc(found, func(a, b indexed) int { return int(int64(a.n) - int64(b.n)) })
	keys, values := make([]string, 0, len(o.keys)), make([]any, 0, len(o.keys))
	for _, f := range found {
		keys, values = append(keys, f.key), append(values, f.v)
	}
	for i, k := range o.keys {
		if _, ok := arrayIndex(k); !ok {
			keys, values = append(keys, k), append(values, o.values[i])
		}
	}
	o.keys, o.values = keys, values
	o.reindex(0)
}

// Len is the number of keys.
func (o *Object) Len() int {
	if o == nil {
		return 0
	}
	return len(o.keys)
}

// Keys returns the keys in order.
func (o *Object) Keys() []string {
	if o == nil {
		return nil
	}
	return slices.Clone(o.keys)
}

// All ranges over keys and values in order.
func (o *Object) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		if o == nil {
			return
		}
		for i, k := range o.keys {
			if !yield(k, o.values[i]) {
				return
			}
		}
	}
}

// Clone returns a copy that shares its values.
func (o *Object) Clone() *Object {
	c := &Object{}
	if o != nil {
		c.keys, c.values, c.indexes = slices.Clone(o.keys), slices.Clone(o.values), o.indexes
		c.reindex(0)
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
