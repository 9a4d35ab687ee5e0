package crdt

import "github.com/inkwire/inkwire/lib0"

// DiffUpdate returns what of an update a document with state vector sv lacks,
// byte for byte as yjs's diffUpdate does: at most one struct a client is cut,
// and all deletions stay.
func DiffUpdate(update []byte, sv StateVector) ([]byte, error) {
	return diffFormat(update, sv, formatV1)
}

// DiffUpdateV2 is DiffUpdate for V2.
func DiffUpdateV2(update []byte, sv StateVector) ([]byte, error) {
	return diffFormat(update, sv, formatV2)
}

// diffFormat takes sv away from an update of a format and returns the rest in
// that format.
func diffFormat(update []byte, sv StateVector, f format) ([]byte, error) {
	b, layout, err := plain(update, f)
	if err != nil {
		return nil, err
	}
	out, err := diff(b, sv, layout, f)
	return out, refuse("update", err)
}

// plain checks an update and returns it in V1 or Any, and which of them.
func plain(update []byte, f format) ([]byte, format, error) {
	if f == formatV2 {
		b, err := decodeV2(update, nil)
		return b, formatAny, err
	}
	s := scan{passing: true}
	return update, f, scanUpdate(update, f, nil, &s)
}

func diff(update []byte, sv StateVector, from, to format) ([]byte, error) {
	var r structReader
	if err := r.reset(update, from); err != nil {
		return nil, err
	}
	w := newUpdateWriter(to, len(update), false)
	var e encoded
	// Once something of a client is new, all that follows of it is, Skips too.
	var client uint64
	writing := false
	for {
		ok, err := r.next(&e)
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		known := sv[e.id.Client]
		switch {
		case writing && e.id.Client == client:
			err = w.write(&e, 0)
		case e.kind() != kindSkip && e.end() > known:
			writing, client = true, e.id.Client
			err = w.write(&e, max(known, e.id.Clock)-e.id.Clock)
		default:
			writing = false
		}
		if err != nil {
			return nil, err
		}
	}
	var deletes DeleteSet
	if _, err := readDeleteSet(&r.d, formatV1, &deletes); err != nil {
		return nil, err
	}
	deletes.byClient(to)
	return w.finish(deletes.ranges), nil
}

// StateVectorFromUpdate returns the state vector of a document that is made of
// an update in V1 alone: a client counts if its structs begin at clock 0, up to
// its first Skip.
func StateVectorFromUpdate(update []byte) (StateVector, error) {
	return stateVectorFrom(update, formatV1)
}

// StateVectorFromUpdateV2 is StateVectorFromUpdate for V2.
func StateVectorFromUpdateV2(update []byte) (StateVector, error) {
	return stateVectorFrom(update, formatV2)
}

func stateVectorFrom(update []byte, f format) (StateVector, error) {
	clocks, err := clocksOf(update, f)
	sv := make(StateVector, len(clocks))
	for _, id := range clocks {
		sv[id.Client] = id.Clock
	}
	return sv, err
}

// EncodeStateVectorFromUpdate encodes the state vector of an update in V1, byte
// for byte as yjs does: clients as the update has them.
func EncodeStateVectorFromUpdate(update []byte) ([]byte, error) {
	return encodeStateVectorFrom(update, formatV1)
}

// EncodeStateVectorFromUpdateV2 is EncodeStateVectorFromUpdate for V2.
func EncodeStateVectorFromUpdateV2(update []byte) ([]byte, error) {
	return encodeStateVectorFrom(update, formatV2)
}

func encodeStateVectorFrom(update []byte, f format) ([]byte, error) {
	clocks, err := clocksOf(update, f)
	if err != nil {
		return nil, err
	}
	out := lib0.AppendUvarint(nil, uint64(len(clocks)))
	for _, id := range clocks {
		out = appendID(out, id)
	}
	return out, nil
}

// clocksOf returns the clocks up to which an update holds each client. A client
// in two sections apart comes twice; sections of one client side by side count
// as one. A Skip that opens the update counts as if it were known: so does yjs.
func clocksOf(update []byte, f format) ([]ID, error) {
	layout := f
	if f == formatV2 {
		var err error
		if update, err = decodeV2(update, nil); err != nil {
			return nil, err
		}
		layout = formatAny
	}
	s := scan{passing: true}
	if err := scanUpdate(update, layout, nil, &s); err != nil {
		return nil, err
	}
	var clocks []ID
	var current ID
	first, counting := true, false
	for _, sec := range s.sections {
		if sec.count == 0 {
			continue
		}
		if first || sec.client != current.Client {
			if current.Clock != 0 {
				clocks = append(clocks, current)
			}
			current, counting = ID{Client: sec.client}, sec.clock == 0
		}
		if counting {
			if sec.whole > sec.clock {
				current.Clock = sec.whole
			} else if first {
				current.Clock = s.opening
			}
			counting = sec.whole == sec.end
		}
		first = false
	}
	if current.Clock != 0 {
		clocks = append(clocks, current)
	}
	return clocks, nil
}
