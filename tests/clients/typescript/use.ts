// Registers a user, logs in, and reads the profile with the token, all by the generated client.
import { AccountsApi, Configuration, KeysApi, ResponseError, TokensApi } from './generated';

const [basePath, username] = process.argv.slice(2);
const password = 'correct horse battery';

async function main(): Promise<void> {
    const accounts = new AccountsApi(new Configuration({ basePath }));
    await accounts.registerUser({ registerRequest: { username, email: `${username}@example.com`, password } });
    const login = await accounts.loginUser({ loginRequest: { username, password } });
    const accessToken = login.data.token.accessToken;
    const profile = await new AccountsApi(new Configuration({ basePath, accessToken })).getProfile();
    if (profile.data.username !== username) throw new Error(`the profile is of ${profile.data.username}`);
    const validation = await new TokensApi(new Configuration({ basePath })).validateToken({ validateTokenRequest: { token: accessToken } });
    if (!validation.data.valid) throw new Error('the token is not valid');
    const keys = await new KeysApi(new Configuration({ basePath })).getJwks();
    if (!keys.keys.some((key) => key.kid === validation.data.decoded.header.kid)) throw new Error('the key is not in the key set');
    const refused = await accounts.loginUser({ loginRequest: { username, password: 'wrong' } }).catch((error) => error);
    if (!(refused instanceof ResponseError) || refused.response.status !== 401) throw new Error(`a wrong password: ${refused}`);
}

main().then(() => console.log('ok'), (error) => {
    console.error(error);
    process.exit(1);
});
