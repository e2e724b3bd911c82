package foreign;

import com.nimbusds.oauth2.sdk.AccessTokenResponse;
import com.nimbusds.oauth2.sdk.AuthorizationCode;
import com.nimbusds.oauth2.sdk.AuthorizationCodeGrant;
import com.nimbusds.oauth2.sdk.AuthorizationGrant;
import com.nimbusds.oauth2.sdk.ClientCredentialsGrant;
import com.nimbusds.oauth2.sdk.ErrorObject;
import com.nimbusds.oauth2.sdk.RefreshTokenGrant;
import com.nimbusds.oauth2.sdk.ResponseType;
import com.nimbusds.oauth2.sdk.Scope;
import com.nimbusds.oauth2.sdk.TokenIntrospectionRequest;
import com.nimbusds.oauth2.sdk.TokenIntrospectionResponse;
import com.nimbusds.oauth2.sdk.TokenIntrospectionSuccessResponse;
import com.nimbusds.oauth2.sdk.TokenRequest;
import com.nimbusds.oauth2.sdk.TokenResponse;
import com.nimbusds.oauth2.sdk.TokenRevocationRequest;
import com.nimbusds.oauth2.sdk.auth.ClientAuthentication;
import com.nimbusds.oauth2.sdk.auth.ClientSecretBasic;
import com.nimbusds.oauth2.sdk.auth.Secret;
import com.nimbusds.oauth2.sdk.http.HTTPResponse;
import com.nimbusds.oauth2.sdk.id.ClientID;
import com.nimbusds.oauth2.sdk.id.Issuer;
import com.nimbusds.oauth2.sdk.id.State;
import com.nimbusds.oauth2.sdk.pkce.CodeChallengeMethod;
import com.nimbusds.oauth2.sdk.pkce.CodeVerifier;
import com.nimbusds.oauth2.sdk.token.AccessToken;
import com.nimbusds.oauth2.sdk.token.RefreshToken;
import com.nimbusds.oauth2.sdk.token.Token;
import com.nimbusds.jose.util.JSONObjectUtils;
import com.nimbusds.openid.connect.sdk.AuthenticationErrorResponse;
import com.nimbusds.openid.connect.sdk.AuthenticationRequest;
import com.nimbusds.openid.connect.sdk.AuthenticationResponse;
import com.nimbusds.openid.connect.sdk.AuthenticationResponseParser;
import com.nimbusds.openid.connect.sdk.Nonce;
import com.nimbusds.openid.connect.sdk.OIDCTokenResponseParser;
import com.nimbusds.openid.connect.sdk.UserInfoRequest;
import com.nimbusds.openid.connect.sdk.UserInfoResponse;
import com.nimbusds.openid.connect.sdk.claims.IDTokenClaimsSet;
import com.nimbusds.openid.connect.sdk.claims.UserInfo;
import com.nimbusds.openid.connect.sdk.op.OIDCProviderMetadata;
import com.nimbusds.openid.connect.sdk.token.OIDCTokens;
import com.nimbusds.openid.connect.sdk.validators.IDTokenValidator;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jwt.SignedJWT;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Nimbus OAuth 2.0 SDK with OpenID Connect extensions.
 *
 * <p>java -cp java-verifier.jar foreign.RelyingParty ISSUER CLIENT_ID CLIENT_SECRET REDIRECT_URI: what to do a line in, what
 * came of it a line out. `code SCOPE` answers `open URL`, reads the URL to which the browser returned, and answers `done JSON`.
 * `machine SCOPE` gets a token for the client itself. CLIENT_SECRET is - for a public client.
 */
public final class RelyingParty {
    /** An error of the server, by its code. */
    private static final class Refused extends Exception {
        private static final long serialVersionUID = 1;

        Refused(ErrorObject error) {
            super(error == null || error.getCode() == null ? "no code" : error.getCode());
        }
    }

    private final BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    private final OIDCProviderMetadata server;
    private final ClientID id;
    private final ClientAuthentication authentication;
    private final URI redirectUri;

    private RelyingParty(String[] args) throws Exception {
        server = OIDCProviderMetadata.resolve(new Issuer(args[0]));
        id = new ClientID(args[1]);
        authentication = args[2].equals("-") ? null : new ClientSecretBasic(id, new Secret(args[2]));
        redirectUri = URI.create(args[3]);
    }

    public static void main(String[] args) throws Exception {
        if (args.length != 4) {
            System.err.println("usage: RelyingParty ISSUER CLIENT_ID CLIENT_SECRET REDIRECT_URI");
            System.exit(2);
        }
        new RelyingParty(args).answerAll();
        System.exit(0);
    }

    private void answerAll() throws IOException {
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] words = line.split(" ", 2);
            Scope scope = Scope.parse(words.length == 2 ? words[1] : "");
            try {
                Map<String, Object> result = words[0].equals("machine") ? authenticateItself(scope) : logIn(scope);
                System.out.println("done " + JSONObjectUtils.toJSONString(result));
            } catch (Exception e) {
                System.out.println("failed " + String.valueOf(e.getMessage()).replaceAll("\\s+", " "));
            }
            System.out.flush();
        }
    }

    private Map<String, Object> logIn(Scope scope) throws Exception {
        State state = new State();
        Nonce nonce = new Nonce();
        CodeVerifier verifier = new CodeVerifier();
        AuthenticationRequest request = new AuthenticationRequest.Builder(ResponseType.CODE, scope, id, redirectUri)
                .endpointURI(server.getAuthorizationEndpointURI())
                .state(state)
                .nonce(nonce)
                .codeChallenge(verifier, CodeChallengeMethod.S256)
                .build();
        System.out.println("open " + request.toURI());
        System.out.flush();
        OIDCTokens tokens = (OIDCTokens) tokens(new AuthorizationCodeGrant(code(lines.readLine(), state), redirectUri, verifier), null);
        IDTokenClaimsSet claims = claims(tokens, nonce);
        Map<String, Object> result = new LinkedHashMap<>();
        UserInfo userinfo = userinfo(tokens.getAccessToken());
        result.put("sub", claims.getSubject().getValue());
        result.put("aud", claims.getAudience().get(0).getValue());
        result.put("userinfo", userinfo.getSubject().getValue());
        result.put("username", userinfo.getPreferredUsername());
        if (tokens.getRefreshToken() != null) {
            refreshAndRevoke(tokens.getRefreshToken(), result);
        }
        return result;
    }

    private void refreshAndRevoke(RefreshToken first, Map<String, Object> result) throws Exception {
        var refreshed = tokens(new RefreshTokenGrant(first), null);
        result.put("refreshed", userinfo(refreshed.getAccessToken()).getSubject().getValue());
        RefreshToken newest = refreshed.getRefreshToken() == null ? first : refreshed.getRefreshToken();
        revoke(newest);
        try {
            tokens(new RefreshTokenGrant(newest), null);
            result.put("after_revocation", "still valid");
        } catch (Refused refused) {
            result.put("after_revocation", refused.getMessage());
        }
    }

    private Map<String, Object> authenticateItself(Scope scope) throws Exception {
        AccessToken token = tokens(new ClientCredentialsGrant(), scope).getAccessToken();
        TokenIntrospectionSuccessResponse before = introspect(token);
        revoke(token);
        TokenIntrospectionSuccessResponse after = introspect(token);
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("type", token.getType().getValue().toLowerCase());
        result.put("scope", token.getScope().toString());
        result.put("client_id", before.getClientID().getValue());
        result.put("active", List.of(before.isActive(), after.isActive()));
        return result;
    }

    private AuthorizationCode code(String returned, State state) throws Exception {
        AuthenticationResponse response = AuthenticationResponseParser.parse(URI.create(returned));
        if (response instanceof AuthenticationErrorResponse) {
            throw new Refused(response.toErrorResponse().getErrorObject());
        }
        if (!state.equals(response.getState()) || !server.getIssuer().equals(response.getIssuer())) {
            throw new IllegalStateException("another state or issuer");
        }
        return response.toSuccessResponse().getAuthorizationCode();
    }

    private com.nimbusds.oauth2.sdk.token.Tokens tokens(AuthorizationGrant grant, Scope scope) throws Exception {
        URI endpoint = server.getTokenEndpointURI();
        TokenRequest request = authentication == null
                ? new TokenRequest(endpoint, id, grant, scope)
                : new TokenRequest(endpoint, authentication, grant, scope);
        TokenResponse response = OIDCTokenResponseParser.parse(request.toHTTPRequest().send());
        if (!response.indicatesSuccess()) {
            throw new Refused(response.toErrorResponse().getErrorObject());
        }
        return ((AccessTokenResponse) response).getTokens();
    }

    private IDTokenClaimsSet claims(OIDCTokens tokens, Nonce nonce) throws Exception {
        JWSAlgorithm algorithm = ((SignedJWT) tokens.getIDToken()).getHeader().getAlgorithm();
        IDTokenValidator validator = new IDTokenValidator(server.getIssuer(), id, algorithm, server.getJWKSetURI().toURL());
        return validator.validate(tokens.getIDToken(), nonce);
    }

    private UserInfo userinfo(AccessToken token) throws Exception {
        var request = new UserInfoRequest(server.getUserInfoEndpointURI(), token).toHTTPRequest();
        UserInfoResponse response = UserInfoResponse.parse(request.send());
        if (!response.indicatesSuccess()) {
            throw new Refused(response.toErrorResponse().getErrorObject());
        }
        return response.toSuccessResponse().getUserInfo();
    }

    private TokenIntrospectionSuccessResponse introspect(AccessToken token) throws Exception {
        var request = new TokenIntrospectionRequest(server.getIntrospectionEndpointURI(), authentication, token);
        TokenIntrospectionResponse response = TokenIntrospectionResponse.parse(request.toHTTPRequest().send());
        if (!response.indicatesSuccess()) {
            throw new Refused(response.toErrorResponse().getErrorObject());
        }
        return response.toSuccessResponse();
    }

    private void revoke(Token token) throws Exception {
        URI endpoint = server.getRevocationEndpointURI();
        var request = authentication == null
                ? new TokenRevocationRequest(endpoint, id, token)
                : new TokenRevocationRequest(endpoint, authentication, token);
        HTTPResponse response = request.toHTTPRequest().send();
        if (!response.indicatesSuccess()) {
            throw new Refused(ErrorObject.parse(response));
        }
    }
}
