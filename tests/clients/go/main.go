// Registers a user, logs in, and reads the profile with the token, all by the generated client.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	openapi "github.com/jwt-generator/client"
)

func main() {
	log.SetFlags(0)
	username, password := os.Args[2], "correct horse battery"
	configuration := openapi.NewConfiguration()
	configuration.Servers = openapi.ServerConfigurations{{URL: os.Args[1]}}
	client, plain := openapi.NewAPIClient(configuration), context.Background()

	registration := openapi.NewRegisterRequest(username, username+"@example.com", password)
	_, _, err := client.AccountsAPI.RegisterUser(plain).RegisterRequest(*registration).Execute()
	check(err)
	login, _, err := client.AccountsAPI.LoginUser(plain).LoginRequest(*openapi.NewLoginRequest(username, password)).Execute()
	check(err)
	token := login.Data.Token.AccessToken
	profile, _, err := client.AccountsAPI.GetProfile(context.WithValue(plain, openapi.ContextAccessToken, token)).Execute()
	check(err)
	require(profile.Data.Username == username, "the profile is of another user")
	validation, _, err := client.TokensAPI.ValidateToken(plain).ValidateTokenRequest(openapi.ValidateTokenRequest{Token: &token}).Execute()
	check(err)
	require(validation.Data.Valid, "the token is not valid")
	keys, _, err := client.KeysAPI.GetJwks(plain).Execute()
	check(err)
	found := false
	for _, key := range keys.Keys {
		found = found || key.Kid == validation.Data.Decoded.Header.Kid
	}
	require(found, "the key is not in the key set")
	_, response, err := client.AccountsAPI.LoginUser(plain).LoginRequest(*openapi.NewLoginRequest(username, "wrong")).Execute()
	require(err != nil && response.StatusCode == 401, "a wrong password was accepted")
	fmt.Println("ok")
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func require(condition bool, message string) {
	if !condition {
		log.Fatal(message)
	}
}
