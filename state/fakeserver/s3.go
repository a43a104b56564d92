// Package fakeserver has servers for the tests of the state's backends: S3
// is a bucket, Terraform is an address of Terraform's http backend. They keep
// everything in memory, tell what was asked of them, and fail on demand. They
// share no type with what they test: they are judged by the protocols.
package fakeserver

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Fault is what goes wrong with a request.
type Fault int

// The faults.
const (
	None     Fault = iota
	Dropped        // the connection breaks before the request has an effect
	Lost           // the connection breaks after its effect: the answer is lost
	Broken         // the connection breaks in the middle of the answer's body
	Conflict       // the answer is 409 and there is no effect
	Internal       // the answer is 500 and there is no effect
)

// S3 is a bucket of Amazon's S3, as much of it as a state needs: PUT with
// If-None-Match and If-Match, GET, DELETE, and ListObjectsV2, with the bucket
// in the path. It wants signed requests, and doesn't check the signatures.
type S3 struct {
	Bucket string
	Now    func() time.Time // the server's clock; nil: that of the machine
	// Fault, when set, is asked at each request, one after the other.
	Fault func(r *http.Request) Fault
	// PageSize is how many objects a listing has at once; 0: 1,000.
	PageSize int

	asking  sync.Mutex // of Fault
	mu      sync.Mutex
	objects map[string]s3Object
}

type s3Object struct {
	data     []byte
	etag     string
	modified time.Time
}

// ask asks what goes wrong with a request. Requests overlap, also those of a
// client that makes one after the other: one whose answer is lost may still be
// at work.
func ask(mu *sync.Mutex, fault func(*http.Request) Fault, r *http.Request) Fault {
	if fault == nil {
		return None
	}
	mu.Lock()
	defer mu.Unlock()
	return fault(r)
}

// Keys returns the keys of the objects, in order.
func (s *S3) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.objects))
}

// ServeHTTP answers one request.
func (s *S3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault := ask(&s.asking, s.Fault, r)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	now := time.Now()
	if s.Now != nil {
		now = s.Now()
	}
	w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case fault == Dropped:
		panic(http.ErrAbortHandler)
	case fault == Conflict:
		s3Error(w, http.StatusConflict, "ConditionalRequestConflict")
	case fault == Internal:
		s3Error(w, http.StatusInternalServerError, "InternalError")
	case !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential="):
		s3Error(w, http.StatusForbidden, "AccessDenied")
	case bucket != s.Bucket:
		s3Error(w, http.StatusNotFound, "NoSuchBucket")
	case key == "" && r.Method == http.MethodGet:
		s.list(w, r)
	case r.Method == http.MethodGet:
		s.get(w, key, fault)
	case r.Method == http.MethodPut:
		s.put(w, r, key, body, now)
	case r.Method == http.MethodDelete:
		s.mu.Lock()
		delete(s.objects, key)
		s.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	default:
		s3Error(w, http.StatusMethodNotAllowed, "MethodNotAllowed")
	}
	if fault == Lost {
		panic(http.ErrAbortHandler)
	}
}

func (s *S3) get(w http.ResponseWriter, key string, fault Fault) {
	s.mu.Lock()
	o, ok := s.objects[key]
	s.mu.Unlock()
	if !ok {
		s3Error(w, http.StatusNotFound, "NoSuchKey")
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(o.data)))
	w.Header().Set("ETag", o.etag)
	w.Header().Set("Last-Modified", o.modified.UTC().Format(http.TimeFormat))
	if fault == Broken {
		w.Write(o.data[:len(o.data)/2])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	w.Write(o.data)
}

func (s *S3) put(w http.ResponseWriter, r *http.Request, key string, data []byte, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	there, exists := s.objects[key]
	match := r.Header.Get("If-Match")
	switch {
	case r.Header.Get("If-None-Match") == "*" && exists, match != "" && exists && match != there.etag:
		s3Error(w, http.StatusPreconditionFailed, "PreconditionFailed")
		return
	case match != "" && !exists:
		s3Error(w, http.StatusNotFound, "NoSuchKey")
		return
	}
	if s.objects == nil {
		s.objects = map[string]s3Object{}
	}
	sum := md5.Sum(data)
	o := s3Object{bytes.Clone(data), `"` + hex.EncodeToString(sum[:]) + `"`, now}
	s.objects[key] = o
	w.Header().Set("ETag", o.etag)
}

// listResult is the answer to ListObjectsV2.
type listResult struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	Name                  string
	IsTruncated           bool
	NextContinuationToken string `xml:",omitempty"`
	Contents              []listItem
}

type listItem struct {
	Key          string
	LastModified string
}

func (s *S3) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	limit := 1000
	if s.PageSize > 0 {
		limit = s.PageSize
	}
	if n, err := strconv.Atoi(q.Get("max-keys")); err == nil {
		limit = min(limit, n)
	}
	after := max(q.Get("start-after"), q.Get("continuation-token"))
	s.mu.Lock()
	defer s.mu.Unlock()
	result := listResult{Name: s.Bucket}
	for _, key := range slices.Sorted(maps.Keys(s.objects)) {
		if !strings.HasPrefix(key, q.Get("prefix")) || key <= after {
			continue
		}
		if len(result.Contents) == limit {
			result.IsTruncated, result.NextContinuationToken = true, result.Contents[limit-1].Key
			break
		}
		result.Contents = append(result.Contents, listItem{key, s.objects[key].modified.UTC().Format("2006-01-02T15:04:05.000Z")})
	}
	w.Header().Set("Content-Type", "application/xml")
	xml.NewEncoder(w).Encode(result)
}

// s3Error answers with an error as S3 writes it.
func s3Error(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>the fake says so</Message><RequestId>1</RequestId></Error>`, code)
}
