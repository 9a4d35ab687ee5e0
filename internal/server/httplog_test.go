package server

import (
	"log"
	"testing"
	"testing/synctest"
	"time"
)

// What net/http has to tell comes to the operator, a failing accept once a minute.
func TestHTTPLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		l := log.New(&httpLog{report: func(err error) { told = append(told, err.Error()) }}, "", 0)
		const full, panics = "http: Accept error: too many open files; retrying in 1s", "http: panic serving: x\nstack"
		for range 61 {
			l.Print(full)
			time.Sleep(time.Second)
		}
		l.Print(panics)
		l.Print(panics)
		if len(told) != 4 || told[0] != full || told[1] != full || told[3] != panics {
			t.Errorf("%q", told)
		}
		log.New(&httpLog{}, "", 0).Print(full)
	})
}
