package ws

// Traffic is what came and went on a connection.
type Traffic struct {
	// Messages whole, and their bytes as they are inflated.
	MessagesIn, BytesIn int
	// Messages written, and the bytes of their frames, as if none was deflated.
	MessagesOut, BytesOut int
}

// Traffic returns what came and went. It is called after Finish.
func (c *Conn) Traffic() Traffic {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Traffic{c.messages, c.bytes, c.messagesOut, c.bytesOut}
}

// wroteLocked counts what was written.
func (c *Conn) wroteLocked(batch []Frame) {
	for _, f := range batch {
		if !f.isControl() {
			c.messagesOut++
			c.bytesOut += f.Len()
		}
	}
}
