//go:build linux

package main

import "path/filepath"

// dir is this directory, from the module's root, where go run is called.
const dir = "bench/server"

// kinds are the servers, Inkwire first.
func kinds(inkwire string) []kind {
	node := func(program, mode string) func(port, folder string) []string {
		return func(port, folder string) []string {
			command := []string{"node", filepath.Join(dir, "peers", program), port, folder}
			if mode != "" {
				command = append(command, mode)
			}
			return command
		}
	}
	hocuspocus := protocol{path: "/", keyed: true}
	return []kind{
		{name: "inkwire", protocol: protocol{path: "/yjs/"}, acks: &protocol{path: "/hocuspocus", keyed: true},
			command: func(port, folder string) []string {
				return []string{inkwire, "serve", "--addr", "127.0.0.1:" + port, "--data", folder}
			}},
		{name: "hocuspocus", peer: true, protocol: hocuspocus, acks: &hocuspocus, command: node("hocuspocus.mjs", "")},
		{name: "hocuspocus-durable", peer: true, durable: true, protocol: hocuspocus, acks: &hocuspocus,
			command: node("hocuspocus.mjs", "durable")},
		{name: "y-websocket", peer: true, protocol: protocol{path: "/"}, command: node("ywebsocket.mjs", "")},
		{name: "y-websocket-durable", peer: true, durable: true, protocol: protocol{path: "/"},
			command: node("ywebsocket.mjs", "durable")},
	}
}
