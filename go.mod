module github.com/inkwire/inkwire

go 1.26
