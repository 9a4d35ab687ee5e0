package sqlite

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/inkwire/inkwire/internal/store"
)

// A fault is something that is wrong with a disk for a while.
type fault struct {
	name   string
	begin  func(*machine, *rand.Rand)
	end    func(*machine, *rand.Rand)
	says   []string // one of it is in an error that it causes
	always bool     // every append fails while it lasts
}

// isNamed reports whether an error says what is wrong.
func (f fault) isNamed(err error) bool {
	return slices.ContainsFunc(f.says, func(s string) bool { return strings.Contains(err.Error(), s) })
}

var faultSeeds = flag.Uint64("fault-seeds", 3, "how many machines suffer from each fault of a disk")

var faultsOfDisks = []fault{
	{
		name:  "full",
		begin: func(m *machine, _ *rand.Rand) { m.fs.SetFull(true) },
		end:   func(m *machine, _ *rand.Rand) { m.fs.SetFull(false) },
		says:  []string{"full"}, always: true,
	}, {
		name:  "nearly full",
		begin: func(m *machine, rng *rand.Rand) { m.fs.SetCapacity(m.fs.Used() + rng.Int64N(200_000)) },
		end:   func(m *machine, _ *rand.Rand) { m.fs.SetCapacity(-1) },
		says:  []string{"full"},
	}, {
		name:  "failing sync",
		begin: func(m *machine, _ *rand.Rand) { m.fs.FailSync(-1) },
		end:   func(m *machine, _ *rand.Rand) { m.fs.FailSync(0) },
		says:  []string{"disk I/O error"}, always: true,
	}, {
		name:  "some failing syncs",
		begin: func(m *machine, rng *rand.Rand) { m.fs.FailSync(1 + rng.IntN(4)) },
		end:   func(m *machine, _ *rand.Rand) { m.fs.FailSync(0) },
		says:  []string{"disk I/O error"},
	}, {
		// On a file that is open SQLite tells no reason; opened anew, it does.
		name:  "read-only",
		begin: func(m *machine, _ *rand.Rand) { m.fs.SetReadOnly(true) },
		end:   func(m *machine, _ *rand.Rand) { m.fs.SetReadOnly(false) },
		says:  []string{store.ErrReadOnly.Error(), "disk I/O error"}, always: true,
	},
}

// While a disk fails, appends fail with an error that says how, nothing of them
// is served, and what was acknowledged is. Once it works the same rows can be
// appended anew, to the same open store. A power cut changes nothing of that.
func TestFailingDisk(t *testing.T) {
	forFaults(t, func(m *machine, f fault, rng *rand.Rand) error {
		s, err := Open(m.dir, m.options)
		if err != nil {
			return err
		}
		defer s.Close()
		hands, err := m.start(s, rng)
		if err != nil {
			return err
		}
		for range 3 {
			if err := m.suffer(hands, f, rng); err != nil {
				return err
			}
			m.fault(f.end, rng)
			if err := m.judgeQuiet(s); err != nil {
				return fmt.Errorf("after the fault: %w", err)
			}
			if err := atOnce(hands, (*hand).pay); err != nil {
				return fmt.Errorf("after the fault: %w", err)
			}
			if err := m.judgeQuiet(s); err != nil {
				return fmt.Errorf("after the fault: %w", err)
			}
		}
		return nil
	})
}

// A program that ends while the disk fails, by itself or killed, finds what was
// acknowledged when it is started again, and what it is told then is as good.
func TestRestartOnFailingDisk(t *testing.T) {
	forFaults(t, func(m *machine, f fault, rng *rand.Rand) error {
		for range 3 {
			if err := m.session(f, rng); err != nil {
				return err
			}
		}
		return nil
	})
}

// session opens the log, at times with the fault, suffers from it, and ends in
// some way.
func (m *machine) session(f fault, rng *rand.Rand) error {
	if rng.IntN(2) == 0 {
		f.begin(m, rng)
		s, err := Open(m.dir, m.options)
		switch {
		case err == nil:
			s.Close() // with the fault
		case !f.isNamed(err):
			return fmt.Errorf("to open: an error doesn't say %q: %w", f.says, err)
		}
		m.fault(f.end, rng)
	}
	s, err := Open(m.dir, m.options)
	if err != nil {
		return fmt.Errorf("to open after the fault: %w", err)
	}
	defer func() { s.Close() }()
	hands, err := m.start(s, rng)
	if err != nil {
		return err
	}
	if err := m.suffer(hands, f, rng); err != nil {
		return err
	}
	switch rng.IntN(3) {
	case 0:
		s.Close()
		m.fault(f.end, rng)
	case 1:
		m.fault(f.end, rng)
		s.Close()
	case 2:
		m.fs.Kill()
		s.Close()
		m.fault(f.end, rng)
	}
	return nil
}

// forFaults does something to machines for each fault, and then cuts the power
// and judges what the log has.
func forFaults(t *testing.T, do func(*machine, fault, *rand.Rand) error) {
	for _, f := range faultsOfDisks {
		for seed := range *faultSeeds {
			t.Run(fmt.Sprint(f.name, " ", seed), func(t *testing.T) {
				t.Parallel()
				rng := rand.New(rand.NewPCG(seed, 2))
				m := newMachine(t, rng)
				if err := do(m, f, rng); err != nil {
					t.Fatal(err)
				}
				m.fs.PowerCut(rng.Uint64())
				m.fs.Reboot()
				s, err := Open(m.dir, m.options)
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				if _, err := m.judge(t.Context(), s, m.names); err != nil {
					t.Fatal("after the power cut: ", err)
				}
			})
		}
	}
}

// fault begins or ends a fault, and memory may forget what it has.
func (m *machine) fault(change func(*machine, *rand.Rand), rng *rand.Rand) {
	change(m, rng)
	if rng.IntN(2) == 0 {
		m.fs.DropCache()
	}
}

// suffer works well and then with a fault, which lasts.
func (m *machine) suffer(hands []*hand, f fault, rng *rand.Rand) error {
	err := atOnce(hands, func(h *hand) (err error) {
		for range 1 + h.rng.IntN(15) {
			err = errors.Join(err, h.act())
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("before the fault: %w", err)
	}
	m.fault(f.begin, rng)
	for range 3 {
		err := atOnce(hands, func(h *hand) error { return h.with(f) })
		if err = errors.Join(err, m.judgeQuiet(hands[0].store)); err != nil {
			return fmt.Errorf("with the fault: %w", err)
		}
	}
	return nil
}

// with acts while a disk has a fault. Its error is what isn't as it has to be.
func (h *hand) with(f fault) error {
	var err error
	appends := true
	if h.owed != nil {
		err = h.pay()
	} else {
		last := h.docs[0].Rows
		err = h.act()
		appends = h.owed != nil || &last[0] != &h.docs[0].Rows[0]
	}
	switch {
	case err == nil && appends && f.always:
		return errors.New("an append succeeded")
	case err == nil:
		return nil
	case errors.Is(err, errLoad):
		return err
	case !f.isNamed(err):
		return fmt.Errorf("an error doesn't say %q: %w", f.says, err)
	}
	return nil
}

// judgeQuiet checks that what is served is what was acknowledged, no more and
// no less, while nobody appends.
func (m *machine) judgeQuiet(s *Store) error {
	for _, name := range m.names {
		d, err := m.load(m.Context(), s, name)
		if err != nil {
			return err
		}
		if last := m.of(name).last(); d.Revision != last {
			return fmt.Errorf("%q goes to %v, only %v was acknowledged: %w", name, d.Revision, last, errWrong)
		}
	}
	return nil
}

// What a failed sync left in the system's memory alone isn't built upon by the
// next process, though it reads it.
func TestRestartAfterFailedSync(t *testing.T) {
	for seed := range uint64(8) {
		rng := rand.New(rand.NewPCG(seed, 3))
		m := newMachine(t, rng)
		m.options.maxWAL = 0
		s, err := Open(m.dir, m.options)
		if err != nil {
			t.Fatal(err)
		}
		for _, killed := range []bool{true, false} {
			hands, err := m.start(s, rng)
			if err != nil {
				t.Fatal(err)
			}
			h := hands[0]
			h.owed = h.batch()
			if err := h.pay(); err != nil {
				t.Fatal(err)
			}
			if killed {
				m.fs.FailSync(-1)
				h.owed = h.batch()
				for range 1 + seed {
					if h.pay() == nil {
						t.Fatal("acknowledged without a sync")
					}
				}
				m.fs.Kill()
			} else {
				m.fs.PowerCut(seed)
			}
			s.Close()
			m.fs.FailSync(0)
			m.fs.Reboot()
			if s, err = Open(m.dir, m.options); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := m.judge(t.Context(), s, m.names); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		s.Close()
	}
}

// While a sync takes its time, what it's for is neither acknowledged nor served,
// and documents are loaded.
func TestSlowSync(t *testing.T) {
	m := newMachine(t, rand.New(rand.NewPCG(1, 4)))
	s, err := Open(m.dir, m.options)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	hands, err := m.start(s, rand.New(rand.NewPCG(1, 4)))
	if err != nil {
		t.Fatal(err)
	}
	h := hands[0]
	h.owed = h.batch()
	if err := h.pay(); err != nil {
		t.Fatal(err)
	}
	h.owed = h.batch()
	hold := m.fs.HoldSync()
	done := make(chan error, 1)
	go func() { done <- h.pay() }()
	<-hold.Entered()
	if err := m.judgeQuiet(s); err != nil {
		t.Error(err)
	}
	select {
	case err := <-done:
		t.Error("it was answered before it was synced: ", err)
	default:
	}
	hold.Release()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := m.judgeQuiet(s); err != nil {
		t.Fatal(err)
	}
}
