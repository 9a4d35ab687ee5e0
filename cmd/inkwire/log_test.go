package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/inkwire/inkwire/internal/server"
	"github.com/inkwire/inkwire/internal/ws"
)

// A socket's end is one line, with what is known of it.
func TestLogEnd(t *testing.T) {
	remote := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 5}
	var out bytes.Buffer
	log := newLog(&out, "info", "auto") // no terminal
	logEnd(log, server.End{Remote: remote, Protocol: "y-websocket", Documents: []string{"a b"}, Duration: 1500 * time.Millisecond, Reason: "too_large",
		Sent: 4413, Traffic: ws.Traffic{MessagesIn: 1, BytesIn: 2, MessagesOut: 3, BytesOut: 4}, Err: errors.New("why")})
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("%v: %s", err, &out)
	}
	for name, want := range map[string]any{
		"level": "INFO", "msg": "connection ended", "remote": "127.0.0.1:5", "protocol": "y-websocket", "document": "a b",
		"duration": "1.5s", "reason": "too_large", "code_sent": 4413.0, "error": "why",
		"messages_in": 1.0, "bytes_in": 2.0, "messages_out": 3.0, "bytes_out": 4.0,
	} {
		if line[name] != want {
			t.Errorf("%s is %v, want %v", name, line[name], want)
		}
	}
	if _, received := line["code_received"]; received {
		t.Error(line)
	}
	out.Reset()
	log = newLog(&out, "warn", "text")
	logEnd(log, server.End{Remote: remote, Reason: "closed", Received: 1000})
	if out.Len() != 0 {
		t.Error(out.String())
	}
	logEnd(log, server.End{Remote: remote, Protocol: "hocuspocus", Documents: []string{"a", "b"}, MoreDocuments: 7, Reason: "server_fault", Err: errors.New("panic"), Fault: true})
	if got := out.String(); !strings.Contains(got, "level=ERROR") || !strings.Contains(got, "error=panic") || strings.Contains(got, "document=") ||
		!strings.Contains(got, `documents="[a b]" more_documents=7`) {
		t.Error(got)
	}
}
