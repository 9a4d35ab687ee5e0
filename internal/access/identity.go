package access

import "time"

// An Identity is who somebody is and what it may do, as a token, a share or the
// application says. In JSON it is as a token's claims.
type Identity struct {
	Subject string    `json:"sub,omitempty"`   // "" for somebody who isn't known
	Name    string    `json:"name,omitempty"`  // what others see
	Color   string    `json:"color,omitempty"` // likewise
	Docs    Grants    `json:"docs,omitempty"`
	Topics  Grants    `json:"topics,omitempty"`
	Issued  time.Time `json:"iat,omitzero"` // zero if it isn't said
	Expires time.Time `json:"exp,omitzero"` // zero for never

	Share int64 `json:"-"` // of the share that grants it, 0 for none
}
