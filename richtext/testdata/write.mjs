// Documents as Tiptap writes them through y-tiptap, with what is to be read in them. Written by
//
//   node richtext/testdata/write.mjs > richtext/testdata/tiptap.json
//
// with the packages of web installed.

import { createRequire } from 'node:module'

const require = createRequire(new URL('../../web/package.json', import.meta.url))
const { getSchema } = require('@tiptap/core')
const { StarterKit } = require('@tiptap/starter-kit')
const { Image } = require('@tiptap/extension-image')
const { TaskList, TaskItem } = require('@tiptap/extension-list')
const { TableKit } = require('@tiptap/extension-table')
const { Node } = require('@tiptap/pm/model')
const { updateYFragment } = require('@tiptap/y-tiptap')
const Y = require('yjs')

const schema = getSchema([StarterKit, Image, TaskList, TaskItem, TableKit])

const text = (text, ...marks) => ({ type: 'text', text, marks: marks.map((mark) => typeof mark === 'string' ? { type: mark } : mark) })
const node = (type, ...content) => ({ type, content: content.map((c) => typeof c === 'string' ? text(c) : c) })
const heading = (level, ...content) => ({ ...node('heading', ...content), attrs: { level } })
const p = (...content) => node('paragraph', ...content)
const br = { type: 'hardBreak' }
const image = (src) => ({ type: 'image', attrs: { src, alt: 'not read' } })

/** The update of a document that became one version after the other. */
const written = (...versions) => {
  const doc = new Y.Doc()
  doc.clientID = 1
  const fragment = doc.getXmlFragment('default')
  for (const content of versions) {
    const root = Node.fromJSON(schema, node('doc', ...content))
    root.check()
    updateYFragment(doc, fragment, root, { mapping: new Map(), isOMark: new Map() })
  }
  return Buffer.from(Y.encodeStateAsUpdate(doc)).toString('base64')
}

const whole = [
  heading(1, 'A ', text('bold', 'bold'), ' title', br, 'on two lines'),
  p('Words with ', text('a link', { type: 'link', attrs: { href: 'https://example.com' } }), ', ', text('code', 'code'), ' and ', text('more', 'italic', 'underline', 'strike'), '.'),
  p(),
  node('bulletList', node('listItem', p('one')), node('listItem', p('two'), node('orderedList', node('listItem', p('nested'))))),
  node('taskList', { ...node('taskItem', p('done')), attrs: { checked: true } }, { ...node('taskItem', p('to do')), attrs: { checked: false } }),
  node('blockquote', p('quoted'), heading(2, 'A heading in a quote')),
  { ...node('codeBlock', 'let x = 1;\nlet y = 2;'), attrs: { language: 'rust' } },
  { type: 'horizontalRule' },
  image('/api/v1/docs/a/files/1'),
  node('table', node('tableRow', node('tableHeader', p('head')), node('tableHeader', p('er'))), node('tableRow', node('tableCell', p('cell')), node('tableCell', image('/api/v1/docs/a/files/2')))),
  image('/api/v1/docs/a/files/1'),
  p('Größe 😀 end')
]

const cases = [
  { name: 'empty', title: '', preview: '', text: '\n', images: [], update: written([p()]) },
  {
    name: 'everything',
    title: 'A bold title on two lines',
    preview: 'Words with a link, code and more. one two nested done to do quoted A heading in a quote let x = 1; let y = 2; head er cell Größe 😀 end',
    text: 'A bold title\non two lines\nWords with a link, code and more.\n\none\ntwo\nnested\ndone\nto do\nquoted\nA heading in a quote\nlet x = 1;\nlet y = 2;\nhead\ner\ncell\nGröße 😀 end\n',
    images: ['/api/v1/docs/a/files/1', '/api/v1/docs/a/files/2'],
    update: written(whole)
  },
  {
    name: 'edited',
    title: 'Another title',
    preview: 'Words with code. one three Größe',
    text: 'Another title\nWords with code.\none\nthree\nGröße\n',
    images: ['/api/v1/docs/a/files/2'],
    update: written(
      [p('First words')],
      [heading(1, 'First words'), p()],
      whole,
      [heading(1, 'Another title'), p('Words with code.'), node('bulletList', node('listItem', p('one')), node('listItem', p('three'))), image('/api/v1/docs/a/files/2'), p(text('Größe', 'bold'))]
    )
  }
]

console.log(JSON.stringify(cases, null, 1))
