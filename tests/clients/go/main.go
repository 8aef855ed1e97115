// SPDX-License-Identifier: PostgreSQL

// The official Go client of MCP, which knows nothing of us: signs in, then does what ../mcp.mjs does.
// Says it in the same words; mode is the revision to ask for.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type order struct {
	URL, Mode, Name, Progress string
	Client                    string `json:"client_id"`
}

// visit remembers the first failure; after it nothing more is asked.
type visit struct {
	context     context.Context
	session     *mcp.ClientSession
	application *application
	seen        map[string]any
	failure     error
}

func (v *visit) keep(name string, value any, err error) {
	if v.failure == nil && err != nil {
		v.failure = fmt.Errorf("%s: %w", name, err)
	}
	v.seen[name] = value
}

func (v *visit) structured(name, tool string, arguments map[string]any) {
	result, err := v.session.CallTool(v.context, &mcp.CallToolParams{Name: tool, Arguments: arguments})
	if err == nil && (result.IsError || result.StructuredContent == nil) {
		err = fmt.Errorf("%s gave %v", tool, result)
	}
	if err != nil {
		v.keep(name, nil, err)
		return
	}
	v.keep(name, result.StructuredContent, nil)
}

func (v *visit) tools() {
	names := []string{}
	var failure error
	for tool, err := range v.session.Tools(v.context, nil) { // page by page
		if err != nil {
			failure = err
			break
		}
		names = append(names, tool.Name)
	}
	v.keep("tools", map[string]any{"names": names}, failure)
}

func (v *visit) calls(given order) {
	creation := map[string]any{"name": given.Name, "idempotency_key": given.Name}
	v.structured("whoami", "whoami", map[string]any{})
	v.structured("created", "create_account", creation)
	v.keep("hour", nil, v.application.expire())
	v.structured("again", "create_account", creation)
	v.structured("records", "list_records", map[string]any{"kind": "account", "fields": []string{"id", "name"}})
	nobody := map[string]any{"id": "00000000-0000-0000-0000-000000000000"}
	failed, err := v.session.CallTool(v.context, &mcp.CallToolParams{Name: "get_account", Arguments: nobody})
	v.keep("failed", failed, err)
	watched := &mcp.CallToolParams{Name: given.Progress, Arguments: map[string]any{}}
	watched.SetProgressToken("steps")
	steps, err := v.session.CallTool(v.context, watched)
	v.keep("steps", steps, err)
	_, err = v.session.CallTool(v.context, &mcp.CallToolParams{Name: "no_such_tool"})
	var refusal *jsonrpc.Error
	if errors.As(err, &refusal) {
		v.keep("unknown", refusal.Code, nil)
	} else {
		v.keep("unknown", nil, fmt.Errorf("unknown tool: %v", err))
	}
}

func (v *visit) library(given order) {
	uris, prompts := []string{}, []string{}
	resources, err := v.session.ListResources(v.context, nil)
	v.keep("resources", nil, err)
	listed, err := v.session.ListPrompts(v.context, nil)
	v.keep("prompts", nil, err)
	if v.failure != nil {
		return
	}
	for _, resource := range resources.Resources {
		uris = append(uris, resource.URI)
	}
	for _, prompt := range listed.Prompts {
		prompts = append(prompts, prompt.Name)
	}
	v.keep("resources", uris, nil)
	v.keep("prompts", prompts, nil)
	pipelines, err := v.session.ReadResource(v.context, &mcp.ReadResourceParams{URI: "crm://pipelines"})
	v.keep("pipelines", pipelines, err)
	prompt, err := v.session.GetPrompt(v.context, &mcp.GetPromptParams{
		Name: "account_brief", Arguments: map[string]string{"account": given.Name}})
	v.keep("prompt", prompt, err)
	completion, err := v.session.Complete(v.context, &mcp.CompleteParams{
		Ref:      &mcp.CompleteReference{Type: "ref/prompt", Name: "account_brief"},
		Argument: mcp.CompleteParamsArgument{Name: "account", Value: given.Name[:6]}})
	v.keep("completion", completion, err)
}

func run(given order) (map[string]any, error) {
	limit, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	progress := make(chan float64, 16)
	options := &mcp.ClientOptions{
		ProgressNotificationHandler: func(_ context.Context, heard *mcp.ProgressNotificationClientRequest) {
			progress <- heard.Params.Progress
		},
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	asking := &application{client: given.Client, listener: listener}
	handler, err := asking.handler()
	if err != nil {
		return nil, err
	}
	client := mcp.NewClient(&mcp.Implementation{Name: "a-stranger", Version: "1.0.0"}, options)
	transport := &mcp.StreamableClientTransport{Endpoint: given.URL, OAuthHandler: handler}
	session, err := client.Connect(limit, transport, &mcp.ClientSessionOptions{ProtocolVersion: given.Mode})
	if err != nil {
		return nil, err
	}
	answered := session.InitializeResult()
	seen := map[string]any{"version": answered.ProtocolVersion, "instructions": answered.Instructions,
		"server": answered.ServerInfo}
	visiting := &visit{limit, session, asking, seen, nil}
	visiting.tools()
	visiting.calls(given)
	visiting.library(given)
	if err := session.Close(); visiting.failure == nil && err != nil {
		return nil, err
	}
	steps := []float64{}
	for len(progress) > 0 {
		steps = append(steps, <-progress)
	}
	seen["progress"] = steps
	return seen, visiting.failure
}

func main() {
	var given order
	err := heard.Decode(&given)
	if err == nil {
		var seen map[string]any
		if seen, err = run(given); err == nil {
			err = said.Encode(map[string]any{"seen": seen})
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
