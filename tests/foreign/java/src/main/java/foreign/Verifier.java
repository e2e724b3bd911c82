package foreign;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.crypto.Ed25519Verifier;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKMatcher;
import com.nimbusds.jose.jwk.JWKSelector;
import com.nimbusds.jose.jwk.source.JWKSource;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.proc.BadJOSEException;
import com.nimbusds.jose.proc.BadJWSException;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.MalformedURLException;
import java.net.URI;
import java.text.ParseException;
import java.util.Set;

/**
 * Nimbus JOSE+JWT with its remote key source as it comes: fetched anew after 5 minutes (ahead of time, by 30 seconds), or for an
 * unknown kid, but at most twice in 30 seconds. 60 seconds of leeway. Its processor knows RS256, PS256 and ES256; EdDSA it
 * verifies with Tink, outside the processor.
 *
 * <p>java -jar java-verifier.jar JWKS_URL ISSUER AUDIENCE: a token a line in, "ok SUB KID" or "refused REASON" a line out.
 */
public final class Verifier {
    private static final Set<JWSAlgorithm> OF_THE_PROCESSOR = Set.of(JWSAlgorithm.RS256, JWSAlgorithm.PS256, JWSAlgorithm.ES256);

    private final JWKSource<SecurityContext> keys;
    private final DefaultJWTClaimsVerifier<SecurityContext> claims;
    private final DefaultJWTProcessor<SecurityContext> processor = new DefaultJWTProcessor<>();

    private Verifier(URI jwks, String issuer, String audience) throws MalformedURLException {
        keys = JWKSourceBuilder.create(jwks.toURL()).build();
        claims = new DefaultJWTClaimsVerifier<>(
                audience, new JWTClaimsSet.Builder().issuer(issuer).build(), Set.of("sub", "exp"));
        processor.setJWSKeySelector(new JWSVerificationKeySelector<>(OF_THE_PROCESSOR, keys));
        processor.setJWTClaimsSetVerifier(claims);
    }

    public static void main(String[] args) throws IOException {
        if (args.length != 3) {
            System.err.println("usage: java-verifier JWKS_URL ISSUER AUDIENCE");
            System.exit(2);
        }
        Verifier verifier = new Verifier(URI.create(args[0]), args[1], args[2]);
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            System.out.println(verifier.answer(line));
            System.out.flush();
        }
        System.exit(0); // the key source's refresh thread would hold the process
    }

    private String answer(String line) {
        try {
            SignedJWT token = SignedJWT.parse(line);
            return "ok " + verify(token).getSubject() + " " + token.getHeader().getKeyID();
        } catch (ParseException | JOSEException | BadJOSEException e) {
            return "refused " + (e.getClass().getSimpleName() + ": " + e.getMessage()).replaceAll("\\s+", " ");
        }
    }

    private JWTClaimsSet verify(SignedJWT token) throws ParseException, JOSEException, BadJOSEException {
        return JWSAlgorithm.EdDSA.equals(token.getHeader().getAlgorithm())
                ? verifyEdDsa(token)
                : processor.process(token, null);
    }

    private JWTClaimsSet verifyEdDsa(SignedJWT token) throws ParseException, JOSEException, BadJOSEException {
        for (JWK key : keys.get(new JWKSelector(JWKMatcher.forJWSHeader(token.getHeader())), null)) {
            if (token.verify(new Ed25519Verifier(key.toOctetKeyPair()))) {
                claims.verify(token.getJWTClaimsSet(), null);
                return token.getJWTClaimsSet();
            }
        }
        throw new BadJWSException("Signed JWT rejected: Invalid signature or no matching key(s) found");
    }
}
