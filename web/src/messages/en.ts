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

  notFound: "There is nothing here.",
  toStart: "To the start",
  broken: "This page failed. What was sent to the server is there; reload to go on.",
  reload: "Reload",
} as const;
