package cli

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnnounceLock(t *testing.T) {
	for _, test := range []struct {
		took  time.Duration
		alone bool
		want  string
	}{
		{399 * time.Millisecond, false, ""},
		{401 * time.Millisecond, false, "Acquiring state lock. This may take a few moments...\n"},
		{time.Hour, true, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			var b bytes.Buffer
			a := &app{Env: Env{Stderr: &b}, events: events{alone: test.alone}}
			taken := a.announceLock()
			time.Sleep(test.took)
			synctest.Wait()
			taken()
			taken()
			time.Sleep(time.Hour)
			if got := b.String(); got != test.want || strings.Count(got, "\n") > 1 {
				t.Errorf("after %s: got %q, want %q", test.took, got, test.want)
			}
		})
	}
}
