module github.com/inkwire/inkwire

go 1.26

require github.com/google/go-cmp v0.7.0

ignore node_modules
