// Package lib0 reads and writes the encoding that Yjs documents, updates and
// awareness messages are made of: variable-length integers, length-prefixed
// strings and bytes, JavaScript values ("any"), JSON as JavaScript prints it,
// and the run-length columns of update format V2.
//
// Writers append to a slice that the caller owns. Readers go over one slice
// with a [Decoder]; what they return of bytes is part of that slice and stays
// valid as long as it does. No reader allocates by a length or count that the
// input claims before having compared it with the bytes that are left, and
// nothing nests deeper than [MaxDepth].
//
// # Values
//
// A JavaScript value is one of these Go values:
//
//	null        nil
//	undefined   Undefined
//	boolean     bool
//	number      float64
//	bigint      BigInt
//	string      string, valid UTF-8
//	Uint8Array  []byte
//	Array       []any
//	Object      *Object
//
// The encoding is that of lib0 0.2: for each value there is exactly one form
// which lib0 writes, called canonical here, and others which it reads.
package lib0
