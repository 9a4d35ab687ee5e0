package sqlite

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/inkwire/inkwire/internal/store"
)

var (
	cutsFlag = flag.Int("cuts", 500, "how many power cuts TestPowerCut makes")
	cutSeed  = flag.Uint64("cut-seed", 1, "the first seed of TestPowerCut")
)

// lifetime is the number of power cuts that one machine lives through.
const lifetime = 8

// Whatever a power cut leaves of what wasn't synced, nothing acknowledged is
// missing, and nothing is served that wasn't appended so.
func TestPowerCut(t *testing.T) {
	for i := range (*cutsFlag + lifetime - 1) / lifetime {
		seed := *cutSeed + uint64(i)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(seed, 0))
			m := newMachine(t, rng)
			if n, err := m.liveThrough(rng, min(lifetime, *cutsFlag-i*lifetime)); err != nil {
				t.Fatalf("power cut %d: %v\nto see it again, perhaps: go test -race -run TestPowerCut/%d$ -cut-seed=%d -cuts=%d",
					n, err, seed, seed, lifetime)
			}
		})
	}
}

// The test would notice commits that aren't synced.
func TestPowerCutIsNoticed(t *testing.T) {
	for _, synchronous := range []string{"OFF", "NORMAL"} {
		t.Run(synchronous, func(t *testing.T) {
			t.Parallel()
			for cuts, seed := 0, *cutSeed; cuts < 500; seed++ {
				rng := rand.New(rand.NewPCG(seed, 0))
				m := newMachine(t, rng)
				m.options.synchronous = synchronous
				n, err := m.liveThrough(rng, lifetime)
				cuts += n
				if errors.Is(err, errLost) {
					t.Logf("after %d power cuts: %v", cuts, err)
					return
				}
				if err != nil && synchronous == "NORMAL" {
					t.Fatalf("seed %d, power cut %d: %v", seed, n, err) // it may lose, not damage
				}
			}
			t.Fatal("nothing acknowledged was missing")
		})
	}
}

// liveThrough lets a machine work and lose its power several times. Its error is
// the first thing that is wrong after a number of cuts.
func (m *machine) liveThrough(rng *rand.Rand, cuts int) (int, error) {
	for n := range cuts {
		// Some come while the log is opened, most while it's written.
		m.fs.CutAfter(1+rng.IntN([]int{60, 500}[min(rng.IntN(4), 1)]), rng.Uint64())
		if err := m.live(rng); err != nil {
			return n, err
		}
		m.fs.Reboot()
	}
	s, err := Open(m.dir, m.options)
	if err != nil {
		return cuts, err
	}
	defer s.Close()
	_, err = m.judge(m.Context(), s, m.names)
	return cuts, err
}

// live opens the log, judges it and writes in it until the power goes.
func (m *machine) live(rng *rand.Rand) error {
	s, err := Open(m.dir, m.options)
	if err != nil {
		return m.unlessOff(err)
	}
	defer s.Close() // fails as everything does
	hands, err := m.start(s, rng)
	if err != nil {
		return m.unlessOff(err)
	}
	return m.unlessOff(atOnce(hands, func(h *hand) (err error) {
		for err == nil && !m.isOff() {
			err = h.act()
		}
		return err
	}))
}

// unlessOff is nil for errors that come of the power being gone.
func (m *machine) unlessOff(err error) error {
	for _, verdict := range []error{errLost, errWrong, store.ErrCorrupt} {
		if errors.Is(err, verdict) {
			return err
		}
	}
	if m.isOff() {
		return nil
	}
	return err
}
