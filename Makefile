# Every target installs what it needs, and does again only what its inputs have changed.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# What `make run` and `make bench` pass on, such as ARGS="--addr 127.0.0.1:9000".
ARGS ?=
# How many operations `make soak` makes, or how often `make kill` kills the server.
COUNT ?= 1000000
# The browser of the page's tests.
CHROMIUM ?= /usr/bin/chromium
export CHROMIUM

# A folder of editing traces beside the checkout, for the tests and benchmarks that can use one.
# Without it they make traces of their own, and say so.
ifneq ($(wildcard ../shared/data),)
export TRACES ?= $(abspath ../shared/data)
endif

TOOL := go tool -modfile=tools.mod
GO_FILES := go.mod $(wildcard go.sum) $(shell find . -name node_modules -prune -o -name '*.go' ! -name '*_test.go' -print)
PAGE_FILES := $(shell find web/src web/public -type f) web/index.html web/vite.config.ts
# npm writes this file last, so it is the mark of a finished install.
WEB_READY := web/node_modules/.package-lock.json
PEERS_READY := peers/node_modules/.package-lock.json
BENCH_READY := bench/node_modules/.package-lock.json

.PHONY: help run build test lint test-go test-page e2e bench bench-crdt bench-server pgo soak kill chromium clean

help: ## what there is to make
	@sed -n 's/^\([a-z0-9-]*\):[^#]*## \(.*\)/\1|\2/p' Makefile | column -t -s '|'

run: build ## build what changed and serve on http://127.0.0.1:8000
	exec bin/inkwire $(ARGS)

build: bin/inkwire ## one static program with the page inside: bin/inkwire

test: lint test-go test-page e2e ## every test and lint

lint: $(WEB_READY) ## go vet, gofmt, staticcheck, govulncheck; tsc, eslint
	go vet ./...
	@unformatted=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); \
	if [ -n "$$unformatted" ]; then echo "gofmt would change: $$unformatted"; exit 1; fi
	$(TOOL) staticcheck ./...
	@out=$$($(TOOL) govulncheck ./... 2>&1) || case "$$out" in \
	*"fetching vulnerabilities"*) echo "govulncheck: skipped, its database can't be reached from here" ;; \
	*) echo "$$out"; exit 1 ;; esac
	cd web && npm run --silent typecheck
	cd web && npm run --silent lint

test-go: bin/inkwire $(PEERS_READY) ## the Go tests, under the race detector
	go test -race -parallel 8 -timeout 15m ./...

test-page: web/dist/index.html ## the page's unit tests and its size
	cd web && npm run --silent test
	cd web && npm run --silent size

e2e: bin/inkwire chromium ## the page's tests in Chromium, against bin/inkwire
	cd web && npm run --silent e2e

bench: bench-crdt bench-server ## both of these, each with ARGS: an hour and a half, with ARGS=-quick a quarter of an hour

bench-crdt: $(BENCH_READY) ## the document beside Yjs on the same work: times, memory, ratios
	go run -pgo=cmd/inkwire/default.pgo ./bench/crdt $(ARGS)

bench-server: bin/inkwire $(BENCH_READY) ## the server beside Hocuspocus and the y-websocket server
	go run ./bench/server $(ARGS)

pgo: ## the profile that the compiler optimises the program by, made anew
	go test ./crdt -run '^$$' -bench '^Benchmark(Apply|Load|Encode)$$' -o /dev/null -cpuprofile cmd/inkwire/default.pgo

soak: $(PEERS_READY) ## COUNT random operations, compared with Yjs after each
	go test ./internal/difftest -run TestDifferential -count=1 -timeout 0 -v -ops=$(COUNT)

kill: COUNT = 50
kill: $(PEERS_READY) ## twenty clients write while the server is killed COUNT times
	go test -race ./cmd/inkwire -run '^TestKill$$' -count=1 -timeout 2h -v -kills=$(COUNT)

clean: ## remove what was built and installed
	rm -rf bin web/node_modules peers/node_modules bench/node_modules
	git clean -qfdX web/dist

bin/inkwire: $(GO_FILES) web/dist/index.html
	CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o $@ ./cmd/inkwire

web/dist/index.html: $(PAGE_FILES) $(WEB_READY)
	cd web && npm run --silent build

%/node_modules/.package-lock.json: %/package.json %/package-lock.json
	@command -v npm >/dev/null || { echo "this needs Node 20.19 or later, with npm"; exit 1; }
	cd $* && npm ci --no-audit --no-fund
	touch $@

chromium:
	@if [ -x "$(CHROMIUM)" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq; \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; \
	else \
		echo "the page's tests need Chromium: run 'sudo apt-get install chromium', or set CHROMIUM=/path/to/chromium"; exit 1; \
	fi
