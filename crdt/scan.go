package crdt

import (
	"fmt"
	"maps"
	"slices"
)

// Info is what a look through an update finds in it.
type Info struct {
	Structs int // gaps included
	Deletes int // ranges of the delete set as they are written
	Bytes   int // of the structs' content,
	Values  int // and of that what is values, which take longest to read

	// Only from Validate:
	Clients   []ClientRange // one for each section, in order
	Roots     []string      // root types named, sorted
	DeleteSet DeleteSet

	deletesAt int // offset of the delete set
}

// ClientRange is what of one client's clocks an update covers, gaps included.
type ClientRange struct {
	Client   uint64
	From, To uint32
}

// section is the structs of one client in an update.
type section struct {
	client uint64
	clock  uint32 // of the first struct
	end    uint32 // clock after the last struct
	whole  uint32 // clock of the first Skip, or end
	count  int    // of structs
	offset int    // of the first struct in the update
}

// scan is what scanUpdate finds out. It can be used for one update after the
// other and keeps its memory.
type scan struct {
	sections []section
	deleted  DeleteSet // the ranges of the delete set, in the order of the bytes
	info     Info
	gcs      int                 // GC structs
	opening  uint32              // length of the first struct
	roots    map[string]struct{} // names are collected here, unless it is nil
	passing  bool                // over the delete set: it is checked, but deleted stays empty
	pause    func()              // called every pauseEvery structs, unless it is nil
	reader   structReader
	current  encoded
}

// pauseEvery is how many structs are gone over between two moments for a pause,
// in some ten microseconds.
const pauseEvery = 256

// scanUpdate checks all of an update in V1 or Any that can be checked without a
// document. Only what it has accepted may be read by a structReader, merged,
// cut or converted. It allocates nothing once s has the capacity.
func scanUpdate(update []byte, f format, lim *Limits, s *scan) error {
	s.sections = s.sections[:0]
	s.info, s.gcs, s.opening = Info{}, 0, 0
	return refuse("update", s.run(update, f, lim.structs(len(update))))
}

func (s *scan) run(update []byte, f format, limit int) error {
	r, e := &s.reader, &s.current
	if err := r.reset(update, f); err != nil {
		return err
	}
	for range r.sections {
		if err := r.beginSection(); err != nil {
			return err
		}
		s.info.Structs += r.structs
		if s.info.Structs > limit {
			return &Error{In: "update", Offset: r.d.Offset(), Msg: fmt.Sprintf("more than %d structs", limit), Err: ErrStructs}
		}
		sec := section{client: r.client, clock: r.clock, count: r.structs, offset: r.d.Offset()}
		whole := true
		for r.structs > 0 {
			if _, err := r.next(e); err != nil {
				return err
			}
			if err := e.check(r.d.Offset()); err != nil {
				return err
			}
			if e.kind() == kindGC {
				s.gcs++
			}
			if s.opening == 0 {
				s.opening = e.length
			}
			if whole && e.kind() == kindSkip {
				whole, sec.whole = false, e.id.Clock
			}
			if s.roots != nil && e.hasRoot {
				s.roots[string(e.root)] = struct{}{}
			}
			s.info.Bytes += len(e.content)
			switch e.kind() {
			case kindString, kindBinary:
			default:
				s.info.Values += len(e.content)
			}
			if s.pause != nil && r.structs%pauseEvery == 0 {
				s.pause()
			}
		}
		sec.end = r.clock
		if whole {
			sec.whole = r.clock
		}
		s.sections = append(s.sections, sec)
	}
	s.deleted.ranges, s.deleted.loose = s.deleted.ranges[:0], true
	s.info.deletesAt = r.d.Offset()
	var into *DeleteSet
	if !s.passing {
		into = &s.deleted
	}
	n, err := readDeleteSet(&r.d, formatV1, into)
	s.info.Deletes = n
	return err
}

// Validate checks an update in V1 and says what is in it. An update that it
// accepts can be applied, merged, converted and cut without an error, but for
// limits of the document.
func Validate(update []byte, limits Limits) (Info, error) {
	return validate(update, formatV1, &limits)
}

// ValidateV2 is Validate for V2.
func ValidateV2(update []byte, limits Limits) (Info, error) {
	b, err := decodeV2(update, &limits)
	if err != nil {
		return Info{}, err
	}
	// What V2 packs into runs is plain now; it has been counted.
	limits.Structs = limits.structs(len(update))
	return validate(b, formatAny, &limits)
}

func validate(update []byte, f format, limits *Limits) (Info, error) {
	s := scan{roots: make(map[string]struct{})}
	if err := scanUpdate(update, f, limits, &s); err != nil {
		return Info{}, err
	}
	info := s.info
	for _, sec := range s.sections {
		info.Clients = append(info.Clients, ClientRange{sec.client, sec.clock, sec.end})
	}
	info.Roots = slices.Sorted(maps.Keys(s.roots))
	s.deleted.normalise()
	info.DeleteSet = s.deleted
	return info, nil
}
