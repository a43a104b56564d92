package config

import (
	"bytes"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// What a configuration may cost. A plan of a stranger's pull request must be
// safe to run, so nothing in it may hang the program or fill the memory. Each
// limit is far above what a campaign needs.
const (
	maxFileBytes   = 1 << 20 // of one configuration or variables file
	maxTotalBytes  = 8 << 20 // of all configuration files together
	maxFiles       = 5000    // configuration files
	maxInstances   = 10000   // pages and stories together
	maxReadBytes   = 1 << 20 // of a file that a function reads into a value
	maxValueBytes  = 1 << 20 // of the strings of one value
	maxValueNodes  = 100_000 // elements of one value, nested ones included
	maxMixed       = 2000    // elements of one value that have different types
	maxValueDepth  = 64      // how deep a value nests
	maxNumberBits  = 8192    // exponent of a number
	maxDigits      = 1024    // of a number written as a string
	maxNesting     = 1000    // how deep an expression can become
	maxPieces      = 5000    // lines of a text, or parts of it that begin with $ or %
	maxDiagnostics = 300     // more would only repeat
	maxWalked      = 200_000 // folder entries that one pattern looks at
)

// nests counts what makes the syntax tree deeper. The parser and the
// evaluator are recursive, and a tree of a million levels would overflow the
// stack, which no recover can catch.
//
// Brackets and templates nest; operators and indexes chain, and a chain is a
// tree that leans to one side. A comma, or a newline directly in braces or at
// the top, ends a chain. The sum over all open levels bounds the depth.
type nests struct {
	chains []int // for each open bracket, the length of the current chain in it
	sum    int   // of chains
}

// depth is how deep the syntax tree can be here.
func (n *nests) depth() int { return len(n.chains) + n.sum }

// open enters a bracket.
func (n *nests) open() { n.chains = append(n.chains, 0) }

// close leaves a bracket and forgets the chain in it.
func (n *nests) close() {
	if last := len(n.chains) - 1; last > 0 {
		n.sum -= n.chains[last]
		n.chains = n.chains[:last]
	}
}

// grow makes the current chain longer.
func (n *nests) grow() { n.sum++; n.chains[len(n.chains)-1]++ }

// end forgets the current chain.
func (n *nests) end() {
	n.sum -= n.chains[len(n.chains)-1]
	n.chains[len(n.chains)-1] = 0
}

// checkShape refuses source that would nest too deep or that holds a number or
// a text too long to read in reasonable time. lex must be the lexer that the parser
// of this kind of source uses.
func checkShape(src []byte, name string, lex func([]byte, string, hcl.Pos) (hclsyntax.Tokens, hcl.Diagnostics)) *hcl.Diagnostic {
	if !mayNest(src) {
		return nil
	}
	tokens, _ := lex(src, name, hcl.InitialPos)
	n := nests{chains: []int{0}}
	var opener []hclsyntax.TokenType
	pieces := 0
	for i := range tokens {
		t := tokens[i].Type
		if pieces++; t != hclsyntax.TokenQuotedLit && t != hclsyntax.TokenStringLit {
			pieces = 0
		} else if pieces > maxPieces { // the parser joins them one by one
			return errAt(tokens[i].Range, "Text too long", "A text has at most %d lines, and signs $ and %%. Put it into a file, and use file(…).", maxPieces)
		}
		switch t {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOParen, hclsyntax.TokenOBrack,
			hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateInterp:
			n.open()
			opener = append(opener, t)
		case hclsyntax.TokenTemplateControl:
			n.grow() // %{ if } nests without a bracket around what follows
			n.open()
			opener = append(opener, t)
		case hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc, hclsyntax.TokenTemplateSeqEnd:
			n.close()
			opener = opener[:max(0, len(opener)-1)]
		case hclsyntax.TokenCBrace, hclsyntax.TokenCParen, hclsyntax.TokenCBrack:
			n.close()
			n.grow() // a[0][0] is a chain
			opener = opener[:max(0, len(opener)-1)]
		case hclsyntax.TokenComma:
			n.end()
		case hclsyntax.TokenNewline:
			if len(opener) == 0 || opener[len(opener)-1] == hclsyntax.TokenOBrace {
				n.end()
			}
		case hclsyntax.TokenNumberLit:
			if len(tokens[i].Bytes) > maxDigits {
				return errAt(tokens[i].Range, "Number too long", "A number has at most %d digits.", maxDigits)
			}
		case hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit, hclsyntax.TokenIdent, hclsyntax.TokenEqual, hclsyntax.TokenComment:
		default:
			n.grow()
		}
		if n.depth() > maxNesting {
			return errAt(tokens[i].Range, "Expression too deep",
				"This expression nests more than %d levels deep or chains more than that many operators. Split it up with locals.", maxNesting)
		}
	}
	return nil
}

// mayNest reports whether src has enough operators, brackets or lines, or a
// long enough run of digits, for checkShape to find something. Hardly any file
// has, and lexing twice would double the time of loading.
func mayNest(src []byte) bool {
	marks, digits := 0, 0
	if bytes.Count(src, []byte{'\n'}) >= maxPieces {
		return true
	}
	for _, b := range src {
		switch {
		case b >= '0' && b <= '9' || b == '.':
			digits++
			if digits > maxDigits {
				return true
			}
			if b == '.' {
				marks++
			}
			continue
		case b > ' ' && b < '0' && b != '#' && b != ',' || b > '9' && b < 'A' || b == '[' || b == '{' || b == '|':
			marks++
		}
		digits = 0
	}
	return marks >= maxNesting
}
