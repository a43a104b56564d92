package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
)

// loadText loads a configuration of one file with no media.
func loadText(t testing.TB, src string) (*Config, string, bool) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.story.hcl"), []byte(src), 0o644); err != nil {
		t.Fatal(err)
	}
	c, ds := load(t.Context(), Options{Dir: dir}, budget{visits: 20_000, nodes: 100_000, bytes: 8 << 20})
	return c, describe(ds, c.Sources), ds.HasErrors()
}

// TestHostile loads configurations that are made to hang the program, to
// overflow its stack or to fill its memory. Each must end in an error, and
// without the limits hardly any would end: the time limit of the test is what
// notices. The budget is a fraction of the real one to keep the test fast.
func TestHostile(t *testing.T) {
	doubling := func(first, step string, n int) string {
		var b strings.Builder
		fmt.Fprintf(&b, "locals {\n  l0 = %s\n", first)
		for i := range n {
			fmt.Fprintf(&b, "  l%d = %s\n", i+1, strings.ReplaceAll(step, "@", fmt.Sprintf("local.l%d", i)))
		}
		return b.String() + "}\n"
	}
	nested := func(open, inner, end string, n int) string {
		return "locals {\n  a = " + strings.Repeat(open, n) + inner + strings.Repeat(end, n) + "\n}\n"
	}
	const page = "page \"p\" {\n id = \"104857600000001\"\n}\n"
	tests := []struct{ name, want, src string }{
		{"nested for", "Value too large", "locals {\n r = range(1000)\n a = [for a in local.r : [for b in local.r : [for c in local.r : [for d in local.r : [for e in local.r : 1]]]]]\n}\n"},
		{"nested for, counted", "Value too large", "locals {\n r = range(1000)\n a = length([for a in local.r : length([for b in local.r : length([for c in local.r : length([for d in local.r : d])])])])\n}\n"},
		{"nested for, filtered", "Value too large", "locals {\n r = range(1000)\n a = [for a in local.r : [for b in local.r : [for c in local.r : [for d in local.r : d if false] if false] if false] if false]\n b = [for a in local.r : a if length([for b in local.r : b if length([for c in local.r : c if length([for d in local.r : d]) < 0]) < 0]) < 0]\n}\n"},
		{"nested for, objects", "Value too large", "locals {\n r = range(1000)\n a = { for a in local.r : a => { for b in local.r : b => { for c in local.r : c => c } } }\n}\n"},
		{"for variables", "Value too large", nested("[for x in [", "1", "] : [x, x, x, x]]", 60)},
		{"template for", "Value too large", "locals {\n r = range(1000)\n a = \"%{for a in local.r}%{for b in local.r}%{for c in local.r}x%{endfor}%{endfor}%{endfor}\"\n}\n"},
		{"splat", "Value too large", "locals {\n r = [for i in range(1000) : range(1000)]\n a = [for a in local.r : [for b in local.r : local.r[*][0]]]\n}\n"},
		{"string doubling", "Value too large", doubling(`"0123456789abcdef"`, `"${@}${@}"`, 60)},
		{"list doubling", "Value too large", doubling(`["x"]`, `[@, @]`, 60)},
		{"concat doubling", "Value too large", doubling(`["x"]`, `concat(@, @)`, 60)},
		{"merge of objects", "Value too large", doubling(`{ a = "x" }`, `merge(@, { b = @, c = @ })`, 60)},
		{"jsonencode doubling", "Value too large", doubling(`"\"\"\"\"\"\"\"\""`, `jsonencode([@, @])`, 60)},
		{"number squaring", "Value too large", doubling("10", "@ * @", 80)},
		{"deep value", "Value too large", doubling("[1]", "[@]", 3000)},
		{"long chain of locals", "Call to unknown function", doubling("timestamp()", "@", 20000)},
		{"template of a string", "Value too large", "locals {\n s = join(\"\", [for i in range(1000) : \"abcdefghij\"])\n a = \"" + strings.Repeat("${local.s}", 20000) + "\"\n}\n"},
		{"tuple of a list", "Value too large", "locals {\n r = range(1000)\n a = [" + strings.Repeat("local.r,", 20000) + "]\n}\n"},
		{"arguments", "Value too large", "locals {\n r = [for i in range(90) : range(1000)]\n a = concat(" + strings.Repeat("local.r,", 20000) + "local.r)\n}\n"},
		{"setproduct", "Error in function call", "locals {\n r = range(1000)\n a = setproduct(local.r, local.r, local.r)\n}\n"},
		{"format", "Error in function call", "locals {\n a = format(\"%999999999d\", 1)\n b = format(\"%.999999999f\", 1)\n c = formatlist(\"%-999999999s\", [\"x\"])\n}\n"},
		{"indent", "Error in function call", "locals {\n a = indent(999999999, \"a\\nb\\nc\")\n b = indent(1e300, \"a\\nb\")\n c = indent(-5, \"a\\nb\")\n}\n"},
		{"replace", "Error in function call", "locals {\n s = join(\"\", [for i in range(1000) : \"abcdefghij\"])\n a = replace(local.s, \"/x*/\", local.s)\n b = replace(local.s, \"\", local.s)\n}\n"},
		{"join", "Error in function call", "locals {\n s = join(\"\", [for i in range(1000) : \"abcdefghij\"])\n a = join(local.s, range(1000))\n}\n"},
		{"digits", "Value too large", "locals {\n a = tonumber(join(\"\", [for i in range(1000) : \"1234567890\"]))\n}\n"},
		{"digits, implicit", "Value too large", "locals {\n a = \"" + strings.Repeat("9", 200000) + "\" + 1\n}\n"},
		{"digits in JSON", "Value too large", "locals {\n a = jsondecode(join(\"\", [\"[\", join(\"\", [for i in range(1000) : \"1234567890\"]), \"]\"]))\n}\n"},
		{"huge number", "Value too large", "locals {\n a = \"${1e300 * 1e300 * 1e300 * 1e300 * 1e300 * 1e300 * 1e300 * 1e300 * 1e300}\"\n b = jsonencode(tonumber(\"1e99999999\"))\n c = jsondecode(\"1e999999\")\n}\n"},
		{"mixed list", "Value too large", "locals {\n r = range(1000)\n a = tolist(flatten([for i in local.r : [for j in range(20) : { \"k${i}-${j}\" = i }]]))\n}\n"},
		{"mixed for_each", "Value too large", "locals {\n r = range(1000)\n a = toset(flatten([for i in local.r : [for j in range(20) : { \"k${i}-${j}\" = [i] }]]))\n}\n"},
		{"mixed conditional", "Value too large", "locals {\n r = range(1000)\n a = true ? flatten([for i in local.r : [for j in range(20) : { \"k${i}-${j}\" = i }]]) : [{}]\n}\n"},
		{"mixed arms", "Value too large", "locals {\n r = {\n" + lines(100, "k%d = { a%d = 1 }\n") + "}\n n = range(1000)\n a = [for i in local.n : (true ? local.r : { k0 = {} }).k0]\n}\n"},
		{"mixed lookup", "Value too large", "locals {\n r = range(1000)\n a = values({ for i in flatten([for i in local.r : [for j in range(20) : \"${i}-${j}\"]]) : i => { \"k${i}\" = i } })\n b = tolist(local.a)\n}\n"},
		{"regex", "Invalid function argument", "locals {\n a = regexall(\"(((a{100}){100}){100})\", \"x\")\n}\n"},
		{"regex of nothing", "Value too large", "locals {\n s = join(\"\", [for i in range(1000) : join(\"\", [for j in range(100): \"abcdefghij\"])])\n a = [for i in range(1000) : length(regexall(\"\", local.s))]\n}\n"},
		{"regex of many states", "Error in function call", "locals {\n a = regexall(\"" + strings.Repeat("(a?){1000}", 20) + "\", \"a\")\n}\n"},
		{"regex to the end, everywhere", "Error in function call", "locals {\n a = length(regexall(\"a.*b|a\", \"" + strings.Repeat("a", 100_000) + "\"))\n}\n"},
		{"replace to the end, everywhere", "Error in function call", "locals {\n a = replace(\"" + strings.Repeat("a", 100_000) + "\", \"/a.*b|a/\", \"b\")\n}\n"},
		{"distinct", "Error in function call", "locals {\n a = distinct(range(1000))\n}\n"},
		{"matchkeys", "Error in function call", "locals {\n a = matchkeys(range(1000), range(1000), range(1000))\n}\n"},
		{"lines of a text", "Text too long", "locals {\n a = <<E\n" + strings.Repeat("\n", 2*maxPieces) + "E\n}\n"},
		{"signs in a text", "Text too long", "locals {\n a = \"" + strings.Repeat("$0", 2*maxPieces) + "\"\n}\n"},
		{"lines of a template", "Error in function call", "locals {\n a = templatestring(join(\"\", [for i in range(1000) : \"\\n\\n\\n\\n\\n\\n\"]), {})\n}\n"},
		{"after all of many", "Invalid after", page + "story \"a\" {\n for_each = { for i in range(200) : \"k${i}\" => i }\n page = page.p\n photo = \"a.jpg\"\n}\n" +
			"story \"b\" {\n for_each = { for i in range(200) : \"k${i}\" => i }\n page = page.p\n photo = \"a.jpg\"\n after = story.a\n}\n"},
		{"try", "Error in function call", nested("try(", "timestamp()", ")", 300)},
		{"can", "Invalid operand", nested("can(", "1 / 0", ") + 1", 300)},
		{"parentheses", "Expression too deep", nested("(", "1", ")", 20_000)},
		{"brackets", "Expression too deep", nested("[", "", "]", 20_000)},
		{"braces", "Expression too deep", nested("{a=", "1", "}", 20_000)},
		{"unclosed", "Expression too deep", nested("[{(", "", "", 20_000)},
		{"not", "Expression too deep", nested("!", "true", "", 20_000)},
		{"minus", "Expression too deep", nested("-", "1", "", 20_000)},
		{"plus", "Expression too deep", nested("1+", "1", "", 20_000)},
		{"equals", "Expression too deep", nested("1==", "1", "", 20_000)},
		{"conditional", "Expression too deep", nested("true?1:", "1", "", 20_000)},
		{"conditional, inside", "Expression too deep", nested("true?", "1", ":1", 20_000)},
		{"index", "Expression too deep", "locals {\n a = [1]" + strings.Repeat("[0]", 20_000) + "\n}\n"},
		{"attributes", "Expression too deep", "locals {\n a = local.b" + strings.Repeat(".c", 20_000) + "\n b = {}\n}\n"},
		{"splats", "Expression too deep", "locals {\n a = [1]" + strings.Repeat("[*]", 20_000) + "\n}\n"},
		{"calls", "Expression too deep", nested("upper(", "1", ")", 20_000)},
		{"templates", "Expression too deep", nested(`"${`, "1", `}"`, 20_000)},
		{"heredocs", "Expression too deep", "locals {\n a = <<A\n" + strings.Repeat("${<<A\n", 20_000) + "\nA\n}\n"},
		{"template if", "Expression too deep", "locals {\n a = \"" + strings.Repeat("%{if true}", 20_000) + strings.Repeat("%{endif}", 20_000) + "\"\n}\n"},
		{"template else", "Expression too deep", "locals {\n a = \"" + strings.Repeat("%{if true}%{else}", 20_000) + "\"\n}\n"},
		{"blocks", "Expression too deep", strings.Repeat("a {\n", 20_000)},
		{"garbage", "Expression too deep", strings.Repeat("a b c = { [ (\n", 20_000)},
		{"many mistakes", "Invalid reference", "locals {\n" + lines(20_000, "  a%d = nope%d\n") + "}\n"},
		{"many attributes", "Unsupported argument", lines(20_000, "a%d = %d\n")},
		{"many blocks", "Unsupported block type", lines(20_000, "a%d \"%d\" {\n}\n")},
		{"too large a file", "File too large", "# " + strings.Repeat("x", maxFileBytes)},
		{"braces in fileset", "Invalid function argument", "locals {\n a = fileset(\".\", \"" + strings.Repeat("{a,b}", 64) + "\")\n}\n"},
		{"templates of strings", "Value too large", "locals {\n s = join(\"\", [for i in range(1000) : \"abcdefghij\"])\n a = [for i in setproduct(range(1000), range(50)) : length(templatestring(\"$${1}${i[0]}${i[1]}${local.s}\", {}))]\n}\n"},
		{"template doubling", "Error in function call", doubling(`"0123456789abcdef"`, `templatestring("$${a}$${a}", { a = @ })`, 60)},
		{"templatestring too deep", "Error in function call", "locals {\n a = templatestring(join(\"\", [for i in range(1000) : \"$${\\\"\"]), {})\n b = templatestring(join(\"\", [for i in range(9000) : \"%%{if true}\"]), {})\n}\n"},
		{"stars in fileset", "Value too large", "locals {\n a = [for i in range(1000) : fileset(\".\", \"" + strings.Repeat("**/", 2000) + "${i}[\")]\n}\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, got, _ := loadText(t, test.src)
			if !strings.Contains(got, "error: "+test.want+"\n") {
				t.Errorf("got %.1000s\nwant the error %q", got, test.want)
			}
		})
	}
}

// TestWork holds what values cost besides their size against what the library
// does with them.
func TestWork(t *testing.T) {
	many := make([]cty.Value, 1000)
	for i := range many {
		many[i] = cty.NumberIntVal(int64(i))
	}
	for name, test := range map[string]struct {
		v    cty.Value
		most int // visits
		work int // of them, at least this
	}{
		"a list":               {cty.ListVal(many), 2_000, 0},
		"a tuple, as a list":   {cty.TupleVal(many), 20_000, 10_000},
		"a set, to be sorted":  {cty.SetVal(many), 200_000, 100_000},
		"a number":             {many[7], 10, 0},
		"a number, in decimal": {cty.MustParseNumberVal("1e-2400"), 100_000, 50_000},
	} {
		m := &meter{limit: fullBudget}
		if problem := m.charge(test.v, true); problem != "" || m.used.visits > test.most || m.used.visits < test.work {
			t.Errorf("%s: got %d visits and %q, want %d to %d", name, m.used.visits, problem, test.work, test.most)
		}
	}
}

// lines repeats a line with its number.
func lines(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i, i)
	}
	return b.String()
}

func TestTooManyInstances(t *testing.T) {
	const days = `toset(dates("2026-12-01 00:00", "2026-12-05 00:00", "1m"))`
	dir := t.TempDir()
	src := "story \"a\" {\n  for_each = " + days + "\n}\nstory \"b\" {\n  for_each = " + days + "\n}\n"
	if err := os.WriteFile(filepath.Join(dir, "a.story.hcl"), []byte(src), 0o644); err != nil {
		t.Fatal(err)
	}
	c, ds := Load(t.Context(), Options{Dir: dir})
	if got, want := describe(ds, c.Sources), "error: Too many instances\n"; !strings.Contains(got, want) {
		t.Errorf("got %s\nwant %s", got, want)
	}
}
