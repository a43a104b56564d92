// Package config turns the *.story.hcl files of a folder into desired stories,
// Pages and settings, each with its place in the source, and into diagnostics
// that say what is wrong, where, and what to do. It never stops at the first
// mistake.
//
// # The order of evaluation
//
// HCL evaluates one expression at a time, in a context that somebody must have
// filled. What fills it, and when, is decided here.
//
//  1. The files of the folder are parsed, then those of the subfolders that
//     the storyform block includes. The list of folders must be literal,
//     because it decides which variables there are. Then the version is
//     checked, which must be literal, too: a newer language would explain every
//     other mistake.
//  2. Blocks are checked against the schema, a table, and indexed by name.
//  3. Variables get their values. A default can't refer to anything, so
//     variables depend on nothing but their sources.
//  4. Local values, Pages, and the keys of stories form a graph: an edge for
//     each name in an expression. It is walked depth first, so that each node
//     is evaluated after what it names, in a context that holds exactly that. A
//     node that is met again while it is being walked closes a cycle.
//  5. Now every name has a value, and what nothing refers to is evaluated in
//     source order: validations, settings, stories, outputs, checks.
//  6. The media of the stories are inspected, several at once, and then
//     preconditions see them.
//
// A reference to a story is the exception in step 4. It is an opaque address,
// for after, and depends on the story's for_each alone. So stories can name
// each other in any order, and whether they wait for each other in a circle is
// a question about instances, answered when all are known.
//
// # Unknown means reported
//
// The value of an expression that could not be evaluated is unknown, and the
// mistake has been reported. HCL carries unknown values through every
// operator and function, and nothing here says anything about one. So one
// mistake gives one diagnostic, although everything that depends on it is
// evaluated, too, for the sake of the other mistakes in it. The only other
// unknown values are the facts of media that can't be read, in preconditions.
//
// # Untrusted input
//
// A plan runs on pull requests of strangers. No function reads a clock, the
// environment, chance, or a file outside of the folder; see folder. Source that
// would make the parser recurse too deep is refused before it is parsed; see
// nests. Evaluation is metered; see meter. Access tokens and sensitive values
// are masked in everything that comes out; see findTokens.
package config
