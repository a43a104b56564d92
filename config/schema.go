package config

import "slices"

// BlockSpec describes one type of block. The table of them is what the
// decoder accepts, what "did you mean" suggests, and what documentation lists.
type BlockSpec struct {
	Type   string
	Labels []string // what each label is called
	Doc    string
	Attrs  []AttrSpec
	Blocks []BlockSpec
	// Any says that the block takes any attribute (locals, backend).
	Any bool
	// Once says that its parent holds at most one such block; at the top,
	// that the whole configuration does.
	Once bool
}

// AttrSpec describes one attribute.
type AttrSpec struct {
	Name     string
	Type     string // as people know it: "string", "number", "bool", "duration", "time", …
	Required bool
	Default  string // as written; empty: none
	Doc      string
}

// schema is the language as data.
var schema = []BlockSpec{
	{
		Type: "storyform", Once: true, Doc: "Settings of the whole configuration.",
		Attrs: []AttrSpec{
			{Name: "required_version", Type: "string", Doc: `Which storyform may read this, such as ">= 0.1, < 2.0".`},
			{Name: "api_version", Type: "string", Default: defaultAPIVersion, Doc: "Version of the Graph API."},
			{Name: "max_publish", Type: "number", Default: "20", Doc: "How many stories one apply may publish; 0 lifts the limit."},
			{Name: "upload_ahead", Type: "duration", Doc: "How long before their time apply --due --wait uploads the media of registered stories, so that publishing is one call; 12h at most."},
			{Name: "settle_after", Type: "duration", Default: "5m", Doc: "How long after a publish call of unknown outcome an absent photo may be tried again."},
			{Name: "media_rules", Type: "string", Default: "default", Doc: `"strict" makes errors of what is only recommended for media.`},
			{Name: "include", Type: "list of string", Doc: `Subfolders whose files belong to this configuration, such as ["campaigns/*"].`},
		},
		Blocks: []BlockSpec{{
			Type: "backend", Labels: []string{"type"}, Once: true, Any: true,
			Doc: "Where the state is kept. Variables and locals may be used; secrets come from the environment.",
		}, encryptionSpec},
	},
	{
		Type: "variable", Labels: []string{"name"}, Doc: "An input: var.name.",
		Attrs: []AttrSpec{
			{Name: "type", Type: "type", Default: "any", Doc: "A type constraint, such as map(string)."},
			{Name: "default", Type: "any", Doc: "The value when none is given. Without a default, the variable is required."},
			{Name: "description", Type: "string", Doc: "What it is for."},
			{Name: "sensitive", Type: "bool", Default: "false", Doc: "Never show the value."},
			{Name: "nullable", Type: "bool", Default: "true", Doc: "Whether null is a value; if not, null means the default."},
		},
		Blocks: []BlockSpec{{
			Type: "validation", Doc: "A rule that the value must keep.",
			Attrs: []AttrSpec{
				{Name: "condition", Type: "bool", Required: true, Doc: "What must be true, such as length(var.name) > 3."},
				{Name: "error_message", Type: "string", Required: true, Doc: "What to say when the condition is not true."},
			},
		}},
	},
	{Type: "locals", Any: true, Doc: "Named values: local.name."},
	{
		Type: "page", Labels: []string{"name"}, Doc: "A Facebook Page: page.name.",
		Attrs: []AttrSpec{
			forEachSpec,
			{Name: "id", Type: "string", Required: true, Doc: "The id of the Page, a number such as 104857600000001."},
			{Name: "timezone", Type: "string", Default: "UTC", Doc: "IANA time zone of wall-clock times, such as Asia/Jakarta."},
			{Name: "token_env", Type: "string", Doc: "The name of the environment variable that holds the Page's access token."},
		},
		Blocks: []BlockSpec{{
			Type: "guard", Once: true, Doc: "What may go out on the Page at most.",
			Attrs: []AttrSpec{
				{Name: "quiet_hours", Type: "string or list of string", Doc: `Hours in which nothing goes out, such as "22:00-07:00".`},
				{Name: "max_per_day", Type: "number", Doc: "How many stories may go out on one calendar day of the Page."},
				{Name: "min_gap", Type: "duration", Doc: "How much time must lie between two stories."},
				{Name: "max_live", Type: "number", Doc: "How many stories may be visible at once."},
			},
		}},
	},
	{
		Type: "story", Labels: []string{"name"}, Doc: "A photo or video that is to be a story on a Page: story.name.",
		Attrs: []AttrSpec{
			forEachSpec,
			{Name: "page", Type: "page", Required: true, Doc: "The Page, such as page.acme."},
			{Name: "photo", Type: "string", Doc: "A path beside this file, or an https URL. Exactly one of photo and video."},
			{Name: "video", Type: "string", Doc: "A path beside this file, or an https URL. Exactly one of photo and video."},
			{Name: "publish_at", Type: "time", Doc: "When: wall clock of the Page or RFC 3339. Left out: at the first apply."},
			{Name: "not_after", Type: "time", Doc: "The last moment at which it may go out."},
			{Name: "window", Type: "duration", Default: "2h", Doc: "How late it may go out, instead of not_after. The default needs publish_at."},
			{Name: "after", Type: "list of story", Doc: "Stories that must be out before it: never before them, never without them."},
			{Name: "labels", Type: "map of string", Doc: "Names and values for --label."},
			{Name: "revision", Type: "number", Default: "1", Doc: "Raise it to publish again on purpose."},
			{Name: "allow", Type: "list of string", Doc: "Media rules that this story may break, by their ids."},
			{Name: "allow_repeat", Type: "bool", Default: "false", Doc: "No warning when the same media were published on the Page before."},
		},
		Blocks: []BlockSpec{{
			Type: "precondition", Doc: "A rule that must hold; self is this story.",
			Attrs: []AttrSpec{
				{Name: "condition", Type: "bool", Required: true, Doc: "What must be true, such as length(var.name) > 3."},
				{Name: "error_message", Type: "string", Required: true, Doc: "What to say when the condition is not true."},
			},
		}},
	},
	{
		Type: "output", Labels: []string{"name"}, Doc: "A value to show.",
		Attrs: []AttrSpec{
			{Name: "value", Type: "any", Required: true, Doc: "What to show, such as story.name.url."},
			{Name: "description", Type: "string", Doc: "What it is."},
			{Name: "sensitive", Type: "bool", Default: "false", Doc: "Show it only when asked for by name."},
		},
	},
	{
		Type: "check", Labels: []string{"name"}, Doc: "Rules whose breach is a warning.",
		Blocks: []BlockSpec{{
			Type: "assert", Doc: "One rule.",
			Attrs: []AttrSpec{
				{Name: "condition", Type: "bool", Required: true, Doc: "What must be true, such as length(var.name) > 3."},
				{Name: "error_message", Type: "string", Required: true, Doc: "What to say when the condition is not true."},
			},
		}},
	},
	{
		Type: "moved", Doc: "A story that got another name.",
		Attrs: []AttrSpec{
			{Name: "from", Type: "address", Required: true, Doc: "The address that the story had, such as story.old."},
			{Name: "to", Type: "address", Required: true, Doc: "The address that it has now, such as story.new."},
		},
	},
	{
		Type: "import", Doc: "A story that is on the Page already.",
		Attrs: []AttrSpec{
			{Name: "to", Type: "address", Required: true, Doc: "The story that it is."},
			{Name: "id", Type: "string", Required: true, Doc: "Its post id, as storyform stories --all shows it."},
		},
	},
}

var forEachSpec = AttrSpec{
	Name: "for_each", Type: "map, set of string, or page",
	Doc: "One instance for each element: each.key, each.value.",
}

// attr finds an attribute of the block.
func (b *BlockSpec) attr(name string) (*AttrSpec, bool) {
	i := slices.IndexFunc(b.Attrs, func(a AttrSpec) bool { return a.Name == name })
	if i < 0 {
		return nil, false
	}
	return &b.Attrs[i], true
}

// attrNames lists the attributes of the block.
func (b *BlockSpec) attrNames() []string {
	names := make([]string, 0, len(b.Attrs))
	for _, a := range b.Attrs {
		names = append(names, a.Name)
	}
	return names
}

// findBlock finds a type of block among specs.
func findBlock(specs []BlockSpec, typ string) (*BlockSpec, bool) {
	i := slices.IndexFunc(specs, func(b BlockSpec) bool { return b.Type == typ })
	if i < 0 {
		return nil, false
	}
	return &specs[i], true
}

// blockTypes lists the types of specs.
func blockTypes(specs []BlockSpec) []string {
	types := make([]string, 0, len(specs))
	for _, b := range specs {
		types = append(types, b.Type)
	}
	return types
}

// foreign answers words that people bring from Terraform and from tools for
// social media, by where they stand: "attribute" is of every block, "story" and
// "page" are attributes of theirs. A word without an answer here gets "did you
// mean".
var foreign = map[string]map[string]string{
	"block": {
		"resource":           `storyform has no resources: declare a "page" for a Facebook Page and a "story" for each photo or video.`,
		"data":               "storyform has no data sources: a plan must not depend on anything outside the folder. Use variables.",
		"provider":           `storyform has no providers: each "page" block names its token with token_env.`,
		"terraform":          `The settings block is called "storyform" here.`,
		"module":             `storyform has no modules. Put a campaign into a subfolder and name it in the storyform block: include = ["campaigns/*"].`,
		"removed":            "storyform needs no removed block: delete the story block. A scheduled story is then cancelled; one that is out stays until it expires.",
		"ephemeral":          "storyform has no ephemeral resources.",
		"lifecycle":          `Stories have no lifecycle: they can't be replaced or destroyed. Rules for a story go into a "precondition" block directly in it.`,
		"provisioner":        "storyform runs no programs: a plan of a stranger's pull request must be safe to run.",
		"dynamic":            "storyform has no dynamic blocks. Use for_each on the story or page itself.",
		"connection":         "storyform runs no programs and connects to the Graph API only.",
		"required_providers": "storyform has no providers.",
		"postcondition":      `What must be true after publishing can't be enforced: a story can't be taken back. Use "precondition".`,
		"cloud":              `Name the state store with a "backend" block.`,
	},
	"attribute": {
		"count":                 "storyform has no count: if an element in the middle were removed, every later story would be cancelled and published again. Use for_each with a map or a set.",
		"depends_on":            "Use after = [story.name] to publish in order.",
		"lifecycle":             "Stories have no lifecycle: they can't be replaced or destroyed.",
		"provider":              `storyform has no providers: the "page" block names its token with token_env.`,
		"token":                 "An access token must never be in a file. Put it into an environment variable and its name into token_env.",
		"access_token":          "An access token must never be in a file. Put it into an environment variable and its name into token_env.",
		"password":              "A password must never be in a file. An access token goes into an environment variable, and its name into token_env.",
		"app_secret":            "The secret of the app must never be in a file. Put it into the environment variable STORYFORM_APP_SECRET.",
		"secret":                "A secret must never be in a file. That of the app goes into the environment variable STORYFORM_APP_SECRET.",
		"workspace":             "storyform has no workspaces. Use one folder, or one backend key, for each.",
		"ephemeral":             "storyform has no ephemeral values.",
		"create_before_destroy": "Stories can't be destroyed.",
	},
	"story": {
		"caption":                noText,
		"text":                   noText,
		"message":                noText,
		"description":            noText,
		"title":                  noText,
		"alt":                    noText,
		"alt_text":               noText,
		"hashtags":               noText,
		"link":                   noAddition,
		"url":                    noAddition,
		"sticker":                noAddition,
		"stickers":               noAddition,
		"music":                  noAddition,
		"audio":                  noAddition,
		"mentions":               noAddition,
		"poll":                   noAddition,
		"location":               noAddition,
		"tags":                   "Names and values to choose stories by go into labels. People and products can't be tagged through the API.",
		"image":                  "A picture is named by photo.",
		"picture":                "A picture is named by photo.",
		"media":                  "Use photo or video, with the path of the file.",
		"file":                   "Use photo or video, with the path of the file.",
		"path":                   "Use photo or video, with the path of the file.",
		"time":                   usePublishAt,
		"date":                   usePublishAt,
		"when":                   usePublishAt,
		"at":                     usePublishAt,
		"schedule":               usePublishAt,
		"scheduled_at":           usePublishAt,
		"publish_time":           usePublishAt,
		"scheduled_publish_time": usePublishAt,
		"duration":               "Every story is visible for 24 hours. How late it may go out is its window.",
		"expires_at":             "Every story is visible for 24 hours. How late it may go out is its window.",
		"pages":                  "A story goes to one Page. for_each = page.name makes one for each instance of a page block, with page = each.value.",
	},
	"page": {
		"page_id": "Use id.",
		"name":    "The label of the block is the name of the Page here; what people see is set on Facebook.",
		"url":     "A Page is known by its id, a number, which is shown under About, Page transparency.",
	},
	"function": {
		"timestamp":        noClock,
		"plantimestamp":    noClock,
		"env":              noEnv,
		"getenv":           noEnv,
		"get_env":          noEnv,
		"uuid":             noRandom,
		"bcrypt":           noRandom,
		"random":           noRandom,
		"rsadecrypt":       "A private key must never be in a configuration, and nothing here needs one.",
		"abspath":          "Paths are relative to the file that names them, and messages show no path of this machine.",
		"pathexpand":       "Paths are relative to the file that names them and stay inside the folder.",
		"filebase64":       "Text files are read with file; media are named by photo and video and never read into a value.",
		"base64gzip":       "What it gives may change with the version of the program, and then every plan would. Use base64encode.",
		"textdecodebase64": "Text here is UTF-8. Use base64decode.",
		"textencodebase64": "Text here is UTF-8. Use base64encode.",
		"yamldecode":       "There is no YAML here. Write the data as JSON, for jsondecode(file(…)), or as a table, for csvdecode(file(…)).",
		"yamlencode":       "There is no YAML here. Use jsonencode: JSON is YAML, too.",
		"cidrhost":         noNetwork,
		"cidrnetmask":      noNetwork,
		"cidrsubnet":       noNetwork,
		"cidrsubnets":      noNetwork,
		"ephemeralasnull":  "storyform has no ephemeral values.",
		"type":             "Only Terraform's console has it. storyform console shows a value as it would be written, which tells its type.",
		"now":              noClock,
		"upcase":           "Use upper.",
		"downcase":         "Use lower.",
		"len":              "Use length.",
		"size":             "Use length.",
		"convert":          "Use tostring, tonumber, tobool, tolist, toset or tomap.",
		"map":              `Write { key = "value" }.`,
		"list":             `Write ["value"].`,
	},
	"root": {
		"path":      "storyform has no path: paths are relative to the file that names them.",
		"terraform": "storyform has no workspaces. Use a variable.",
		"module":    "storyform has no modules. Everything in the folder and its included subfolders is one configuration.",
		"data":      "storyform has no data sources. Use variables.",
		"resource":  "storyform has no resources. Refer to page.name or story.name.",
		"count":     "storyform has no count. Use for_each with each.key and each.value.",
		"env":       noEnv,
		"variable":  "Refer to a variable as var.name.",
		"locals":    "Refer to a local value as local.name.",
		"output":    "An output can't be referred to. Use the expression itself, or a local.",
	},
}

const (
	noText       = "A story is a photo or a video and nothing else: the API takes no text with it. Put the words into the picture."
	noAddition   = "A story is a photo or a video and nothing else: the API adds no links, stickers, music, mentions or places. What people are to see must be in the picture."
	usePublishAt = `Use publish_at, such as publish_at = "2026-12-20 09:00". A story without it goes out with the first apply.`

	noClock   = "Nothing here can read the clock: the same files must always mean the same stories, or a plan could not be approved. Write times down; dates(from, to, step) makes lists of them, and timeadd and formatdate work with them."
	noEnv     = "Nothing here can read the environment: a plan of a stranger's pull request must be safe to run. Declare a variable and set STORYFORM_VAR_name."
	noNetwork = "Stories have no network addresses."
	noRandom  = "Nothing here is random: the same files must always mean the same stories, or a plan could not be approved."
)
