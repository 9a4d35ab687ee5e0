package access

import (
	"errors"

	"github.com/inkwire/inkwire/internal/store"
)

// OfStore makes of a store's refusal the row of the table that it stands for.
func OfStore(err error) error {
	switch {
	case errors.Is(err, store.ErrDeleted):
		return Deleted.Because("")
	case errors.Is(err, store.ErrExists):
		return Exists.Because("")
	case errors.Is(err, store.ErrUnknown):
		return Unknown.Because("")
	case errors.Is(err, store.ErrShares):
		return TooManyShares.Because("")
	case errors.Is(err, store.ErrFiles):
		return FilesFull.Because("")
	case errors.Is(err, store.ErrNoFile):
		return UnknownFile.Because("")
	case errors.Is(err, store.ErrName):
		return Malformed.Because(err.Error())
	}
	return err
}
