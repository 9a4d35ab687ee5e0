package access

import "cmp"

// Limits bound what access control may cost; zeros take the defaults.
type Limits struct {
	FailuresPerMinute int // of one address to show something valid; default 60
	DocumentsPerHour  int // begun by one subject or, without one, from one address; default 1000
}

func (l Limits) withDefaults() Limits {
	return Limits{
		FailuresPerMinute: cmp.Or(l.FailuresPerMinute, 60),
		DocumentsPerHour:  cmp.Or(l.DocumentsPerHour, 1000),
	}
}
