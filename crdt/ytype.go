package crdt

// Kind tells which of Yjs's shared types a type is.
type Kind uint8

// The shared types. A root that only updates have named so far is of
// KindUnknown: its kind isn't on the wire.
const (
	KindUnknown Kind = iota
	KindArray
	KindMap
	KindText
	KindXmlElement
	KindXmlFragment
	KindXmlHook
	KindXmlText
)

// ref returns the kind's number in an update (Yjs: Y…RefID).
func (k Kind) ref() uint64 { return uint64(k) - 1 }

// String is the kind's name.
func (k Kind) String() string {
	names := [...]string{"unknown", "Array", "Map", "Text", "XmlElement", "XmlFragment", "XmlHook", "XmlText"}
	if int(k) >= len(names) {
		return "unknown"
	}
	return names[k]
}

// isText tells whether the kind has formatted text.
func (k Kind) isText() bool { return k == KindText || k == KindXmlText }

// A ytype is one shared type: a list of items, and a chain of items for each
// key. It is made before it belongs to a document, and survives its own
// collection as an empty shell, for the handles that point to it.
type ytype struct {
	doc   *Doc
	kind  Kind
	name  string // root: its name; XmlElement: nodeName; XmlHook: hookName
	item  int32  // the item whose content it is; 0 for a root
	depth int32  // nesting below a root
	list  int32  // the chain of its list

	keys   []int32          // the chains of its keys, by first insertion
	keyMap map[string]int32 // key to chain, once there are more than a few

	// formatted is set by the first format item since the kind is known, and
	// is what starts the formatting clean-up.
	formatted bool
	// markers are Yjs's search markers; noMarkers once formatted, or where Yjs
	// keeps none.
	markers   []marker
	noMarkers bool

	prelim *prelim // what was written before it belonged to a document
	handle Type

	changed     uint32 // generation of the transaction that changedSlot is of
	changedSlot int32
}

// A chain is one list of items: a type's list, or all values a key has had, the
// current one last.
type chain struct {
	t          *ytype
	key        string
	keyed      bool
	head, tail int32
	length     uint32 // of the countable, undeleted items of a list
	changed    uint32 // generation of the last transaction that changed it
}

func (d *Doc) newChain(c chain) int32 {
	if n := len(d.freeChains); n > 0 {
		i := d.freeChains[n-1]
		d.freeChains = d.freeChains[:n-1]
		d.chains[i] = c
		return i
	}
	d.chains = append(d.chains, c)
	return int32(len(d.chains) - 1)
}

// newType returns a type of the document without an item.
func (d *Doc) newType(kind Kind, name string) *ytype {
	t := &ytype{kind: kind, name: name}
	t.attach(d)
	return t
}

// attach makes t a type of d.
func (t *ytype) attach(d *Doc) {
	t.doc = d
	t.list = d.newChain(chain{t: t})
	t.noMarkers = !hasMarkers(t.kind)
}

// hasMarkers tells for which kinds Yjs keeps search markers.
func hasMarkers(k Kind) bool { return k == KindArray || k.isText() }

// keyChain returns the chain of a key, or 0.
func (t *ytype) keyChain(key string) int32 {
	if t.keyMap != nil {
		return t.keyMap[key]
	}
	for _, ci := range t.keys {
		if t.doc.chains[ci].key == key {
			return ci
		}
	}
	return 0
}

const keyMapFrom = 8 // keys from which a map is quicker than a scan

// ensureKeyChain returns the chain of a key, making it.
func (t *ytype) ensureKeyChain(key string) int32 {
	if ci := t.keyChain(key); ci != 0 {
		return ci
	}
	ci := t.doc.newChain(chain{t: t, key: key, keyed: true})
	t.keys = append(t.keys, ci)
	if t.keyMap != nil {
		t.keyMap[key] = ci
	} else if len(t.keys) >= keyMapFrom {
		t.keyMap = make(map[string]int32, 2*len(t.keys))
		for _, k := range t.keys {
			t.keyMap[t.doc.chains[k].key] = k
		}
	}
	return ci
}

// chainOf returns the chain of the list, or of a key if keyed. A collected type
// has none: 0.
func (t *ytype) chainOf(key []byte, keyed bool) int32 {
	if keyed && !t.collected() {
		return t.ensureKeyChain(string(key))
	}
	return t.list
}

// start returns the first item of the list, deleted ones included.
func (t *ytype) start() int32 { return t.doc.chains[t.list].head }

// current returns the item of a key's current value, or 0 if the key is unset
// or deleted.
func (t *ytype) current(key string) int32 {
	ci := t.keyChain(key)
	if ci == 0 {
		return 0
	}
	i := t.doc.chains[ci].tail
	if i == 0 || t.doc.item(i).deleted() {
		return 0
	}
	return i
}

// dead tells whether the type's item is deleted.
func (t *ytype) dead() bool {
	return t.collected() || t.item != 0 && t.doc.item(t.item).deleted()
}

// parent returns the type that t stands in, or nil.
func (t *ytype) parent() *ytype {
	if t.doc == nil || t.item == 0 {
		return nil
	}
	return t.doc.chains[t.doc.item(t.item).chain].t
}

// drop frees the chains of a type that is collected. Its items are GC structs
// by now.
func (t *ytype) drop() {
	d := t.doc
	for _, ci := range append(t.keys, t.list) {
		d.chains[ci] = chain{}
		d.freeChains = append(d.freeChains, ci)
	}
	t.keys, t.keyMap, t.markers = nil, nil, nil
	t.list, t.item = 0, 0
}

// collected tells whether the type's content is gone for good. Nothing leads
// from it to its document's items any more.
func (t *ytype) collected() bool { return t.doc != nil && t.list == 0 }
