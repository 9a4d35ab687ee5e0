// Package access says who may do what, and how whoever may not is refused. It
// knows nothing of protocols: gateways and routes take the code that is theirs
// from its one table.
//
// A Guard judges what a client shows: a token that a Keyring knows, a share's
// secret, a browser's session, what an application says of it (Webhook), or
// nothing. A Site says from which other pages, and through whom, the server may be
// reached.
package access

// A Refusal is one row of the table: what went wrong, told in each protocol's
// terms.
type Refusal struct {
	Label    string // names it in metrics and logs
	Sentence string // for people; at most 60 bytes, so that a detail fits behind it

	HTTP int // the status before an upgrade, if it can be refused there
	// Close codes: y-websocket 3.1 takes 4400 to 4499 as "don't come back", older
	// ones come back whatever the code is; all other clients get the registered one.
	Yjs, Close int
}

// The table of refusals.
var (
	ForeignHost   = Refusal{Label: "foreign_host", Sentence: "this address is served for its own machine only", HTTP: 403}
	ForeignOrigin = Refusal{Label: "foreign_origin", Sentence: "pages of other sites may not connect", HTTP: 403}

	PlainHTTP = Refusal{Label: "plain_http", Sentence: "this address only leads to https", HTTP: 403}

	NoAddress = Refusal{Label: "no_address", Sentence: "nothing is served at this address", HTTP: 404}
	Starting  = Refusal{Label: "starting", Sentence: "the server is starting", HTTP: 503}
	TooMany   = Refusal{Label: "too_many", Sentence: "too many connections, come back later", HTTP: 503}
	TooOften  = Refusal{Label: "too_often", Sentence: "this address was cut off a moment ago, come back later", HTTP: 429}
	TooMuch   = Refusal{Label: "too_many_of_address", Sentence: "too many connections from your address", HTTP: 429}
	TooFast   = Refusal{Label: "too_fast", Sentence: "too many new connections from your address", HTTP: 429}
	TooSlow   = Refusal{Label: "too_slow", Sentence: "the request takes too long", HTTP: 429}
	Method    = Refusal{Label: "method", Sentence: "this method isn't allowed here", HTTP: 405}
	MediaType = Refusal{Label: "media_type", Sentence: "the body must be application/json", HTTP: 415}

	NoToken         = Refusal{Label: "no_token", Sentence: "a token is required", HTTP: 401, Yjs: 4401, Close: 1008}
	BadToken        = Refusal{Label: "bad_token", Sentence: "the token isn't valid", HTTP: 401, Yjs: 4401, Close: 1008}
	Expired         = Refusal{Label: "expired", Sentence: "access has expired", HTTP: 401, Yjs: 4401, Close: 1008}
	Revoked         = Refusal{Label: "revoked", Sentence: "access was revoked", HTTP: 403, Yjs: 4403, Close: 1008}
	Unverified      = Refusal{Label: "unverified", Sentence: "who you are can't be checked at present", HTTP: 503, Yjs: 1013, Close: 1013}
	TooManyFailures = Refusal{Label: "failures", Sentence: "too many tokens that aren't valid, come back later", HTTP: 429, Yjs: 1013, Close: 1013}

	TooManyDocuments = Refusal{Label: "too_many_documents", Sentence: "too many new documents, come back later", HTTP: 429, Yjs: 1013, Close: 1013}

	Crowded         = Refusal{Label: "crowded", Sentence: "too many are in this document, come back later", HTTP: 503, Yjs: 1013, Close: 1013}
	Unauthenticated = Refusal{Label: "unauthenticated", Sentence: "no valid token came", HTTP: 408, Yjs: 4401, Close: 4408}
	TooManyShares   = Refusal{Label: "too_many_shares", Sentence: "the document has the 1000 shares that it may have", HTTP: 409}
	UnknownShare    = Refusal{Label: "unknown_share", Sentence: "the document has no such share", HTTP: 404}

	// The files of documents.
	FileType    = Refusal{Label: "file_type", Sentence: "the file isn't of a type that is taken", HTTP: 415}
	FilesFull   = Refusal{Label: "files_full", Sentence: "the document's files take --max-files together", HTTP: 413}
	UnknownFile = Refusal{Label: "unknown_file", Sentence: "the document has no such file", HTTP: 404}

	Deleted    = Refusal{Label: "deleted", Sentence: "the document was deleted", HTTP: 410, Yjs: 4403, Close: 1008}
	Exists     = Refusal{Label: "exists", Sentence: "a document of this name exists", HTTP: 409}
	Unknown    = Refusal{Label: "unknown", Sentence: "there is no such document", HTTP: 404}
	Forbidden  = Refusal{Label: "forbidden", Sentence: "not allowed", HTTP: 403, Yjs: 4403, Close: 1008}
	OverBudget = Refusal{Label: "over_budget", Sentence: "the update costs too much", HTTP: 413, Yjs: 4400, Close: 1002}
	Unsaved    = Refusal{Label: "unsaved", Sentence: "the server's disk fails, edits can't be saved", HTTP: 503, Yjs: 1013, Close: 1013}

	TooLarge     = Refusal{Label: "too_large", Sentence: "too large", HTTP: 413, Yjs: 4413, Close: 1009}
	Malformed    = Refusal{Label: "malformed", Sentence: "malformed message", HTTP: 400, Yjs: 4400, Close: 1002}
	TextFrame    = Refusal{Label: "text", Sentence: "text where binary is due", Yjs: 1003, Close: 1003}
	BadUTF8      = Refusal{Label: "bad_utf8", Sentence: "text that isn't UTF-8", Yjs: 1007, Close: 1007}
	ShuttingDown = Refusal{Label: "shutting_down", Sentence: "the server is shutting down", HTTP: 503, Yjs: 1001, Close: 1001}
	ServerFault  = Refusal{Label: "server_fault", Sentence: "the server failed", HTTP: 500, Yjs: 1011, Close: 1011}
	Overload     = Refusal{Label: "overload", Sentence: "too busy, come back later", HTTP: 503, Yjs: 1013, Close: 1013}
)

// Table is all rows. Each has a label of its own.
var Table = []Refusal{
	ForeignHost, ForeignOrigin, PlainHTTP, NoAddress, Exists, Unknown, Starting,
	TooMany, TooOften, TooMuch, TooFast, TooSlow, Method, MediaType,
	NoToken, BadToken, Expired, Revoked, Unverified, TooManyFailures, TooManyDocuments, TooManyShares, UnknownShare, Crowded, Unauthenticated,
	FileType, FilesFull, UnknownFile,
	Deleted, Forbidden, OverBudget, Unsaved, TooLarge, Malformed, TextFrame, BadUTF8, ShuttingDown, ServerFault, Overload,
}

// A Refused is the error of something refused.
type Refused struct {
	Refusal
	Detail string // for the client as well: nothing that only the operator may know
}

// Because says what exactly was refused, or nothing more than the sentence if
// detail is empty.
func (r Refusal) Because(detail string) *Refused { return &Refused{r, detail} }

func (e *Refused) Error() string {
	if e.Detail == "" {
		return e.Sentence
	}
	return e.Sentence + ": " + e.Detail
}
