// Package metrics is everything that Inkwire counts and times, in Prometheus's
// terms. Each part gets the whole and touches what is its own; one handler
// serves it all.
package metrics

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics is the counters and timers of one program. Its fields say what they
// are in their help texts, see New.
type Metrics struct {
	registry *prometheus.Registry

	Connections   *prometheus.GaugeVec   // protocol
	Ends          *prometheus.CounterVec // protocol, reason
	Refusals      *prometheus.CounterVec // reason, as access's labels
	QueuedBytes   prometheus.Gauge
	IncomingBytes prometheus.Gauge
	Handshakes    prometheus.Gauge

	Sessions   prometheus.Gauge
	Rooms      *prometheus.GaugeVec // state
	Updates    prometheus.Counter
	Deliveries prometheus.Counter
	Behind     prometheus.Counter
	Ack        prometheus.Histogram

	Commit prometheus.Histogram
	Fsync  prometheus.Histogram
	Rows   prometheus.Counter
}

// RoomStates are the values of the label of Rooms.
var RoomStates = []string{"loading", "live", "unsaved", "damaged"}

// durations are the buckets of what is between a lone fsync of a fast disk and
// a client's patience, in seconds.
var durations = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// New makes all metrics, with those of Go's runtime and of the process.
func New() *Metrics {
	r := prometheus.NewRegistry()
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
		r.MustRegister(c)
		return c
	}
	gauge := func(name, help string) prometheus.Gauge {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
		r.MustRegister(g)
		return g
	}
	gauges := func(name, help string, labels ...string) *prometheus.GaugeVec {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
		r.MustRegister(g)
		return g
	}
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		r.MustRegister(c)
		return c
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
		r.MustRegister(h)
		return h
	}
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewBuildInfoCollector())
	m := &Metrics{
		registry: r,

		Connections:   gauges("inkwire_connections", "Open sockets.", "protocol"),
		Ends:          counters("inkwire_connections_ended_total", "Sockets that ended.", "protocol", "reason"),
		Refusals:      counters("inkwire_refusals_total", "What was refused, by the row of the table of refusals.", "reason"),
		QueuedBytes:   gauge("inkwire_queue_bytes", "Bytes queued for all sockets."),
		IncomingBytes: gauge("inkwire_incoming_bytes", "Bytes that messages which arrive or are handled take of --max-incoming."),
		Handshakes:    gauge("inkwire_handshakes", "Connections that are no sockets: of handshakes and of other requests."),

		Sessions:   gauge("inkwire_sessions", "Clients in documents; a socket may carry several."),
		Rooms:      gauges("inkwire_rooms", "Documents that are open, by state.", "state"),
		Updates:    counter("inkwire_updates_total", "Updates that brought something new."),
		Deliveries: counter("inkwire_deliveries_total", "Updates queued for sessions; what goes out merged counts once."),
		Behind:     counter("inkwire_sessions_behind_total", "Sessions that couldn't keep up and got a difference."),
		Ack:        histogram("inkwire_acknowledgement_seconds", "From an update's integration to its acknowledgement.", durations),

		Commit: histogram("inkwire_commit_seconds", "From an append's call to its commit.", durations),
		Fsync:  histogram("inkwire_fsync_seconds", "One fsync of the log.", durations),
		Rows:   counter("inkwire_rows_total", "Rows that were appended to the log."),
	}
	for _, s := range RoomStates {
		m.Rooms.WithLabelValues(s)
	}
	return m
}

// Handler serves all metrics in Prometheus's text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
