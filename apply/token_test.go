package apply_test

import (
	"strings"
	"testing"
	"time"

	"storyform/graphapi/sandbox"
	"storyform/plan"
	"storyform/story"
)

// Every world of these tests ends with a search for tokens in everything that
// its runs told (log lines, events, results, errors, plans) and left (state,
// journal, backup, lock); see world.assertNoSecret. Here the API does its worst
// to have a token turn up there.
func TestNoToken(t *testing.T) {
	// echo is a refusal that repeats the token that the call carried.
	echo := func(edge string) string {
		token, of := "sandbox-page-"+pageID, " page="+pageID
		if edge == sandbox.EdgeMe || edge == sandbox.EdgePage {
			token = userToken
		}
		if edge == sandbox.EdgeMe {
			of = "" // it is about no Page
		}
		return of + ` message="bad token ` + token + ` in https://graph.example/me?access_token=` + token + `"`
	}
	for _, edge := range []string{"me", "page", "stories", "start", "upload", "status", "finish", "photos", "photo_stories"} {
		for _, refusal := range []string{"before code=100", "before code=200", "after status=500 code=2", "before code=190 subcode=460", "before code=80001"} {
			t.Run(edge+"/"+refusal, func(t *testing.T) {
				w := newWorld(t)
				w.declare(w.local("one", "a.jpg"), w.local("two", "b.mp4"), w.hosted("far", on(otherID)))
				if strings.HasSuffix(refusal, "460") && edge != "me" && edge != "page" {
					// The token is renewed, and the call is made with the new one.
					w.fault(edge + " " + refusal + echo(edge))
				} else {
					w.fault(edge + " " + refusal + " times=4" + echo(edge))
				}
				for range 3 {
					w.planAndApply()
					w.clock.Advance(6 * time.Minute)
				}
			})
		}
	}
	t.Run("upload host", func(t *testing.T) {
		w := newWorld(t)
		w.declare(w.local("one", "a.mp4"))
		w.fault(`upload before status=400 type=ProcessingFailedError times=always` + echo(sandbox.EdgeUpload))
		w.mustApply()
	})
	t.Run("addresses of the next page", func(t *testing.T) {
		w := newWorld(t)
		w.declare(w.local("one", "a.jpg"))
		w.mustApply()
		for range 120 {
			w.byHand(pageID, story.Photo)
		}
		w.declare(w.local("one", "a.jpg"), w.local("two", "b.jpg"))
		w.fault("stories after html nth=2; stories after cut=0 nth=4 times=2")
		w.converge()
		w.assertOnce()
	})
	t.Run("a name that is a token", func(t *testing.T) {
		w := newWorld(t)
		must(t, w.sim.AddPage(sandbox.Page{ID: pageID, Name: "Page " + userToken}))
		must(t, w.sim.AddToken(sandbox.Token{Value: userToken, Kind: sandbox.UserToken, Name: userToken, Pages: []string{otherID}}))
		w.declare(w.local("one", "a.jpg"))
		w.mustApply()
	})
}

// The search finds what it looks for: in a log line, in a file and in a plan.
func TestTokenIsFound(t *testing.T) {
	hide := map[string]func(w *world){
		"a log line": func(w *world) { w.Write([]byte("token=" + userToken)) },
		"a file":     func(w *world) { w.file("a.jpg", userToken) },
		"the state": func(w *world) {
			w.declare(w.local("one", "a.jpg", func(d *story.Desired) { d.Labels = map[string]string{"note": userToken} }))
			w.mustApply()
		},
		"a plan": func(w *world) {
			must(w.tb, plan.Encode(w, &plan.Plan{Fingerprint: "sandbox-page-" + pageID}))
		},
	}
	for name, hide := range hide {
		r := &recorder{TB: t}
		w := newWorld(r)
		hide(w)
		w.assertNoSecret()
		if !r.failed() || !strings.Contains(strings.Join(r.failures, " "), "holds a token") {
			t.Errorf("a token in %s is not found", name)
		}
		for _, f := range r.cleanups {
			f()
		}
	}
}

// What is searched is not empty.
func TestRunsTell(t *testing.T) {
	w := newWorld(t)
	w.declare(w.local("one", "a.jpg"))
	w.mustApply()
	told := w.told.String()
	for _, want := range []string{"graph call", "event {", `"fingerprint"`, "result {", "op=photo_stories"} {
		if !strings.Contains(told, want) {
			t.Errorf("of what the runs tell, %q is not kept", want)
		}
	}
}
