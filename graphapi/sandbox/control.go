package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// controlPrefix begins the paths that are for the simulator itself.
const controlPrefix = "/_sandbox"

// maxControl bounds the body of a control request, in bytes.
const maxControl = 1 << 20

// isControl reports whether a path is for the simulator itself.
func isControl(path string) bool {
	return path == controlPrefix || strings.HasPrefix(path, controlPrefix+"/")
}

// controlHandler answers below /_sandbox/. Only this machine may ask, under a
// name that only this machine has (a web page could otherwise reach it through
// a name of its own), and no other site's page may post.
func (s *Server) controlHandler() http.Handler {
	mux := http.NewServeMux()
	for pattern, f := range map[string]func(r *http.Request) (any, error){
		"GET /world":       s.getWorld,
		"GET /requests":    func(*http.Request) (any, error) { return s.Requests(), nil },
		"GET /stories":     func(r *http.Request) (any, error) { return s.Stories(r.FormValue("page")), nil },
		"POST /stories":    s.postStory,
		"DELETE /stories":  func(r *http.Request) (any, error) { return nil, s.RemoveStory(r.FormValue("post_id")) },
		"GET /pages":       func(*http.Request) (any, error) { return s.Pages(), nil },
		"POST /pages":      s.postPage,
		"POST /tokens":     s.postToken,
		"GET /faults":      func(*http.Request) (any, error) { return s.Faults(), nil },
		"POST /faults":     s.postFaults,
		"DELETE /faults":   func(*http.Request) (any, error) { return nil, s.ClearFaults() },
		"GET /switches":    func(*http.Request) (any, error) { return s.Switches(), nil },
		"POST /switches":   s.postSwitches,
		"POST /advance":    s.postAdvance,
		"POST /reset":      func(*http.Request) (any, error) { return nil, s.Reset() },
		"POST /hosted":     s.postHosted,
		"POST /revocation": s.postRevocation,
	} {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" "+controlPrefix+path, controlFunc(f))
	}
	mux.HandleFunc("GET "+controlPrefix+"/{$}", s.servePhones)
	mux.HandleFunc("GET "+controlPrefix+"/photos/{sha256}", s.servePhoto)
	mux.Handle("GET "+controlPrefix+"", http.RedirectHandler(controlPrefix+"/", http.StatusMovedPermanently))
	protected := http.NewCrossOriginProtection().Handler(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLocal(r) {
			http.Error(w, "the simulator is controlled from its own machine only", http.StatusForbidden)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxControl)
		protected.ServeHTTP(w, r)
	})
}

// isLocal reports whether a request comes from this machine, to a name that
// means this machine.
func isLocal(r *http.Request) bool {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !from.Addr().Unmap().IsLoopback() {
		return false
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && addr.IsLoopback()
}

// controlFunc turns a function into a handler that answers JSON. A form on the
// page for people is led back to it.
func controlFunc(f func(r *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := f(r)
		switch {
		case err != nil:
			reply{status: http.StatusBadRequest, body: object{"error": err.Error()}}.write(w)
		case v == nil && strings.Contains(r.Header.Get("Accept"), "text/html"):
			http.Redirect(w, r, controlPrefix+"/", http.StatusSeeOther)
		case v == nil:
			reply{status: http.StatusOK, body: object{"ok": true}}.write(w)
		default:
			reply{status: http.StatusOK, body: v}.write(w)
		}
	}
}

// readJSON decodes the body of a control request.
func readJSON(r *http.Request, v any) error {
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return fmt.Errorf("the body can't be read: %w", err)
	}
	return nil
}

// readText reads the body of a control request.
func readText(r *http.Request) (string, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return "", fmt.Errorf("the body can't be read: %w", err)
	}
	return string(body), nil
}

// getWorld shows the world as its file would, without the tokens.
func (s *Server) getWorld(*http.Request) (v any, err error) {
	s.view(func(w *world) {
		d := w.document()
		d.Tokens = nil
		var text []byte
		text, err = json.Marshal(d) // here, because the world changes afterwards
		v = json.RawMessage(text)
	})
	return v, err
}

// postStory makes a story by hand.
func (s *Server) postStory(r *http.Request) (any, error) {
	var st Story
	if err := readJSON(r, &st); err != nil {
		return nil, err
	}
	return s.AddStory(st)
}

// postPage adds a Page.
func (s *Server) postPage(r *http.Request) (any, error) {
	var p Page
	if err := readJSON(r, &p); err != nil {
		return nil, err
	}
	return nil, s.AddPage(p)
}

// postToken adds a token.
func (s *Server) postToken(r *http.Request) (any, error) {
	var t Token
	if err := readJSON(r, &t); err != nil {
		return nil, err
	}
	return nil, s.AddToken(t)
}

// postRevocation revokes the derived tokens of a Page.
func (s *Server) postRevocation(r *http.Request) (any, error) {
	token, err := s.RevokePageTokens(r.URL.Query().Get("page"))
	return object{"token": token}, err
}

// postFaults adds faults, as text or JSON.
func (s *Server) postFaults(r *http.Request) (any, error) {
	text, err := readText(r)
	if err != nil {
		return nil, err
	}
	faults, err := ParseFaults(text)
	if err != nil {
		return nil, err
	}
	if err := s.AddFaults(faults...); err != nil {
		return nil, err
	}
	return s.Faults(), nil
}

// postSwitches changes some switches, as text or JSON.
func (s *Server) postSwitches(r *http.Request) (any, error) {
	text, err := readText(r)
	if err != nil {
		return nil, err
	}
	changed, err := s.Switches().Parse(text)
	if err != nil {
		return nil, err
	}
	return changed, s.SetSwitches(changed)
}

// postAdvance moves the clock.
func (s *Server) postAdvance(r *http.Request) (any, error) {
	d, err := time.ParseDuration(r.FormValue("by"))
	if err != nil {
		return nil, errors.New("by is not a duration such as 25h")
	}
	return nil, s.Advance(d)
}

// postHosted makes a hosted file known.
func (s *Server) postHosted(r *http.Request) (any, error) {
	address := r.URL.Query().Get("url")
	if err := checkHosted(address); err != nil {
		return nil, err
	}
	text, err := readText(r)
	if err != nil {
		return nil, err
	}
	s.Host(address, []byte(text))
	return nil, nil
}

// servePhoto sends a photo from the spool.
func (s *Server) servePhoto(w http.ResponseWriter, r *http.Request) {
	sha := r.PathValue("sha256")
	if s.opts.Spool == "" || !isSHA256(sha) {
		http.NotFound(w, r)
		return
	}
	data, err := os.ReadFile(filepath.Join(s.opts.Spool, sha))
	kind := http.DetectContentType(data)
	if err != nil || !strings.HasPrefix(kind, "image/") {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "private, max-age=86400")
	w.Write(data)
}
