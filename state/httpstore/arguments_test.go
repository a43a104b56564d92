package httpstore

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"maps"
	"math/big"
	"strings"
	"testing"
	"time"
)

func TestArguments(t *testing.T) {
	const gitlab = "https://gitlab.example.com/api/v4/projects/7/terraform/state/acme"
	good := map[string]string{"address": gitlab, "lock_address": gitlab + "/lock"}
	for _, test := range []struct {
		name string
		with map[string]string
		env  map[string]string
		want string // of the error, or else of String
	}{
		{"good", nil, nil, gitlab},
		{"query", map[string]string{"address": gitlab + "?private_token=hunter2#x"}, nil, gitlab},
		{"no address", map[string]string{"address": ""}, nil, `needs the argument "address"`},
		{"no lock", map[string]string{"lock_address": ""}, nil, `needs the argument "lock_address": where the lock is taken; two runs at once need it`},
		{"by Terraform's environment", map[string]string{"address": "", "lock_address": ""}, map[string]string{"TF_HTTP_ADDRESS": gitlab, "TF_HTTP_LOCK_ADDRESS": gitlab}, gitlab},
		{"ours comes first", map[string]string{"address": ""}, map[string]string{"TF_HTTP_ADDRESS": "https://other.example.com", "STORYFORM_HTTP_ADDRESS": gitlab}, gitlab},
		{"the block comes first", nil, map[string]string{"STORYFORM_HTTP_ADDRESS": "https://other.example.com"}, gitlab},
		{"the block sends the password elsewhere", nil, map[string]string{"TF_HTTP_PASSWORD": "hunter2", "TF_HTTP_ADDRESS": "https://other.example.com"}, "the password in the environment is for other.example.com"},
		{"the lock sends the password elsewhere", map[string]string{"address": "", "lock_address": "https://evil.example.com/l"}, map[string]string{"TF_HTTP_PASSWORD": "hunter2", "TF_HTTP_ADDRESS": gitlab}, `argument "lock_address": the password`},
		{"the block and the environment agree", nil, map[string]string{"TF_HTTP_PASSWORD": "hunter2", "TF_HTTP_ADDRESS": gitlab + "/other"}, gitlab},
		{"typo", map[string]string{"adress": "x"}, nil, `no argument "adress"; did you mean "address"?`},
		{"password", map[string]string{"password": "hunter2"}, nil, "it would get into plan files; set STORYFORM_HTTP_PASSWORD in the environment"},
		{"private key", map[string]string{"client_private_key_pem": "hunter2"}, nil, "set STORYFORM_HTTP_CLIENT_PRIVATE_KEY_PEM"},
		{"password in address", map[string]string{"address": "https://me:hunter2@gitlab.example.com"}, nil, `argument "address": it holds credentials`},
		{"no scheme", map[string]string{"address": "gitlab.example.com/hunter2"}, nil, `argument "address": it is not an address`},
		{"bad port", map[string]string{"lock_address": "https://x:hunter2"}, nil, `argument "lock_address": it is not an address`},
		{"bad method", map[string]string{"lock_method": "POST /x"}, nil, `argument "lock_method": "POST /x" is not an HTTP method`},
		{"bad number", map[string]string{"retry_max": "-1"}, nil, `argument "retry_max": "-1" is not a number`},
		{"bad bool", map[string]string{"skip_cert_verification": "si"}, nil, `argument "skip_cert_verification": "si" is neither`},
		{"bad CA", map[string]string{"client_ca_certificate_pem": "x"}, nil, `argument "client_ca_certificate_pem": it holds no certificate`},
		{"certificate without key", map[string]string{"client_certificate_pem": "x"}, nil, "its key is missing; set STORYFORM_HTTP_CLIENT_PRIVATE_KEY_PEM"},
		{"key without certificate", nil, map[string]string{"TF_HTTP_CLIENT_PRIVATE_KEY_PEM": "hunter2"}, `argument "client_certificate_pem": it is missing`},
		{"no pair", map[string]string{"client_certificate_pem": "x"}, map[string]string{"TF_HTTP_CLIENT_PRIVATE_KEY_PEM": "hunter2"}, "are no pair in PEM"},
		{"password over http", map[string]string{"address": "http://gitlab.example.com/s"}, map[string]string{"TF_HTTP_PASSWORD": "hunter2"}, "doesn't send a password to http://gitlab.example.com/s"},
		{"password of the lock over http", map[string]string{"lock_address": "http://gitlab.example.com/l"}, map[string]string{"TF_HTTP_PASSWORD": "hunter2"}, "doesn't send a password to http://gitlab.example.com/l"},
		{"http without a password", map[string]string{"address": "http://state.internal/s"}, nil, "http://state.internal/s"},
		{"password to this machine", map[string]string{"address": "http://[::1]:8080/s", "lock_address": "http://localhost/s"}, map[string]string{"TF_HTTP_PASSWORD": "hunter2"}, "http://[::1]:8080/s"},
	} {
		t.Run(test.name, func(t *testing.T) {
			args := maps.Clone(good)
			maps.Copy(args, test.with)
			s, err := Open(t.Context(), args, func(name string) string { return test.env[name] })
			got := ""
			if err != nil {
				got = err.Error()
			} else {
				got = s.String()
			}
			if !strings.Contains(got, test.want) || strings.Contains(got, "hunter2") {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	set, err := parse(map[string]string{"address": "https://a.example.com/s", "lock_address": "https://a.example.com/l"}, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	if set.updateMethod != "POST" || set.lockMethod != "LOCK" || set.unlockMethod != "UNLOCK" || set.unlockAddress != set.lockAddress ||
		set.retryMax != 2 || set.waitMin != time.Second || set.waitMax != 30*time.Second {
		t.Errorf("got %+v, want Terraform's defaults", set)
	}
}

// A client's certificate comes half from the block and half from the
// environment.
func TestClientCertificate(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ci"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certPEM := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	keyPEM := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
	args := map[string]string{
		"address": "https://a.example.com", "lock_address": "https://a.example.com",
		"client_certificate_pem": certPEM, "client_ca_certificate_pem": certPEM, "skip_cert_verification": "true",
	}
	set, err := parse(args, func(name string) string {
		if name == "TF_HTTP_CLIENT_PRIVATE_KEY_PEM" {
			return keyPEM
		}
		return ""
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(set.tls.Certificates) != 1 || set.tls.RootCAs == nil || !set.tls.InsecureSkipVerify {
		t.Errorf("got %+v, want a certificate, an authority and no verification", set.tls)
	}
}

// Addresses that are shown alike are told apart, without what may be secret.
func TestWhich(t *testing.T) {
	which := func(address string) string {
		t.Helper()
		s, err := Open(t.Context(), map[string]string{"address": address, "lock_address": "https://example.com/lock"}, func(string) string { return "" })
		if err != nil {
			t.Fatal(err)
		}
		return s.Which()
	}
	plain, a, b := which("https://example.com/state"), which("https://example.com/state?key=aaaa"), which("https://example.com/state?key=bbbb")
	if plain != "" || a == "" || a == b || strings.Contains(a, "aaaa") {
		t.Errorf("got %q, %q and %q", plain, a, b)
	}
}
