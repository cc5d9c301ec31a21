package reports;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** Short names for contents, for caches alone. */
final class ETags {
    private ETags() {}

    static String of(byte[] content) {
        try {
            byte[] digest = MessageDigest.getInstance("MD5").digest(content);
            return "\"" + HexFormat.of().formatHex(digest) + "\"";
        } catch (NoSuchAlgorithmException error) {
            throw new IllegalStateException("every Java platform has MD5", error);
        }
    }
}
