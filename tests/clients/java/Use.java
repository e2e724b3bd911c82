import java.util.List;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.AccountsApi;
import org.openapitools.client.api.KeysApi;
import org.openapitools.client.api.TokensApi;
import org.openapitools.client.model.Jwk;
import org.openapitools.client.model.LoginRequest;
import org.openapitools.client.model.ProfileAnswer;
import org.openapitools.client.model.RegisterRequest;
import org.openapitools.client.model.ValidateTokenRequest;
import org.openapitools.client.model.ValidationAnswerData;

/** Registers a user, logs in, and reads the profile with the token, all by the generated client. */
public final class Use {
    private static final String PASSWORD = "correct horse battery";

    public static void main(String[] arguments) throws ApiException {
        String base = arguments[0];
        String username = arguments[1];
        AccountsApi accounts = new AccountsApi(client(base, null));
        accounts.registerUser(new RegisterRequest().username(username).email(username + "@example.com").password(PASSWORD));
        String token = accounts.loginUser(login(username, PASSWORD)).getData().getToken().getAccessToken();
        ProfileAnswer profile = new AccountsApi(client(base, token)).getProfile();
        require(profile.getData().getUsername().equals(username), "the profile is of another user");
        ValidationAnswerData validation = new TokensApi(client(base, null)).validateToken(new ValidateTokenRequest().token(token)).getData();
        require(validation.getValid(), "the token is not valid");
        String kid = validation.getDecoded().getHeader().getKid();
        List<Jwk> keys = new KeysApi(client(base, null)).getJwks(null).getKeys();
        require(keys.stream().anyMatch(key -> key.getKid().equals(kid)), "the key is not in the key set");
        try {
            accounts.loginUser(login(username, "wrong"));
            require(false, "a wrong password was accepted");
        } catch (ApiException refused) {
            require(refused.getCode() == 401, "a wrong password: " + refused.getCode());
        }
        System.out.println("ok");
    }

    private static LoginRequest login(String username, String password) {
        return new LoginRequest().username(username).password(password);
    }

    private static ApiClient client(String base, String token) {
        ApiClient client = new ApiClient();
        client.setBasePath(base);
        if (token != null) {
            client.addDefaultHeader("Authorization", "Bearer " + token);
        }
        return client;
    }

    private static void require(boolean condition, String message) {
        if (!condition) {
            throw new IllegalStateException(message);
        }
    }
}
