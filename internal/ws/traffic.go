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
	t := c.written
	t.MessagesIn, t.BytesIn = c.messages, c.bytes
	return t
}

// wroteLocked counts what was written.
func (c *Conn) wroteLocked(batch []Frame) {
	for _, f := range batch {
		if !f.isControl() {
			c.written.MessagesOut++
			c.written.BytesOut += f.Len()
		}
	}
}
