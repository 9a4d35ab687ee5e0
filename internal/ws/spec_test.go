package ws_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
)

// The cases are numbered after the sections of the Autobahn test suite, whose
// numbers people who write WebSocket servers know. The server echoes.

// A reply is a frame that the server is to send; of a close frame, the code.
type reply struct {
	first   byte
	payload string
	answer  bool // to the client's close frame, so that the connection is over
}

func textReply(s string) reply   { return reply{0x81, s, false} }
func binaryReply(s string) reply { return reply{0x82, s, false} }
func pongReply(s string) reply   { return reply{0x8a, s, false} }
func closeReply(code int) reply  { return reply{0x88, code2(code), false} }
func closeAnswer(code int) reply { return reply{0x88, code2(code), true} }

// code2 is a close code as it stands in a frame.
func code2(code int) string { return string(binary.BigEndian.AppendUint16(nil, uint16(code))) }

func text(s string) []byte                   { return frame(0x81, []byte(s)) }
func binaryMsg(s string) []byte              { return frame(0x82, []byte(s)) }
func ping(s string) []byte                   { return frame(0x89, []byte(s)) }
func closing(code int, reason string) []byte { return frame(0x88, []byte(code2(code)+reason)) }
func textPart(s string) []byte               { return frame(0x01, []byte(s)) }
func binaryPart(s string) []byte             { return frame(0x02, []byte(s)) }
func more(s string) []byte                   { return frame(0x00, []byte(s)) }
func last(s string) []byte                   { return frame(0x80, []byte(s)) }
func cat(p ...[]byte) []byte                 { return bytes.Join(p, nil) }

// announce is a masked frame's header, without its payload.
func announce(first byte, n uint64) []byte {
	return append(binary.BigEndian.AppendUint64([]byte{first, 0x80 | 127}, n), 1, 2, 3, 4)
}

// cut is the beginning of a frame whose rest never comes.
func cut(frame []byte, n int) []byte { return frame[:len(frame)-n] }

type specCase struct {
	section, name string
	in            []byte
	want          []reply
}

const limit = 1000 // of the server's messages, see config

func specCases() []specCase {
	a := func(n int) string { return strings.Repeat("*", n) }
	echo := closeAnswer // a close frame comes back with its code
	cases := []specCase{
		{"1.1.1", "an empty text", text(""), []reply{textReply("")}},
		{"1.1.2", "a text of 125 bytes", text(a(125)), []reply{textReply(a(125))}},
		{"1.1.3", "a text of 126 bytes", text(a(126)), []reply{textReply(a(126))}},
		{"1.1.4", "a text of 127 bytes", text(a(127)), []reply{textReply(a(127))}},
		{"1.1.5", "a text of 128 bytes", text(a(128)), []reply{textReply(a(128))}},
		{"1.2.1", "an empty binary message", binaryMsg(""), []reply{binaryReply("")}},
		{"1.2.2", "a binary message of 125 bytes", binaryMsg(a(125)), []reply{binaryReply(a(125))}},
		{"1.2.4", "a binary message of 127 bytes", binaryMsg(a(127)), []reply{binaryReply(a(127))}},
		{"1.3.1", "two messages in one packet", cat(binaryMsg("a"), text("b")), []reply{binaryReply("a"), textReply("b")}},
		{"1.3.2", "a length longer than need be", cat(announce(0x82, 3), []byte{'a' ^ 1, 'b' ^ 2, 'c' ^ 3}), []reply{binaryReply("abc")}},
		{"1.4.1", "an unmasked frame", []byte{0x82, 1, 'a'}, []reply{closeReply(1002)}},
		{"1.4.2", "an unmasked ping", []byte{0x89, 0}, []reply{closeReply(1002)}},
		{"1.4.3", "a length with its highest bit set", announce(0x82, 1<<63), []reply{closeReply(1002)}},

		{"2.1", "a ping without payload", ping(""), []reply{pongReply("")}},
		{"2.2", "a ping with a text", ping("Hello"), []reply{pongReply("Hello")}},
		{"2.3", "a ping with bytes", ping("\x00\xff\xfe\xfd"), []reply{pongReply("\x00\xff\xfe\xfd")}},
		{"2.4", "a ping of 125 bytes", ping(a(125)), []reply{pongReply(a(125))}},
		{"2.5", "a ping of 126 bytes", ping(a(126)), []reply{closeReply(1002)}},
		{"2.7", "a pong nobody asked for, empty", cat(frame(0x8a, nil), text("x")), []reply{textReply("x")}},
		{"2.8", "a pong nobody asked for", cat(frame(0x8a, []byte("p")), text("x")), []reply{textReply("x")}},
		{"2.9", "a pong nobody asked for, then a ping", cat(frame(0x8a, []byte("p")), ping("q")), []reply{pongReply("q")}},
		{"2.10", "three pings at once", cat(ping("1"), ping("2"), ping("3")), []reply{pongReply("1"), pongReply("2"), pongReply("3")}},

		{"3.1", "RSV3", frame(0x91, []byte("x")), []reply{closeReply(1002)}},
		{"3.2", "a good text, then RSV2", cat(text("x"), frame(0xa1, nil)), []reply{textReply("x"), closeReply(1002)}},
		{"3.3", "RSV1 without an extension", frame(0xc1, nil), []reply{closeReply(1002)}},
		{"3.4", "all of them", frame(0xf2, nil), []reply{closeReply(1002)}},
		{"3.5", "RSV3 in a ping", frame(0x99, nil), []reply{closeReply(1002)}},
		{"3.6", "RSV1 in a close frame", frame(0xc8, nil), []reply{closeReply(1002)}},
		{"3.7", "RSV1 in a continuation", cat(textPart("x"), frame(0xc0, nil)), []reply{closeReply(1002)}},

		{"5.1", "a ping in two parts", cat(frame(0x09, []byte("a")), last("b")), []reply{closeReply(1002)}},
		{"5.2", "a pong in two parts", cat(frame(0x0a, []byte("a")), last("b")), []reply{closeReply(1002)}},
		{"5.3", "a text in two parts", cat(textPart("a"), last("b")), []reply{textReply("ab")}},
		{"5.6", "a ping between two parts", cat(textPart("a"), ping("p"), last("b")), []reply{pongReply("p"), textReply("ab")}},
		{"5.9", "a continuation of nothing", cat(last("x"), text("y")), []reply{closeReply(1002)}},
		{"5.12", "a continuation of nothing, which goes on", cat(more("x"), text("y")), []reply{closeReply(1002)}},
		{"5.15", "a continuation after a whole message", cat(textPart("a"), last("b"), more("c")), []reply{textReply("ab"), closeReply(1002)}},
		{"5.18", "a text within a text", cat(textPart("a"), text("b")), []reply{closeReply(1002)}},
		{"5.19", "many parts and pings", cat(binaryPart("a"), more(""), ping("1"), more("b"), ping("2"), more("c"), last("")),
			[]reply{pongReply("1"), pongReply("2"), binaryReply("abc")}},
		{"5.20", "a close frame between two parts", cat(textPart("a"), closing(1000, ""), last("b")), []reply{echo(1000)}},

		{"6.1.1", "an empty text of empty parts", cat(textPart(""), more(""), last("")), []reply{textReply("")}},
		{"6.2.1", "a text of many letters", text("Hello-µ@ßöäüàá-UTF-8!!"), []reply{textReply("Hello-µ@ßöäüàá-UTF-8!!")}},
		{"6.2.3", "a character cut by parts", cat(textPart("\xc3"), last("\xbc")), []reply{textReply("ü")}},
		{"6.2.4", "the end within a character", text("a\xe2\x82"), []reply{closeReply(1007)}},
		{"6.2.5", "bytes that needn't be UTF-8", binaryMsg("\xff\xfe"), []reply{binaryReply("\xff\xfe")}},
		{"6.4.1", "a bad part, before the next comes", textPart("ok \xf4\x90"), []reply{closeReply(1007)}},
		{"6.4.2", "a second bad part", cat(textPart("\xf4"), more("\x90")), []reply{closeReply(1007)}},
		{"6.4.3", "bad bytes within a frame, before its rest comes", cut(text("ok \xed\xa0 and more"), 5), []reply{closeReply(1007)}},

		{"7.1.1", "a message, then close", cat(text("x"), closing(1000, "")), []reply{textReply("x"), echo(1000)}},
		{"7.1.3", "a ping after close", cat(closing(1000, ""), ping("p")), []reply{echo(1000)}},
		{"7.1.4", "a text after close", cat(closing(1000, ""), text("x")), []reply{echo(1000)}},
		{"7.1.5", "a close, and then the rest", cat(textPart("a"), closing(1000, ""), last("b")), []reply{echo(1000)}},
		{"7.1.6", "two closes", cat(closing(1001, ""), closing(1000, "")), []reply{echo(1001)}},
		{"7.3.1", "a close without a code", frame(0x88, nil), []reply{{0x88, "", true}}},
		{"7.3.2", "a close of one byte", frame(0x88, []byte{3}), []reply{closeReply(1002)}},
		{"7.3.4", "a close with a reason", closing(1000, "Hello"), []reply{echo(1000)}},
		{"7.3.5", "a close with the longest reason", closing(1000, a(123)), []reply{echo(1000)}},
		{"7.3.6", "a close with a longer one", closing(1000, a(124)), []reply{closeReply(1002)}},
		{"7.3.7", "a close in two parts", cat(frame(0x08, []byte(code2(1000))), last("")), []reply{closeReply(1002)}},
		{"7.5.1", "a close with bad UTF-8", closing(1000, "\xce\xba\xed\xa0\x80"), []reply{closeReply(1007)}},
		{"7.5.2", "a close that ends within a character", closing(1000, "\xe2\x82"), []reply{closeReply(1007)}},

		{"9.1.1", "a message as long as allowed", binaryMsg(a(limit)), []reply{binaryReply(a(limit))}},
		{"9.1.2", "one byte longer", binaryMsg(a(limit + 1)), []reply{closeReply(1009)}},
		{"9.1.3", "longer, before its bytes come", announce(0x82, limit+1), []reply{closeReply(1009)}},
		{"9.1.4", "nearly 2^63 bytes", announce(0x82, 1<<63-1), []reply{closeReply(1009)}},
		{"9.3.1", "as long as allowed, in parts", cat(binaryPart(a(limit-1)), more(""), last("x")), []reply{binaryReply(a(limit-1) + "x")}},
		{"9.3.2", "one byte longer, in parts", cat(binaryPart(a(limit)), last("x")), []reply{closeReply(1009)}},
		{"9.3.3", "a part for each byte", cat(binaryPart(""), bytes.Repeat(more("y"), limit-1), last("x")), []reply{binaryReply(strings.Repeat("y", limit-1) + "x")}},
		{"9.3.4", "parts without end", cat(binaryPart(""), bytes.Repeat(more(""), 1100)), []reply{closeReply(1009)}},
	}
	for _, op := range []byte{3, 4, 5, 6, 7} {
		cases = append(cases, specCase{"4.1", fmt.Sprint("the reserved opcode ", op), frame(0x80|op, []byte("x")), []reply{closeReply(1002)}})
	}
	for _, op := range []byte{11, 12, 13, 14, 15} {
		cases = append(cases, specCase{"4.2", fmt.Sprint("a good text, then the reserved opcode ", op), cat(text("x"), frame(0x80|op, nil)),
			[]reply{textReply("x"), closeReply(1002)}})
	}
	for _, code := range []int{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4400, 4999} {
		cases = append(cases, specCase{"7.7", fmt.Sprint("a close with the code ", code), closing(code, ""), []reply{echo(code)}})
	}
	for _, code := range []int{0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535} {
		cases = append(cases, specCase{"7.9", fmt.Sprint("a close with the bad code ", code), closing(code, "why"), []reply{closeReply(1002)}})
	}
	return cases
}

// utf8Cases are from Markus Kuhn's stress test for UTF-8 decoders, by its
// sections.
var utf8Cases = []struct {
	section, text string
	good          bool
}{
	{"1", "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5", true},
	{"2.1", "\x00", true}, {"2.1", "\xc2\x80", true}, {"2.1", "\xe0\xa0\x80", true}, {"2.1", "\xf0\x90\x80\x80", true},
	{"2.1", "\xf8\x88\x80\x80\x80", false}, {"2.1", "\xfc\x84\x80\x80\x80\x80", false},
	{"2.2", "\x7f", true}, {"2.2", "\xdf\xbf", true}, {"2.2", "\xef\xbf\xbf", true}, {"2.2", "\xf4\x8f\xbf\xbf", true},
	{"2.2", "\xf7\xbf\xbf\xbf", false}, {"2.2", "\xfb\xbf\xbf\xbf\xbf", false},
	{"2.3", "\xed\x9f\xbf", true}, {"2.3", "\xee\x80\x80", true}, {"2.3", "\xef\xbf\xbd", true}, {"2.3", "\xf4\x90\x80\x80", false},
	{"3.1", "\x80", false}, {"3.1", "\xbf", false}, {"3.1", "\x80\xbf\x80\xbf", false},
	{"3.2", "\xc0 ", false}, {"3.2", "\xdf ", false}, {"3.2", "\xe0 ", false}, {"3.2", "\xef ", false}, {"3.2", "\xf0 ", false}, {"3.2", "\xf7 ", false},
	{"3.3", "\xc3", false}, {"3.3", "\xe0\xa0", false}, {"3.3", "\xf0\x90\x80", false}, {"3.3", "\xef\xbf", false},
	{"3.4", "\xe2\x82\xe2\x82", false}, {"3.5", "\xfe", false}, {"3.5", "\xff", false},
	{"4.1", "\xc0\xaf", false}, {"4.1", "\xe0\x80\xaf", false}, {"4.1", "\xf0\x80\x80\xaf", false},
	{"4.2", "\xc1\xbf", false}, {"4.2", "\xe0\x9f\xbf", false}, {"4.2", "\xf0\x8f\xbf\xbf", false},
	{"4.3", "\xc0\x80", false}, {"4.3", "\xe0\x80\x80", false}, {"4.3", "\xf0\x80\x80\x80", false},
	{"5.1", "\xed\xa0\x80", false}, {"5.1", "\xed\xad\xbf", false}, {"5.1", "\xed\xbf\xbf", false},
	{"5.2", "\xed\xa0\x80\xed\xb0\x80", false}, {"5.2", "\xed\xaf\xbf\xed\xbf\xbf", false},
	{"5.3", "\xef\xbf\xbe", true}, {"5.3", "\xef\xb7\x90", true}, {"5.3", "\xf0\x9f\xbf\xbf", true},
}

func TestSpecification(t *testing.T) {
	for _, c := range specCases() {
		t.Run(c.section+" "+c.name, func(t *testing.T) {
			dial(t, serve(t, config(), echo)).converse(c.in, c.want...)
		})
	}
}

// 6.5 to 6.23: in one frame, each byte a frame, and deflated.
func TestUTF8(t *testing.T) {
	for _, c := range utf8Cases {
		t.Run(fmt.Sprintf("6 Kuhn %s %x", c.section, c.text), func(t *testing.T) {
			want := closeReply(1007)
			if c.good {
				want = textReply("x" + c.text)
			}
			parts := textPart("x")
			for i := range len(c.text) {
				parts = append(parts, more(c.text[i:i+1])...)
			}
			dial(t, serve(t, config(), echo)).converse(text("x"+c.text), want)
			dial(t, serve(t, config(), echo)).converse(cat(parts, last("")), want)
			deflating, _ := dialOffering(t, serve(t, config(), echo), "permessage-deflate")
			deflating.converse(frame(0xc1, deflated("x"+c.text)), want)
		})
	}
}

// Any way to cut the stream into packets is the same.
func TestPackets(t *testing.T) {
	in := cat(text("grüße"), binaryPart(strings.Repeat("a", 600)), ping("p"), last("end"))
	want := []reply{textReply("grüße"), pongReply("p"), binaryReply(strings.Repeat("a", 600) + "end")}
	for _, size := range []int{1, 2, 7, 255, 256, 257} {
		r := dial(t, serve(t, config(), echo))
		for rest := in; len(rest) > 0; {
			n := min(size, len(rest))
			if _, err := r.Write(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		r.converse(nil, want...)
	}
}

// converse writes bytes and checks the replies. Unless the last of them is a
// close frame, it then closes. Nothing follows the server's close frame.
func (r *raw) converse(in []byte, want ...reply) {
	r.t.Helper()
	end := r.says(in, want...)
	switch {
	case end.first != 0x88:
		r.Write(closing(1000, "bye"))
		if b0, got := r.next(); b0 != 0x88 || string(got) != code2(1000) {
			r.t.Fatalf("to close: got %#x %q", b0, got)
		}
	case !end.answer:
		r.Write(closing(1000, ""))
	}
	r.Conn.(*net.TCPConn).CloseWrite()
	if _, err := r.r.ReadByte(); err != io.EOF {
		r.t.Fatal("after the close frame: ", err)
	}
}

// says writes bytes and checks the replies, of which it returns the last.
func (r *raw) says(in []byte, want ...reply) (end reply) {
	r.t.Helper()
	r.Write(in)
	for _, w := range want {
		end = w
		first, got := r.next()
		if first == 0x88 && w.first == 0x88 {
			got = got[:min(len(got), 2)]
		}
		if first != w.first || string(got) != w.payload {
			r.t.Fatalf("got %#x %q, want %#x %q", first, got, w.first, w.payload)
		}
	}
	return end
}
