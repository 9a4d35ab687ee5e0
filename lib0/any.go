package lib0

import (
	"encoding/binary"
	"math"
	"unicode/utf8"
)

// Any reads a value. As in lib0 a key __proto__ is lost, and of a repeated key
// the last value counts, at the first one's place.
func (d *Decoder) Any() (any, error) {
	return d.any(0)
}

func (d *Decoder) tooDeep() error {
	return &Error{Offset: d.Offset(), Msg: "value nested deeper than 500", Err: ErrDepth}
}

func (d *Decoder) any(depth int) (any, error) {
	tag, err := d.Byte()
	if err != nil {
		return nil, d.Errorf("expected a value, found the end")
	}
	switch tag {
	case tagUndefined:
		return Undefined, nil
	case tagNull:
		return nil, nil
	case tagTrue:
		return true, nil
	case tagFalse:
		return false, nil
	case tagInt:
		n, negative, err := d.Varint()
		f := float64(n)
		if negative {
			f = math.Copysign(f, -1)
		}
		return f, err
	case tagFloat32:
		b, err := d.Take(4)
		if err != nil {
			return nil, err
		}
		return fromFloat32(binary.BigEndian.Uint32(b)), nil
	case tagFloat64:
		b, err := d.Take(8)
		if err != nil {
			return nil, err
		}
		f := math.Float64frombits(binary.BigEndian.Uint64(b))
		if f != f {
			f = math.Float64frombits(math.Float64bits(f) | quietNaN)
		}
		return f, nil
	case tagBigInt:
		b, err := d.Take(8)
		if err != nil {
			return nil, err
		}
		return BigInt(binary.BigEndian.Uint64(b)), nil
	case tagString:
		return d.String()
	case tagBytes:
		b, err := d.Bytes()
		return append([]byte{}, b...), err
	case tagArray:
		return d.array(depth)
	case tagObject:
		return d.object(depth)
	}
	return nil, d.errorAt(d.off-1, "expected a value (116 to 127), found %d", tag)
}

// fromFloat32 widens a float32 given by its bits. What a processor does with the
// bits of a NaN is spelled out, so that all do the same.
func fromFloat32(b uint32) float64 {
	f := math.Float32frombits(b)
	if f == f {
		return float64(f)
	}
	return math.Float64frombits(uint64(b>>31)<<63 | 0x7ff<<52 | quietNaN | uint64(b&(1<<23-1))<<29)
}

// A slice for a claimed count begins no longer than this: nested arrays could
// each claim all that is left.
const firstCap = 32

func (d *Decoder) array(depth int) (any, error) {
	if depth >= MaxDepth {
		return nil, d.tooDeep()
	}
	n, err := d.Count(1)
	if err != nil {
		return nil, err
	}
	values := make([]any, 0, min(n, firstCap))
	for range n {
		v, err := d.any(depth + 1)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, nil
}

func (d *Decoder) object(depth int) (any, error) {
	if depth >= MaxDepth {
		return nil, d.tooDeep()
	}
	n, err := d.Count(2)
	if err != nil {
		return nil, err
	}
	o := new(Object)
	for range n {
		k, err := d.String()
		if err != nil {
			return nil, err
		}
		v, err := d.any(depth + 1)
		if err != nil {
			return nil, err
		}
		if k != "__proto__" {
			o.Set(k, v)
		}
	}
	return o, nil
}

// goNaN is math.NaN, which isn't written as it is.
var goNaN = math.Float64bits(math.NaN())

// AnyInfo is what ScanAny finds out about a value.
type AnyInfo struct {
	Canonical bool // its bytes are surely those AppendAny would write
	BigInt    bool // it is or holds a bigint, which JSON has no form for
}

// ScanAny reads a value without building it and checks all that Any checks.
func (d *Decoder) ScanAny() (AnyInfo, error) {
	info := AnyInfo{Canonical: true}
	err := d.scanAny(&info, 0)
	return info, err
}

// SkipAny passes over a value that ScanAny has accepted before; text isn't
// checked.
func (d *Decoder) SkipAny() error {
	return d.scanAny(nil, 0)
}

// scanAny notes what it sees in info and checks text, unless info is nil.
func (d *Decoder) scanAny(info *AnyInfo, depth int) error {
	tag, err := d.Byte()
	if err != nil {
		return d.Errorf("expected a value, found the end")
	}
	switch tag {
	case tagUndefined, tagNull, tagTrue, tagFalse:
		return nil
	case tagInt:
		start := d.off
		n, _, err := d.Varint()
		if err == nil && info != nil && (n > maxInt || d.off-start > 1 && d.buf[d.off-1] == 0) {
			info.Canonical = false
		}
		return err
	case tagFloat32:
		b, err := d.Take(4)
		if err == nil && info != nil {
			f := float64(math.Float32frombits(binary.BigEndian.Uint32(b)))
			info.Canonical = info.Canonical && f == f && !isSmallInt(f)
		}
		return err
	case tagFloat64:
		b, err := d.Take(8)
		if err == nil && info != nil {
			u := binary.BigEndian.Uint64(b)
			f := math.Float64frombits(u)
			info.Canonical = info.Canonical && (f != f && u&quietNaN != 0 && u != goNaN || f == f && !isSmallInt(f) && float64(float32(f)) != f)
		}
		return err
	case tagBigInt:
		if info != nil {
			info.BigInt = true
		}
		_, err := d.Take(8)
		return err
	case tagString:
		_, err := d.scanText(info)
		return err
	case tagBytes:
		start := d.off
		b, err := d.Bytes()
		if info != nil && d.off-start != len(b)+UvarintLen(uint64(len(b))) {
			info.Canonical = false
		}
		return err
	case tagArray, tagObject:
		return d.scanNested(tag, info, depth)
	}
	return d.errorAt(d.off-1, "expected a value (116 to 127), found %d", tag)
}

func (d *Decoder) scanNested(tag byte, info *AnyInfo, depth int) error {
	if depth >= MaxDepth {
		return d.tooDeep()
	}
	start, size := d.off, 1
	if tag == tagObject {
		size = 2
	}
	n, err := d.Count(size)
	if err != nil {
		return err
	}
	if info != nil && d.off-start != UvarintLen(uint64(n)) {
		info.Canonical = false
	}
	var order keyOrder
	for range n {
		if tag == tagObject {
			k, err := d.scanText(info)
			if err != nil {
				return err
			}
			if info != nil && info.Canonical && !order.add(k) {
				info.Canonical = false
			}
		}
		if err := d.scanAny(info, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// scanText passes over a string, and checks it if there is an info.
func (d *Decoder) scanText(info *AnyInfo) ([]byte, error) {
	start := d.off
	b, err := d.Bytes()
	if err != nil || info == nil {
		return b, err
	}
	if !utf8.Valid(b) {
		return nil, d.errorAt(d.off-len(b)+invalidAt(b), "expected UTF-8, found %#02x", b[invalidAt(b)])
	}
	if d.off-start != len(b)+UvarintLen(uint64(len(b))) {
		info.Canonical = false
	}
	return b, nil
}

// keyOrder tells without allocating whether keys surely come in an object's
// order: few, all different, none like an array index or __proto__. Others may
// be in order too; they are then read and written instead of copied.
type keyOrder struct {
	keys [indexAbove][]byte
	n    int
}

func (o *keyOrder) add(k []byte) bool {
	if o.n == len(o.keys) || len(k) > 0 && k[0] >= '0' && k[0] <= '9' || string(k) == "__proto__" {
		return false
	}
	for _, other := range o.keys[:o.n] {
		if string(other) == string(k) {
			return false
		}
	}
	o.keys[o.n] = k
	o.n++
	return true
}
