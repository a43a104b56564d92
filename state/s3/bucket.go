package s3

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithymiddleware "github.com/aws/smithy-go/middleware"

	"storyform/state/object"
)

// bucket is the four verbs on one bucket.
type bucket struct {
	client  *s3.Client
	name    string
	sum     bool // Content-MD5 goes with writes: buckets with object lock demand a checksum
	encrypt bool // asks for AES256, unless there is a kmsKey
	kmsKey  string
}

func (b *bucket) verbs() object.Bucket {
	return object.Bucket{Get: b.get, Put: b.put, List: b.list, Delete: b.delete}
}

// patience bounds one verb with all its retries and a large body.
const patience = 10 * time.Minute

// readTries is how often a body that breaks off is read; the SDK retries what
// comes before the body only.
const readTries = 3

func (b *bucket) get(ctx context.Context, key string) (object.Object, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for try := 1; ; try++ {
		out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &key})
		if _, missing := errors.AsType[*types.NoSuchKey](err); missing {
			return object.Object{}, object.ErrNotFound
		}
		if err != nil {
			return object.Object{}, explain(err)
		}
		data, err := readAll(out.Body, out.ContentLength)
		if err == nil && aws.ToString(out.ETag) == "" {
			return object.Object{}, errNoStore
		}
		if err == nil {
			return object.Object{Data: data, Version: aws.ToString(out.ETag), Modified: aws.ToTime(out.LastModified), Date: date(out.ResultMetadata)}, nil
		}
		if try == readTries || ctx.Err() != nil {
			return object.Object{}, fmt.Errorf("read %s: %w", key, err)
		}
	}
}

func (b *bucket) put(ctx context.Context, key string, data []byte, old string) (object.Stored, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	in := &s3.PutObjectInput{
		Bucket: &b.name, Key: &key, Body: bytes.NewReader(data), ContentLength: aws.Int64(int64(len(data))),
		ContentType: aws.String("text/plain"), // a record: a checksum and JSON
	}
	if b.sum {
		sum := md5.Sum(data)
		in.ContentMD5 = aws.String(base64.StdEncoding.EncodeToString(sum[:]))
	}
	if bytes.HasPrefix(data, []byte("{")) {
		in.ContentType = aws.String("application/json")
	}
	switch {
	case b.kmsKey != "":
		in.ServerSideEncryption, in.SSEKMSKeyId = types.ServerSideEncryptionAwsKms, &b.kmsKey
	case b.encrypt:
		in.ServerSideEncryption = types.ServerSideEncryptionAes256
	}
	if old == "" {
		in.IfNoneMatch = aws.String("*")
	} else {
		in.IfMatch = &old
	}
	out, err := b.client.PutObject(ctx, in)
	switch code := status(err); {
	case err == nil && aws.ToString(out.ETag) == "":
		return object.Stored{}, errNoStore
	case err == nil:
		return object.Stored{Version: aws.ToString(out.ETag), Date: date(out.ResultMetadata)}, nil
	case code == http.StatusPreconditionFailed, old != "" && errorCode(err) == "NoSuchKey":
		return object.Stored{}, object.ErrRefused
	case code == http.StatusConflict:
		return object.Stored{}, fmt.Errorf("%w: %w", object.ErrBusy, explain(err))
	}
	return object.Stored{}, explain(err)
}

func (b *bucket) list(ctx context.Context, prefix, after string, limit int) (object.Listing, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	in := &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &prefix}
	if after != "" {
		in.StartAfter = &after
	}
	if limit > 0 {
		in.MaxKeys = aws.Int32(int32(limit))
	}
	var l object.Listing
	for {
		out, err := b.client.ListObjectsV2(ctx, in)
		if err != nil {
			return object.Listing{}, explain(err)
		}
		if aws.ToString(out.Name) == "" {
			return object.Listing{}, errNoStore
		}
		if l.Date.IsZero() {
			l.Date = date(out.ResultMetadata)
		}
		for _, item := range out.Contents {
			l.Items = append(l.Items, object.Item{Key: aws.ToString(item.Key), Modified: aws.ToTime(item.LastModified)})
		}
		switch {
		case limit > 0 && len(l.Items) >= limit:
			l.Items = l.Items[:limit]
			return l, nil
		case !aws.ToBool(out.IsTruncated):
			return l, nil
		case aws.ToString(out.NextContinuationToken) == "":
			return object.Listing{}, errors.New("the store says that a listing goes on, and not where")
		}
		in.ContinuationToken = out.NextContinuationToken
	}
}

func (b *bucket) delete(ctx context.Context, key string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := b.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.name, Key: &key})
	return explain(err)
}

// date is when the store answered, by its own clock; zero when it didn't say.
func date(meta smithymiddleware.Metadata) time.Time {
	t, _ := middleware.GetServerTime(meta)
	return t
}

// errNoStore is for answers with status 200 that lack what every store sends,
// such as those of a captive portal. To take one for an empty listing would
// mean to take the state for one that was never written.
var errNoStore = errors.New("what answers there is no S3 store")

// status is the HTTP status of an error's answer; 0 when there was none.
func status(err error) int {
	if response, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		return response.HTTPStatusCode()
	}
	return 0
}

// errorCode is the code in an error's answer.
func errorCode(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

// hints are what to do about errors that have one usual cause.
var hints = map[string]string{
	"NoSuchBucket":                       "create the bucket first, or correct bucket, region or endpoint",
	"PermanentRedirect":                  "the bucket is in another region: set region",
	"AuthorizationHeaderMalformed":       "the bucket is in another region: set region",
	"IllegalLocationConstraintException": "the bucket is in another region: set region",
	"AccessDenied":                       "the credentials need s3:GetObject, s3:PutObject and s3:ListBucket there, and s3:DeleteObject to prune old versions",
	"RequestTimeTooSkewed":               "set this machine's clock",
	"NotImplemented":                     "the store doesn't know conditional writes: it can't keep a state safely",
}

// explain makes an error of the SDK shorter and says what to do. An answer
// that is a refusal, and not a matter of luck, wraps object.ErrDenied.
func explain(err error) error {
	code := status(err)
	if code == 0 {
		return err
	}
	text := fmt.Sprintf("HTTP status %d", code)
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		text = fmt.Sprintf("%s: %s (HTTP status %d", api.ErrorCode(), api.ErrorMessage(), code)
		if response, ok := errors.AsType[*awshttp.ResponseError](err); ok && response.RequestID != "" {
			text += ", request ID " + response.RequestID
		}
		text += ")"
		if hint := hints[api.ErrorCode()]; hint != "" {
			text += "; " + hint
		}
	}
	switch {
	case code >= 500 && code != http.StatusNotImplemented, code == http.StatusRequestTimeout, code == http.StatusTooManyRequests, code == http.StatusConflict, code < 300:
		return errors.New(text)
	}
	return fmt.Errorf("%w: %s", object.ErrDenied, text)
}
