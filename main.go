// Command storyform publishes Facebook Page Stories that are declared in
// files: exactly once, and nothing else.
package main

func main() {}
