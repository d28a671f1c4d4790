package dev.interlock.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** What was found: lines that are printed as they come, and at the end a table, a JSON file and pictures in one folder. */
public final class Report {

    private final Path folder;
    private final Map<String, String> machine = new LinkedHashMap<>();
    private final List<Figure> figures = new ArrayList<>();

    Report(Path folder) throws IOException {
        this.folder = Files.createDirectories(folder);
    }

    /** Adds a line and prints it. */
    public void add(Figure figure) {
        figures.add(figure);
        System.out.println(line(figure));
    }

    /** Where pictures go. */
    public Path folder() {
        return folder;
    }

    /** Draws into it. */
    public Pictures pictures() {
        return new Pictures(folder);
    }

    void machine(Map<String, String> facts) {
        machine.putAll(facts);
    }

    void write(String command) throws IOException {
        StringBuilder table = new StringBuilder("`" + command + "`\n\n");
        machine.forEach(
                (name, value) -> table.append(name).append(' ').append(value).append("; "));
        table.append(
                "\n\n| case | measured | value | beside | ratio (least–most) | target |\n|---|---|---|---|---|---|\n");
        figures.forEach(f -> table.append(line(f)).append('\n'));
        Files.writeString(folder.resolve("results.md"), table);
        JsonMapper json =
                JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("command", command);
        all.put("machine", machine);
        all.put("figures", figures);
        Files.writeString(folder.resolve("results.json"), json.writeValueAsString(all));
        System.out.println(folder.resolve("results.md"));
    }

    private static String line(Figure f) {
        String beside = f.against() == null ? "" : f.against() + ": " + number(f.floor()) + " " + f.unit();
        String ratio = f.against() == null
                ? (f.lowest() == f.highest() ? "" : number(f.lowest()) + "–" + number(f.highest()) + " " + f.unit())
                : number(f.ratio()) + " (" + number(f.lowest()) + "–" + number(f.highest()) + ")";
        String target = f.target() == null ? "" : f.target() + (Boolean.TRUE.equals(f.met()) ? " met" : " **missed**");
        return "| " + String.join(" | ", f.group(), f.what(), number(f.value()) + " " + f.unit(), beside, ratio, target)
                + " |";
    }

    private static String number(double value) {
        double size = Math.abs(value);
        String pattern = size >= 100 ? "%,.0f" : size >= 10 ? "%.1f" : "%.2f";
        return String.format(Locale.ROOT, pattern, value);
    }
}
