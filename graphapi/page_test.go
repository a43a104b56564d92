package graphapi

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// bearer answers by the token of a request.
func bearer(t *testing.T, answers map[string]reply) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		answer, ok := answers[token]
		if !ok {
			t.Errorf("%s came with the token %q", r.URL.Path, token)
		}
		answer.write(w)
	}
}

func TestPrepareWithPageToken(t *testing.T) {
	p, a := setup(t)
	a.handle("GET", "/me", bearer(t, map[string]reply{tokenText: {body: `{"id":"` + pageID + `","name":"Acme\u001b[1m Indonesia"}`}}))
	for range 2 {
		info, err := p.Prepare(t.Context())
		if want := (PageInfo{ID: pageID, Name: "Acme[1m Indonesia", TokenKind: PageToken}); err != nil || info != want {
			t.Errorf("got %+v, %v, want %+v", info, err, want)
		}
	}
	if got := a.called("GET /me"); got != 1 {
		t.Errorf("asked %d times, want once", got)
	}
}

func TestPrepareExchangesUserToken(t *testing.T) {
	p, a := setup(t)
	p = p.client.Page(pageID, NewToken(userText))
	a.handle("GET", "/me", bearer(t, map[string]reply{userText: {body: `{"id":"` + userID + `","name":"Mia"}`}}))
	a.handle("GET", "/"+pageID, bearer(t, map[string]reply{userText: {body: `{"id":"` + pageID + `","name":"Acme","access_token":"` + tokenText + `"}`}}))
	a.handle("POST", "/"+pageID+"/photo_stories", bearer(t, map[string]reply{tokenText: okStory}))
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			info, err := p.Prepare(t.Context())
			if want := (PageInfo{ID: pageID, Name: "Acme", TokenKind: UserToken}); err != nil || info != want {
				t.Errorf("got %+v, %v, want %+v", info, err, want)
			}
		})
	}
	group.Wait()
	if got := a.called("GET /" + pageID); got != 1 {
		t.Errorf("exchanged %d times, want once", got)
	}
	if _, err := p.PublishPhoto(t.Context(), "301"); err != nil {
		t.Error(err)
	}
}

// TestPrepareTellsWhoseTokenItIs gives Prepare tokens that lead nowhere and
// checks that it says why.
func TestPrepareTellsWhoseTokenItIs(t *testing.T) {
	noField := refusal(100, 0, "(#100) Tried accessing nonexisting field (permissions) on node type (Page)")
	granted := reply{body: `{"data":[{"permission":"pages_show_list","status":"granted"}]}`}
	for _, test := range []struct {
		name            string
		page, granted   reply
		wrong, noAccess bool
		text            string
	}{
		{"another Page's token, refused", refusal(10, 0, "(#10) Not allowed"), noField, true, false, `the Page "Other" (` + otherID + `), not to the Page ` + pageID},
		{"another Page's token, token left out", reply{body: `{"name":"Acme","id":"1"}`}, noField, true, false, "set token_env of the Page " + pageID},
		{"another Page's token, not found", refusal(100, 33, "Unsupported get request"), noField, true, false, ""},
		{"a user without a role", reply{body: `{"name":"Acme"}`}, granted, false, true, `user "Other" gives no access to the Page ` + pageID},
		{"a user without permission", refusal(200, 0, "(#200) Missing permissions"), granted, false, true, "Missing permissions"},
		{"an outage", refusal(2, 0, "down"), noField, false, false, "down"},
		{"a dead token", refusal(190, 463, "Session has expired"), noField, false, false, "make a new Page token"},
		{"an outage while asking", refusal(10, 0, "(#10) Not allowed"), refusal(1, 0, "?"), false, false, "Not allowed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, a := setup(t)
			a.replies("GET", "/me", reply{body: `{"id":"` + otherID + `","name":"Other"}`})
			a.replies("GET", "/"+pageID, test.page)
			a.replies("GET", "/me/permissions", test.granted)
			_, err := p.Prepare(t.Context())
			wrong, isWrong := errors.AsType[*WrongPageError](err)
			_, isNoAccess := errors.AsType[*NoPageTokenError](err)
			if isWrong != test.wrong || isNoAccess != test.noAccess || !strings.Contains(err.Error(), test.text) {
				t.Errorf("got %v, want wrong %v, no access %v, %q", err, test.wrong, test.noAccess, test.text)
			}
			if isWrong && (wrong.Want != pageID || wrong.Got != otherID) {
				t.Errorf("got %+v", wrong)
			}
			if (isWrong || isNoAccess) && !StopsPage(err) {
				t.Errorf("%v doesn't stop the Page", err)
			}
			checkSecret(t, err)
		})
	}
}

// TestPrepareFailsClearly checks answers to /me from which nothing follows.
func TestPrepareFailsClearly(t *testing.T) {
	for name, answer := range map[string]reply{
		"no id": {body: `{"name":"x"}`}, "empty": {}, "not JSON": {body: "<html>"}, "dead token": refusal(190, 0, "dead"),
	} {
		p, a := setup(t)
		a.replies("GET", "/me", answer)
		if info, err := p.Prepare(t.Context()); err == nil || info != (PageInfo{}) {
			t.Errorf("%s: got %+v, %v, want an error", name, info, err)
		}
	}
}

// user is a Page that was prepared with a user's token; pageTokens are the
// tokens that exchanges give, one after another.
func user(t *testing.T, pageTokens ...string) (*Page, *api) {
	t.Helper()
	p, a := setup(t)
	p = p.client.Page(pageID, NewToken(userText))
	a.replies("GET", "/me", reply{body: `{"id":"` + userID + `","name":"Mia"}`})
	var answers []reply
	for _, token := range pageTokens {
		doc, _ := json.Marshal(map[string]string{"access_token": token, "name": "Acme"})
		answers = append(answers, reply{body: string(doc)})
	}
	a.replies("GET", "/"+pageID, answers...)
	if _, err := p.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p, a
}

// TestRenew lets a Page token die within a run: it is exchanged once more,
// and then no more.
func TestRenew(t *testing.T) {
	const second = tokenText + "2"
	p, a := user(t, tokenText, second)
	dead := refusal(190, 467, "dead")
	answers := map[string]reply{tokenText: dead, second: {body: `{"data":[]}`}}
	a.handle("GET", "/"+pageID+"/stories", bearer(t, answers))
	if _, err := p.Stories(t.Context(), ListOptions{}); err != nil {
		t.Errorf("got %v, want that the token is renewed", err)
	}
	answers[second] = dead
	if _, err := p.Stories(t.Context(), ListOptions{}); !StopsPage(err) {
		t.Errorf("got %v, want the dead token", err)
	}
	if got := a.called("GET /" + pageID); got != 2 {
		t.Errorf("exchanged %d times, want twice", got)
	}
}

// TestNoRenewal lists the calls after which no token is exchanged: publish
// calls are never repeated, some deaths are not cured, and a Page's own token
// can't be exchanged.
func TestNoRenewal(t *testing.T) {
	p, a := user(t, tokenText)
	a.replies("POST", "/"+pageID+"/photo_stories", refusal(190, 467, "dead"))
	if _, err := p.PublishPhoto(t.Context(), "301"); OutcomeOf(err) != NotDone {
		t.Errorf("got %v, want a refusal", err)
	}
	a.replies("GET", "/501", refusal(190, 459, "checkpoint"))
	if _, err := p.VideoStatus(t.Context(), "501"); !StopsPage(err) {
		t.Errorf("got %v, want the checkpoint", err)
	}
	if got := a.called("GET /" + pageID); got != 1 {
		t.Errorf("exchanged %d times, want once, by Prepare", got)
	}
	own, b := setup(t)
	b.replies("GET", "/501", refusal(190, 467, "dead"))
	if _, err := own.VideoStatus(t.Context(), "501"); !StopsPage(err) {
		t.Errorf("got %v, want the dead token", err)
	}
}

func TestAccountCalls(t *testing.T) {
	p, a := setup(t)
	a.handle("POST", "/debug_token", func(w http.ResponseWriter, r *http.Request) {
		if r.ParseForm() != nil || r.URL.RawQuery != "" || r.PostForm.Get("method") != "GET" || r.PostForm.Get("input_token") != tokenText {
			t.Errorf("got %s with %v", r.URL, r.PostForm)
		}
		io.WriteString(w, `{"data":{"app_id":"77","application":"Acme Stories","type":"PAGE","is_valid":true,"profile_id":104857600000001,
			"expires_at":0,"data_access_expires_at":1790000000,"scopes":["pages_manage_posts","`+tokenText+`"]}}`)
	})
	info, err := p.DebugToken(t.Context())
	if err != nil || !info.Valid || info.ProfileID != pageID || !info.ExpiresAt.IsZero() || info.DataUntil.Unix() != 1790000000 || len(info.Scopes) != 2 || info.Scopes[1] != redacted {
		t.Errorf("got %+v, %v", info, err)
	}
	a.replies("GET", "/me/permissions", reply{body: `{"data":[{"permission":"pages_show_list","status":"granted"},{"permission":"x","status":"declined"}]}`})
	if got, err := p.Permissions(t.Context()); err != nil || got["pages_show_list"] != "granted" || got["x"] != "declined" {
		t.Errorf("got %v, %v", got, err)
	}
}
