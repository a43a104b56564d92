package graphapi

import (
	"strings"
	"testing"
)

// TestCatalogueIsWellFormed checks every row for what people and the client
// need of it, and that no two rows claim the same.
func TestCatalogueIsWellFormed(t *testing.T) {
	seen := map[string]bool{}
	for _, row := range Catalogue() {
		name := row.CodeText()
		if seen[name] {
			t.Errorf("%s has two rows", name)
		}
		seen[name] = true
		for field, text := range map[string]string{"Name": row.Name, "Meaning": row.Meaning, "Do": row.Do, "Source": row.Source} {
			if text == "" {
				t.Errorf("%s has no %s", name, field)
			}
		}
		if !strings.HasSuffix(row.Meaning, ".") || strings.HasSuffix(row.Do, ".") {
			t.Errorf("%s: a meaning ends with a full stop, an advice without", name)
		}
		if !strings.Contains(row.Source, "202") {
			t.Errorf("%s: the source %q has no date", name, row.Source)
		}
		if _, ok := classes[row.Class]; !ok {
			t.Errorf("%s: class %q has no consequences", name, row.Class)
		}
		if row.Last != 0 && (row.Last <= row.Code || row.Subcode != 0) {
			t.Errorf("%s: the range is none", name)
		}
		if row.AppWide && row.Class != ClassThrottle {
			t.Errorf("%s: only a throttle can be app-wide", name)
		}
	}
}

// TestDecisions states, for every code that the project knows, what follows
// from it. It does not read the table's classes: it is the table's check.
func TestDecisions(t *testing.T) {
	type want struct {
		outcome                   Outcome
		retry, throttled, stops   bool
		missing, posted, badStart bool
	}
	refused := want{outcome: NotDone}
	stop := want{outcome: NotDone, stops: true}
	unclear := want{outcome: Unclear, retry: true}
	throttled := want{outcome: Unclear, retry: true, throttled: true}
	uploadAgain := want{outcome: NotDone, retry: true}
	offset := want{outcome: NotDone, retry: true, badStart: true}
	unknown := want{outcome: Unclear}
	for _, test := range []struct {
		err  Error
		want want
	}{
		{Error{Code: 1}, unclear},
		{Error{Code: 2}, unclear},
		{Error{Code: 1, Status: 503, Transient: true}, unclear},
		{Error{Code: 3}, stop},
		{Error{Code: 4}, throttled},
		{Error{Code: 10}, stop},
		{Error{Code: 12}, refused},
		{Error{Code: 17}, throttled},
		{Error{Code: 21}, stop},
		{Error{Code: 32}, throttled},
		{Error{Code: 100}, refused},
		{Error{Code: 100, Message: "(#100) Invalid appsecret_proof provided in the API argument"}, stop},
		{Error{Code: 100, Subcode: 21}, stop},
		{Error{Code: 100, Subcode: 33}, want{outcome: NotDone, missing: true}},
		{Error{Code: 100, Subcode: 1366046}, refused},
		{Error{Code: 100, Subcode: 999999}, refused},
		{Error{Code: 102}, stop},
		{Error{Code: 104}, stop},
		{Error{Code: 190}, stop},
		{Error{Code: 190, Subcode: 463}, stop},
		{Error{Code: 190, Subcode: 492}, stop},
		{Error{Code: 200}, stop},
		{Error{Code: 240}, stop},
		{Error{Code: 283}, stop},
		{Error{Code: 299}, stop},
		{Error{Code: 300}, unknown},
		{Error{Code: 324}, refused},
		{Error{Code: 341}, throttled},
		{Error{Code: 351}, refused},
		{Error{Code: 352}, refused},
		{Error{Code: 356}, refused},
		{Error{Code: 368}, stop},
		{Error{Code: 382}, refused},
		{Error{Code: 389}, refused},
		{Error{Code: 506}, unknown},
		{Error{Code: 613, Subcode: 1996}, throttled},
		{Error{Code: 803}, stop},
		{Error{Code: 2500}, refused},
		{Error{Code: 6000}, refused},
		{Error{Code: 6001, Subcode: 1363037}, offset},
		{Error{Code: 80001}, throttled},
		{Error{Code: 80099}, throttled},
		{Error{Code: 80100}, unknown},
		{Error{Code: 100, Subcode: 1366051}, want{outcome: Unclear, posted: true}},
		{Error{Code: 368, Subcode: 1366051}, want{outcome: Unclear, posted: true}},
		{Error{Code: 1366051}, want{outcome: Unclear, posted: true}},
		{Error{Type: "OffsetInvalidError", Status: 412, Retriable: true}, offset},
		{Error{Type: "PartialRequestError", Status: 400}, uploadAgain},
		{Error{Type: "ProcessingFailedError", Status: 400}, uploadAgain},
		{Error{Type: "ParameterValidationError", Status: 400}, refused},
		{Error{Type: "RequestRateLimitedError", Status: 400}, throttled},
		{Error{Type: "NotAuthorizedError", Status: 400}, stop},
		{Error{Type: "SomethingNew", Status: 400, Retriable: true}, unclear},
		{Error{Type: "SomethingNew", Status: 400}, unknown},
		// A subcode that means something under another code means nothing here.
		{Error{Code: 9999, Subcode: 33}, unknown},
		{Error{Code: 9999}, unknown},
		// Any doubt outweighs a known refusal.
		{Error{Code: 190, Status: 500}, want{outcome: Unclear, retry: true, stops: true}},
		{Error{Code: 100, Status: 400, Transient: true}, want{outcome: Unclear, retry: true}},
		// No code at all.
		{Error{Status: 429, Err: ErrUnreadable}, throttled},
		{Error{Status: 502, Err: ErrUnreadable}, unclear},
		{Error{Status: 408, Err: ErrUnreadable}, unclear},
		{Error{Status: 404, Err: ErrUnreadable}, unknown},
		{Error{Status: 401, Err: ErrUnreadable}, want{outcome: Unclear, stops: true}},
		{Error{Status: 403, Err: ErrUnreadable}, want{outcome: Unclear, stops: true}},
		{Error{Status: 200, Err: ErrNotAcknowledged}, unclear},
		{Error{Status: 302, Err: ErrRedirect}, unknown},
		{Error{Err: ErrInput, unsent: true}, refused},
		{Error{Err: timeoutError{}}, unclear},
	} {
		e := test.err
		got := want{OutcomeOf(&e), Retriable(&e), Throttled(&e), StopsPage(&e), NotFound(&e), AlreadyPosted(&e), OffsetInvalid(&e)}
		if got != test.want {
			t.Errorf("%+v: got %+v, want %+v", test.err, got, test.want)
		}
	}
}

func TestExplain(t *testing.T) {
	for text, want := range map[string]string{
		"190/463": "190/463", "#190/463": "190/463", "(#190) 463": "190/463", "463": "190/463",
		"10": "10", "#10": "10", "240": "200-299", "80001": "80000-80099", "100/999": "100",
		"1366051": "*/1366051", "100/1366051": "*/1366051",
		"offsetinvaliderror": "OffsetInvalidError",
		"":                   "", "0": "", "33": "100/33", "7777": "", "x": "", "190/x": "", "1 2 3": "", "-1": "", "99999999999999999999": "", "0/33": "",
	} {
		var got []string
		for _, row := range Explain(text) {
			got = append(got, row.CodeText())
		}
		if strings.Join(got, " ") != want {
			t.Errorf("Explain(%q) = %q, want %q", text, got, want)
		}
	}
	if got := len(Explain("190")); got != 8 {
		t.Errorf("Explain(190) has %d rows, want the code and its 7 subcodes", got)
	}
}

func TestErrorText(t *testing.T) {
	for _, test := range []struct {
		err         Error
		text, hints string
	}{
		{
			Error{Op: "photo_stories", Status: 400, Code: 368, Message: "(#368) The action attempted has been deemed abusive", TraceID: "Ab1"},
			"photo_stories: (#368) The action attempted has been deemed abusive [fbtrace_id Ab1]", "stop publishing on this Page",
		},
		{
			Error{Op: "photos", Status: 400, Code: 9007, Subcode: 2207, Message: "Application does not have permission", UserTitle: "Not possible", UserMsg: "Ask the admin."},
			"photos: (#9007/2207) Application does not have permission (Not possible: Ask the admin.)", "",
		},
		{
			Error{Op: "photos", Status: 400, Code: 9007, UserMsg: "Ask the admin."},
			"photos: (#9007) Ask the admin.", "",
		},
		{
			Error{Op: "video upload", Status: 412, Type: "OffsetInvalidError", Message: "offset 7"},
			"video upload: OffsetInvalidError: offset 7 [HTTP 412]", "goes on by itself",
		},
		{
			Error{Op: "stories", Status: 502, Err: ErrUnreadable},
			"stories: the answer is not a readable reply of the Graph API [HTTP 502]", "",
		},
		{Error{Op: "x", Status: 400, Code: 4242}, "x: (#4242) no message", ""},
		{
			Error{Op: "me", Err: &WrongPageError{Want: "1", Got: "2", Name: "Acme"}},
			`me: the token belongs to the Page "Acme" (2), not to the Page 1`, "set token_env of the Page 1",
		},
	} {
		e := &test.err
		if got := Reason(e); got != test.text {
			t.Errorf("got  %s\nwant %s", got, test.text)
		}
		hint := Hint(e)
		if !strings.Contains(hint, test.hints) || (hint == "") != (test.hints == "") {
			t.Errorf("%s: hint %q, want %q", test.text, hint, test.hints)
		}
		if hint != "" && e.Error() != test.text+"; what to do: "+hint {
			t.Errorf("got %s, want the reason and the hint", e)
		}
	}
	if got := Reason(nil) + Hint(nil); got != "" {
		t.Errorf("of no error: got %q, want nothing", got)
	}
}
