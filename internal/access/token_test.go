package access

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
)

var b64 = base64.RawURLEncoding.EncodeToString

// keypairs are made once: RSA takes its time.
var keypairs = sync.OnceValue(func() (k struct {
	rsa              *rsa.PrivateKey
	p256, p384, p521 *ecdsa.PrivateKey
	ed               ed25519.PrivateKey
}) {
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	var err error
	k.rsa, err = rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	for curve, key := range map[elliptic.Curve]**ecdsa.PrivateKey{elliptic.P256(): &k.p256, elliptic.P384(): &k.p384, elliptic.P521(): &k.p521} {
		*key, err = ecdsa.GenerateKey(curve, rand.Reader)
		must(err)
	}
	_, k.ed, err = ed25519.GenerateKey(rand.Reader)
	must(err)
	return k
})

var secret64 = []byte(strings.Repeat("0123456789abcdef", 4))

func pemOf(t *testing.T, public crypto.PublicKey) []byte {
	t.Helper()
	b, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: b})
}

func newKeyring(t *testing.T, cfg KeyringConfig) *Keyring {
	t.Helper()
	k, err := NewKeyring(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

// raw signs a header and claims as they are, with or without sense.
func raw(t testing.TB, header, claims string, m jwt.SigningMethod, key any) string {
	t.Helper()
	signed := b64([]byte(header)) + "." + b64([]byte(claims))
	signature, err := m.Sign(signed, key)
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + b64(signature)
}

func hour() int64 { return time.Now().Add(time.Hour).Unix() }

// plain is claims that pass, with more before the end.
func plain(more string) string {
	return fmt.Sprintf(`{"sub":"u1","docs":{"a":"writer"},"exp":%d%s}`, hour(), more)
}

// Every kind of key checks what its own methods have signed.
func TestKeyring(t *testing.T) {
	k := keypairs()
	for _, tt := range []struct {
		method  jwt.SigningMethod
		private any
		cfg     KeyringConfig
	}{
		{jwt.SigningMethodHS256, secret64[:32], KeyringConfig{Secret: secret64[:32]}},
		{jwt.SigningMethodHS384, secret64[:48], KeyringConfig{Secret: secret64[:48]}},
		{jwt.SigningMethodHS256, secret64, KeyringConfig{Secret: secret64}},
		{jwt.SigningMethodHS512, secret64, KeyringConfig{Secret: secret64}},
		{jwt.SigningMethodRS256, k.rsa, KeyringConfig{Keys: []crypto.PublicKey{&k.rsa.PublicKey}}},
		{jwt.SigningMethodRS384, k.rsa, KeyringConfig{Keys: []crypto.PublicKey{&k.rsa.PublicKey}}},
		{jwt.SigningMethodRS512, k.rsa, KeyringConfig{Keys: []crypto.PublicKey{&k.rsa.PublicKey}}},
		{jwt.SigningMethodPS256, k.rsa, KeyringConfig{Keys: []crypto.PublicKey{&k.rsa.PublicKey}}},
		{jwt.SigningMethodPS512, k.rsa, KeyringConfig{Keys: []crypto.PublicKey{&k.rsa.PublicKey}}},
		{jwt.SigningMethodES256, k.p256, KeyringConfig{Keys: []crypto.PublicKey{&k.p256.PublicKey}}},
		{jwt.SigningMethodES384, k.p384, KeyringConfig{Keys: []crypto.PublicKey{&k.p384.PublicKey}}},
		{jwt.SigningMethodES512, k.p521, KeyringConfig{Keys: []crypto.PublicKey{&k.p521.PublicKey}}},
		{jwt.SigningMethodEdDSA, k.ed, KeyringConfig{Keys: []crypto.PublicKey{k.ed.Public()}}},
		// Several at once, of which one fits.
		{jwt.SigningMethodES256, k.p256, KeyringConfig{Secret: secret64, Keys: []crypto.PublicKey{&k.rsa.PublicKey, k.ed.Public(), &k.p256.PublicKey}}},
	} {
		token := raw(t, `{"alg":"`+tt.method.Alg()+`","typ":"JWT","kid":"whatever"}`, plain(""), tt.method, tt.private)
		who, err := newKeyring(t, tt.cfg).Identify(t.Context(), token)
		if err != nil || who.Subject != "u1" || who.Docs.Role("a") != Writer || who.Docs.Role("b") != None {
			t.Errorf("%s: %+v, %v", tt.method.Alg(), who, err)
		}
		_, err = newKeyring(t, KeyringConfig{Secret: []byte(strings.Repeat("another", 20)), Keys: []crypto.PublicKey{otherPublic(t, tt.private)}}).Identify(t.Context(), token)
		if err != ErrForeign {
			t.Errorf("%s, another key: %v", tt.method.Alg(), err)
		}
	}
}

// otherPublic is a public key of the same kind as a private one.
func otherPublic(t *testing.T, private any) crypto.PublicKey {
	t.Helper()
	switch p := private.(type) {
	case *rsa.PrivateKey:
		public := p.PublicKey
		public.N = new(big.Int).Add(public.N, big.NewInt(2))
		return &public
	case *ecdsa.PrivateKey:
		other, err := ecdsa.GenerateKey(p.Curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return &other.PublicKey
	}
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return public
}

// What is signed comes back.
func TestSign(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	want := Identity{
		Subject: "u1", Name: "Zoë", Color: "#a0B1c2", Issued: now, Expires: now.Add(time.Hour),
		Docs: Grants{{`team/*`, Writer}}, Topics: Grants{{"sensors/**", Reader}},
	}
	token, err := Sign(secret64, want, "https://id.example.com", "docs")
	if err != nil {
		t.Fatal(err)
	}
	got, err := newKeyring(t, KeyringConfig{Secret: secret64, Issuer: "https://id.example.com", Audience: "docs"}).Identify(t.Context(), token)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if _, err := Sign(secret64[:31], want, "", ""); err == nil || !strings.Contains(err.Error(), "31 bytes") {
		t.Error(err)
	}
	for says, who := range map[string]Identity{
		"color must":  {Expires: now.Add(time.Hour), Color: "red"},
		"no exp":      {},
		"expired":     {Expires: now.Add(-time.Hour)},
		"docs must":   {Expires: now.Add(time.Hour), Docs: Grants{{"", Reader}}},
		"8192 bytes":  {Expires: now.Add(time.Hour), Docs: Grants{{strings.Repeat("a", 1000), Reader}, {strings.Repeat("b", 1000), Reader}}},
		"topics must": {Expires: now.Add(time.Hour), Topics: Grants{{strings.Repeat("a", 2000), Reader}}},
	} {
		if says == "8192 bytes" {
			for i := range 7 {
				who.Docs = append(who.Docs, Grant{fmt.Sprint(i) + strings.Repeat("c", 1000), Reader})
			}
		}
		if token, err := Sign(secret64, who, "", ""); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("want %q: %.20s, %v", says, token, err)
		}
	}
}

// Claims that pass, and what they mean.
func TestClaims(t *testing.T) {
	k := newKeyring(t, KeyringConfig{Secret: secret64, Issuer: "me", Audience: "docs"})
	now := time.Now().Unix()
	sign := func(header, claims string) string { return raw(t, header, claims, jwt.SigningMethodHS256, secret64) }
	for name, claims := range map[string]string{
		"one audience":     fmt.Sprintf(`{"iss":"me","aud":"docs","exp":%d}`, now+60),
		"audiences":        fmt.Sprintf(`{"iss":"me","aud":["x","docs"],"exp":%d}`, now+60),
		"fractions":        fmt.Sprintf(`{"iss":"me","aud":"docs","exp":%d.25,"iat":%d.5,"nbf":1e3}`, now+60, now),
		"just over":        fmt.Sprintf(`{"iss":"me","aud":"docs","exp":%d}`, now-2),
		"clocks differ":    fmt.Sprintf(`{"iss":"me","aud":"docs","exp":%d,"iat":%d,"nbf":%d}`, now+60, now+3, now+3),
		"nulls":            fmt.Sprintf(`{"iss":"me","aud":"docs","exp":%d,"name":null,"docs":null,"nbf":null}`, now+60),
		"unknown":          fmt.Sprintf(`{"iss":"me","aud":"docs","exp":%d,"roles":["admin"],"x":{"y":[1,{"z":2}]}}`, now+60),
		"other case":       fmt.Sprintf(`{"iss":"me","aud":"docs","exp":%d,"DOCS":{"**":"owner"},"Docs":1,"EXP":"x"}`, now+60),
		"other's sub":      fmt.Sprintf(`{"iss":"me","aud":"docs","exp":%d,"sub":"%s"}`, now+60, strings.Repeat("s", 255)),
		"spaces and lines": fmt.Sprintf("\n { \"iss\": \"me\",\n\"aud\":\"docs\",\t\"exp\":%d } ", now+60),
	} {
		who, err := k.Identify(t.Context(), sign(`{"alg":"HS256"}`, claims))
		if err != nil || len(who.Docs) > 0 {
			t.Errorf("%s: %+v, %v", name, who, err)
		}
	}
	for _, header := range []string{`{"alg":"HS256","typ":"jwt"}`, `{"alg":"HS256","typ":"at+jwt"}`, `{"alg":"HS256","typ":"application/JWT","cty":"x"}`} {
		if _, err := k.Identify(t.Context(), sign(header, fmt.Sprintf(`{"iss":"me","aud":"docs","exp":%d}`, now+60))); err != nil {
			t.Errorf("%s: %v", header, err)
		}
	}
}

// Nothing here passes, and nothing that is said of it holds any of it.
func TestForgedTokens(t *testing.T) {
	k := keypairs()
	keyring := newKeyring(t, KeyringConfig{
		Secret: secret64[:32], Keys: []crypto.PublicKey{&k.rsa.PublicKey, &k.p256.PublicKey, k.ed.Public()}, Issuer: "me", Audience: "docs",
	})
	now := time.Now().Unix()
	const hidden = "s3cr3t-claim"
	good := fmt.Sprintf(`"sub":"%s","iss":"me","aud":"docs","exp":%d`, hidden, now+3600)
	hs := func(header, claims string) string {
		return raw(t, header, claims, jwt.SigningMethodHS256, secret64[:32])
	}
	claims := func(c string) string { return hs(`{"alg":"HS256","typ":"JWT"}`, c) }
	with := func(more string) string { return claims("{" + good + "," + more + "}") }
	forged := func(header string) string { // signed with a key of the forger's
		return raw(t, header, "{"+good+"}", jwt.SigningMethodHS256, []byte(strings.Repeat("forged", 8)))
	}
	unsigned := func(alg string) string {
		return b64([]byte(`{"alg":"`+alg+`"}`)) + "." + b64([]byte("{"+good+"}")) + "."
	}
	if _, err := keyring.Identify(t.Context(), with(`"name":"n"`)); err != nil {
		t.Fatal("the one that is well: ", err)
	}
	valid := claims("{" + good + "}")
	i := strings.LastIndexByte(valid, '.')
	signed, signature := valid[:i], valid[i+1:]
	attacker, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	attackers := raw(t, `{"alg":"RS256"}`, "{"+good+"}", jwt.SigningMethodRS256, attacker)
	jwk := `{"kty":"RSA","e":"AQAB","n":"` + b64(attacker.N.Bytes()) + `"}`
	own := func(member string) string {
		return raw(t, `{"alg":"RS256",`+member+`}`, "{"+good+"}", jwt.SigningMethodRS256, attacker)
	}

	foreign := map[string]string{
		"nothing":                   "",
		"no JWT":                    "password",
		"dots":                      "..",
		"alg none":                  unsigned("none"),
		"alg nOnE":                  unsigned("nOnE"),
		"alg NONE":                  unsigned("NONE"),
		"no alg at all":             unsigned(""),
		"alg none, with signature":  b64([]byte(`{"alg":"none"}`)) + "." + strings.SplitN(valid, ".", 2)[1],
		"alg that isn't a string":   hs(`{"alg":["HS256"]}`, "{"+good+"}"),
		"alg in another case":       hs(`{"alg":"hs256"}`, "{"+good+"}"),
		"no header":                 hs(``, "{"+good+"}"),
		"header is a list":          hs(`["HS256"]`, "{"+good+"}"),
		"RS256 as HS256, PEM":       raw(t, `{"alg":"HS256"}`, "{"+good+"}", jwt.SigningMethodHS256, pemOf(t, &k.rsa.PublicKey)),
		"RS256 as HS256, DER":       raw(t, `{"alg":"HS256"}`, "{"+good+"}", jwt.SigningMethodHS256, x509.MarshalPKCS1PublicKey(&k.rsa.PublicKey)),
		"ES256 as HS256":            raw(t, `{"alg":"HS256"}`, "{"+good+"}", jwt.SigningMethodHS256, pemOf(t, &k.p256.PublicKey)),
		"Ed25519 as HS256":          raw(t, `{"alg":"HS256"}`, "{"+good+"}", jwt.SigningMethodHS256, []byte(k.ed.Public().(ed25519.PublicKey))),
		"HS256 called RS256":        hs(`{"alg":"RS256"}`, "{"+good+"}"),
		"HS256 called EdDSA":        hs(`{"alg":"EdDSA"}`, "{"+good+"}"),
		"PS256 called RS256":        raw(t, `{"alg":"RS256"}`, "{"+good+"}", jwt.SigningMethodPS256, k.rsa),
		"ES384 with another curve":  raw(t, `{"alg":"ES384"}`, "{"+good+"}", jwt.SigningMethodES384, k.p384),
		"HS512 of a short secret":   raw(t, `{"alg":"HS512"}`, "{"+good+"}", jwt.SigningMethodHS512, secret64[:32]),
		"HS384 of a short secret":   raw(t, `{"alg":"HS384"}`, "{"+good+"}", jwt.SigningMethodHS384, secret64[:32]),
		"another's secret":          forged(`{"alg":"HS256"}`),
		"another's RSA key":         attackers,
		"its own jwk":               own(`"jwk":` + jwk),
		"its own jku":               own(`"jku":"https://evil.example/keys"`),
		"its own x5u":               own(`"x5u":"https://evil.example/cert"`),
		"its own x5c":               own(`"x5c":["` + base64.StdEncoding.EncodeToString(certificate(t, attacker)) + `"]`),
		"kid of a file":             forged(`{"alg":"HS256","kid":"../../dev/null"}`),
		"kid of SQL":                forged(`{"alg":"HS256","kid":"x' UNION SELECT 'key' --"}`),
		"empty key":                 raw(t, `{"alg":"HS256","kid":"/dev/null"}`, "{"+good+"}", jwt.SigningMethodHS256, []byte{}),
		"empty signature":           signed + ".",
		"short signature":           signed + "." + signature[:len(signature)-4],
		"long signature":            signed + "." + signature + "AAAA",
		"another's signature":       signed + "." + with(`"name":"n"`)[strings.LastIndexByte(with(`"name":"n"`), '.')+1:],
		"claims changed":            strings.Replace(valid, ".", ".A", 1),
		"zero ECDSA signature":      b64([]byte(`{"alg":"ES256"}`)) + "." + b64([]byte("{"+good+"}")) + "." + b64(make([]byte, 64)),
		"one part":                  strings.ReplaceAll(valid, ".", ""),
		"two parts":                 signed,
		"four parts":                valid + "." + signature,
		"five parts":                valid + "." + signature + "." + signature,
		"no base64":                 "{" + valid,
		"padding":                   valid + "=",
		"standard base64":           signed + "." + strings.NewReplacer("-", "+", "_", "/").Replace(signature) + "+",
		"a line break":              valid + "\n",
		"a line break in a part":    signed[:10] + "\r\n" + signed[10:] + "." + signature,
		"NUL behind it":             valid + "\x00",
		"a space before":            " " + valid,
		"spelled otherwise":         signed + "." + otherSpelling(signature),
		"JSON serialization":        `{"payload":"` + strings.Split(valid, ".")[1] + `","signature":"` + signature + `"}`,
		"a share's secret":          "inkwire-link-abc",
		"alg twice, the other none": unsigned(`none","alg":"HS256`),
	}
	for name, token := range foreign {
		if who, err := keyring.Identify(t.Context(), token); err != ErrForeign {
			t.Errorf("%s: %+v, %v", name, who, err)
		}
	}

	bad := map[string]string{
		"huge":                   valid + strings.Repeat("A", MaxToken),
		"claims aren't base64":   rawClaims(t, "!!!!"),
		"claims aren't JSON":     claims("docs"),
		"claims are a list":      claims("[]"),
		"claims are null":        claims("null"),
		"two objects":            claims("{" + good + "}{}"),
		"no UTF-8":               claims("{" + good + ",\"name\":\"\xff\"}"),
		"nbf in the future":      with(fmt.Sprintf(`"nbf":%d`, now+60)),
		"iat in the future":      with(fmt.Sprintf(`"iat":%d`, now+60)),
		"another audience":       claims(fmt.Sprintf(`{"iss":"me","aud":"shop","exp":%d}`, now+60)),
		"other audiences":        claims(fmt.Sprintf(`{"iss":"me","aud":["shop","doc"],"exp":%d}`, now+60)),
		"no audience":            claims(fmt.Sprintf(`{"iss":"me","exp":%d}`, now+60)),
		"aud a number":           claims(fmt.Sprintf(`{"iss":"me","aud":1,"exp":%d}`, now+60)),
		"another issuer":         claims(fmt.Sprintf(`{"iss":"you","aud":"docs","exp":%d}`, now+60)),
		"no issuer":              claims(fmt.Sprintf(`{"aud":"docs","exp":%d}`, now+60)),
		"no exp":                 claims(`{"iss":"me","aud":"docs"}`),
		"exp null":               claims(`{"iss":"me","aud":"docs","exp":null}`),
		"exp a string":           claims(fmt.Sprintf(`{"iss":"me","aud":"docs","exp":"%d"}`, now+60)),
		"exp beyond all times":   claims(`{"iss":"me","aud":"docs","exp":1e300}`),
		"exp negative":           claims(`{"iss":"me","aud":"docs","exp":-1}`),
		"exp an object":          claims(`{"iss":"me","aud":"docs","exp":{}}`),
		"exp twice":              with(`"exp":99999999999`),
		"exp twice, escaped":     with(`"\u0065xp":99999999999`),
		"docs twice":             with(`"docs":{"a":"reader"},"docs":{"**":"owner"}`),
		"a pattern twice":        with(`"docs":{"a":"reader","a":"owner"}`),
		"twice, deep down":       with(`"x":[{"y":{"z":1,"z":2}}]`),
		"docs a list":            with(`"docs":["a"]`),
		"docs a string":          with(`"docs":"` + hidden + `"`),
		"unknown role":           with(`"docs":{"a":"` + hidden + `"}`),
		"role a number":          with(`"docs":{"a":4}`),
		"role none":              with(`"docs":{"a":"none"}`),
		"empty pattern":          with(`"docs":{"":"reader"}`),
		"topics a list":          with(`"topics":[]`),
		"sub a number":           claims(fmt.Sprintf(`{"sub":1,"iss":"me","aud":"docs","exp":%d}`, now+60)),
		"long sub":               claims(fmt.Sprintf(`{"sub":"%s","iss":"me","aud":"docs","exp":%d}`, strings.Repeat("s", 256), now+60)),
		"NUL in sub":             claims(fmt.Sprintf(`{"sub":"a\u0000b","iss":"me","aud":"docs","exp":%d}`, now+60)),
		"a line break in name":   with(`"name":"a\nb"`),
		"long name":              with(`"name":"` + strings.Repeat("é", 51) + `"`),
		"name an object":         with(`"name":{"a":"` + hidden + `"}`),
		"color of style":         with(`"color":"red;background:url(x)"`),
		"short color":            with(`"color":"#fff"`),
		"typ of something else":  hs(`{"alg":"HS256","typ":"secevent+jwt"}`, "{"+good+"}"),
		"typ a number":           hs(`{"alg":"HS256","typ":1}`, "{"+good+"}"),
		"crit":                   hs(`{"alg":"HS256","crit":["exp"]}`, "{"+good+"}"),
		"b64 false":              hs(`{"alg":"HS256","b64":false,"crit":["b64"]}`, "{"+good+"}"),
		"kid a number":           hs(`{"alg":"HS256","kid":1}`, "{"+good+"}"),
		"kid twice":              hs(`{"alg":"HS256","kid":"a","kid":"b"}`, "{"+good+"}"),
		"alg twice, one is good": hs(`{"alg":"none","alg":"HS256"}`, "{"+good+"}"),
	}
	for name, token := range bad {
		_, err := keyring.Identify(t.Context(), token)
		checkRefused(t, name, err, BadToken, hidden, token)
	}
	for name, token := range map[string]string{
		"expired":          claims(fmt.Sprintf(`{"sub":"%s","iss":"me","aud":"docs","exp":%d}`, hidden, now-6)),
		"expired long ago": claims(`{"iss":"me","aud":"docs","exp":0}`),
	} {
		_, err := keyring.Identify(t.Context(), token)
		checkRefused(t, name, err, Expired, hidden, token)
	}
	if n := len(foreign) + len(bad); n < 90 {
		t.Errorf("%d forged tokens", n)
	}
}

// checkRefused wants a row of the table, whose error holds nothing of a token.
func checkRefused(t *testing.T, name string, err error, row Refusal, hidden, token string) {
	t.Helper()
	var refused *Refused
	if !errors.As(err, &refused) || refused.Label != row.Label {
		t.Errorf("%s: %v", name, err)
		return
	}
	if strings.Contains(err.Error(), hidden) || len(err.Error()) > 123 {
		t.Errorf("%s: says %q", name, err)
	}
	for _, part := range strings.Split(token, ".") {
		if len(part) > 4 && strings.Contains(err.Error(), part) {
			t.Errorf("%s: says %q", name, err)
		}
	}
}

// rawClaims signs claims as they stand, not as base64.
func rawClaims(t *testing.T, claims string) string {
	t.Helper()
	signed := b64([]byte(`{"alg":"HS256"}`)) + "." + claims
	mac := hmac.New(sha256.New, secret64[:32])
	mac.Write([]byte(signed))
	return signed + "." + b64(mac.Sum(nil))
}

// otherSpelling changes the bits of base64's last character that stand for
// nothing.
func otherSpelling(s string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	i := strings.IndexByte(alphabet, s[len(s)-1])
	return s[:len(s)-1] + alphabet[i^1:i^1+1]
}

func certificate(t *testing.T, key *rsa.PrivateKey) []byte {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "id.example.com"}, NotAfter: time.Now().Add(-time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// A PEM file has public keys or certificates. A private key is refused with what
// to do.
func TestPublicKeys(t *testing.T) {
	k := keypairs()
	block := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	file := append(append(append(pemOf(t, &k.rsa.PublicKey), "remark\n"...), pemOf(t, k.ed.Public())...),
		append(block("CERTIFICATE", certificate(t, k.rsa)), block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&k.rsa.PublicKey))...)...)
	keys, err := PublicKeys(file)
	if err != nil || len(keys) != 4 || !k.rsa.PublicKey.Equal(keys[0]) || !k.rsa.PublicKey.Equal(keys[2]) || !k.rsa.PublicKey.Equal(keys[3]) {
		t.Errorf("%v, %v", keys, err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(k.p256)
	if err != nil {
		t.Fatal(err)
	}
	weak, err := x509.MarshalPKIXPublicKey(&rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 1023), E: 65537})
	if err != nil {
		t.Fatal(err)
	}
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for says, file := range map[string][]byte{
		"a private key":               append(pemOf(t, k.ed.Public()), block("PRIVATE KEY", pkcs8)...),
		"openssl pkey":                block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(k.rsa)),
		"no public key":               []byte("ssh-ed25519 AAAA"),
		"PEM block 2: neither":        append(pemOf(t, k.ed.Public()), block("EC PARAMETERS", nil)...),
		"PEM block 1: x509":           block("CERTIFICATE", []byte("x")),
		"1024 bits, and must have":    block("PUBLIC KEY", weak),
		"a key that signs no tokens:": pemOf(t, &p224.PublicKey),
	} {
		if keys, err := PublicKeys(file); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("want %q: %v, %v", says, keys, err)
		}
	}
	if _, err := NewKeyring(KeyringConfig{Secret: []byte("short")}); err == nil || strings.Contains(err.Error(), "short") || !strings.Contains(err.Error(), "at least 32") {
		t.Error(err)
	}
	if _, err := NewKeyring(KeyringConfig{}); err == nil {
		t.Error("a keyring without keys")
	}
}

// Whatever comes, nothing panics, and nothing passes that the key hasn't signed.
func FuzzIdentify(f *testing.F) {
	k, err := NewKeyring(KeyringConfig{Secret: secret64, Keys: []crypto.PublicKey{&keypairs().p256.PublicKey}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(`{"alg":"HS256"}`, plain(""), "")
	f.Add(`{"alg":"none","alg":"HS256"}`, `{"exp":1e9,"docs":{"a":"b"}}`, "AAAA")
	f.Add(`{"alg":"ES256","kid":"x","typ":"JWT"}`, `{"aud":[null],"exp":99999999999}`, "...")
	f.Fuzz(func(t *testing.T, header, claims, signature string) {
		signed := b64([]byte(header)) + "." + b64([]byte(claims))
		mac := hmac.New(sha256.New, secret64)
		mac.Write([]byte(signed))
		good := b64(mac.Sum(nil))
		for _, token := range []string{signed + "." + signature, header + "." + claims + "." + signature, header} {
			if who, err := k.Identify(t.Context(), token); err == nil && signature != good {
				t.Fatalf("%q passes as %+v", token, who)
			}
		}
		who, err := k.Identify(t.Context(), signed+"."+good)
		var refused *Refused
		switch {
		case err == nil:
			if !json.Valid([]byte(claims)) || who.Expires.IsZero() || who.fault() != "" {
				t.Fatalf("%q: %+v", claims, who)
			}
		case err != ErrForeign && !errors.As(err, &refused):
			t.Fatal(err)
		}
	})
}
