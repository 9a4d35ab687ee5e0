package sqlite

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/inkwire/inkwire/internal/store"
)

// grantsMachine has a faulty disk with one document.
func grantsMachine(t *testing.T) (*machine, *Store) {
	t.Helper()
	m := newMachine(t, rand.New(rand.NewPCG(1, 5)))
	s, err := Open(m.dir, m.options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Create(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	return m, s
}

func addShare(t *testing.T, s *Store, secret byte) (int64, error) {
	return s.AddShare(t.Context(), store.Hash{secret}, store.Share{Document: "a", Role: "reader", Created: time.Now()})
}

// A share that couldn't be written isn't there, one that couldn't be revoked is,
// and the same goes through once the disk works. What is answered stays, whatever
// a power cut takes.
func TestGrantsOnFailingDisk(t *testing.T) {
	for _, f := range faultsOfDisks {
		if !f.always {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			m, s := grantsMachine(t)
			rng := rand.New(rand.NewPCG(1, 6))
			kept, err := addShare(t, s, 1)
			if err != nil {
				t.Fatal(err)
			}
			is := func(secret byte, want error) {
				t.Helper()
				if _, err := s.ShareOf(t.Context(), store.Hash{secret}); !errors.Is(err, want) {
					t.Fatalf("share %d: %v, want %v", secret, err, want)
				}
			}
			f.begin(m, rng)
			_, adding := addShare(t, s, 2)
			for _, err := range []error{adding, s.RevokeShare(t.Context(), "a", kept), s.Cut(t.Context(), "ann", time.Now())} {
				if err == nil || !f.isNamed(err) {
					t.Fatalf("an error doesn't say %q: %v", f.says, err)
				}
			}
			is(1, nil)
			is(2, store.ErrUnknown)
			f.end(m, rng)
			if _, err := addShare(t, s, 2); err != nil {
				t.Fatal(err)
			}
			if err := s.RevokeShare(t.Context(), "a", kept); err != nil {
				t.Fatal(err)
			}
			m.fs.PowerCut(rng.Uint64())
			s.Close()
			m.fs.Reboot()
			if s, err = Open(m.dir, m.options); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close() })
			is(1, store.ErrUnknown)
			is(2, nil)
			if until, err := s.CutOf(t.Context(), "ann"); err != nil || !until.IsZero() {
				t.Fatal(until, err)
			}
		})
	}
}

// While a sync takes its time, and documents are loaded, shares are read.
func TestGrantsDuringSync(t *testing.T) {
	m, s := grantsMachine(t)
	if _, err := addShare(t, s, 1); err != nil {
		t.Fatal(err)
	}
	hold := m.fs.HoldSync()
	done := make(chan error, 1)
	go func() {
		_, err := addShare(t, s, 2)
		done <- err
	}()
	<-hold.Entered()
	for range readers {
		r := <-s.free // as a load that takes long
		defer func() { s.free <- r }()
	}
	if _, err := s.ShareOf(t.Context(), store.Hash{1}); err != nil {
		t.Error(err)
	}
	if _, err := s.ShareOf(t.Context(), store.Hash{2}); !errors.Is(err, store.ErrUnknown) {
		t.Error("a share is served that isn't on disk: ", err)
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
}

// What grants have expired goes without a history too.
func TestGrantsArePrunedByThemselves(t *testing.T) {
	s, err := Open(t.TempDir(), Options{pruneEvery: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.ChangeSession(t.Context(), store.Hash{1}, func([]byte) ([]byte, time.Time) { return nil, time.UnixMilli(1) }); err != nil {
		t.Fatal(err)
	}
	for n := int64(1); n > 0; {
		if err := s.withReader(t.Context(), func(r *reader) (err error) {
			n, err = r.number(`SELECT count(*) FROM browsers`)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// A log of the version before shares is brought up to date with all that is in it.
func TestVersion2(t *testing.T) {
	dir := version1(t)
	raw(t, dir, migrations[1]+`PRAGMA user_version = 2;
		INSERT INTO sessions (doc, id, subject, name, start) VALUES (3, 13, 'ann', 'Ann', 1700000000000);
		UPDATE documents SET title = 'kept' WHERE id = 3`)
	for range 2 {
		s := open(t, dir)
		d, err := s.Load(t.Context(), "notes/ä")
		if err != nil || d.Damage != nil || d.ID != 3 || d.Facts.Title != "kept" || len(d.Rows) != 1 {
			t.Fatalf("%+v, %v", d, err)
		}
		if who, err := s.Sessions(t.Context(), 3); err != nil || len(who) != 1 || who[0].Subject != "ann" {
			t.Fatal(who, err)
		}
		s.Close()
	}
	s := open(t, dir)
	id, err := s.AddShare(t.Context(), store.Hash{1}, store.Share{Document: "notes/ä", Role: "reader", Created: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if l, err := s.ShareByID(t.Context(), id); err != nil || l.Document != "notes/ä" {
		t.Fatal(l, err)
	}
}
