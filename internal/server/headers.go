package server

import (
	"net/http"

	"github.com/inkwire/inkwire/internal/access"
)

// pagePolicy is the page's Content-Security-Policy: everything from here, and no
// script or address within the document. Its sockets are 'self' too (CSP 3,
// 6.7.2.8). ProseMirror and Tiptap write style attributes and a style element of
// their own, hence 'unsafe-inline' for styles; a nonce wouldn't cover attributes.
// Texts may show pictures from anywhere. No page may hold this one in a frame: it
// could have people click what they don't see.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; connect-src 'self'; " +
	"img-src 'self' data: blob: https:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// setHeaders sets what each answer has, whatever it is of: for a page nothing is
// allowed that isn't said later.
func setHeaders(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	// Not no-referrer, for which browsers send "Origin: null" with some requests.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()")
	// A browser would keep to it on all ports of the name: on this machine, of
	// whatever else is being developed. What a proxy's TLS promises is the proxy's.
	if r.TLS != nil && !access.LoopbackHost(r.Host) {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// allowOrigin lets the page of another site that may connect read an answer of the
// API. It shows a token; cookies don't count for it, so it gets none sent.
func (s *Server) allowOrigin(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Add("Vary", "Origin")
	if origin := r.Header.Get("Origin"); origin != "" && !s.cfg.Site.OwnOrigin(r) {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", "ETag, Location, Retry-After")
	}
}

// preflight answers a browser's question whether another site's page may send a
// request, which isn't one itself; it reports false if it wasn't asked that.
func preflight(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match, If-None-Match, Last-Event-ID")
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
	return true
}
