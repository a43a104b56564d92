package config

import (
	"regexp"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"storyform/internal/diag"
)

// apiVersion matches a version of the Graph API.
var apiVersion = regexp.MustCompile(`^v[0-9]{1,3}\.[0-9]$`)

// secretName matches the names of arguments that hold a secret itself.
var secretName = regexp.MustCompile(`(password|secret|secret_key|private_key|private_key_pem|token)$`)

// mediaRules are the values of media_rules.
var mediaRules = []string{"default", "strict"}

// storyformBlock returns the storyform block, or nil.
func (l *loader) storyformBlock() *block {
	if bs := l.blocks["storyform"]; len(bs) > 0 {
		return bs[0]
	}
	return nil
}

// loadSettings evaluates the storyform block.
func (l *loader) loadSettings() {
	b := l.storyformBlock()
	if b == nil {
		return
	}
	s := &l.settings
	s.Range = *rangeOf(b.header())
	ctx := l.eval.dir(b.file.dir)
	for _, a := range sortedAttrs(b.syn.Body) {
		if b.attrs[a.Name] == nil || a.Name == "include" { // which was read before everything else
			continue
		}
		if _, ok, diags := l.checkRefs(a.Expr, scope{}); !ok {
			l.report(noAddress, diags...)
			b.disable(a.Name)
		}
	}
	if v, set := l.attrString(noAddress, b, "api_version", ctx); set {
		s.APIVersion = v
		if !apiVersion.MatchString(v) {
			l.report(noAddress, errIn(b.expr("api_version"), ctx, "Invalid API version",
				"%s is not a version of the Graph API, which looks like %q.", shortString(v), defaultAPIVersion))
		}
	}
	if n, set := l.attrInt(noAddress, b, "max_publish", ctx, 0); set {
		s.MaxPublish = n
	}
	if d, set := l.attrDuration(noAddress, b, "upload_ahead", ctx); set {
		s.UploadAhead = d
		if d > maxUploadAhead {
			l.report(noAddress, errIn(b.expr("upload_ahead"), ctx, "Upload too far ahead",
				"Uploaded media are kept for about 24 hours until they are published, so upload_ahead can be 12h at most."))
		}
	}
	if d, set := l.attrDuration(noAddress, b, "settle_after", ctx); set {
		s.SettleAfter = d
		if d < minSettleAfter {
			l.report(noAddress, errIn(b.expr("settle_after"), ctx, "Doubt settled too soon",
				"Lists of stories lag behind, and a publish call may take two minutes, so settle_after must be 3m at least: a story that isn't listed yet must not be taken for one that was not published."))
		}
	}
	if v, set := l.attrString(noAddress, b, "media_rules", ctx); set {
		s.MediaRules = v
		if !slices.Contains(mediaRules, v) {
			l.report(noAddress, errIn(b.expr("media_rules"), ctx, "Unknown media rules",
				`media_rules must be "default" or "strict".%s`, didYouMean(v, mediaRules)))
		}
	}
	if back := b.child("backend"); back != nil {
		s.Backend = l.backend(back, ctx)
	}
	if enc := b.child("encryption"); enc != nil {
		s.Encryption = l.encryption(enc, ctx)
	}
}

// soundBlock checks the references in all attributes of a block that has no
// instances.
func (l *loader) soundBlock(b *block) bool {
	sound := true
	for _, a := range sortedAttrs(b.syn.Body) {
		if b.attrs[a.Name] == nil {
			continue
		}
		_, ok, diags := l.checkRefs(a.Expr, scope{outputs: b.spec.Type == "output" && a.Name == "value"})
		l.report(b.address(), diags...)
		sound = sound && ok
	}
	return sound
}

// backend evaluates a backend block. What its arguments mean is not known
// here: each becomes a string.
func (l *loader) backend(b *block, ctx *hcl.EvalContext) *Backend {
	back := &Backend{Type: b.label, Args: map[string]string{}, ArgRanges: map[string]diag.Range{}, Range: *rangeOf(b.header())}
	for _, a := range sortedAttrs(b.syn.Body) {
		back.ArgRanges[a.Name] = *rangeOf(a.Expr.Range())
		if secretName.MatchString(a.Name) && len(a.Expr.Variables()) == 0 {
			l.maskExpr(a.Expr)
			l.report(noAddress, errAt(a.NameRange, "Secret in a backend",
				"A secret must never be in a file, and the arguments of a backend are written into plans, too. Give credentials in the environment variables that the backend reads."))
			continue
		}
		v, ok := l.evaluateIn(noAddress, a.Expr, ctx, scope{})
		if !ok || !v.IsKnown() {
			l.noteUnknown(a.Expr)
			continue
		}
		if v.IsNull() {
			continue
		}
		if isSensitive(v) {
			l.report(noAddress, errIn(a.Expr, ctx, "Sensitive backend argument",
				"The arguments of a backend are written into plans, and this value is sensitive. Give credentials in the environment variables that the backend reads."))
			continue
		}
		text, err := convert.Convert(v, cty.String)
		if err != nil {
			l.report(noAddress, errIn(a.Expr, ctx, "Wrong type of value", "A backend argument must be a string, a number or a bool."))
			continue
		}
		back.Args[a.Name] = text.AsString()
	}
	return back
}
