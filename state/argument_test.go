package state

import "testing"

func TestCheckArguments(t *testing.T) {
	table := []Argument{{"bucket", true, "the bucket"}, {"key", true, "the prefix"}, {"region", false, "the region"}}
	for _, test := range []struct {
		name string
		args map[string]string
		want string
	}{
		{"all", map[string]string{"bucket": "b", "key": "k", "region": ""}, ""},
		{"typo", map[string]string{"bukket": "b"}, `the s3 backend has no argument "bukket"; did you mean "bucket"?`},
		{"unknown", map[string]string{"dynamodb_table": "t"}, `the s3 backend has no argument "dynamodb_table"; it takes bucket, key, region`},
		{"missing", map[string]string{"bucket": "b"}, `the s3 backend needs the argument "key": the prefix`},
		{"empty", map[string]string{"bucket": "", "key": "k"}, `the s3 backend needs the argument "bucket": the bucket`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			if err := CheckArguments("s3", table, test.args); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
