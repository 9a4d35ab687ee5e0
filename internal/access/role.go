package access

import "fmt"

// A Role is what somebody may do with a document. Each includes those before it.
type Role uint8

// The roles. A Commenter is a Reader until there are comments.
const (
	None Role = iota
	Reader
	Commenter
	Writer
	Owner
)

var roles = [...]string{None: "none", Reader: "reader", Commenter: "commenter", Writer: "writer", Owner: "owner"}

func (r Role) String() string { return roles[r] }

// ParseRole reads a role's name; "none" isn't one that can be given.
func ParseRole(s string) (Role, error) {
	for r := Reader; r <= Owner; r++ {
		if roles[r] == s {
			return r, nil
		}
	}
	return None, fmt.Errorf("the role %.20q is none of reader, commenter, writer and owner", s)
}

// An Action is something that is done with a document.
type Action uint8

// The actions.
const (
	Read   Action = iota // see the text and who is there, be seen
	Write                // change the text, and so begin a document that nobody has used
	Create               // make a document come to exist by the API
	Delete               // and restore
	Share                // make shares and revoke them, end what others may do
	actions
)

// least is the table of who may do what: the least role for each action.
var least = [actions]Role{Read: Reader, Write: Writer, Create: Writer, Delete: Owner, Share: Owner}

// May reports whether the role allows an action.
func (r Role) May(a Action) bool { return r >= least[a] }
