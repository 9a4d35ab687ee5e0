package main

import (
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/inkwire/inkwire/internal/server"
)

// newLog makes the log of a level and format, as the settings have them.
func newLog(out io.Writer, level, format string) *slog.Logger {
	var l slog.Level
	// The setting allows only levels that slog knows.
	_ = l.UnmarshalText([]byte(level))
	o := &slog.HandlerOptions{Level: l}
	if format == "text" || format == "auto" && isTerminal(out) {
		return slog.New(slog.NewTextHandler(out, o))
	}
	return slog.New(slog.NewJSONHandler(out, o))
}

func isTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// logEnd logs the end of a socket.
func logEnd(log *slog.Logger, e server.End) {
	attrs := []any{"remote", e.Remote.String(), "protocol", e.Protocol}
	switch len(e.Documents) {
	case 0:
	case 1:
		attrs = append(attrs, "document", e.Documents[0])
	default:
		attrs = append(attrs, "documents", e.Documents)
	}
	if e.MoreDocuments > 0 {
		attrs = append(attrs, "more_documents", e.MoreDocuments)
	}
	switch len(e.Subjects) {
	case 0:
	case 1:
		attrs = append(attrs, "subject", e.Subjects[0])
	default:
		attrs = append(attrs, "subjects", e.Subjects)
	}
	attrs = append(attrs, "duration", e.Duration.Round(time.Millisecond).String(),
		"messages_in", e.Traffic.MessagesIn, "bytes_in", e.Traffic.BytesIn,
		"messages_out", e.Traffic.MessagesOut, "bytes_out", e.Traffic.BytesOut, "reason", e.Reason)
	if e.Sent != 0 {
		attrs = append(attrs, "code_sent", e.Sent)
	}
	if e.Received != 0 {
		attrs = append(attrs, "code_received", e.Received)
	}
	if e.Err != nil {
		attrs = append(attrs, "error", e.Err)
	}
	if e.Fault {
		log.Error("connection ended", attrs...)
	} else {
		log.Info("connection ended", attrs...)
	}
}
