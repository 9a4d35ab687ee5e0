// Package ws is a server's WebSocket connection (RFC 6455) with
// permessage-deflate (RFC 7692), over the frame headers of gobwas/ws. It knows
// nothing of documents or protocols.
//
// What it holds:
//
//   - A message costs memory only as its bytes arrive, and never more than
//     Config.MaxMessage, in one frame or in many; a deflated one as much again
//     when it has come whole and is inflated. Bad UTF-8 ends it as it arrives.
//   - A message that has begun must go on arriving, so that nobody keeps its
//     memory by sending a byte now and then.
//   - What the messages of all connections take, until they are handled, is bounded
//     by a Budget. A message that finds none left is refused; one of a few kB needs
//     none.
//   - A peer that sends faster than Config allows isn't read from for a while, and
//     is refused if it goes on. That costs a connection a count, and the goroutine
//     that waits is the one that reads.
//   - Sending never blocks. The outgoing queue is bounded in bytes and frames; one
//     that doesn't fit is refused with ErrOverflow, and the caller decides what
//     becomes of the slow receiver. The bound counts neither the one batch
//     under way nor the first frame behind it, so that a large state can go
//     out.
//   - What waits when a write ends goes out together in one write.
//   - A frame is immutable and may be shared by any number of connections; its
//     Body also by frames with other prefixes. A body is deflated at most once
//     for all of them, by the first goroutine that writes it, never by Send.
//   - An idle connection costs its Conn with a small read buffer, a timer, and
//     a goroutine with the smallest stack: no write buffer, no writing
//     goroutine, no compressor.
//
// A connection is read by one goroutine at a time. With Serve, which many idle
// connections need, those are its own, and call a Handler; otherwise it is the
// caller's, which calls Read until it fails. Either way what comes last is Finish,
// called by the reading goroutine, which awaits all others of the connection. The
// writing goroutine exists only while something is queued. All other methods may
// be called from anywhere.
package ws
