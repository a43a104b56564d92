// Package s3 keeps a state in a bucket of Amazon S3, or of any store that
// speaks its protocol and refuses to create an object twice, such as
// Cloudflare R2, MinIO, Ceph, Scaleway and versitygw. What is in the bucket,
// and why two runs can't get in each other's way, is told by package object;
// this package brings the four verbs.
//
// # Conditions
//
// Creating is PUT with If-None-Match: *, replacing is PUT with If-Match. A
// condition that doesn't hold is answered with 412, and two writes of one key
// at the same moment may be answered with 409 (AWS documents it for
// conditional writes; some stores answer the loser of a race with it always,
// others never). Amazon has the first since August 2024 and the second since
// November 2024.
//
// # Retries
//
// The SDK retries a request whose answer was lost, and then gets 412 for its
// own first try: a false defeat. So nothing here takes a 412 for one. Package
// object reads the object back and compares it with what was to be written.
package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"

	"storyform/internal/clock"
	"storyform/state"
	"storyform/state/lease"
	"storyform/state/object"
)

// Arguments returns the arguments of the backend block. Credentials are none
// of them, so that they never get into a plan file: they come from where the
// AWS tools find them.
func Arguments() []state.Argument {
	return []state.Argument{
		{Name: "bucket", Required: true, Description: "the name of the bucket, which must exist"},
		{Name: "key", Required: true, Description: "the prefix of this state's objects in the bucket, one for each configuration, such as \"stories/acme\""},
		{Name: "region", Description: "the region of the bucket; otherwise that of AWS_REGION or the profile"},
		{Name: "endpoint", Description: "the address of another store than Amazon's, such as \"https://ACCOUNT.r2.cloudflarestorage.com\"; otherwise AWS_ENDPOINT_URL_S3"},
		{Name: "use_path_style", Description: "true for a store that has the bucket in the path of its addresses instead of the host, as most have that aren't Amazon's; it is the default with an endpoint"},
		{Name: "profile", Description: "the profile of the shared AWS configuration files; otherwise AWS_PROFILE"},
		{Name: "encrypt", Description: "true to ask the bucket for encryption by keys of its own (AES256) with each write, for policies that want to be asked"},
		{Name: "kms_key_id", Description: "the KMS key that the bucket encrypts the objects with; otherwise the bucket's default"},
		{Name: "lease", Description: "how long the lock outlives a runner that died, such as \"60s\", which is the default"},
	}
}

// Store is a state in a bucket.
type Store = object.Store

// Open returns the store that the arguments name. env looks up environment
// variables; the SDK looks up those of the AWS tools by itself, as it reads
// their configuration files. Open finds the credentials, and sends nothing to
// the bucket.
func Open(ctx context.Context, args map[string]string, env func(string) string) (*Store, error) {
	return open(ctx, args, env, clock.System())
}

// Check tells what is wrong with arguments, as Open would, and finds no
// credentials. The error is a *state.ArgumentError.
func Check(args map[string]string, env func(string) string) error {
	_, err := parse(args, env)
	return err
}

// open is Open for tests, which bring a clock and SDK options.
func open(ctx context.Context, args map[string]string, env func(string) string, clk clock.Clock, extra ...func(*config.LoadOptions) error) (*Store, error) {
	set, err := parse(args, env)
	if err != nil {
		return nil, err
	}
	cfg, err := config.LoadDefaultConfig(ctx, append(set.load(), extra...)...)
	if err != nil {
		return nil, fmt.Errorf("read the AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		if set.endpoint == "" {
			return nil, errors.New(`the s3 backend needs the argument "region": neither AWS_REGION nor a profile names one`)
		}
		cfg.Region = "us-east-1" // what stores without regions take
	}
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
		return nil, fmt.Errorf("find AWS credentials (set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or let the CI assume a role): %w", err)
	}
	// With Amazon's own addresses, the SDK adds checksums by itself; see client.
	b := &bucket{client: s3.NewFromConfig(cfg, set.client), name: args["bucket"], sum: set.endpoint != "", encrypt: set.encrypt, kmsKey: args["kms_key_id"]}
	return object.New(b.verbs(), args["key"], object.Options{Where: set.where, TTL: set.lease, Clock: clk})
}

// settings are the arguments, checked.
type settings struct {
	region, endpoint, profile string
	pathStyle, encrypt        bool
	lease                     time.Duration
	where                     string
}

// parse checks the arguments. Its errors name the one that is wrong.
func parse(args map[string]string, env func(string) string) (*settings, error) {
	if err := state.CheckArguments("s3", Arguments(), args); err != nil {
		return nil, err
	}
	wrong := func(name, format string, a ...any) (*settings, error) {
		return nil, state.WrongArgument("s3", name, format, a...)
	}
	set := &settings{region: args["region"], endpoint: args["endpoint"], profile: args["profile"]}
	name := "endpoint"
	for _, fallback := range []string{"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"} {
		if set.endpoint == "" {
			if set.endpoint = env(fallback); set.endpoint != "" {
				name = fallback
			}
		}
	}
	if strings.ContainsAny(args["bucket"], "/ ") {
		return wrong("bucket", "%q is not the name of a bucket; a prefix goes into key", args["bucket"])
	}
	if err := object.CheckKey(args["key"]); err != nil {
		return wrong("key", "%v", err)
	}
	set.where = "s3://" + args["bucket"] + "/" + args["key"]
	if set.endpoint != "" {
		set.endpoint = strings.TrimSuffix(set.endpoint, "/")
		u, err := url.Parse(set.endpoint)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return wrong(name, "it is not an address such as https://s3.example.com, without credentials")
		}
		set.pathStyle = true
		set.where = set.endpoint + "/" + args["bucket"] + "/" + args["key"]
	}
	for name, flag := range map[string]*bool{"use_path_style": &set.pathStyle, "encrypt": &set.encrypt} {
		var err error
		if v := args[name]; v != "" {
			if *flag, err = strconv.ParseBool(v); err != nil {
				return wrong(name, "%q is neither true nor false", v)
			}
		}
	}
	var err error
	if set.lease, err = lease.ParseTTL(args["lease"], lease.DefaultTTL); err != nil {
		return wrong("lease", "%v", err)
	}
	return set, nil
}

// How patient the client is. A write whose outcome is unclear is read back
// anyway, so that few retries are enough.
const (
	dialPatience   = 10 * time.Second
	answerPatience = 30 * time.Second
	sdkAttempts    = 3
	sdkBackoff     = 5 * time.Second
)

// load are the options of the SDK's configuration.
func (set *settings) load() []func(*config.LoadOptions) error {
	client := awshttp.NewBuildableClient().
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = dialPatience }).
		WithTransportOptions(func(t *http.Transport) { t.ResponseHeaderTimeout = answerPatience })
	options := []func(*config.LoadOptions) error{
		config.WithLogger(logging.Nop{}), // libraries don't print
		config.WithHTTPClient(client),
		config.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = sdkAttempts, sdkBackoff })
		}),
	}
	if set.region != "" {
		options = append(options, config.WithRegion(set.region))
	}
	if set.profile != "" {
		options = append(options, config.WithSharedConfigProfile(set.profile))
	}
	return options
}

// client sets the options of the S3 client.
func (set *settings) client(o *s3.Options) {
	o.UsePathStyle = set.pathStyle
	o.DisableLogOutputChecksumValidationSkipped = true
	if set.endpoint != "" {
		o.BaseEndpoint = aws.String(set.endpoint)
		// Other stores than Amazon's refuse the checksums that newer SDKs add
		// where no one asked for them, or don't return them. All know Content-MD5.
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	}
}

// readAll reads a body whose length the store told, up to MaxObject bytes and
// one more.
func readAll(body io.ReadCloser, length *int64) ([]byte, error) {
	defer body.Close()
	data, err := io.ReadAll(io.LimitReader(body, object.MaxObject+1))
	if err == nil && length != nil && *length >= 0 && *length <= object.MaxObject && int64(len(data)) != *length {
		err = io.ErrUnexpectedEOF
	}
	return data, err
}
