package graphapi

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// pattern is media of any size that take no memory: byte i is i*7+i/256.
type pattern int64

func (p pattern) ReadAt(b []byte, off int64) (int, error) {
	n := int(max(0, min(int64(len(b)), int64(p)-off)))
	for i := range b[:n] {
		at := off + int64(i)
		b[i] = byte(at*7 + at>>8)
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// hash is the sha256 of the bytes of p from offset on.
func (p pattern) hash(offset int64) [32]byte {
	h := sha256.New()
	io.Copy(h, io.NewSectionReader(p, offset, int64(p)-offset))
	return [32]byte(h.Sum(nil))
}

func TestStartVideo(t *testing.T) {
	p, a := setup(t)
	url := a.URL + "/video-upload/v25.0/501"
	for body, want := range map[string]error{
		`{"video_id":"501","upload_url":"` + url + `"}`:                         nil,
		`{"video_id":501,"upload_url":"` + url + `"}`:                           nil,
		`{"video_id":9007199254740993,"upload_url":"` + url + `"}`:              nil,
		`{"video_id":"501"}`:                                                    ErrNotAcknowledged,
		`{"upload_url":"` + url + `"}`:                                          ErrNotAcknowledged,
		`{"video_id":"5/../1","upload_url":"` + url + `"}`:                      ErrNotAcknowledged,
		`{"video_id":"501","upload_url":"https://evil.example/video-upload/1"}`: ErrUploadURL,
		`{"video_id":"501","upload_url":"https://rupload.facebook.com/1"}`:      ErrUploadURL,
		`{"video_id":"501","upload_url":17}`:                                    ErrUnreadable,
	} {
		p, a := setup(t)
		body = strings.ReplaceAll(body, url, a.URL+"/video-upload/v25.0/501")
		a.replies("POST", "/"+pageID+"/video_stories", reply{body: body})
		s, err := p.StartVideo(t.Context())
		if !errors.Is(err, want) || (want == nil) != (err == nil) {
			t.Errorf("%s: got %v, want %v", body, err, want)
		}
		if err == nil && (s.UploadURL == "" || strings.Contains(fmt.Sprintf("%v %+v %#v %s", s, s, s, s), "video-upload")) {
			t.Errorf("%s: got %v, with the URL %q", body, s, s.UploadURL)
		}
		if err != nil && s != (VideoSession{}) {
			t.Errorf("%s: got %v with an error", body, s)
		}
	}
	a.replies("POST", "/"+pageID+"/video_stories", reply{status: 500}, reply{body: `{"video_id":"9007199254740993","upload_url":"` + url + `"}`})
	if s, err := p.StartVideo(t.Context()); err != nil || s.VideoID != "9007199254740993" {
		t.Errorf("got %v, %v, want that a start is repeated and its id keeps its digits", s, err)
	}
}

func TestUploadVideo(t *testing.T) {
	const size = 300_000
	for _, offset := range []int64{0, 1, 123_456, size - 1, size} {
		p, a := setup(t)
		s := a.upload(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil || sha256.Sum256(body) != pattern(size).hash(offset) || r.ContentLength != size-offset {
				t.Errorf("offset %d: got %d bytes, length %d, %v", offset, len(body), r.ContentLength, err)
			}
			h := r.Header
			if h.Get("Authorization") != "OAuth "+tokenText || h.Get("offset") != fmt.Sprint(offset) || h.Get("file_size") != fmt.Sprint(size) {
				t.Errorf("offset %d: got the headers %v", offset, h)
			}
			if r.URL.Query().Get("access_token") != "" || h.Get("Content-Type") != "application/octet-stream" && offset < size {
				t.Errorf("offset %d: got %s, %v", offset, r.URL, h)
			}
			io.WriteString(w, `{"success":true}`)
		})
		var told []int64
		if err := p.UploadVideo(t.Context(), s, pattern(size), size, offset, func(sent int64) { told = append(told, sent) }); err != nil {
			t.Errorf("offset %d: %v", offset, err)
		}
		if offset < size && (!slices.IsSorted(told) || told[len(told)-1] != size-offset) {
			t.Errorf("offset %d: told %v, want rising numbers to %d", offset, told, size-offset)
		}
	}
}

func TestUploadHostedVideo(t *testing.T) {
	const file = "https://cdn.example/v.mp4?X-Amz-Signature=abc%2Fdef&x=1"
	p, a := setup(t)
	s := a.upload(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Header.Get("file_url") != file || r.Header.Get("offset") != "" || len(body) != 0 || r.ContentLength != 0 {
			t.Errorf("got the headers %v and %d bytes", r.Header, len(body))
		}
		io.WriteString(w, `{"success":true}`)
	})
	if err := p.UploadHostedVideo(t.Context(), s, file); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"", "v.mp4", "ftp://x/y", "https://", "https://u:secretpass@x/y", "https://x/a b", "https://x/a\r\nX-Evil: 1", "https://x/ä", "https://x/" + strings.Repeat("a", 9000)} {
		err := p.UploadHostedVideo(t.Context(), s, bad)
		_, photoErr := p.UploadHostedPhoto(t.Context(), bad)
		if !errors.Is(err, ErrInput) || !errors.Is(photoErr, ErrInput) || strings.Contains(err.Error(), "secretpass") {
			t.Errorf("%q: got %v and %v, want ErrInput", bad, err, photoErr)
		}
	}
}

// TestUploadErrors checks what each failing answer of the upload host is, and
// that the upload is not repeated by itself.
func TestUploadErrors(t *testing.T) {
	for _, test := range []struct {
		name                    string
		answer                  reply
		offset, retry, throttle bool
		wait                    time.Duration
	}{
		{"wrong offset", reply{status: 412, body: `{"debug_info":{"retriable":true,"type":"OffsetInvalidError","message":"Request starting offset is invalid"}}`}, true, true, false, 0},
		{"wrong length", reply{status: 400, body: `{"debug_info":{"retriable":false,"type":"PartialRequestError","message":"Partial request"}}`}, false, true, false, 0},
		{"bytes not taken", reply{status: 400, body: `{"debug_info":{"retriable":false,"type":"ProcessingFailedError","message":"Request processing failed"}}`}, false, true, false, 0},
		{"limited", reply{status: 400, body: `{"debug_info":{"retriable":false,"type":"RequestRateLimitedError"},"backoff":12000}`}, false, true, true, 12 * time.Second},
		{"header", reply{status: 400, body: `{"debug_info":{"retriable":false,"type":"ParameterValidationError","message":"HeaderValuePredicate: Header Offset not convertable to unsigned long"}}`}, false, false, false, 0},
		{"Graph envelope", refusal(6001, 1363037, "wrong offset"), true, true, false, 0},
		{"not acknowledged", reply{body: `{"success":false}`}, false, true, false, 0},
		{"says nothing", reply{body: `{}`}, false, true, false, 0},
		{"error in a 200", reply{body: `{"debug_info":{"type":"ProcessingFailedError"}}`}, false, true, false, 0},
		{"server", reply{status: 503, header: map[string]string{"Retry-After": "3"}}, false, true, false, 3 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, a := setup(t)
			s := a.upload(func(w http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				test.answer.write(w)
			})
			err := p.UploadVideo(t.Context(), s, pattern(1000), 1000, 0, nil)
			if err == nil || OffsetInvalid(err) != test.offset || Retriable(err) != test.retry || Throttled(err) != test.throttle {
				t.Errorf("got %v: offset %v, retry %v, throttled %v", err, OffsetInvalid(err), Retriable(err), Throttled(err))
			}
			if test.wait != 0 && RetryDelay(err, 1) != test.wait {
				t.Errorf("got a delay of %s, want %s", RetryDelay(err, 1), test.wait)
			}
			if got := a.called("upload"); got != 1 || a.slept() != 0 {
				t.Errorf("uploaded %d times in %s, want once", got, a.slept())
			}
			checkSecret(t, err)
		})
	}
}

func TestRetryDelay(t *testing.T) {
	for n, want := range map[int]time.Duration{-1: time.Second, 0: time.Second, 1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 6: 30 * time.Second, 1 << 40: 30 * time.Second} {
		if got := RetryDelay(&Error{Status: 500}, n); got != want {
			t.Errorf("RetryDelay(%d) = %s, want %s", n, got, want)
		}
	}
	if got := RetryDelay(&Error{Type: typeOffset}, 3); got != 0 {
		t.Errorf("after a wrong offset: got %s, want none", got)
	}
}

// TestUploadChecksTheURL gives sessions whose URL is not the upload host's.
func TestUploadChecksTheURL(t *testing.T) {
	p, a := setup(t)
	for _, url := range []string{"", "https://evil.example/x", "https://rupload.facebook.com/x", strings.Replace(a.URL, "http", "https", 1), a.URL + "1/x"} {
		err := p.UploadVideo(t.Context(), VideoSession{"501", url}, pattern(10), 10, 0, nil)
		if !errors.Is(err, ErrUploadURL) || OutcomeOf(err) != NotDone {
			t.Errorf("%q: got %v, want ErrUploadURL", url, err)
		}
	}
	for _, bad := range [][2]int64{{0, 0}, {10, 11}, {10, -1}, {-1, 0}} {
		if err := p.UploadVideo(t.Context(), VideoSession{}, pattern(10), bad[0], bad[1], nil); !errors.Is(err, ErrInput) {
			t.Errorf("size %d, offset %d: got %v, want ErrInput", bad[0], bad[1], err)
		}
	}
}

// TestUploadStalls lets the server stop reading: the upload ends by itself.
func TestUploadStalls(t *testing.T) {
	p, a := setup(t, func(o *Options) { o.Timeouts.Stall = 50 * time.Millisecond })
	release := make(chan struct{})
	defer close(release)
	s := a.upload(func(w http.ResponseWriter, r *http.Request) { <-release })
	err := p.UploadVideo(t.Context(), s, pattern(64<<20), 64<<20, 0, nil)
	if err == nil || !strings.Contains(err.Error(), "no answer within 50ms") || !Retriable(err) {
		t.Errorf("got %v, want the time limit", err)
	}
}

// TestMediaErrors checks a file that can't be read, or that got shorter.
func TestMediaErrors(t *testing.T) {
	p, a := setup(t)
	s := a.upload(func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
	err := p.UploadVideo(t.Context(), s, pattern(1000), 2000, 0, nil)
	if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), "read media") {
		t.Errorf("got %v, want that the file is too short", err)
	}
	closed, err := os.Create(filepath.Join(t.TempDir(), "v.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	if err := p.UploadVideo(t.Context(), s, closed, 2000, 0, nil); !errors.Is(err, os.ErrClosed) {
		t.Errorf("got %v, want os.ErrClosed", err)
	}
}

// TestUploadMemory sends 64 MB as a video and as a photo and checks that only
// a little memory is allocated for it.
func TestUploadMemory(t *testing.T) {
	const size = 64 << 20
	p, a := setup(t)
	buf := make([]byte, 64<<10)
	drain := func(r *http.Request) (n int64) {
		for {
			m, err := r.Body.Read(buf)
			if n += int64(m); err != nil {
				return n
			}
		}
	}
	s := a.upload(func(w http.ResponseWriter, r *http.Request) {
		if n := drain(r); n != size {
			t.Errorf("got %d bytes, want %d", n, size)
		}
		io.WriteString(w, `{"success":true}`)
	})
	a.handle("POST", "/"+pageID+"/photos", func(w http.ResponseWriter, r *http.Request) {
		if n := drain(r); n != r.ContentLength || n < size {
			t.Errorf("got %d bytes, want %d", n, r.ContentLength)
		}
		io.WriteString(w, `{"id":"301"}`)
	})
	media := bytes.NewReader(make([]byte, size))
	for name, send := range map[string]func() error{
		"video": func() error { return p.UploadVideo(t.Context(), s, media, size, 0, func(int64) {}) },
		"photo": func() error {
			_, err := p.UploadPhoto(t.Context(), "a.jpg", "image/jpeg", media, size, nil)
			return err
		},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := send(); err != nil {
			t.Error(err)
		}
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 2<<20 {
			t.Errorf("%s: %d bytes were allocated for one upload, want less than 2 MB", name, got)
		}
	}
}

func TestUploadPhoto(t *testing.T) {
	const size = 100_000
	p, a := setup(t, func(o *Options) { o.AppSecret = NewToken(appText) })
	var attempts int
	a.handle("POST", "/"+pageID+"/photos", func(w http.ResponseWriter, r *http.Request) {
		length := r.ContentLength
		kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil || kind != "multipart/form-data" || r.Header.Get("Authorization") != "Bearer "+tokenText || r.URL.RawQuery != "" {
			t.Errorf("got %v, %v, %s", r.Header, err, r.URL)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil || int64(len(body)) != length {
			t.Errorf("got %d bytes, %v, want %d", len(body), err, length)
		}
		form, err := multipart.NewReader(bytes.NewReader(body), params["boundary"]).ReadForm(1 << 20)
		if err != nil {
			t.Error(err)
			return
		}
		if form.Value["published"][0] != "false" || len(form.Value["appsecret_proof"]) != 1 || len(form.Value) != 2 {
			t.Errorf("got the fields %v", form.Value)
		}
		file := form.File["source"][0]
		if file.Filename != "te_aser__.jpg" || file.Header.Get("Content-Type") != "image/jpeg" || file.Size != size {
			t.Errorf("got the file %q, %v, %d bytes", file.Filename, file.Header, file.Size)
		}
		content, _ := file.Open()
		h := sha256.New()
		io.Copy(h, content)
		if [32]byte(h.Sum(nil)) != pattern(size).hash(0) {
			t.Error("the file's bytes are not those of the photo")
		}
		if attempts++; attempts == 1 {
			refusal(2, 0, "down").write(w)
			return
		}
		io.WriteString(w, `{"id":"122133722601238849"}`)
	})
	var told []int64
	id, err := p.UploadPhoto(t.Context(), "te\"aser\r\n.jpg", "image/jpeg", pattern(size), size, func(n int64) { told = append(told, n) })
	if err != nil || id != "122133722601238849" || attempts != 2 {
		t.Errorf("got %q, %v after %d attempts", id, err, attempts)
	}
	if first := slices.Index(told, size); first < 0 || first == len(told)-1 || told[first+1] > told[first] || told[len(told)-1] != size {
		t.Errorf("told %v, want that each attempt counts from the start", told)
	}
	if _, err := p.UploadPhoto(t.Context(), "x", "", pattern(0), 0, nil); !errors.Is(err, ErrInput) {
		t.Errorf("an empty photo: got %v, want ErrInput", err)
	}
}

func TestUploadPhotoAnswers(t *testing.T) {
	for body, want := range map[string]string{
		`{"id":"301"}`: "301", `{"id":301}`: "301", `{"id":"301","post_id":"1_2"}`: "301", `{"id":9007199254740993}`: "9007199254740993",
		`{}`: "", `{"id":""}`: "", `{"id":"x"}`: "", `{"id":{}}`: "", `{"success":false}`: "", `[]`: "",
	} {
		p, a := setup(t)
		a.handle("POST", "/"+pageID+"/photos", func(w http.ResponseWriter, r *http.Request) {
			if r.FormValue("url") != "https://cdn.example/a.jpg" || r.FormValue("published") != "false" {
				t.Errorf("got the form %v", r.Form)
			}
			io.WriteString(w, body)
		})
		id, err := p.UploadHostedPhoto(t.Context(), "https://cdn.example/a.jpg")
		if id != want || (err == nil) != (want != "") {
			t.Errorf("%s: got %q, %v, want %q", body, id, err, want)
		}
	}
}

func TestPlainNames(t *testing.T) {
	for name, want := range map[string]string{
		"": "photo", "a.jpg": "a.jpg", `a"; filename="b`: "a___filename__b", "ä\x00.png": "__.png", strings.Repeat("x", 200) + ".jpg": strings.Repeat("x", 96) + ".jpg",
	} {
		if got := plainName(name); got != want {
			t.Errorf("plainName(%q) = %q, want %q", name, got, want)
		}
	}
	for mime, want := range map[string]string{"image/png": "image/png", "": "application/octet-stream", "image/png\r\nX: y": "application/octet-stream", "a/b/c": "application/octet-stream"} {
		if got := plainType(mime); got != want {
			t.Errorf("plainType(%q) = %q, want %q", mime, got, want)
		}
	}
}

// TestNothingMovesAfterTheEnd keeps the body of a request that has failed, as
// a transport may: neither the media nor progress are touched any more.
func TestNothingMovesAfterTheEnd(t *testing.T) {
	var kept io.ReadCloser
	c, err := New(Options{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		kept = r.Body
		return nil, errors.New("broken")
	})})
	if err != nil {
		t.Fatal(err)
	}
	s := VideoSession{"501", "https://rupload.facebook.com/video-upload/v25.0/501"}
	err = c.Page(pageID, NewToken(tokenText)).UploadVideo(t.Context(), s, pattern(1000), 1000, 0, func(int64) { t.Error("progress was told after the end") })
	if err == nil {
		t.Fatal("got no error")
	}
	if n, err := kept.Read(make([]byte, 10)); n != 0 || err == nil || err == io.EOF {
		t.Errorf("read %d bytes, %v, want none", n, err)
	}
}
