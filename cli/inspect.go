package cli

import (
	"context"

	"storyform/media"
	"storyform/story"
)

// inspect reads the facts of a local media file for the configuration.
func inspect(ctx context.Context, path string) (story.Media, error) {
	f, err := media.Inspect(ctx, path, "")
	if err != nil {
		return story.Media{}, err
	}
	return f.Media, nil
}
