package ws

// Deflated deflates a body and returns the blocks' length.
func Deflated(b *Body, level int) int { return len(b.deflated(level)) }
