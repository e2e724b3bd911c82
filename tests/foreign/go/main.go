// go-oidc with its RemoteKeySet as it comes: keys are kept for good, and fetched anew at once when none of them
// verifies. No leeway for exp, 5 minutes for nbf. It does not hold a token's alg against its key's. Knows RS256,
// PS256, ES256 and EdDSA.
//
// go-verifier JWKS_URL ISSUER AUDIENCE: a token a line in, "ok SUB KID" or "refused REASON" a line out.
package main

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
)

const longestToken = 1 << 20

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: go-verifier JWKS_URL ISSUER AUDIENCE")
	}
	ctx := context.Background()
	keys := oidc.NewRemoteKeySet(ctx, os.Args[1])
	verifier := oidc.NewVerifier(os.Args[2], keys, &oidc.Config{
		ClientID:             os.Args[3],
		SupportedSigningAlgs: []string{oidc.RS256, oidc.PS256, oidc.ES256, oidc.EdDSA},
	})

	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, longestToken)
	for lines.Scan() {
		token, err := verifier.Verify(ctx, lines.Text())
		if err != nil {
			fmt.Println("refused", strings.Join(strings.Fields(err.Error()), " "))
			continue
		}
		fmt.Println("ok", token.Subject, keyID(lines.Text()))
	}
	if err := lines.Err(); err != nil {
		log.Fatal(err)
	}
}

// keyID reads the kid of a verified token: go-oidc keeps it to itself.
func keyID(token string) string {
	jws, err := jose.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA})
	if err != nil {
		log.Fatal(err)
	}
	return jws.Signatures[0].Header.KeyID
}
