//go:build linux

package main

import "time"

// A job measures one server once.
type job struct {
	name, title string
	durable     bool // with the peers' durable settings too
	metrics     []metric
	run         func(b *bench, k kind) (sample, error)
}

// A metric is one table.
type metric struct {
	key, title, unit string
	higher           bool    // is better
	aim              float64 // Inkwire's part of the better peer's: at most, or if higher is better at least; 0: none
}

// A shape is how many documents are open, and how many clients each has.
type shape struct {
	name               string
	documents, clients int
}

var (
	many = shape{"20 documents x 10 clients", 20, 10}
	hot  = shape{"one document, 200 clients", 1, 200}
)

const million = 1e6

func jobs() []job {
	return []job{
		{name: "cpu", title: "typing: " + many.name + " x 20 keys/s", durable: true, metrics: []metric{
			{key: "cpu", title: "server CPU for each delivery", unit: "µs", aim: 0.6},
			{key: "p50", title: "median time from key to another client", unit: "ms"},
			{key: "p99", title: "99th percentile of that", unit: "ms"},
		}, run: cpuOfTyping},
		saturation("saturation", many, 4),
		saturation("saturation-hot", hot, 1),
		fixedRate("latency", many),
		fixedRate("latency-hot", hot),
		{name: "idle", title: "5,000 idle connections in 50 documents", metrics: []metric{
			{key: "memory", title: "resident memory for each connection", unit: "KB", aim: 0.45},
		}, run: idleMemory},
		{name: "herd", title: "1,000 clients open one document of 1 MB at once", metrics: []metric{
			{key: "time", title: "until all have it whole", unit: "ms", aim: 1. / 15},
			{key: "cpu", title: "server CPU", unit: "ms", aim: 1. / 20},
			{key: "peak", title: "the server's most memory", unit: "MB"},
		}, run: herd},
		coldOpen("open-1", 1*million),
		coldOpen("open-20", 20*million),
		{name: "written", title: "a document of 1 MB, 10 clients x 4 keys/s", durable: true, metrics: []metric{
			{key: "bytes", title: "bytes written to the disk for each key", unit: "KB"},
		}, run: written},
		{name: "acks", title: "Hocuspocus's protocol, 20 documents x 5 clients, 1,000 keys/s in all", durable: true,
			metrics: ackMetrics(), run: acks},
		{name: "acks-checkpoint", title: "the same while a document of 50 MB grows by 8 MB and is stored",
			metrics: append(ackMetrics(), metric{key: "written", title: "written meanwhile", unit: "MB"}), run: acksDuringCheckpoint},
		presence("presence", "500 people in one document, each moving once a second", false),
		presence("presence-echo", "the same when clients echo what they hear, as y-websocket's do", true),
		{name: "joins", title: "a writer of a document of 4 MB that five clients a second join and leave", metrics: []metric{
			{key: "p99", title: "99th percentile of the time from key to another client", unit: "ms"},
			{key: "p50", title: "median of that", unit: "ms"},
			{key: "cpu", title: "server CPU a second", unit: "ms"},
		}, run: joins},
	}
}

// seconds are how long a job measures.
func (b *bench) seconds(full int) time.Duration {
	if b.quick {
		full = max(full/2, 2)
	}
	return time.Duration(full) * time.Second
}
