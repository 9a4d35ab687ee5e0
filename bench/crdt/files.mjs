// The benchmark's input files: byte strings, each after its length as a 32-bit big-endian number.

import { readFileSync, writeFileSync } from 'node:fs'

export const write = (path, list) => {
  const parts = []
  for (const bytes of list) {
    const header = Buffer.alloc(4)
    header.writeUInt32BE(bytes.length)
    parts.push(header, bytes)
  }
  writeFileSync(path, Buffer.concat(parts))
}

export const read = (path) => {
  const file = readFileSync(path)
  const list = []
  for (let at = 0; at < file.length;) {
    const end = at + 4 + file.readUInt32BE(at)
    list.push(new Uint8Array(file.buffer, file.byteOffset + at + 4, end - at - 4))
    at = end
  }
  return list
}
