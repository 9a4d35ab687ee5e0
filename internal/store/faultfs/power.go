package faultfs

import (
	"math/rand/v2"
	"slices"
)

// PowerCut switches the machine off. What wasn't synced is lost or kept as the
// seed has it. Every operation fails until Reboot, and those on files that were
// open before fail for ever.
func (fs *FS) PowerCut(seed uint64) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.cut(seed)
}

// CutAfter lets the power go during the n-th step from now. Steps are writes,
// changes of size, files made and removed, and the beginnings and ends of syncs.
func (fs *FS) CutAfter(n int, seed uint64) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.countdown, fs.seed = n, seed
}

// Steps counts the steps until now.
func (fs *FS) Steps() int {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return fs.steps
}

// Off is closed when the power goes.
func (fs *FS) Off() <-chan struct{} {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return fs.off
}

// Kill ends the process: all that is open is void, but the system goes on, and
// with it what it has in memory.
func (fs *FS) Kill() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.isOff() {
		return
	}
	fs.boot++
	for _, e := range fs.entries {
		if e.now != nil {
			e.now.locks = locks{}
		}
	}
}

// Reboot switches the machine on again. Faults that were set stay.
func (fs *FS) Reboot() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.isOff() {
		fs.off = make(chan struct{})
		fs.boot++
	}
}

func (fs *FS) isOff() bool {
	select {
	case <-fs.off:
		return true
	default:
		return false
	}
}

// step counts a step, and its error is that the power went during it.
func (fs *FS) step() error {
	fs.steps++
	if fs.countdown == 0 {
		return nil
	}
	if fs.countdown--; fs.countdown > 0 {
		return nil
	}
	fs.cut(fs.seed)
	return errPower
}

func (fs *FS) cut(seed uint64) {
	if fs.isOff() {
		return
	}
	close(fs.off)
	fs.countdown = 0
	rng := rand.New(rand.NewPCG(seed, 0))
	names := make([]string, 0, len(fs.entries))
	for name := range fs.entries {
		names = append(names, name)
	}
	slices.Sort(names) // the seed decides, not the map's order
	for _, name := range names {
		e := fs.entries[name]
		kept := append([]*inode{e.disk}, e.past...)[rng.IntN(1+len(e.past))]
		if kept == nil {
			delete(fs.entries, name)
			continue
		}
		f := kept.afterCut(rng)
		fs.entries[name] = &entry{now: f, disk: f}
	}
}
