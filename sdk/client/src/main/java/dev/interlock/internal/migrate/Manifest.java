package dev.interlock.internal.migrate;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.interlock.Difference;
import dev.interlock.internal.http.JsonCodec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a complete installation of this version consists of: {@code migrations/manifest.json}, made from one by a test (ManifestTest).
 *
 * @param version the version of the SQL
 * @param objects every object, as {@code job_queue_inspect()} describes it
 */
public record Manifest(
        @JsonProperty("version") String version,
        @JsonProperty("objects") Map<String, String> objects) {

    private static final Pattern SEEDS_COLUMN =
            Pattern.compile("column (jobs|workflow_executions|job_queue_state|job_queue_log)\\..*");
    private static final Pattern YOUR_TABLE = Pattern.compile(
            "(?:column|index|trigger) (jobs|workflow_executions)\\..*|access to table (jobs|workflow_executions): .*");
    // An object of ours that nobody expects matters where it lets somebody in, or is code or a check that may run.
    private static final Pattern MATTERS_WHEN_EXTRA =
            Pattern.compile("(?:access|policy|function) .*|constraint (?!job_queue_state\\.|job_queue_log\\.).*");

    /** Copies the map. */
    public Manifest {
        objects = new TreeMap<>(objects);
    }

    /** That of this version. */
    public static Manifest current() {
        return JsonCodec.read(MigrationFile.text("manifest.json"), Manifest.class);
    }

    /** A JSON document, an object a line. */
    public String toJson() {
        StringBuilder json = new StringBuilder("{\n\"version\": ")
                .append(JsonCodec.write(version))
                .append(",\n\"objects\": {\n");
        String separator = "";
        for (Map.Entry<String, String> object : objects.entrySet()) {
            json.append(separator)
                    .append(JsonCodec.write(object.getKey()))
                    .append(": ")
                    .append(JsonCodec.write(object.getValue()));
            separator = ",\n";
        }
        return json.append("\n}\n}\n").toString();
    }

    /** In what a database differs: the version and the files first, then objects by kind and name. */
    public List<Difference> differences(Inspection found) {
        List<Difference> differences = new ArrayList<>();
        add(differences, "version", version, found.version());
        for (MigrationFile file : MigrationFile.all(found.isNew())) {
            add(
                    differences,
                    "migration " + file.name(),
                    file.checksum(),
                    found.applied().get(file.name()));
        }
        objects.forEach((object, expected) -> {
            var table = YOUR_TABLE.matcher(object);
            if (table.matches() && !found.hasTable(table.group(1) == null ? table.group(2) : table.group(1))) {
                return;
            }
            String is = found.objects().get(object);
            if (is == null || !fits(object, expected, is)) {
                differences.add(new Difference(object, expected, is));
            }
        });
        found.objects().forEach((object, is) -> {
            if (!objects.containsKey(object)
                    && MATTERS_WHEN_EXTRA.matcher(object).matches()) {
                differences.add(new Difference(object, null, is));
            }
        });
        return differences;
    }

    private static void add(List<Difference> differences, String object, String expected, @Nullable String found) {
        if (!expected.equals(found)) {
            differences.add(new Difference(object, expected, found));
        }
    }

    private static boolean fits(String object, String expected, String found) {
        if (expected.equals(found)) {
            return true;
        }
        // The seed's columns may have been there before, of a type that holds the same values (027 refuses the others).
        return SEEDS_COLUMN.matcher(object).matches()
                && family(expected).equals(family(found))
                && (!expected.contains(" default ") || found.contains(" default ") || found.contains(" identity"));
    }

    private static String family(String column) {
        String type = column.replaceFirst(" (collate|not null|default|identity).*", "");
        return type.replaceFirst("^character varying(\\(\\d+\\))?$", "text")
                .replaceFirst("^(bigint|smallint)$", "integer")
                .replaceFirst("^timestamp(\\(\\d\\))? with(out)? time zone$", "timestamp");
    }
}
