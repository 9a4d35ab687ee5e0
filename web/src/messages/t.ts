import { en } from "./en";

/** The messages in the reader's language. English is the only one so far. */
export const t = en;
