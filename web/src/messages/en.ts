const role = { reader: "Can view", commenter: "Can comment", writer: "Can edit" } as const;

/** What tells a link from others: what its maker calls it, or else its number. */
interface NamedLink {
  readonly id: number;
  readonly note: string;
}

const linkName = ({ id, note }: NamedLink) => (note === "" ? `Link ${id}` : note);

const quoted = (link: NamedLink) => `“${linkName(link)}”`;

/** Every sentence the page says, in one place. Those that hold a value are functions. */
export const en = {
  product: "Inkwire",
  tagline: "Write together. Everyone sees every word as it is typed.",

  yourName: "Your name",
  namePlaceholder: "Ada",
  nameMissing: "Give a name, so that the others know who writes.",
  yourColour: "Your colour",
  documentName: "Document",
  documentPlaceholder: "notes",
  documentHint: "A new name opens an empty document.",
  join: "Join document",
  joinDocument: (name: string) => `Join “${name}”`,
  keptHere: "Your name and colour are kept on this device.",

  nameProblem: {
    empty: "Give the document a name.",
    long: "A document's name has at most 512 bytes.",
    control: "A document's name can't hold control characters.",
    dots: "“.” and “..” can't be parts of a document's name.",
    broken: "This name holds half of a character.",
  },

  connecting: "Connecting…",
  connected: "Connected",
  offline: "Offline",
  refused: "Refused",
  readOnly: "Read only",
  noAccess: (name: string) => `You have no access to “${name}”.`,
  howToAccess: "Somebody who has access can give you a link. If you came by one, a part of it is missing, or it has ended.",
  accessRefused: (reason: string) => `The server says: ${reason}. Somebody who has access can give you a link.`,
  offlineReader: "No connection. What others write comes when it is back.",
  offlineKeepOpen: "No connection. Keep this page open: what you write is sent when it is back.",
  refusedBecause: (reason: string) => `The server refused this document: ${reason === "" ? "it gave no reason." : reason}`,
  cannotReach: "Inkwire can't be reached. Trying again…",
  opening: "Opening the document…",

  peopleHere: (count: number) => (count === 1 ? "Only you are here" : `${count} people are here`),
  you: "you",
  anonymous: "Anonymous",

  editorLabel: (name: string) => `Text of ${name}`,
  editorPlaceholder: "Write here. “#” and a space make a heading, “-” a list.",

  share: "Share",
  shareTitle: (name: string) => `Share “${name}”`,
  closeShare: "Done",
  writeFirst: "Write something first, then there is something to share.",
  role,
  linkRole: "Whoever has the link",
  linkEnds: "Ends",
  span: { never: "Never", day: "After a day", week: "After a week", month: "After a month" },
  linkNote: "Note (optional)",
  linkNotePlaceholder: "Whom it is for",
  makeLink: "Make link",
  newLink: (can: string) => `New link: ${can.toLowerCase()}`,
  copyLink: "Copy",
  copied: { done: "Copied.", refused: "Your browser copies nothing here. The link is selected: copy it yourself." },
  shownOnce: "Copy it now: it won't be shown again.",
  anotherLink: "Make another",
  linksHere: (count: number) => (count === 0 ? "No links yet" : count === 1 ? "1 link" : `${count} links`),
  linkName,
  madeOn: (when: string) => `Made ${when}`,
  neverEnds: "never ends",
  endsOn: (when: string) => `ends ${when}`,
  endedOn: (when: string) => `ended ${when}`,
  roleOf: (link: NamedLink) => `Role of ${quoted(link)}`,
  revoke: "Revoke",
  revokeThis: (link: NamedLink) => `Revoke ${quoted(link)}`,
  linkMade: "The link is made.",
  roleChanged: (link: NamedLink, now: keyof typeof role) => `Whoever has ${quoted(link)} ${role[now].toLowerCase()} now.`,
  linkRevoked: (link: NamedLink) => `${quoted(link)} is revoked: it opens nothing any more.`,

  serverSays: (detail: string) => `That didn't work: ${detail}.`,
  noAnswer: "Inkwire can't be reached. Try again in a moment.",
  notUnderstood: "That didn't work: the server's answer can't be read.",

  notFound: "There is nothing here.",
  toStart: "To the start",
  broken: "This page failed. What was sent to the server is there; reload to go on.",
  reload: "Reload",

  // landing
  toast: { label: "Message", region: "Messages ({hotkey})", close: "Close" },
  theme: "Theme",
  themeName: { system: "As the device", light: "Light", dark: "Dark" },
} as const;
