package dev.interlock.it.docs;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.StandardLocation;
import javax.tools.ToolProvider;

/**
 * Compiles the Java of a page, block by block. A block is a piece of a class, or of a method, or the middle of a builder's chain, or goes on where the
 * block before it stopped; what one block declares the later ones may use. The rest of a reader's program is in {@link Surroundings}.
 */
final class JavaBlocks {

    private static final String IMPORTS = """
            import dev.interlock.*;
            import java.nio.file.Path;
            import java.time.*;
            import java.util.*;
            import java.util.concurrent.*;
            """;

    private final Path output;
    private final JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    private final StringBuilder members = new StringBuilder();
    private String previous = "";

    JavaBlocks(Path output) {
        this.output = output;
    }

    /** Compiles the next block of the page; what is wrong, where nothing fits. */
    Optional<String> compile(String code) throws IOException {
        if (errors(members + code).isEmpty()) {
            members.append(code).append('\n');
            previous = "";
            return Optional.empty();
        }
        List<String> wrong = new ArrayList<>();
        for (String body : List.of(
                code,
                previous + code,
                "Object result = WorkflowDefinition.builder(\"w\")" + code + ".build();",
                code + (code.contains("return ") ? "" : ".build();"))) {
            for (String type : List.of("void", "Object")) {
                String errors = errors(members + type + " block() throws Exception {\n" + body + "\n}");
                if (errors.isEmpty()) {
                    previous = code;
                    return Optional.empty();
                }
                wrong.add(errors);
            }
        }
        previous = code;
        return Optional.of(wrong.get(0));
    }

    private String errors(String classBody) throws IOException {
        DiagnosticCollector<JavaFileObject> found = new DiagnosticCollector<>();
        try (StandardJavaFileManager files = compiler.getStandardFileManager(found, Locale.ROOT, null)) {
            files.setLocationFromPaths(StandardLocation.CLASS_OUTPUT, List.of(output));
            compiler.getTask(
                            null,
                            files,
                            found,
                            List.of("-proc:none", "-classpath", System.getProperty("java.class.path")),
                            null,
                            List.of(new Source("package dev.interlock.it.docs;\n" + IMPORTS
                                    + "abstract class Page extends Surroundings {\n" + classBody + "\n}\n")))
                    .call();
        }
        return found.getDiagnostics().stream()
                .filter(diagnostic -> diagnostic.getKind() == Diagnostic.Kind.ERROR)
                .map(diagnostic -> diagnostic.getMessage(Locale.ROOT))
                .limit(3)
                .reduce("", (all, one) -> all + one + "\n");
    }

    private static final class Source extends SimpleJavaFileObject {
        private final String text;

        Source(String text) {
            super(URI.create("string:///dev/interlock/it/docs/Page.java"), Kind.SOURCE);
            this.text = text;
        }

        @Override
        public CharSequence getCharContent(boolean ignoreEncodingErrors) {
            return text;
        }
    }
}
