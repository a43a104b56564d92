package config

// functionSpec tells about one function of the language.
type functionSpec struct {
	name string
	args string // as they are written: "list, index"
	doc  string
}

// functionGroup are the functions for one kind of thing.
type functionGroup struct {
	title     string
	functions []functionSpec
}

// signature is how a function is called, for messages.
func signature(name string) string {
	for _, g := range functionTable {
		for _, f := range g.functions {
			if f.name == name {
				return name + "(" + f.args + ")"
			}
		}
	}
	return ""
}

// functionTable has a row for each function; docs/functions.md is made from it.
var functionTable = []functionGroup{
	{"Text", []functionSpec{
		{"chomp", "text", "Without line breaks at its end."},
		{"endswith", "text, suffix", "Whether it ends so."},
		{"format", "spec, values...", `Values in a text, as in format("%02d.jpg", 3).`},
		{"formatlist", "spec, values...", "The same for each element of lists."},
		{"indent", "spaces, text", "All lines but the first moved to the right."},
		{"join", "separator, list", "The elements of a list as one text."},
		{"lower", "text", "In small letters."},
		{"regex", "pattern, text", "The first match, with its groups if it has some. No match is an error; see can."},
		{"regexall", "pattern, text", "All matches."},
		{"replace", "text, substring, replacement", "A substring, or a /pattern/, replaced everywhere."},
		{"split", "separator, text", "A list of what stands between the separators."},
		{"startswith", "text, prefix", "Whether it begins so."},
		{"strcontains", "text, substring", "Whether it is in there."},
		{"strrev", "text", "The characters in reverse order."},
		{"substr", "text, offset, length", "A part; a length of -1 goes to the end."},
		{"templatefile", "path, vars", "A template file with these variables filled in."},
		{"templatestring", "template, vars", "The same with the template as a text. In a literal, write $${ for ${."},
		{"title", "text", "Each word with a capital letter."},
		{"trim", "text, characters", "Without these characters at both ends."},
		{"trimprefix", "text, prefix", "Without this beginning."},
		{"trimspace", "text", "Without spaces and line breaks at both ends."},
		{"trimsuffix", "text, suffix", "Without this end."},
		{"upper", "text", "In capital letters."},
	}},
	{"Lists, sets and maps", []functionSpec{
		{"alltrue", "list", "Whether all elements are true; of an empty list they are."},
		{"anytrue", "list", "Whether at least one element is true."},
		{"chunklist", "list, size", "Lists of this size, one after the other."},
		{"coalesce", "values...", "The first that is neither null nor an empty text."},
		{"coalescelist", "lists...", "The first list that is not empty."},
		{"compact", "list", "Without null and empty texts."},
		{"concat", "lists...", "Several lists as one."},
		{"contains", "list, value", "Whether the value is an element."},
		{"distinct", "list", "Each element once."},
		{"element", "list, index", "An element, counted from 0; beyond the end it begins anew."},
		{"flatten", "list", "The elements of lists in lists as one list."},
		{"index", "list, value", "Where the value is, counted from 0."},
		{"keys", "map", "The keys in order."},
		{"length", "value", "How many elements, or characters of a text."},
		{"lookup", "map, key, default", "An element, or the default where there is none."},
		{"matchkeys", "values, keys, searchset", "The values whose key, at the same place in keys, is in searchset."},
		{"merge", "maps...", "Several maps as one; later ones win."},
		{"one", "list", "The only element; null of an empty list."},
		{"range", "start, limit, step", "Numbers from start up to limit."},
		{"reverse", "list", "In reverse order."},
		{"setintersection", "sets...", "What is in all of them."},
		{"setproduct", "sets...", "All combinations of an element of each."},
		{"setsubtract", "a, b", "What is in a and not in b."},
		{"setunion", "sets...", "What is in any of them."},
		{"slice", "list, start, end", "The elements from start up to, but without, end."},
		{"sort", "list", "Texts in order."},
		{"sum", "list", "The sum of numbers."},
		{"transpose", "map", "A map of lists of texts with keys and elements swapped."},
		{"values", "map", "The elements in the order of their keys."},
		{"zipmap", "keys, values", "A map of two lists."},
	}},
	{"Numbers", []functionSpec{
		{"abs", "number", "Without its sign."},
		{"ceil", "number", "The next whole number upwards."},
		{"floor", "number", "The next whole number downwards."},
		{"log", "number, base", "The logarithm."},
		{"max", "numbers...", "The largest."},
		{"min", "numbers...", "The smallest."},
		{"parseint", "text, base", "The number that a text says in a base."},
		{"pow", "number, power", "Raised to a power."},
		{"signum", "number", "-1, 0 or 1."},
	}},
	{"Dates and times", []functionSpec{
		{"dates", "from, to, step", `Days or times in a row, both ends included: dates("2026-12-01", "2026-12-24", "1d"). Only storyform has it.`},
		{"formatdate", "spec, timestamp", `A time in RFC 3339 in other words, as in formatdate("D MMM YYYY", self.publish_at).`},
		{"timeadd", "timestamp, duration", "A time in RFC 3339 so much later, or earlier with a minus sign."},
		{"timecmp", "timestamp_a, timestamp_b", "-1 where the first is earlier, 0 where they are the same instant, else 1."},
	}},
	{"Files of the folder", []functionSpec{
		{"basename", "path", "The last part of a path."},
		{"dirname", "path", "A path without its last part."},
		{"file", "path", "The text of a file."},
		{"fileexists", "path", "Whether there is a file."},
		{"filemd5", "path", "The MD5 of a file in hexadecimal digits."},
		{"fileset", "path, pattern", `The files below a folder that match, as in fileset("media", "*.jpg").`},
		{"filesha1", "path", "The SHA-1 of a file in hexadecimal digits."},
		{"filesha256", "path", "The SHA-256 of a file in hexadecimal digits."},
		{"filesha512", "path", "The SHA-512 of a file in hexadecimal digits."},
		{"filebase64sha256", "path", "The SHA-256 of a file in base64."},
		{"filebase64sha512", "path", "The SHA-512 of a file in base64."},
	}},
	{"Encoding and hashes", []functionSpec{
		{"base64decode", "text", "The text that is encoded."},
		{"base64encode", "text", "A text as base64."},
		{"base64sha256", "text", "The SHA-256 in base64."},
		{"base64sha512", "text", "The SHA-512 in base64."},
		{"csvdecode", "text", "A table as a list of objects; its first line names the columns."},
		{"jsondecode", "text", "The value that JSON says."},
		{"jsonencode", "value", "A value as JSON."},
		{"md5", "text", "The MD5 in hexadecimal digits."},
		{"sha1", "text", "The SHA-1 in hexadecimal digits."},
		{"sha256", "text", "The SHA-256 in hexadecimal digits."},
		{"sha512", "text", "The SHA-512 in hexadecimal digits."},
		{"urlencode", "text", "Fit to be a part of a URL's query."},
		{"uuidv5", "namespace, name", `A UUID that is made from a name: uuidv5("dns", "example.com").`},
	}},
	{"Types and mistakes", []functionSpec{
		{"can", "expression", "Whether it can be evaluated."},
		{"issensitive", "value", "Whether it is marked as sensitive."},
		{"nonsensitive", "value", "The same, not marked as sensitive any more."},
		{"sensitive", "value", "The same, marked as sensitive: it is not shown."},
		{"tobool", "value", "As a bool."},
		{"tolist", "value", "As a list."},
		{"tomap", "value", "As a map."},
		{"tonumber", "value", "As a number."},
		{"toset", "value", "As a set, such as for for_each."},
		{"tostring", "value", "As a text."},
		{"try", "expressions...", "The first that can be evaluated."},
	}},
}
