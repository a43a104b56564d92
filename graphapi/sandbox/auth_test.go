package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"testing"
	"time"
)

// proof is the appsecret_proof of a token.
func proof(secret, token string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(token))
	return hex.EncodeToString(mac.Sum(nil))
}

func TestExchange(t *testing.T) {
	c := newClient(t, Options{})
	c.token = "sandbox-user-mia"
	c.want(c.get("/"+pageID, "fields", "access_token,name"), 200,
		`{"access_token":"`+token+`","id":"`+pageID+`","name":"Page `+pageID+`"}`)
	if got := c.get("/me").at("name"); got != "Sandbox User-mia" {
		t.Errorf("got the name %q, want that of the user", got)
	}
	c.wantCode(c.get("/"+pageID+"/stories"), 400, "210")
	c.wantCode(c.post("/"+pageID+"/video_stories", "upload_phase", "start"), 400, "100")
	if got := c.get("/me/permissions").at("data.0.status"); got != "granted" {
		t.Errorf("got %q, want granted", got)
	}
	if got := c.get("/me/accounts", "fields", "id,tasks,access_token").at("data.0.access_token"); got != token {
		t.Errorf("got %q, want the Page token", got)
	}

	c.token = token
	if got := c.get("/me").at("id"); got != pageID {
		t.Errorf("got the id %q, want that of the Page", got)
	}
	renewed, err := c.sim.RevokePageTokens(pageID)
	if err != nil {
		t.Fatal(err)
	}
	c.wantCode(c.get("/me"), 400, "190")
	c.token = "sandbox-system-user"
	if got := c.get("/"+pageID, "fields", "access_token").at("access_token"); got != renewed || got == token {
		t.Errorf("got %q, want the new token %q", got, renewed)
	}
	c.token = renewed
	c.text(c.get("/me"), "id")
}

func TestTokens(t *testing.T) {
	c := newClient(t, Options{})
	if err := c.sim.AddPage(Page{ID: pageID, Name: "Acme", Portfolio: true}); err != nil {
		t.Fatal(err)
	}
	read := []string{scopeRead, scopeShowList}
	tests := []struct {
		name  string
		token Token
		call  func() answer
		code  string // "" means that the call succeeds
	}{
		{"expired", Token{Kind: PageToken, Page: pageID, Expires: start}, func() answer { return c.get("/me") }, "190/463"},
		{"not yet expired", Token{Kind: PageToken, Page: pageID, Expires: start.Add(time.Second)}, func() answer { return c.get("/me") }, ""},
		{"password changed", Token{Kind: PageToken, Page: pageID, Subcode: 460}, func() answer { return c.get("/me") }, "190/460"},
		{"logged out", Token{Kind: PageToken, Page: pageID, Subcode: 467}, func() answer { return c.get("/me") }, "190/467"},
		{"invalid", Token{Kind: PageToken, Page: pageID, Subcode: -1}, func() answer { return c.get("/me") }, "190"},
		{"may not publish", Token{Kind: PageToken, Page: pageID, Scopes: read}, func() answer { return c.publishPhoto("17") }, "200"},
		{"may read", Token{Kind: PageToken, Page: pageID, Scopes: read}, func() answer { return c.get("/" + pageID + "/stories") }, ""},
		{"may not read", Token{Kind: PageToken, Page: pageID, Scopes: []string{scopeManage}}, func() answer { return c.get("/" + pageID + "/stories") }, "10"},
		{"a user without the Page", Token{Kind: UserToken, Pages: []string{}}, func() answer { return c.get("/" + pageID) }, "100/33"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.token.Value = "some-token"
			if err := c.sim.AddToken(tt.token); err != nil {
				t.Fatal(err)
			}
			c.token = "some-token"
			a := tt.call()
			if tt.code == "" {
				if a.status != 200 {
					t.Errorf("got %d %s, want 200", a.status, a.body)
				}
				return
			}
			c.wantCode(a, map[bool]int{true: 403, false: 400}[tt.code == "200"], tt.code)
		})
	}
	for _, bad := range []Token{
		{Kind: PageToken, Page: pageID}, {Value: "EAAB", Kind: UserToken}, {Value: "x", Kind: "APP"}, {Value: "x", Kind: PageToken, Page: "none"},
	} {
		if err := c.sim.AddToken(bad); err == nil {
			t.Errorf("got no error for %+v", bad)
		}
	}
}

// TestExchangeGivesNothing: without the task or the permission the Page token
// is left out, and a Page of a portfolio is missing from the accounts.
func TestExchangeGivesNothing(t *testing.T) {
	c := newClient(t, Options{})
	if err := c.sim.AddPage(Page{ID: pageID, Portfolio: true}); err != nil {
		t.Fatal(err)
	}
	err := c.sim.AddToken(Token{Value: "u", Kind: SystemUserToken, Tasks: []string{"ANALYZE"}, Scopes: []string{scopeShowList, scopeRead}})
	if err != nil {
		t.Fatal(err)
	}
	c.token = "u"
	c.want(c.get("/"+pageID, "fields", "access_token"), 200, `{"id":"`+pageID+`"}`)
	c.want(c.get("/me/accounts"), 200, `{"data":[]}`)
}

func TestMovedPage(t *testing.T) {
	c := newClient(t, Options{})
	if err := c.sim.AddPage(Page{ID: pageID, MovedTo: "104857600000009"}); err != nil {
		t.Fatal(err)
	}
	c.wantCode(c.get("/"+pageID+"/stories"), 400, "21")
	c.wantCode(c.get("/"+pageID), 400, "21")
}

func TestAppSecretProof(t *testing.T) {
	const secret = "0123456789abcdef"
	c := newClient(t, Options{AppSecret: secret})
	c.wantCode(c.get("/me"), 400, "100")
	c.wantCode(c.get("/me", "appsecret_proof", proof("other", token)), 400, "100")
	c.text(c.get("/me", "appsecret_proof", proof(secret, token)), "id")
	c.text(c.post("/"+pageID+"/video_stories", "upload_phase", "start", "appsecret_proof", proof(secret, token)), "video_id")
	a := c.photo(jpeg, "published", "false", "appsecret_proof", proof(secret, token))
	c.text(a, "id")
}

func TestDebugToken(t *testing.T) {
	const secret = "0123456789abcdef"
	c := newClient(t, Options{AppSecret: secret})
	c.token = "1|" + secret
	a := c.get("/debug_token", "input_token", token)
	if a.at("data.is_valid") != "true" || a.at("data.profile_id") != pageID || a.at("data.type") != "PAGE" || a.at("data.expires_at") != "0" {
		t.Errorf("got %s, want a valid token of the Page", a.body)
	}
	a = c.get("/debug_token", "input_token", "nonsense")
	if a.at("data.is_valid") != "false" || a.at("data.error.code") != "190" {
		t.Errorf("got %s, want an invalid token", a.body)
	}
	c.wantCode(c.get("/debug_token"), 400, "100")
	c.token = "1|wrong"
	c.wantCode(c.get("/debug_token", "input_token", token), 400, "190")
}
