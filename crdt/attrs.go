package crdt

import (
	"slices"

	"github.com/inkwire/inkwire/lib0"
)

// attrs is the formatting at a place in a text: few keys, in the order in which
// they were set, as in a JavaScript Map. An absent key means nil.
type attrs []attr

type attr struct {
	key   string
	value any
}

func (a attrs) find(key string) int {
	return slices.IndexFunc(a, func(x attr) bool { return x.key == key })
}

func (a attrs) get(key string) any {
	if i := a.find(key); i >= 0 {
		return a[i].value
	}
	return nil
}

func (a *attrs) set(key string, value any) {
	if i := a.find(key); i >= 0 {
		(*a)[i].value = value
		return
	}
	*a = append(*a, attr{key, value})
}

func (a *attrs) del(key string) {
	if i := a.find(key); i >= 0 {
		*a = slices.Delete(*a, i, i+1)
	}
}

// update applies a formatting item: nil closes its key.
func (a *attrs) update(f *formatting) {
	if f.value == nil {
		a.del(f.key)
		return
	}
	a.set(f.key, f.value)
}

// object returns the attributes as an object; nil if there are none.
func (a attrs) object() *lib0.Object {
	if len(a) == 0 {
		return nil
	}
	o := lib0.NewObject()
	for _, x := range a {
		o.Set(x.key, x.value)
	}
	return o
}

// attribute returns the value of a key, nil if unset or undefined.
func attribute(o *lib0.Object, key string) any {
	v, ok := o.Get(key)
	if !ok || v == any(lib0.Undefined) {
		return nil
	}
	return v
}
