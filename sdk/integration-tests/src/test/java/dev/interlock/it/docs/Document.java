package dev.interlock.it.docs;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** A page of the documentation, its code blocks and the code within its lines. */
record Document(String name, String text) {

    private static final Path ROOT = Path.of("../..");
    private static final Pattern BLOCK =
            Pattern.compile("^( *)```(\\w*)\\n(.*?)^ *```", Pattern.MULTILINE | Pattern.DOTALL);
    private static final Pattern INLINE = Pattern.compile("`([^`\\n]+)`");

    /** A block of code, with the line on which it begins. */
    record Block(String language, int line, String code) {}

    /** All that users read. */
    static List<Document> all() throws IOException {
        List<Path> files = new ArrayList<>();
        try (Stream<Path> docs = Files.walk(ROOT.resolve("docs"));
                Stream<Path> root = Files.list(ROOT)) {
            Stream.concat(docs, root)
                    .filter(file -> file.toString().endsWith(".md"))
                    .sorted()
                    .forEach(files::add);
        }
        files.add(ROOT.resolve("samples/README.md"));
        files.add(ROOT.resolve("migrations/README.md"));
        List<Document> all = new ArrayList<>();
        for (Path file : files) {
            all.add(new Document(
                    ROOT.relativize(file).toString(), Files.readString(file).replace("\r\n", "\n")));
        }
        return all;
    }

    /** A file or folder that it names, from the top of the repository. */
    static boolean exists(String path) {
        return Files.exists(ROOT.resolve(path));
    }

    static String read(String path) throws IOException {
        return Files.readString(ROOT.resolve(path));
    }

    List<Block> blocks(String language) {
        List<Block> blocks = new ArrayList<>();
        Matcher matcher = BLOCK.matcher(text);
        while (matcher.find()) {
            if (matcher.group(2).equals(language)) {
                int line = (int) text.substring(0, matcher.start()).lines().count() + 1;
                blocks.add(new Block(language, line, matcher.group(3).replaceAll("(?m)^" + matcher.group(1), "")));
            }
        }
        return blocks;
    }

    /** The code within its lines. */
    List<String> inline() {
        return INLINE.matcher(BLOCK.matcher(text).replaceAll(""))
                .results()
                .map(m -> m.group(1))
                .toList();
    }

    @Override
    public String toString() {
        return name;
    }
}
