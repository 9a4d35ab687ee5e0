package ws

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"

	"github.com/klauspost/compress/flate"
)

// compressing bounds how many goroutines deflate or inflate at once: it is the
// processor's work alone, so more would only hold more memory.
var compressing = make(chan struct{}, runtime.GOMAXPROCS(0))

func compress() (done func()) {
	compressing <- struct{}{}
	return func() { <-compressing }
}

// A deflater holds about a megabyte, so there are no more than goroutines that
// use one, and none belongs to a connection.
type deflater struct {
	z   *flate.Writer
	out bytes.Buffer
}

// deflaters has the unused ones of each level.
var deflaters [flate.BestCompression + 1]sync.Pool

// deflated returns the body as deflate blocks, or nil if those are hardly
// shorter. They are made once, at the level of the first who asks.
func (b *Body) deflated(level int) []byte {
	b.once.Do(func() { b.blocks = deflate(b.bytes, level) })
	return b.blocks
}

// syncFlush ends what a flush writes, an empty stored block but for its first
// bits. A message goes without it (RFC 7692, 7.2.1).
var syncFlush = []byte{0, 0, 0xff, 0xff}

func deflate(b []byte, level int) []byte {
	defer compress()()
	d, _ := deflaters[level].Get().(*deflater)
	if d == nil {
		d = new(deflater)
		d.z, _ = flate.NewWriter(&d.out, level) // fails only for other levels
	}
	defer deflaters[level].Put(d)
	d.out.Reset()
	d.z.Reset(&d.out)
	// Writing to a buffer can't fail.
	_, _ = d.z.Write(b)
	_ = d.z.Flush()
	blocks := bytes.TrimSuffix(d.out.Bytes(), syncFlush)
	if len(blocks)+storedHeader >= len(b) {
		return nil
	}
	blocks = bytes.Clone(blocks)
	if d.out.Cap() > maxScratch {
		d.out = bytes.Buffer{}
	}
	return blocks
}

// maxScratch is the size in bytes up to which a buffer is kept for the next.
const maxScratch = 1 << 20

// An inflater holds about 40 kB. It is used only when a message has come whole:
// a peer that never ends its message holds none.
type inflater struct {
	src bytes.Reader
	z   io.ReadCloser // also a flate.Resetter
}

var inflaters = sync.Pool{New: func() any {
	f := new(inflater)
	f.z = flate.NewReader(&f.src)
	return f
}}

// inflateEnd is what follows a message's blocks: the flush that its sender cut
// off, and an empty last block, so that inflating ends with io.EOF.
var inflateEnd = append(syncFlush[:4:4], 1, 0, 0, 0xff, 0xff)

// errTooLong is returned by inflate if there are more bytes than the limit.
var errTooLong = errors.New("longer than the limit")

// inflate returns the message that was deflated to these blocks, which it may
// append to. Bytes beyond the limit aren't kept, and inflating ends with them. hold
// is asked before memory is taken: for how much, with the blocks.
//
// A sender may also end the message, or a part of it, with a last block
// (RFC 7692, 7.2.3.4): then more may follow, up to the cut off flush.
func inflate(blocks []byte, limit int, hold func(bytes int) error) ([]byte, error) {
	if len(blocks) == 0 {
		return nil, nil // not quite a deflated message, but there is one reading
	}
	defer compress()()
	f := inflaters.Get().(*inflater)
	defer inflaters.Put(f)
	blocks = append(blocks, inflateEnd...)
	total := len(blocks)
	f.src.Reset(blocks)
	defer f.src.Reset(nil) // let the bytes go
	var out []byte
	more := func(n int) error {
		n = min(limit+1, n)
		if err := hold(cap(blocks) + grabs(n)); err != nil {
			return err
		}
		out = grow(out, n)
		return nil
	}
	if err := more(max(minInflated, 2*total)); err != nil {
		return nil, err
	}
	for parts := 0; f.src.Len() > len(inflateEnd); parts++ {
		if parts == maxParts {
			return nil, fmt.Errorf("deflated data: byte %d of %d: more than %d last blocks",
				total-f.src.Len(), total-len(inflateEnd), maxParts)
		}
		// What came before may be referred to in any case.
		if err := f.z.(flate.Resetter).Reset(&f.src, out[max(0, len(out)-window):]); err != nil {
			return nil, err
		}
		for {
			if len(out) == cap(out) {
				if err := more(2 * len(out)); err != nil {
					return nil, err
				}
			}
			n, err := f.z.Read(out[len(out):cap(out)])
			out = out[:len(out)+n]
			if len(out) > limit {
				return nil, errTooLong
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("deflated data: byte %d of %d: %w", total-f.src.Len(), total-len(inflateEnd), err)
			}
		}
	}
	if n := f.src.Len(); n > 0 && n < len(inflateEnd) {
		return nil, errors.New("deflated data: it ends within a block")
	}
	if spare := cap(out) - len(out); spare > minInflated && spare > len(out)/4 {
		out = grow(out, len(out)) // a message may be kept for long
	}
	return out, nil
}

const (
	minInflated = 512     // bytes to begin with
	window      = 1 << 15 // how far back deflate refers (RFC 1951, 2)
	maxParts    = 16      // each of them costs more than its bytes
)
