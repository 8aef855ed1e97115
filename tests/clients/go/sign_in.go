// SPDX-License-Identifier: PostgreSQL

// What an application on a desktop has: a person, at the other end of our standard input and output, a listener that
// the person's browser comes back to, and a token.
package main

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
	"golang.org/x/oauth2"
)

var (
	heard = json.NewDecoder(os.Stdin)
	said  = json.NewEncoder(os.Stdout)
)

func ask(word, value string) error {
	if err := said.Encode(map[string]string{word: value}); err != nil {
		return err
	}
	return heard.Decode(&struct{}{})
}

type application struct {
	client   string
	listener net.Listener
	token    *oauth2.Token
}

// handler returns what the SDK signs in with when it is refused.
func (a *application) handler() (auth.OAuthHandler, error) {
	return auth.NewAuthorizationCodeHandler(&auth.AuthorizationCodeHandlerConfig{
		PreregisteredClient:      &oauthex.ClientCredentials{ClientID: a.client},
		RedirectURL:              "http://" + a.listener.Addr().String() + "/callback",
		AuthorizationCodeFetcher: a.signIn,
		NewTokenSource: func(c context.Context, config *oauth2.Config, token *oauth2.Token) (oauth2.TokenSource, error) {
			a.token = token
			return config.TokenSource(c, token), nil
		},
	})
}

// signIn sends the person's browser to a page, and returns what the authorization server answered by it.
func (a *application) signIn(_ context.Context, asked *auth.AuthorizationArgs) (*auth.AuthorizationResult, error) {
	answers := make(chan url.Values, 1)
	go http.Serve(a.listener, http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		writer.Write([]byte("Signed in."))
		answers <- request.URL.Query()
	}))
	if err := ask("open", asked.URL); err != nil {
		return nil, err
	}
	answer := <-answers
	return &auth.AuthorizationResult{
		Code: answer.Get("code"), State: answer.Get("state"), Iss: answer.Get("iss")}, nil
}

// expire lets an hour pass: here, where the token's source looks at the same token, and at the server.
func (a *application) expire() error {
	a.token.Expiry = time.Now()
	return ask("expire", a.client)
}
