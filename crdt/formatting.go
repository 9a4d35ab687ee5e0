package crdt

import "slices"

// Concurrent edits leave formatting items that change nothing: two people make
// one word bold, or a bold word is deleted. Yjs removes them, in all peers that
// show a text, after each remote update that touched one (YText.js,
// cleanupYTextAfterTransaction), and so does this file.

// cleanUpFormatting removes redundant formatting that a remote transaction
// brought about, in a transaction of its own. It is an economy, no duty: it
// stops where the work of the update under way reaches its limit.
func (d *Doc) cleanUpFormatting(tx *Transaction) {
	var full []*ytype // texts to be looked through whole
	seen := map[*ytype]bool{}
	need := func(t *ytype) {
		if !seen[t] {
			seen[t] = true
			full = append(full, t)
		}
	}
	for i, after := range tx.after {
		b := tx.before[i]
		if after == b.clock {
			continue
		}
		c := d.clients[b.client]
		for p, ok := c.find(b.clock), true; ok; p, ok = c.next(p) {
			if it := d.item(c.at(p)); !it.deleted() && it.kind() == kindFormat {
				need(d.chains[it.chain].t)
			}
		}
	}
	d.Transact(nil, func(inner *Transaction) error {
		// Which items come before the first formatting item of a text decides
		// what is done for them: the order is yjs's.
		for _, ci := range tx.deletedFirst {
			for _, r := range tx.deletesOf(ci) {
				d.cleanDeleted(inner, r, seen, need)
			}
		}
		for _, t := range full {
			d.cleanText(inner, t)
		}
		return nil
	})
}

// cleanDeleted looks at what was deleted: a formatting item calls for its whole
// text, others for the gap around them, unless their text is called for already.
func (d *Doc) cleanDeleted(tx *Transaction, r deleted, seen map[*ytype]bool, need func(*ytype)) {
	c := d.clients[r.client]
	for p, ok := c.find(r.clock), true; ok; p, ok = c.next(p) {
		i := c.at(p)
		it := d.item(i)
		if it.clock >= r.clock+r.len || d.work > d.budget {
			return
		}
		if it.kind() == kindGC {
			continue
		}
		t := d.chains[it.chain].t
		switch {
		case !t.formatted || seen[t]:
		case it.kind() == kindFormat:
			need(t)
		default:
			d.cleanGap(tx, i)
		}
	}
}

// cleanGap removes, of the formatting items in the gap around a deleted item,
// those that a later one of the same key overwrites
// (Yjs: cleanupContextlessFormattingGap).
func (d *Doc) cleanGap(tx *Transaction, i int32) {
	for r := d.item(i).right; r != 0 && !d.item(r).visible(); r = d.item(r).right {
		i = r
		d.work++
	}
	var keys []string
	for ; i != 0; i = d.item(i).left {
		it := d.item(i)
		if it.visible() {
			return
		}
		d.work += 1 + len(keys)
		if it.deleted() || it.kind() != kindFormat {
			continue
		}
		if d.work > d.budget {
			return
		}
		key := d.formatOf(it).key
		if slices.Contains(keys, key) {
			d.delete(tx, i)
		} else {
			keys = append(keys, key)
		}
	}
}

// cleanText removes all redundant formatting of a text
// (Yjs: cleanupYTextFormatting).
func (d *Doc) cleanText(tx *Transaction, t *ytype) {
	start := t.start()
	var before, current attrs
	for i := start; i != 0 && d.work <= d.budget; i = d.item(i).right {
		it := d.item(i)
		d.work++
		if it.deleted() {
			continue
		}
		if it.kind() == kindFormat {
			d.work += len(current)
			current.update(d.formatOf(it))
			continue
		}
		d.cleanFormats(tx, start, i, before, &current, d.budget)
		before = append(before[:0], current...)
		start = i
	}
}

// cleanFormats removes redundant formatting items from start up to the next
// visible item. before is the formatting at start, current the one at curr,
// which is kept true (Yjs: cleanupFormattingGap). It stops at so much work.
func (d *Doc) cleanFormats(tx *Transaction, start, curr int32, before attrs, current *attrs, budget int) {
	end := start
	var lasts map[string]int32 // the formatting item that decides, for each key
	for end != 0 && !d.item(end).visible() {
		it := d.item(end)
		d.work++
		if !it.deleted() && it.kind() == kindFormat {
			if lasts == nil {
				lasts = make(map[string]int32, 4)
			}
			lasts[d.formatOf(it).key] = end
		}
		end = it.right
	}
	if lasts == nil {
		return
	}
	reached := false
	for ; start != end && d.work <= budget; start = d.item(start).right {
		if start == curr {
			reached = true
		}
		it := d.item(start)
		if it.deleted() || it.kind() != kindFormat {
			continue
		}
		d.work += len(before) + len(*current)
		f := d.formatOf(it)
		old := before.get(f.key)
		same := sameValue(old, f.value, sameObject(old, f.value))
		if lasts[f.key] != start || same {
			d.delete(tx, start)
			now := current.get(f.key)
			if !reached && !same && sameValue(now, f.value, sameObject(now, f.value)) {
				if old == nil {
					current.del(f.key)
				} else {
					current.set(f.key, old)
				}
			}
		}
		if !reached && !it.deleted() {
			current.update(f)
		}
	}
}
