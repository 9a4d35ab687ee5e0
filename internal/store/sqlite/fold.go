package sqlite

import (
	"strings"

	"github.com/ncruces/go-sqlite3"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// fold makes texts equal that differ in case, in accents, or in how Unicode
// writes the same (UAX 15, NFKD). Of combining marks it takes those away that
// Latin, Greek and Cyrillic letters have; in other scripts they are letters.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if 0x300 <= r && r <= 0x36f {
			return -1
		}
		return r
	}, cases.Fold().String(norm.NFKD.String(s)))
}

// addFold makes fold a function of a connection's SQL.
func addFold(c *sqlite3.Conn) error {
	return c.CreateFunction("fold", 1, sqlite3.DETERMINISTIC, func(ctx sqlite3.Context, arg ...sqlite3.Value) {
		ctx.ResultText(fold(arg[0].Text()))
	})
}
