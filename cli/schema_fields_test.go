package cli

import "strings"

// fieldDocs describes the properties of the plan document whose Go fields
// have no comment of their own.
var fieldDocs = map[string]string{
	"Plan.FormatVersion": "The version of this document.",
	"Plan.Tool":          "The version of storyform that made the plan.",
	"Plan.CreatedAt":     "When the plan was made; with --at, the time that it was made for.",
	"Plan.Serial":        "The serial of the state that the plan was made from.",
	"Plan.Settings":      "The values of the storyform block that apply acts on.",
	"Plan.Pages":         "The Pages that the plan is about.",
	"Plan.Summary":       "How many changes there are of each action.",
	"Plan.Changes":       "What will be done, one change a story, in the order in which stories go out.",
	"Plan.Diagnostics":   "What is to be told about the plan.",

	"Plan.Fingerprint":  "Identifies what is to be approved: it is the same for the same changes, whenever and from whatever commit the plan is made. Stories that go out as they were registered are no part of it. apply --expect takes it.",
	"Plan.Unregistered": "In a plan of apply --due: what is due and was never registered as it is declared now.",

	"Settings.APIVersion":  "The version of the Graph API, such as v25.0.",
	"Settings.SettleAfter": "How long a photo whose outcome is unknown must be absent from the Page before it is tried once more.",
	"Settings.UploadAhead": "How long before their time media are uploaded.",
	"Settings.Backend":     "The type of the backend that keeps the state; absent for the local one.",

	"Page.Address":  "The address of the Page's block.",
	"Page.ID":       "The Page's id at Meta.",
	"Page.Timezone": "The zone in which the Page's wall-clock times are.",
	"Page.TokenEnv": "The name of the environment variable that holds the Page's token.",
	"Page.Guard":    "The limits that the Page's block sets.",

	"Page.Unread": "Why the Page could not be read; absent when it was.",

	"Next.Address":   "The story.",
	"Next.PublishAt": "When it is due.",

	"Change.Address":   "The story.",
	"Change.Action":    "What will be done: publish (due now), schedule (registered, due later), change (before it goes out), cancel (left the configuration before it went out), resume (an interrupted upload), upload (media ahead of their time), adopt (it is on the Page), forget (left the configuration after it went out), settle (the outcome of a publish call is open), missed (its window closed), note (nothing to do, something to say).",
	"Change.Reason":    "Why, for people.",
	"Change.Page":      "The address of the story's Page.",
	"Change.PageID":    "The id of the Page at Meta.",
	"Change.Kind":      "Photo or video.",
	"Change.Source":    "The media as the configuration names it: a path beside it, or an https address.",
	"Change.SHA256":    "The hash of the file that was reviewed, in lowercase hex; absent for hosted media.",
	"Change.Bytes":     "The size of the file.",
	"Change.PublishAt": "When the story goes out; absent: when it is first applied.",
	"Change.NotAfter":  "After this it is not published any more.",
	"Change.Window":    "For a story without publish_at, how long after its registration it may go out.",
	"Change.Revision":  "The declared revision: a higher one publishes once more.",
	"Change.After":     "The stories that must be out before it.",
	"Change.Labels":    "The story's labels.",
	"Change.Order":     "Its place among stories of one time.",
	"Change.Range":     "Where its block stands.",

	"Change.Prior":     "Identifies what the state remembered of the story when the plan was made; absent for nothing. A saved plan is stale when it is something else by now.",
	"Change.Withdrawn": "For settle: what was attempted is not what is declared now, so that nothing else is published for it.",

	"Found.PostID":    "The id of the story as a post.",
	"Found.MediaID":   "The id of the uploaded photo or video.",
	"Found.URL":       "Where people see it.",
	"Found.CreatedAt": "When it went out.",
	"Diff.Attribute":  "The name of the attribute.",
	"Diff.Old":        "What was registered.",
	"Diff.New":        "What is declared now.",
	"Update.Address":  "The story.",
	"Update.Status":   "What its status becomes.",
	"Update.Found":    "The story as the Page lists it.",
	"Move.From":       "The address in the state.",
	"Move.To":         "The address in the configuration.",
	"Move.Range":      "Where the moved block stands.",
	"Import.To":       "The story that is declared.",
	"Import.PostID":   "The post that it is.",
	"Import.Range":    "Where the import block stands.",

	"Unregistered.Address": "The story.",
	"Unregistered.Why":     "Why the cron job may not publish it.",

	"Summary.Publish":  "Due now.",
	"Summary.Schedule": "To be registered, due later.",
	"Summary.Change":   "To be changed before they go out.",
	"Summary.Cancel":   "To be cancelled.",
	"Summary.Resume":   "Whose upload goes on.",
	"Summary.Adopt":    "To be recorded as being on the Page.",
	"Summary.Forget":   "Out, and no longer in the configuration.",
	"Summary.Settle":   "Whose outcome is open.",
	"Summary.Upload":   "To be uploaded ahead.",
	"Summary.Missed":   "Whose window closed.",
	"Summary.Waiting":  "Registered and unchanged, due later; no changes.",
	"Summary.Live":     "Visible and unchanged; no changes.",

	"Media.Kind":       "Photo or video.",
	"Media.Format":     "The format of the file: jpeg, png, mp4.",
	"Media.Hosted":     "The media are at an https address, not in a file.",
	"Media.Bytes":      "The size of the file.",
	"Media.Duration":   "The playing time of a video.",
	"Media.FPS":        "The frames per second of a video.",
	"Media.Codec":      "The codec of the pictures.",
	"Media.AudioCodec": "The codec of the sound.",

	"QuietHours.From":     "Minutes after midnight, of the Page's wall clock.",
	"QuietHours.To":       "Minutes after midnight; not part of it. Before from: on the next day.",
	"Diagnostic.Severity": "An error keeps the plan from being applied.",
	"Diagnostic.Summary":  "What it is about, without anything of the user's.",
	"Diagnostic.Detail":   "What happened, why, and what to do.",
	"Diagnostic.In":       "The enclosing block as it is written, such as story \"teaser\".",
	"Diagnostic.Values":   "What expressions of the snippet evaluate to.",
	"Value.Expr":          "The expression.",
	"Value.Text":          "Its value, shortened.",
	"Range.Filename":      "The file, from the configuration's folder.",
	"Range.Start":         "Where it begins.",
	"Range.End":           "Where it ends; not part of it.",
	"Pos.Line":            "From 1.",
	"Pos.Column":          "From 1, in characters.",
	"Pos.Byte":            "From 0.",
}

// describe is the description of a field: its comment, without the name that
// Go's comments begin with, or what the table says.
func describe(docs map[string]string, name string) string {
	if text := fieldDocs[name]; text != "" {
		return text
	}
	_, field, _ := strings.Cut(name, ".")
	text := docs[name]
	for _, lead := range []string{field + " is ", field + " are ", field + " has ", field + " lists ", field + " identifies ", field + ": "} {
		if rest, ok := strings.CutPrefix(text, lead); ok {
			switch lead {
			case field + " lists ":
				rest = "Lists " + rest
			case field + " identifies ":
				rest = "Identifies " + rest
			}
			text = rest
		}
	}
	if text = upperFirst(text); text != "" && !strings.HasSuffix(text, ".") {
		text += "."
	}
	return text
}
