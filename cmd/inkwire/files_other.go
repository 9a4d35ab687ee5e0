//go:build !unix

package main

import "log/slog"

// warnOfFiles has nothing to warn of: there is no such limit.
func warnOfFiles(*slog.Logger, config) {}
