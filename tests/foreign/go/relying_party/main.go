// golang.org/x/oauth2 with go-oidc, as their documentation uses them. They know neither introspection nor revocation.
//
// go-relying-party ISSUER CLIENT_ID CLIENT_SECRET REDIRECT_URI: what to do a line in, what came of it a line out.
// `code SCOPE` answers `open URL`, reads the URL to which the browser returned, and answers `done JSON`. `machine SCOPE` gets a
// token for the client itself. CLIENT_SECRET is - for a public client.
package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

type relyingParty struct {
	provider *oidc.Provider
	config   oauth2.Config
	lines    *bufio.Scanner
}

func main() {
	if len(os.Args) != 5 {
		log.Fatal("usage: go-relying-party ISSUER CLIENT_ID CLIENT_SECRET REDIRECT_URI")
	}
	ctx := context.Background()
	provider, err := oidc.NewProvider(ctx, os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	party := relyingParty{
		provider: provider,
		config: oauth2.Config{
			ClientID:     os.Args[2],
			ClientSecret: strings.TrimPrefix(os.Args[3], "-"),
			Endpoint:     provider.Endpoint(),
			RedirectURL:  os.Args[4],
		},
		lines: bufio.NewScanner(os.Stdin),
	}
	for party.lines.Scan() {
		command, scope, _ := strings.Cut(party.lines.Text(), " ")
		result, err := party.run(ctx, command, strings.Fields(scope))
		if err != nil {
			fmt.Println("failed", reason(err))
			continue
		}
		answer, err := json.Marshal(result)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("done", string(answer))
	}
}

func (party *relyingParty) run(ctx context.Context, command string, scopes []string) (map[string]any, error) {
	if command == "machine" {
		return party.authenticateItself(ctx, scopes)
	}
	return party.logIn(ctx, scopes)
}

func (party *relyingParty) logIn(ctx context.Context, scopes []string) (map[string]any, error) {
	config := party.config
	config.Scopes = scopes
	state, nonce, verifier := rand.Text(), rand.Text(), oauth2.GenerateVerifier()
	fmt.Println("open", config.AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)))
	party.lines.Scan()
	returned, err := url.Parse(party.lines.Text())
	if err != nil {
		return nil, err
	}
	if failure := returned.Query().Get("error"); failure != "" {
		return nil, errors.New(failure)
	}
	if returned.Query().Get("state") != state {
		return nil, errors.New("another state")
	}
	token, err := config.Exchange(ctx, returned.Query().Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		return nil, err
	}
	text, _ := token.Extra("id_token").(string)
	idToken, err := party.provider.Verifier(&oidc.Config{ClientID: config.ClientID}).Verify(ctx, text)
	if err != nil {
		return nil, err
	}
	if idToken.Nonce != nonce {
		return nil, errors.New("another nonce")
	}
	if err := idToken.VerifyAccessToken(token.AccessToken); err != nil {
		return nil, err
	}
	userinfo, err := party.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return nil, err
	}
	var claims struct {
		Username string `json:"preferred_username"`
	}
	if err := userinfo.Claims(&claims); err != nil {
		return nil, err
	}
	result := map[string]any{"sub": idToken.Subject, "aud": idToken.Audience[0], "userinfo": userinfo.Subject, "username": claims.Username}
	if token.RefreshToken != "" {
		old := &oauth2.Token{RefreshToken: token.RefreshToken, Expiry: time.Unix(1, 0)}
		refreshed, err := party.provider.UserInfo(ctx, config.TokenSource(ctx, old))
		if err != nil {
			return nil, err
		}
		result["refreshed"] = refreshed.Subject
	}
	return result, nil
}

func (party *relyingParty) authenticateItself(ctx context.Context, scopes []string) (map[string]any, error) {
	config := clientcredentials.Config{
		ClientID:     party.config.ClientID,
		ClientSecret: party.config.ClientSecret,
		TokenURL:     party.provider.Endpoint().TokenURL,
		Scopes:       scopes,
	}
	token, err := config.Token(ctx)
	if err != nil {
		return nil, err
	}
	return map[string]any{"type": strings.ToLower(token.TokenType), "scope": token.Extra("scope")}, nil
}

func reason(err error) string {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) {
		return refused.ErrorCode
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}
