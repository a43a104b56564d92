package cli

import (
	"context"

	"github.com/spf13/cobra"

	"storyform/graphapi"
	"storyform/plan"
)

func sandboxCommand(a *app) *cobra.Command { return &cobra.Command{Use: "sandbox"} }

func (a *app) startSandbox(ctx context.Context) (string, error) { return "", nil }

func sandboxToken(page plan.Page) (graphapi.Token, error) {
	return graphapi.NewToken("sandbox-page-" + page.ID), nil
}
