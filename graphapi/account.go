package graphapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// TokenInfo is what GET /debug_token says about the configured token.
// Source: developers.facebook.com/docs/graph-api/reference/debug_token and
// public clients, 2026-11.
type TokenInfo struct {
	AppID       string
	Application string
	Type        string // "USER", "PAGE", "SYSTEM_USER"
	Valid       bool
	ProfileID   string    // the Page, for a Page token
	ExpiresAt   time.Time // zero: never
	DataUntil   time.Time // when access to data ends, 90 days after the person last used the app; zero: not told
	Scopes      []string
	Problem     string // why the token is not valid
}

// DebugToken asks about the configured token with that token itself. The
// token to be inspected is sent in the body of a POST with method=GET, so that
// it never is in a URL. Meta's PHP SDK up to version 3 made every read like
// this (BaseFacebook::_graph); the documentation of the edge shows a GET.
func (p *Page) DebugToken(ctx context.Context) (info TokenInfo, err error) {
	token, _ := p.token(true)
	err = p.do(ctx, call{
		op: "debug_token", kind: read, method: http.MethodPost, path: "debug_token", own: true,
		params: url.Values{"method": {http.MethodGet}, "input_token": {token.text()}},
	}, func(body []byte) error {
		var answer struct {
			Data *struct {
				AppID       objectID        `json:"app_id"`
				Application string          `json:"application"`
				Type        string          `json:"type"`
				Valid       bool            `json:"is_valid"`
				ProfileID   objectID        `json:"profile_id"`
				ExpiresAt   json.RawMessage `json:"expires_at"`
				DataUntil   json.RawMessage `json:"data_access_expires_at"`
				Scopes      []string        `json:"scopes"`
				Error       struct {
					Message string `json:"message"`
				} `json:"error"`
			} `json:"data"`
		}
		if err := json.Unmarshal(body, &answer); err != nil || answer.Data == nil {
			return fmt.Errorf("%w: it has no data", ErrUnreadable)
		}
		d := answer.Data
		info = TokenInfo{
			AppID: string(d.AppID), Application: clean(d.Application), Type: clean(d.Type), Valid: d.Valid,
			ProfileID: string(d.ProfileID), ExpiresAt: looseTime(d.ExpiresAt), DataUntil: looseTime(d.DataUntil),
			Problem: clean(d.Error.Message),
		}
		for _, scope := range d.Scopes {
			info.Scopes = append(info.Scopes, clean(scope))
		}
		return nil
	})
	return info, err
}

// Permissions lists the permissions of the configured token by name, with
// their status: "granted", "declined" or "expired". It works for tokens of
// users and system users only; a Page token is refused with code 100.
func (p *Page) Permissions(ctx context.Context) (map[string]string, error) {
	granted := map[string]string{}
	err := p.list(ctx, call{op: "permissions", path: "me/permissions", own: true}, url.Values{"limit": {"100"}}, func(raw json.RawMessage) error {
		var row struct {
			Name   string `json:"permission"`
			Status string `json:"status"`
		}
		if err := json.Unmarshal(raw, &row); err != nil {
			return err
		}
		granted[clean(row.Name)] = clean(row.Status)
		return nil
	})
	return granted, err
}
