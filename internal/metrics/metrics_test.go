package metrics

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

// Names, units and help texts are as Prometheus's conventions have them, and all
// that an operator watches is there.
func TestConventions(t *testing.T) {
	m := New()
	m.Connections.WithLabelValues("y-websocket").Inc()
	m.Ends.WithLabelValues("y-websocket", "closed").Inc()
	m.Refusals.WithLabelValues("too_large").Inc()
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "inkwire_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	text := w.Body.String()
	for _, name := range []string{
		"inkwire_connections{", "inkwire_connections_ended_total{", "inkwire_refusals_total{", "inkwire_queue_bytes", "inkwire_incoming_bytes", "inkwire_handshakes",
		"inkwire_sessions", "inkwire_rooms{", "inkwire_updates_total", "inkwire_deliveries_total", "inkwire_sessions_behind_total",
		"inkwire_acknowledgement_seconds_bucket{", "inkwire_commit_seconds_bucket{", "inkwire_fsync_seconds_bucket{", "inkwire_rows_total",
		"go_goroutines", "process_resident_memory_bytes", "go_build_info{",
	} {
		if !strings.Contains(text, "\n"+name) {
			t.Errorf("no %s", name)
		}
	}
}
