package crdt

// exactSort sorts heads as V8's Array.prototype.sort does with yjs's
// comparison. It is TimSort (Tim Peters, CPython's listsort.txt) with a minimal
// run of 32 to 64: which pairs are compared, and in which order, matters here,
// because that comparison isn't consistent.
func exactSort(heads []head) {
	s := timSort{a: heads, minGallop: minGallop}
	s.sort()
}

// yjsCompare is yjs's comparison: below zero if a comes first. Of a GC struct
// and an item at one place each comes before the other.
func yjsCompare(a, b *head) int {
	switch {
	case a.id.Client != b.id.Client:
		if a.id.Client > b.id.Client {
			return -1
		}
		return 1
	case a.id.Clock != b.id.Clock:
		return int(int64(a.id.Clock) - int64(b.id.Clock))
	case a.gc != b.gc:
		return -1
	}
	return 0
}

// minGallop is how many times in a row one run must win before merging gallops.
const minGallop = 7

type timSort struct {
	a         []head
	runs      []run
	minGallop int
	temp      []head
}

type run struct{ base, len int }

func (s *timSort) sort() {
	if len(s.a) < 2 {
		return
	}
	minRun := minRunLen(len(s.a))
	for low := 0; low < len(s.a); {
		n := s.countRun(low)
		if n < minRun {
			forced := min(minRun, len(s.a)-low)
			s.insertionSort(low, low+n, low+forced)
			n = forced
		}
		s.runs = append(s.runs, run{low, n})
		s.collapse()
		low += n
	}
	for len(s.runs) > 1 {
		n := len(s.runs) - 2
		if n > 0 && s.runs[n-1].len < s.runs[n+1].len {
			n--
		}
		s.mergeAt(n)
	}
}

func minRunLen(n int) int {
	r := 0
	for n >= 64 {
		r |= n & 1
		n >>= 1
	}
	return n + r
}

// countRun returns the length of the run that begins at low, and reverses it if
// it descends.
func (s *timSort) countRun(low int) int {
	if low+1 == len(s.a) {
		return 1
	}
	descending := yjsCompare(&s.a[low+1], &s.a[low]) < 0
	n := 2
	for ; low+n < len(s.a); n++ {
		if (yjsCompare(&s.a[low+n], &s.a[low+n-1]) < 0) != descending {
			break
		}
	}
	if descending {
		for i, j := low, low+n-1; i < j; i, j = i+1, j-1 {
			s.a[i], s.a[j] = s.a[j], s.a[i]
		}
	}
	return n
}

// insertionSort sorts from low to high; up to start it is sorted.
func (s *timSort) insertionSort(low, start, high int) {
	for ; start < high; start++ {
		pivot := s.a[start]
		left, right := low, start
		for left < right {
			mid := left + (right-left)/2
			if yjsCompare(&pivot, &s.a[mid]) < 0 {
				right = mid
			} else {
				left = mid + 1
			}
		}
		copy(s.a[left+1:start+1], s.a[left:start])
		s.a[left] = pivot
	}
}

// collapse merges runs until the lengths on the stack fall fast enough.
func (s *timSort) collapse() {
	for len(s.runs) > 1 {
		n := len(s.runs) - 2
		if !s.falling(n+1) || !s.falling(n) {
			if s.runs[n-1].len < s.runs[n+1].len {
				n--
			}
			s.mergeAt(n)
		} else if s.runs[n].len <= s.runs[n+1].len {
			s.mergeAt(n)
		} else {
			return
		}
	}
}

func (s *timSort) falling(n int) bool {
	return n < 2 || s.runs[n-2].len > s.runs[n-1].len+s.runs[n].len
}

// mergeAt merges the runs i and i+1.
func (s *timSort) mergeAt(i int) {
	a, b := s.runs[i], s.runs[i+1]
	s.runs[i].len = a.len + b.len
	copy(s.runs[i+1:], s.runs[i+2:])
	s.runs = s.runs[:len(s.runs)-1]

	k := gallopRight(&s.a[b.base], s.a[a.base:a.base+a.len], 0)
	a.base, a.len = a.base+k, a.len-k
	if a.len == 0 {
		return
	}
	b.len = gallopLeft(&s.a[a.base+a.len-1], s.a[b.base:b.base+b.len], b.len-1)
	if b.len == 0 {
		return
	}
	if a.len <= b.len {
		s.mergeLow(a, b)
	} else {
		s.mergeHigh(a, b)
	}
}

// gallopLeft returns where in a key belongs, left of what is equal, searching
// from hint.
func gallopLeft(key *head, a []head, hint int) int {
	last, offset := 0, 1
	if yjsCompare(&a[hint], key) < 0 {
		limit := len(a) - hint
		for offset < limit && yjsCompare(&a[hint+offset], key) < 0 {
			last, offset = offset, offset*2+1
		}
		last, offset = last+hint, min(offset, limit)+hint
	} else {
		limit := hint + 1
		for offset < limit && yjsCompare(&a[hint-offset], key) >= 0 {
			last, offset = offset, offset*2+1
		}
		last, offset = hint-min(offset, limit), hint-last
	}
	for last++; last < offset; {
		mid := last + (offset-last)/2
		if yjsCompare(&a[mid], key) < 0 {
			last = mid + 1
		} else {
			offset = mid
		}
	}
	return offset
}

// gallopRight returns where in a key belongs, right of what is equal, searching
// from hint.
func gallopRight(key *head, a []head, hint int) int {
	last, offset := 0, 1
	if yjsCompare(key, &a[hint]) < 0 {
		limit := hint + 1
		for offset < limit && yjsCompare(key, &a[hint-offset]) < 0 {
			last, offset = offset, offset*2+1
		}
		last, offset = hint-min(offset, limit), hint-last
	} else {
		limit := len(a) - hint
		for offset < limit && yjsCompare(key, &a[hint+offset]) >= 0 {
			last, offset = offset, offset*2+1
		}
		last, offset = last+hint, min(offset, limit)+hint
	}
	for last++; last < offset; {
		mid := last + (offset-last)/2
		if yjsCompare(key, &a[mid]) < 0 {
			offset = mid
		} else {
			last = mid + 1
		}
	}
	return offset
}

// mergeLow merges neighbouring runs from the left; a is the shorter.
func (s *timSort) mergeLow(a, b run) {
	s.temp = append(s.temp[:0], s.a[a.base:a.base+a.len]...)
	left, right := s.temp, s.a[b.base:b.base+b.len] // what is left of a and b
	dest := a.base
	fromA := func(n int) {
		dest += copy(s.a[dest:], left[:n])
		left = left[n:]
	}
	fromB := func(n int) {
		dest += copy(s.a[dest:], right[:n])
		right = right[n:]
	}
	// end writes what is left: if only one of a is, it belongs last.
	end := func() {
		if len(right) > 0 {
			fromB(len(right))
		}
		fromA(len(left))
	}
	fromB(1)
	if len(right) == 0 || len(left) == 1 {
		end()
		return
	}
	gallop := s.minGallop
	for {
		winsA, winsB := 0, 0
		for winsA < gallop && winsB < gallop {
			if yjsCompare(&right[0], &left[0]) < 0 {
				fromB(1)
				winsA, winsB = 0, winsB+1
				if len(right) == 0 {
					end()
					return
				}
			} else {
				fromA(1)
				winsA, winsB = winsA+1, 0
				if len(left) == 1 {
					end()
					return
				}
			}
		}
		gallop++
		for first := true; first || winsA >= minGallop || winsB >= minGallop; first = false {
			gallop = max(1, gallop-1)
			s.minGallop = gallop
			if winsA = gallopRight(&right[0], left, 0); winsA > 0 {
				fromA(winsA)
				if len(left) == 1 {
					end()
					return
				}
				if len(left) == 0 {
					return
				}
			}
			fromB(1)
			if len(right) == 0 {
				end()
				return
			}
			if winsB = gallopLeft(&left[0], right, 0); winsB > 0 {
				fromB(winsB)
				if len(right) == 0 {
					end()
					return
				}
			}
			fromA(1)
			if len(left) == 1 {
				end()
				return
			}
		}
		gallop++
		s.minGallop = gallop
	}
}

// mergeHigh merges neighbouring runs from the right; b is the shorter.
func (s *timSort) mergeHigh(a, b run) {
	s.temp = append(s.temp[:0], s.a[b.base:b.base+b.len]...)
	left, right := s.a[a.base:a.base+a.len], s.temp // what is left of a and b
	dest := b.base + b.len                          // before it is written next
	fromA := func(n int) {
		dest -= n
		copy(s.a[dest:], left[len(left)-n:])
		left = left[:len(left)-n]
	}
	fromB := func(n int) {
		dest -= n
		copy(s.a[dest:], right[len(right)-n:])
		right = right[:len(right)-n]
	}
	// end writes what is left: if only one of b is, it belongs first.
	end := func() {
		if len(left) > 0 {
			fromA(len(left))
		}
		fromB(len(right))
	}
	fromA(1)
	if len(left) == 0 || len(right) == 1 {
		end()
		return
	}
	gallop := s.minGallop
	for {
		winsA, winsB := 0, 0
		for winsA < gallop && winsB < gallop {
			if yjsCompare(&right[len(right)-1], &left[len(left)-1]) < 0 {
				fromA(1)
				winsA, winsB = winsA+1, 0
				if len(left) == 0 {
					end()
					return
				}
			} else {
				fromB(1)
				winsA, winsB = 0, winsB+1
				if len(right) == 1 {
					end()
					return
				}
			}
		}
		gallop++
		for first := true; first || winsA >= minGallop || winsB >= minGallop; first = false {
			gallop = max(1, gallop-1)
			s.minGallop = gallop
			winsA = len(left) - gallopRight(&right[len(right)-1], left, len(left)-1)
			if winsA > 0 {
				fromA(winsA)
				if len(left) == 0 {
					end()
					return
				}
			}
			fromB(1)
			if len(right) == 1 {
				end()
				return
			}
			winsB = len(right) - gallopLeft(&left[len(left)-1], right, len(right)-1)
			if winsB > 0 {
				fromB(winsB)
				if len(right) == 1 {
					end()
					return
				}
				if len(right) == 0 {
					return
				}
			}
			fromA(1)
			if len(left) == 0 {
				end()
				return
			}
		}
		gallop++
		s.minGallop = gallop
	}
}
