//go:build linux

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// A row is what all rounds of a job measured of one server, by metric.
type row struct {
	Server string               `json:"server"`
	Peer   bool                 `json:"peer"`
	Values map[string][]float64 `json:"values"`
	Note   string               `json:"note,omitempty"` // why there are none
}

// A report is a job's tables.
type report struct {
	Job   string `json:"job"`
	Title string `json:"title"`
	Rows  []*row `json:"rows"`
	job   job
}

func (r *report) add(k kind, s sample, err error) {
	at := slices.IndexFunc(r.Rows, func(o *row) bool { return o.Server == k.name })
	if at < 0 {
		at = len(r.Rows)
		r.Rows = append(r.Rows, &row{Server: k.name, Peer: k.peer, Values: map[string][]float64{}})
	}
	if err != nil {
		r.Rows[at].Note, _, _ = strings.Cut(err.Error(), "\n")
		return
	}
	for key, value := range s {
		r.Rows[at].Values[key] = append(r.Rows[at].Values[key], value)
	}
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}

// print prints a table for each metric and returns the aims that weren't met.
func (r *report) print(w io.Writer) (missed []string) {
	fmt.Fprintf(w, "\n%s: %s\n", r.Job, r.Title)
	for _, m := range r.job.metrics {
		best, known := r.best(m)
		title := m.title
		if m.unit != "" {
			title += ", " + m.unit
		}
		fmt.Fprintf(w, "\n  %s\n", title)
		fmt.Fprintf(w, "  %-22s %12s %24s %9s %8s  %s\n", "server", "median", "min..max", "ratio", "load", "aim")
		for _, o := range r.Rows {
			values := o.Values[m.key]
			if len(values) == 0 {
				fmt.Fprintf(w, "  %-22s %12s  %s\n", o.Server, "-", o.Note)
				continue
			}
			middle, ratio, aim := median(values), "", ""
			if known && best != 0 {
				ratio = fmt.Sprintf("%.3f", middle/best)
			}
			if m.aim != 0 && !o.Peer && known {
				met := middle/best <= m.aim
				sign := "<="
				if m.higher {
					met, sign = middle/best >= m.aim, ">="
				}
				aim = fmt.Sprintf("%s %.3g: met", sign, m.aim)
				if !met {
					aim = fmt.Sprintf("%s %.3g: MISSED", sign, m.aim)
					missed = append(missed, fmt.Sprintf("%s, %s (%.3f)", r.Job, m.title, middle/best))
				}
			}
			load := ""
			if l := o.Values[metricLoad]; len(l) > 0 {
				load = fmt.Sprintf("%.0f%%", 100*median(l))
			}
			fmt.Fprintf(w, "  %-22s %12s %24s %9s %8s  %s\n", o.Server, number(middle),
				number(slices.Min(values))+".."+number(slices.Max(values)), ratio, load, aim)
		}
	}
	others := 0.0
	for _, o := range r.Rows {
		if v := o.Values[metricOthers]; len(v) > 0 {
			others = max(others, slices.Max(v))
		}
	}
	if others > 0.1 {
		fmt.Fprintf(w, "\n  Other programs used up to %.1f cores meanwhile.\n", others)
	}
	return missed
}

// best is the better peer's median.
func (r *report) best(m metric) (best float64, known bool) {
	for _, o := range r.Rows {
		values := o.Values[m.key]
		if !o.Peer || len(values) == 0 {
			continue
		}
		if v := median(values); !known || (v > best) == m.higher {
			best, known = v, true
		}
	}
	return best, known
}

// number has three digits that count.
func number(f float64) string {
	switch {
	case f >= 100:
		return fmt.Sprintf("%.0f", f)
	case f >= 10:
		return fmt.Sprintf("%.1f", f)
	case f >= 1:
		return fmt.Sprintf("%.2f", f)
	}
	return fmt.Sprintf("%.3f", f)
}
