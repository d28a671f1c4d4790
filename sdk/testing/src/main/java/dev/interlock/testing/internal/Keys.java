package dev.interlock.testing.internal;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** Both families of project keys: JWTs signed with the project's secret, and opaque ones that only the gateway knows. */
public final class Keys {

    private final String jwtSecret = random(40);
    private final String publishable = "sb_publishable_" + random(22) + "_" + random(8);
    private final String secret = "sb_secret_" + random(22) + "_" + random(8);
    private final String anon = jwt("anon", "", 315_360_000);
    private final String serviceRole = jwt("service_role", "", 315_360_000);

    public String jwtSecret() {
        return jwtSecret;
    }

    public String publishable() {
        return publishable;
    }

    public String secret() {
        return secret;
    }

    public String anon() {
        return anon;
    }

    public String serviceRole() {
        return serviceRole;
    }

    /** A token of a signed-in user, as Supabase Auth gives it. */
    public String authenticated(String userId) {
        return jwt("authenticated", ",\"sub\":\"" + userId + "\"", 3600);
    }

    /** A token for a role that lives for a minute: what the gateway puts in the place of an opaque key. */
    String shortLived(String role) {
        return jwt(role, "", 60);
    }

    private String jwt(String role, String more, long seconds) {
        long now = Instant.now().getEpochSecond();
        String header = base64("{\"alg\":\"HS256\",\"typ\":\"JWT\"}".getBytes(StandardCharsets.UTF_8));
        String claims = "{\"iss\":\"supabase\",\"ref\":\"local\",\"role\":\"" + role + "\"" + more + ",\"iat\":" + now
                + ",\"exp\":" + (now + seconds) + "}";
        String signed = header + "." + base64(claims.getBytes(StandardCharsets.UTF_8));
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(jwtSecret.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
            return signed + "." + base64(mac.doFinal(signed.getBytes(StandardCharsets.UTF_8)));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String random(int length) {
        byte[] bytes = new byte[length];
        new SecureRandom().nextBytes(bytes);
        return base64(bytes).replace('-', 'x').replace('_', 'y').substring(0, length);
    }

    private static String base64(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }
}
