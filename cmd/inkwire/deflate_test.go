package main

import "testing"

// Clients that deflate in every way that Node's ws can, or not at all, get each
// other's messages, large and small, whole and in fragments.
func TestDeflate(t *testing.T) {
	t.Parallel()
	srv := start(t, build(t), "127.0.0.1:0", t.TempDir())
	clients := drive(t, "deflate.mjs", "ws://"+srv.addr)
	clients.expect("done")
	clients.end()
	srv.stop()
}
