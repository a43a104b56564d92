package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// hangLimit ends a hanging request at last, so that a client that waits for
// ever does not keep a connection for ever.
const hangLimit = 15 * time.Minute

// write sends an answer.
func (rep reply) write(w http.ResponseWriter) {
	body, kind := rep.encode()
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "private, no-cache, no-store, must-revalidate")
	for name, value := range rep.header {
		h.Set(name, value)
	}
	w.WriteHeader(rep.status)
	w.Write(body) // the client may be gone; that is its own affair
}

// encode renders the body.
func (rep reply) encode() (body []byte, kind string) {
	if text, ok := rep.body.(string); ok {
		return []byte(text), "text/html; charset=UTF-8"
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(rep.body); err != nil {
		panic("sandbox: an answer can't be rendered: " + err.Error())
	}
	return bytes.TrimSpace(buf.Bytes()), "application/json; charset=UTF-8"
}

// seized is a connection taken away from the HTTP server.
type seized struct {
	conn net.Conn
	in   io.Reader
}

// seize takes the connection of a request. Where that can't be done (HTTP/2,
// a recorder) the request is aborted, which looks like a reset.
func seize(w http.ResponseWriter) seized {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	return seized{conn: conn, in: rw.Reader}
}

// close ends the connection; hard sends RST instead of FIN.
func (s seized) close(hard bool) {
	if tcp, ok := s.conn.(*net.TCPConn); ok && hard {
		tcp.SetLinger(0)
	}
	if tcp, ok := s.conn.(*net.TCPConn); ok && !hard {
		// Closing with unread input would send RST as well.
		tcp.CloseWrite()
		s.conn.SetReadDeadline(time.Now().Add(time.Second))
		io.Copy(io.Discard, s.in)
	}
	s.conn.Close()
}

// wait returns when the client is gone.
func (s seized) wait() {
	s.conn.SetDeadline(time.Now().Add(hangLimit))
	io.Copy(io.Discard, s.in)
}

// sendPart sends an answer's head and the first n bytes of its body, half of
// it when n is 0.
func (s seized) sendPart(rep reply, n int64) {
	body, kind := rep.encode()
	if n <= 0 {
		n = int64(len(body) / 2)
	}
	var head bytes.Buffer
	fmt.Fprintf(&head, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n",
		rep.status, http.StatusText(rep.status), kind, max(int64(len(body)), n+1))
	for _, name := range slices.Sorted(maps.Keys(rep.header)) {
		fmt.Fprintf(&head, "%s: %s\r\n", name, rep.header[name])
	}
	head.WriteString("\r\n")
	head.Write(body[:min(n, int64(len(body)))])
	s.conn.SetWriteDeadline(time.Now().Add(time.Minute))
	s.conn.Write(head.Bytes())
}
