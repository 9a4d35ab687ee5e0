// Package difftest holds the differential test of package crdt against Yjs.
//
// A session is a random list of steps for a few clients: local edits, and what reaches whom in which order. It runs twice,
// in Node with the pinned yjs (peers/yjs.mjs) and here with crdt, and each step gives lines of text on both sides: updates
// in both formats, events, content, state vectors, encoded states, snapshots, positions. Every line must be equal. A
// session has one of three modes:
//
//   - mirror: every client exists on both sides and makes the same local edits;
//   - node: writers exist only in Node (undo managers and old versions of Yjs among them), readers on both sides;
//   - go: writers exist only here, readers on both sides.
//
// A session follows from its kind and seed. A failure prints both, the command that replays it, and a file with a minimal
// session that still fails; kept in testdata, such a file becomes a regression test.
//
// The package has no code of its own beyond its tests.
package difftest
