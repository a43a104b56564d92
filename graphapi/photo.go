package graphapi

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// UploadPhoto uploads a photo of size bytes without publishing it and returns
// its id. Meta keeps an unpublished photo for about 24 hours. The photo is
// streamed from r, from its start, in each of up to four attempts; progress,
// when it is not nil, is told how many bytes of the photo the current attempt
// has sent. It may be called from another goroutine, but not after the end.
// Source: developers.facebook.com/docs/graph-api/reference/page/photos, 2026.
func (p *Page) UploadPhoto(ctx context.Context, name, contentType string, r io.ReaderAt, size int64, progress func(sent int64)) (photoID string, err error) {
	if size <= 0 {
		return "", inputError("photos", "the photo has no bytes")
	}
	return p.addPhoto(ctx, url.Values{}, fileBody(name, contentType, r, size, progress))
}

// UploadHostedPhoto has Meta fetch a photo from fileURL and returns its id.
func (p *Page) UploadHostedPhoto(ctx context.Context, fileURL string) (photoID string, err error) {
	if err := checkFileURL("photos", fileURL); err != nil {
		return "", err
	}
	return p.addPhoto(ctx, url.Values{"url": {fileURL}}, nil)
}

// addPhoto adds an unpublished photo to the Page. What an attempt that failed
// may have left behind is invisible and dies by itself.
func (p *Page) addPhoto(ctx context.Context, params url.Values, b *body) (photoID string, err error) {
	params.Set("published", "false")
	err = p.do(ctx, call{
		op: "photos", kind: prepare, method: http.MethodPost, path: p.id + "/photos", params: params, body: b,
	}, func(answer []byte) error {
		var f struct {
			ID objectID `json:"id"`
		}
		if err := json.Unmarshal(answer, &f); err != nil {
			return ErrUnreadable
		}
		if !isObjectID(string(f.ID)) {
			return fmt.Errorf("%w: there is no id of a photo", ErrNotAcknowledged)
		}
		photoID = string(f.ID)
		return nil
	})
	if err != nil {
		return "", err
	}
	return photoID, nil
}

// PublishPhoto publishes an uploaded photo as a story. This cannot be undone.
// It is sent once; what an error proves about it says OutcomeOf.
// Source: the Stories API guide, 6 May 2026.
func (p *Page) PublishPhoto(ctx context.Context, photoID string) (postID string, err error) {
	if !isObjectID(photoID) {
		return "", inputError("photo_stories", "%q is not the id of a photo", clean(photoID))
	}
	return p.publish(ctx, call{op: "photo_stories", path: p.id + "/photo_stories", params: url.Values{"photo_id": {photoID}}})
}

// publish makes a publish call and reads the post_id of the new story.
func (p *Page) publish(ctx context.Context, c call) (postID string, err error) {
	c.kind, c.method = publish, http.MethodPost
	err = p.do(ctx, c, func(answer []byte) error {
		postID, err = decodePublished(answer)
		return err
	})
	if err != nil {
		return "", err
	}
	return postID, nil
}

// decodePublished reads the answer to a publish call. Only success:true with
// a post_id says that the story is out; anything less is left to be settled.
func decodePublished(answer []byte) (postID string, err error) {
	var f struct {
		Success json.RawMessage `json:"success"`
		PostID  objectID        `json:"post_id"`
	}
	if err := json.Unmarshal(answer, &f); err != nil {
		return "", ErrUnreadable
	}
	if ok, _ := looseBool(f.Success); !ok {
		return "", ErrNotAcknowledged
	}
	if !isObjectID(string(f.PostID)) {
		return "", fmt.Errorf("%w: it says success, but there is no post_id", ErrNotAcknowledged)
	}
	return string(f.PostID), nil
}

// decodeSuccess reads an answer that says nothing but success:true.
func decodeSuccess(answer []byte) error {
	var f struct {
		Success json.RawMessage `json:"success"`
	}
	if err := json.Unmarshal(answer, &f); err != nil {
		return ErrUnreadable
	}
	if ok, _ := looseBool(f.Success); !ok {
		return ErrNotAcknowledged
	}
	return nil
}

// checkFileURL refuses a URL that Meta can't fetch or that can't be sent in a
// header. The URL is not quoted: signed URLs are secrets.
func checkFileURL(op, raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return inputError(op, "the address of the hosted file is not a web address")
	case u.User != nil:
		return inputError(op, "the address of the hosted file must not hold a user name")
	case len(raw) > 8<<10:
		return inputError(op, "the address of the hosted file is too long")
	case strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r > '~' }):
		return inputError(op, "the address of the hosted file has characters that must be escaped")
	}
	return nil
}
