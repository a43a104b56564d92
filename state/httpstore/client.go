package httpstore

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"storyform/state"
)

// maxBody is how much of an answer is read.
const maxBody = 2 * state.MaxDocument

// maxMessage is how much of a server's message is shown.
const maxMessage = 300

// refusedError is an answer that says that the write or the lock may not be.
type refusedError struct {
	status int
	holder *state.LockInfo // where the answer names one
	text   string
}

// Error tells what the server answered.
func (e *refusedError) Error() string {
	return fmt.Sprintf("the server refuses it with status %d%s%s", e.status, e.who(), e.text)
}

// who names the holder of the lock, where the answer does.
func (e *refusedError) who() string {
	if e.holder == nil {
		return ""
	}
	return fmt.Sprintf(" (the lock is held by %s since %s, lock ID %s)", e.holder.Who, e.holder.Created.UTC().Format("2006-01-02 15:04:05Z"), e.holder.ID)
}

// deniedError is an answer that will be the same at a second try.
type deniedError struct{ text string }

// Error tells what the server answered, and what to do.
func (e *deniedError) Error() string { return e.text }

// answer is a response, read.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// send makes one request. Its error means that there was no answer, or not a
// whole one, so that the effect is unclear.
func (s *Store) send(ctx context.Context, method string, to *url.URL, body []byte) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, to.String(), reader)
	if err != nil {
		return nil, plain(err)
	}
	if body != nil {
		sum := md5.Sum(body)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Content-MD5", base64.StdEncoding.EncodeToString(sum[:]))
	}
	req.Header.Set("User-Agent", "storyform")
	req.Header.Set("Cache-Control", "no-cache") // an older state from a proxy would be built on
	if s.set.username != "" || s.set.password != "" {
		req.SetBasicAuth(s.set.username, s.set.password)
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return nil, plain(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", plain(err))
	}
	if sum := resp.Header.Get("Content-MD5"); sum != "" && len(data) > 0 && !resp.Uncompressed {
		if own := md5.Sum(data); sum != base64.StdEncoding.EncodeToString(own[:]) {
			return nil, errors.New("read the answer: its Content-MD5 doesn't match")
		}
	}
	return &answer{resp.StatusCode, resp.Header, data}, nil
}

// plain takes the address out of an error: it may hold a secret.
func plain(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// retry sends a request until there is an answer that isn't a matter of luck.
// It is for requests that may be repeated.
func (s *Store) retry(ctx context.Context, method string, to *url.URL, body []byte) (a *answer, tries int, err error) {
	for try := 1; ; try++ {
		a, err = s.send(ctx, method, to, body)
		if err == nil && !unlucky(a.status) {
			return a, try, nil
		}
		if err == nil {
			err = a.failure()
		}
		if try > s.set.retryMax || s.wait(ctx, try) != nil {
			return nil, try, err
		}
	}
}

// unlucky reports whether a status is one that may go away by itself.
func unlucky(status int) bool {
	return status >= 500 && status != http.StatusNotImplemented || status == http.StatusRequestTimeout || status == http.StatusTooManyRequests
}

// read returns what the server keeps.
func (s *Store) read(ctx context.Context) (*content, error) {
	a, _, err := s.retry(ctx, http.MethodGet, s.set.address, nil)
	if err != nil {
		return nil, err
	}
	if a.status == http.StatusNotFound && bytes.Contains(a.body, []byte("Project Not Found")) {
		return nil, a.failure() // so GitLab tells those who may not see the project
	}
	switch a.status {
	case http.StatusOK:
		if len(a.body) > maxBody {
			return nil, fmt.Errorf("the answer has more than %d bytes", maxBody)
		}
		return decode(s.where, a.body)
	case http.StatusNoContent, http.StatusNotFound:
		return decode(s.where, nil)
	}
	return nil, a.failure()
}

// post writes c with the ID of the lock that is held.
func (s *Store) post(ctx context.Context, c *content) error {
	id := ""
	if s.held != nil {
		id = s.held.info.ID
	}
	return s.postAs(ctx, c, id)
}

// postAs writes c with a lock's ID. Its error is a *refusedError, a
// *deniedError, or one that leaves the effect unclear.
func (s *Store) postAs(ctx context.Context, c *content, id string) error {
	data, err := c.encode()
	if err != nil {
		return &deniedError{err.Error()}
	}
	to := *s.set.address
	if id != "" {
		query := to.Query()
		query.Set("ID", id)
		to.RawQuery = query.Encode()
	}
	a, err := s.send(ctx, s.set.updateMethod, &to, data)
	if err != nil {
		return err
	}
	switch a.status {
	case http.StatusOK, http.StatusCreated, http.StatusNoContent:
		return nil
	case http.StatusConflict, http.StatusPreconditionFailed, http.StatusUnprocessableEntity, http.StatusLocked:
		return a.refused()
	}
	return a.failure()
}

// refused makes an error of a refusal.
func (a *answer) refused() *refusedError {
	e := &refusedError{status: a.status}
	var holder state.LockInfo
	if json.Unmarshal(a.body, &holder) == nil && holder.ID != "" {
		e.holder = &holder
	} else {
		e.text = a.message()
	}
	return e
}

// failure makes an error of any other answer.
func (a *answer) failure() error {
	text := fmt.Sprintf("the server answers with status %d%s", a.status, a.message())
	switch {
	case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden:
		text += "; set STORYFORM_HTTP_USERNAME and STORYFORM_HTTP_PASSWORD to credentials that may read and write the state"
	case a.status == http.StatusNotFound:
		text += "; the address is wrong, or STORYFORM_HTTP_USERNAME and STORYFORM_HTTP_PASSWORD may not see what is there"
	case a.status == http.StatusRequestEntityTooLarge:
		text += ": the state is larger than the server takes"
	case a.status >= 300 && a.status < 400:
		text += "; set the address that it redirects to"
		if to, err := url.Parse(a.header.Get("Location")); err == nil && to.Host != "" {
			text += ", " + display(to)
		}
	}
	if unlucky(a.status) {
		return errors.New(text)
	}
	return &deniedError{text}
}

// message is what the server says besides the status, on one line and cut
// short.
func (a *answer) message() string {
	text := strings.Join(strings.Fields(strings.ToValidUTF8(string(a.body[:min(len(a.body), 4*maxMessage)]), "?")), " ")
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > maxMessage {
		text = string(slices.Concat(runes[:maxMessage], []rune("…")))
	}
	if text == "" {
		return ""
	}
	return ": " + text
}
