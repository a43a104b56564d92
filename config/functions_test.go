package config

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"storyform/internal/suggest"
)

// TestFunctions evaluates expressions and compares the value, or what the
// error says.
func TestFunctions(t *testing.T) {
	dir := write(t, map[string]string{
		"a.story.hcl": `
locals {
  m = { b = 2, a = 1 }
}
page "acme" {
  for_each = { id = "104857600000001", sg = "104857600000002" }
  id       = each.value
  timezone = "Asia/Jakarta"
}
story "teaser" {
  for_each = page.acme
  page     = each.value
  photo    = "media/a.jpg"
}
variable "secret" {
  default   = "correct horse battery"
  sensitive = true
}
`,
		"media/a.jpg": "kind=photo", "media/b.jpg": "", "media/deep/c.jpg": "", "media/notes.txt": "hello", ".git/config": "x", ".git/hooks/x": "x",
		"t.tpl": "Hi ${name}!%{ for x in list } ${upper(x)}%{ endfor }",
	})
	c, ds := Load(t.Context(), Options{Dir: dir})
	if len(ds) != 0 {
		t.Fatal(ds)
	}
	tests := []struct{ expr, want string }{
		{`abs(-3)`, `3`}, {`ceil(1.2)`, `2`}, {`floor(1.8)`, `1`}, {`max(1, 3, 2)`, `3`}, {`min(1, 3, 2)`, `1`},
		{`parseint("ff", 16)`, `255`}, {`pow(2, 10)`, `1024`}, {`signum(-7)`, `-1`}, {`log(8, 2)`, `3`},
		{`chomp("a\n\n")`, `"a"`}, {`format("%03d-%s", 7, "x")`, `"007-x"`}, {`formatlist("%s!", ["a", "b"])`, `["a!", "b!"]`},
		{`indent(2, "a\nb")`, `"a\n  b"`}, {`join("-", ["a", "b"])`, `"a-b"`}, {`lower("ÄB")`, `"äb"`}, {`upper("äb")`, `"ÄB"`},
		{`regex("[0-9]+", "a12b3")`, `"12"`}, {`regexall("[0-9]", "a1b2")`, `["1", "2"]`},
		{`replace("a.b.c", ".", "-")`, `"a-b-c"`}, {`replace("abc", "/[bc]/", "x")`, `"axx"`}, {`replace("abc", "/(b)/", "<$1>")`, `"a<b>c"`},
		{`split(",", "a,b")`, `["a", "b"]`}, {`strrev("abc")`, `"cba"`}, {`substr("abcd", 1, 2)`, `"bc"`}, {`title("a bc")`, `"A Bc"`},
		{`trim("xax", "x")`, `"a"`}, {`trimprefix("ab", "a")`, `"b"`}, {`trimsuffix("ab", "b")`, `"a"`}, {`trimspace(" a ")`, `"a"`},
		{`startswith("abc", "ab")`, `true`}, {`endswith("abc", "ab")`, `false`}, {`strcontains("abc", "b")`, `true`},
		{`chunklist([1, 2, 3], 2)`, `[[1, 2], [3]]`}, {`coalesce("", null, "b")`, `"b"`}, {`coalesce(null, 2)`, `2`}, {`coalescelist([], [1])`, `[1]`},
		{`compact(["a", "", null])`, `["a"]`}, {`concat([1], [2])`, `[1, 2]`}, {`contains(["a"], "a")`, `true`}, {`distinct([1, 2, 1])`, `[1, 2]`},
		{`element(["a", "b"], 3)`, `"b"`}, {`flatten([[1], [[2]]])`, `[1, 2]`}, {`index(["a", "b"], "b")`, `1`}, {`index(["a"], "c")`, `! the value is not in the list`},
		{`keys(local.m)`, `["a", "b"]`}, {`values(local.m)`, `[1, 2]`}, {`length("äö")`, `2`}, {`length([1, 2])`, `2`}, {`length(local.m)`, `2`}, {`length(5)`, `! must be a collection or a string`},
		{`lookup(local.m, "a")`, `1`}, {`lookup(local.m, "c", 9)`, `9`}, {`lookup(tomap({ a = "x" }), "c", 9)`, `"9"`}, {`lookup(local.m, "c")`, `! the map has no element "c"`},
		{`merge({ a = 1 }, { b = 2 })`, "{\n  a = 1\n  b = 2\n}"}, {`range(3)`, `[0, 1, 2]`}, {`reverse([1, 2])`, `[2, 1]`},
		{`setintersection(["a", "b"], ["b"])`, `["b"]`}, {`setproduct(["a"], ["x", "y"])`, `[["a", "x"], ["a", "y"]]`}, {`setsubtract(["a", "b"], ["b"])`, `["a"]`},
		{`setunion(["a"], ["b"])`, `["a", "b"]`}, {`slice([1, 2, 3], 1, 2)`, `[2]`}, {`sort(["b", "a"])`, `["a", "b"]`}, {`zipmap(["a"], [1])`, "{\n  a = 1\n}"},
		{`one([])`, `null`}, {`one(["a"])`, `"a"`}, {`one([1, 2])`, `! at most one element`}, {`sum([1, 2.5])`, `3.5`}, {`sum([])`, `! not empty`},
		{`alltrue([true, false])`, `false`}, {`alltrue([])`, `true`}, {`anytrue([true, false])`, `true`}, {`anytrue([])`, `false`},
		{`csvdecode("a,b\n1,2")[0].b`, `"2"`}, {`jsondecode("{\"a\":[1]}").a[0]`, `1`}, {`jsonencode({ a = [1] })`, `"{\"a\":[1]}"`},
		{`formatdate("D MMM YYYY hh:mm", "2026-12-20T09:05:00+07:00")`, `"20 Dec 2026 09:05"`}, {`timeadd("2026-12-20T09:00:00Z", "90m")`, `"2026-12-20T10:30:00Z"`},
		{`tobool("true")`, `true`}, {`tolist(["a", 1])`, `["a", "1"]`}, {`tomap({ a = 1 })`, "{\n  a = 1\n}"}, {`tonumber("5")`, `5`}, {`toset(["b", "a", "a"])`, `["a", "b"]`}, {`tostring(5)`, `"5"`},
		{`try(local.m.c, local.m.a)`, `1`}, {`can(local.m.c)`, `false`}, {`can(local.m.a)`, `true`}, {`try(tonumber("x"), "y")`, `"y"`},
		{`sha256("abc")`, `"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"`}, {`md5("abc")`, `"900150983cd24fb0d6963f7d28e17f72"`},
		{`dates("2026-12-30", "2027-01-01", "1d")`, `["2026-12-30", "2026-12-31", "2027-01-01"]`},
		{`dates("2026-12-01", "2026-12-20", "1w")`, `["2026-12-01", "2026-12-08", "2026-12-15"]`},
		{`dates("2026-12-01 09:00", "2026-12-01 17:30", "4h")`, `["2026-12-01 09:00", "2026-12-01 13:00", "2026-12-01 17:00"]`},
		{`dates("2026-12-01", "2026-12-01", "2d")`, `["2026-12-01"]`},
		{`dates("2027-03-27 02:30", "2027-03-28 02:30", "1d")`, `["2027-03-27 02:30", "2027-03-28 02:30"]`}, // the zone decides later that one doesn't exist
		{`dates("2024-02-28", "2024-03-01", "1d")`, `["2024-02-28", "2024-02-29", "2024-03-01"]`},
		{`file("media/notes.txt")`, `"hello"`}, {`file("media/../media/notes.txt")`, `"hello"`}, {`fileexists("media/a.jpg")`, `true`}, {`fileexists("media")`, `false`}, {`fileexists("nope")`, `false`},
		{`filesha256("media/notes.txt")`, `"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"`},
		{`fileset(".", "media/*.jpg")`, `["media/a.jpg", "media/b.jpg"]`}, {`fileset("media", "**/*.jpg")`, `["a.jpg", "b.jpg", "deep/c.jpg"]`}, {`fileset("media", "*.png")`, `[]`},
		{`templatefile("t.tpl", { name = "Mia", list = ["a", "b"] })`, `"Hi Mia! A B"`},
		{`file("media/nope.txt")`, `! There is no file "media/nope.txt"`}, {`filesha256("media")`, `! is a folder`},
		{`var.secret`, sensitiveText}, {`upper(var.secret)`, sensitiveText}, {`nonsensitive(length(var.secret))`, `21`}, {`sensitive("x")`, sensitiveText},
		{`page.acme["id"].id`, `"104857600000001"`}, {`page.acme["sg"].token_env`, `null`}, {`keys(page.acme)`, `["id", "sg"]`},
		{`story.teaser["id"]`, `"story.teaser[\"id\"]"`}, {`story.teaser["id"] == story.teaser["id"]`, `true`}, {`story.teaser["id"] == story.teaser["sg"]`, `false`},
		{`[for k, p in page.acme : "${k}=${p.timezone}"]`, `["id=Asia/Jakarta", "sg=Asia/Jakarta"]`}, {`{ for k, s in story.teaser : k => s }`, "{\n  id = \"story.teaser[\\\"id\\\"]\"\n  sg = \"story.teaser[\\\"sg\\\"]\"\n}"},
		{`fileset(".", ".git/**")`, `[]`}, {`fileset(".git", "*")`, `! may not read`}, {`join(" ", fileset(".", "**"))`, `"a.story.hcl media/a.jpg media/b.jpg media/deep/c.jpg media/notes.txt t.tpl"`},
		{`sha1("abc")`, `"a9993e364706816aba3e25717850c26c9cd0d89d"`}, {`substr(sha512("abc"), 0, 16)`, `"ddaf35a193617aba"`},
		{`base64encode("hällo")`, `"aMOkbGxv"`}, {`base64decode("aMOkbGxv")`, `"hällo"`}, {`base64decode("/w==")`, `! not UTF-8`}, {`base64decode("%")`, `! not base64`},
		{`base64sha256("abc")`, `"ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="`}, {`length(base64sha512("abc"))`, `88`},
		{`filesha256("media/notes.txt") == sha256("hello")`, `true`}, {`filemd5("media/notes.txt") == md5("hello")`, `true`}, {`filesha1("media/notes.txt") == sha1("hello")`, `true`},
		{`filesha512("media/notes.txt") == sha512("hello")`, `true`}, {`filebase64sha256("media/notes.txt") == base64sha256("hello")`, `true`},
		{`filebase64sha512("media/notes.txt") == base64sha512("hello")`, `true`}, {`filesha512("nope")`, `! There is no file`},
		{`urlencode("a b/ä&")`, `"a+b%2F%C3%A4%26"`}, {`basename("media/a.jpg")`, `"a.jpg"`}, {`dirname("media/a.jpg")`, `"media"`}, {`dirname("a.jpg")`, `"."`},
		{`uuidv5("dns", "www.terraform.io")`, `"a5008fae-b28c-5ba5-96cd-82b4c53552d6"`}, {`uuidv5("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "www.terraform.io")`, `"a5008fae-b28c-5ba5-96cd-82b4c53552d6"`},
		{`uuidv5("nope", "x")`, `! or a UUID`}, {`timecmp("2017-11-22T00:00:00Z", "2017-11-21T17:00:00-07:00")`, `0`}, {`timecmp("2017-11-22T00:00:00Z", "2017-11-22T01:00:00Z")`, `-1`},
		{`timecmp("2026-12-20", "2017-11-22T01:00:00Z")`, `! RFC 3339`}, {`matchkeys(["i-1", "i-2", "i-3"], ["w", "e", "e"], ["e"])`, `["i-2", "i-3"]`}, {`matchkeys(["a"], ["b"], ["c"])`, `[]`},
		{`matchkeys(["a"], ["b", "c"], ["c"])`, `! as many elements`}, {`transpose({ a = ["1", "2"], b = ["2", "3"] })`, "{\n  \"1\" = [\"a\"]\n  \"2\" = [\"a\", \"b\"]\n  \"3\" = [\"b\"]\n}"}, {`transpose({})`, `{}`},
		{`issensitive(var.secret)`, `true`}, {`issensitive("x")`, `false`}, {`anytrue([null, true])`, `true`}, {`alltrue([null, true])`, `false`},
		{`templatestring("Hi $${name}, $${upper(x)}", { name = "Mia", x = "b" })`, `"Hi Mia, B"`}, {`templatestring("$${x", {})`, `! template`}, {`templatestring("$${nmae}", { name = 1 })`, `! did you mean "name"`},
		{`templatestring("$${templatestring(\"x\", {})}", {})`, `! can't render another one`}, {`templatestring("$${file(\"x\")}", {})`, `! reads files`},
		{`yamldecode("a: 1")`, `! jsondecode`}, {`cidrhost("10.0.0.0/8", 1)`, `! no network`}, {`formatdat("D", "x")`, `! Did you mean "formatdate"`},
		{`timestamp()`, `! can read the clock`}, {`local.n`, `! Did you mean local.m?`}, {`1 +`, `! expression`}, {`each.key`, `! for_each`},
	}
	for _, test := range tests {
		got, ds := c.Eval(test.expr)
		if want, isError := strings.CutPrefix(test.want, "! "); isError {
			if text := describe(ds, c.Sources); !strings.Contains(text, want) {
				t.Errorf("%s: got %s and %s, want an error that says %q", test.expr, got, text, want)
			}
			continue
		}
		if len(ds) != 0 || got != test.want {
			t.Errorf("%s: got %s %v, want %s", test.expr, got, ds, test.want)
		}
	}
}

// TestNoImpureFunctions pins the list of functions: one that could make two
// plans of the same files differ, or read what is outside, must not slip in.
func TestNoImpureFunctions(t *testing.T) {
	l := newLoader(Options{})
	l.eval = newEvaluator(l)
	const want = "abs alltrue anytrue base64decode base64encode base64sha256 base64sha512 basename can ceil chomp chunklist coalesce coalescelist " +
		"compact concat contains csvdecode dates dirname distinct element endswith file filebase64sha256 filebase64sha512 fileexists filemd5 " +
		"fileset filesha1 filesha256 filesha512 flatten floor format formatdate formatlist indent index issensitive join jsondecode jsonencode keys " +
		"length log lookup lower matchkeys max md5 merge min nonsensitive one parseint pow range regex regexall replace reverse sensitive " +
		"setintersection setproduct setsubtract setunion sha1 sha256 sha512 signum slice sort split startswith strcontains strrev substr sum " +
		"templatefile templatestring timeadd timecmp title tobool tolist tomap tonumber toset tostring transpose trim trimprefix trimspace trimsuffix " +
		"try upper urlencode uuidv5 values zipmap"
	if got := strings.Join(l.functionNames(), " "); got != want {
		t.Errorf("got functions\n%s\nwant\n%s", got, want)
	}
	for name := range guards {
		if !strings.Contains(" "+want+" ", " "+name+" ") {
			t.Errorf("got a guard for %s, which is no function", name)
		}
	}
}

// TestFunctionTable keeps the table of functions, and docs/functions.md, as the
// functions are.
func TestFunctionTable(t *testing.T) {
	l := newLoader(Options{})
	l.eval = newEvaluator(l)
	all := l.fileFunctions("")
	maps.Copy(all, l.eval.pure.Functions)
	for _, g := range functionTable {
		for _, f := range g.functions {
			fn, ok := all[f.name]
			if !ok {
				t.Errorf("the table has %s, which is no function or is there twice", f.name)
				continue
			}
			delete(all, f.name)
			least := len(fn.Params())
			most := least
			if fn.VarParam() != nil {
				most += 3
			}
			if n := strings.Count(f.args, ",") + 1; n < least || n > most || !strings.HasSuffix(f.doc, ".") {
				t.Errorf("%s takes %d to %d arguments, and the table says %s(%s): %s", f.name, least, most, f.name, f.args, f.doc)
			}
		}
	}
	for name := range all {
		t.Errorf("the function %s is not in the table", name)
	}
	path := filepath.Join("..", "docs", "functions.md")
	if *update {
		if err := os.WriteFile(path, []byte(functionsDocument()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || string(want) != functionsDocument() {
		t.Errorf("docs/functions.md is out of date (%v); run go test ./config -update", err)
	}
}

// functionsDocument is docs/functions.md.
func functionsDocument() string {
	var b strings.Builder
	b.WriteString("# Functions\n\nMade from the program by `go test ./config -update`. What has a name of Terraform's does what Terraform does.\n" +
		"`storyform console` tries them: `echo 'title(\"hello\")' | storyform console`.\n")
	cell := strings.NewReplacer("|", "\\|").Replace
	for _, g := range functionTable {
		b.WriteString("\n## " + g.title + "\n\n| function | |\n|---|---|\n")
		for _, f := range g.functions {
			b.WriteString("| `" + f.name + "(" + f.args + ")` | " + cell(f.doc) + " |\n")
		}
	}
	b.WriteString("\n## Functions that there are not\n\n| function | instead |\n|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(foreign["function"])) {
		b.WriteString("| `" + name + "` | " + cell(foreign["function"][name]) + " |\n")
	}
	return b.String()
}

func TestVersionConstraints(t *testing.T) {
	tests := []struct {
		version, constraint string
		want                bool
	}{
		{"0.3.1", ">= 0.1", true}, {"0.3.1", ">= 0.3.1, < 0.4", true}, {"0.3.1", "< 0.3.1", false}, {"0.3.1", "0.3.1", true}, {"0.3.1", "= 0.3", false},
		{"0.3.0", "= 0.3", true}, {"0.3.1", "!= 0.3.1", false}, {"0.3.1", "> 0.3.0", true}, {"0.3.1", "<= 0.3.0", false},
		{"1.2.9", "~> 1.2", true}, {"1.9.0", "~> 1.2", true}, {"2.0.0", "~> 1.2", false}, {"1.2.9", "~> 1.2.3", true}, {"1.3.0", "~> 1.2.3", false}, {"1.2.2", "~> 1.2.3", false},
		{"1.0.0-rc1", ">= 1.0.0", false}, {"1.0.0-rc1", "< 1.0.0", true}, {"1.0.0-rc2", "> 1.0.0-rc1", true}, {"v1.0.0", ">=1", true}, {"1.0.0+dirty", "1.0.0", true},
	}
	for _, test := range tests {
		v, _, ok := parseVersion(test.version)
		got, err := v.satisfies(test.constraint)
		if !ok || err != nil || got != test.want {
			t.Errorf("%s against %q: got %v (%v), want %v", test.version, test.constraint, got, err, test.want)
		}
	}
	for _, text := range []string{"", "new", ">", "=> 1", ">= 1,", "1.2.3.4", "~ 1", ">= 99999999999"} {
		if _, err := (semver{}).satisfies(text); err == nil {
			t.Errorf("%q: got no error, want one", text)
		}
	}
	for _, version := range []string{"dev", "", "(devel)"} {
		dir := write(t, map[string]string{"a.story.hcl": "storyform {\n  required_version = \">= 9.0\"\n}\n"})
		if _, ds := Load(t.Context(), Options{Dir: dir, Version: version}); len(ds) != 0 {
			t.Errorf("version %q: got %v, want no check", version, ds)
		}
	}
}

func TestSuggest(t *testing.T) {
	names := []string{"publish_at", "photo", "page", "precondition", "not_after", "after", "id"}
	for given, want := range map[string]string{
		"publsh_at": "publish_at", "pubilsh_at": "publish_at", "Photo": "photo", "foto": "photo", "pgae": "page", "ide": "id",
		"video": "", "x": "", "": "", "notafter": "not_after", "precondtion": "precondition", strings.Repeat("p", 100): "",
	} {
		if got := suggest.Nearest(given, names); got != want {
			t.Errorf("%q: got %q, want %q", given, got, want)
		}
	}
}

func TestWithoutPanic(t *testing.T) {
	got := withoutPanic("Call to function \"f\" failed: panic in function implementation: no\ngoroutine 1 [running]:\n/home/x/f.go:1")
	if want := "Call to function \"f\" failed: it can't work with these arguments."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
