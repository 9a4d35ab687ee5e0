// Package room is live documents: who is in one, its bytes, its log, and who is
// present. It knows nothing of sockets, HTTP, protocols or SQL: a gateway joins
// a room with a Receiver and speaks to it through the Session it gets.
//
// # What waits for what
//
// An update passes four steps, in this order:
//
//  1. It is validated from its bytes alone, by the goroutine that brings it.
//  2. It is integrated: the room's document changes, and the update gets the
//     next sequence of the log. An update that brings nothing new ends here. One
//     that may take long is integrated beforehand, by the goroutine that brings
//     it, into a document of its own that the room then takes (prepare.go).
//  3. It is broadcast: at once if it's alone, or what was integrated since the
//     last broadcast as one update (pace, in update.go). This waits for nobody:
//     a session whose queue is full is behind, and gets what it missed once its
//     receiver has drained (sync.go).
//  4. It is appended: the room has one append under way at a time, and the next
//     takes all rows that gathered meanwhile, so that the log has no gap. The
//     update is durable when the append returns. Its session is told then that
//     it is saved (Session.Update's settle), and so is one that brought nothing
//     new: what makes it a no-op must itself be on disk (update.go).
//
// A crash after 3 and before 4 loses the update here, but not with its writer,
// whose client offers it again when it comes back: the others then have it
// already, and it is integrated and appended as if new. A crash after 4 loses
// nothing.
//
// A writer faster than the log is made to wait by its own next update (quota.go).
// When the log fails, rows stay queued in order and are tried again, up to a
// bound; beyond that edits are refused before integration. Sessions that write
// are told (Receiver.Unsaved), and readers go on. When the log works again, who
// was refused is asked anew, and told of what is saved then (log.go). A room with
// unsaved rows doesn't end.
//
// A document whose log is damaged is served read-only, up to the damage.
//
// # Bytes first
//
// A document is base, an encoded state, and tail, the updates since. What a
// session lacks is computed from these bytes. The document is integrated only
// when somebody writes. What can't be integrated yet, because it needs updates
// that haven't come, is kept in the integrated document alone: never in base,
// tail, the log, or a state sent to others. Its session is asked for the rest at
// once.
//
// States and differences for those who join, and a new base when tail has grown,
// are made beside the room's goroutine, from immutable bytes. What happens
// meanwhile is held for who waits, and follows. A new base is a checkpoint.
//
// A large document's state is given for a while, though it is no longer the last,
// with what was broadcast since behind it (trail.go): while many write and many
// read slowly, few bodies of a document are on their way. Its client takes itself
// for in sync with the last of that, when it has all.
//
// # What else the log is told
//
// Beside updates the log's rows are activity: who joined, left and edits
// (people.go, activity.go). People come from presence. An activity is appended with
// what it belongs to, but while the log fails, or is slow, it waits in memory,
// bounded, and edits come first. Title and preview go along with the rows too
// (facts.go).
//
// # Goroutines
//
// A room has one goroutine, which alone touches what is behind the room: others
// post functions to its inbox, and may wait there, so a busy room slows its
// writers down. It waits for nobody but the log's Load at its beginning.
// Appends, checkpoints, states and differences run in goroutines of their own,
// which the room's awaits before it ends; Rooms.Close awaits the rooms. Of the locks,
// Rooms.mu and attendance.mu, neither is held while a room, session or store is
// called.
package room
