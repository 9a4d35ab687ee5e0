package crdt

// ConvertV1ToV2 brings an update from V1 into V2, with its sections and
// deletions as they are.
func ConvertV1ToV2(update []byte) ([]byte, error) {
	var s scan
	if err := scanUpdate(update, formatV1, nil, &s); err != nil {
		return nil, err
	}
	return transcode(update, formatV1, formatV2, false)
}

// ConvertV2ToV1 brings an update from V2 into V1, with its sections and
// deletions as they are.
func ConvertV2ToV1(update []byte) ([]byte, error) {
	return transcode(update, formatV2, formatV1, false)
}

// transcode brings an update from one format into another. V2 is checked here;
// the others have passed scanUpdate, or come from the engine. From V2 to Any
// everything stays as it is, down to the info bytes. Otherwise values are
// written canonically as yjs does, and, unless verbatim is set, info bytes too:
// what the engine wrote keeps its bit for parentSub beside origins.
func transcode(update []byte, from, to format, verbatim bool) ([]byte, error) {
	if from == formatV2 {
		var err error
		if update, err = decodeV2(update, nil); err != nil || to == formatAny {
			return update, err
		}
		from = formatAny
	}
	out, err := rewrite(update, from, to, verbatim)
	return out, refuse("update", err)
}

func rewrite(update []byte, from, to format, verbatim bool) ([]byte, error) {
	var r structReader
	if err := r.reset(update, from); err != nil {
		return nil, err
	}
	w := newUpdateWriter(to, len(update), verbatim)
	var e encoded
	for {
		ok, err := r.next(&e)
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		if err := w.write(&e, 0); err != nil {
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
